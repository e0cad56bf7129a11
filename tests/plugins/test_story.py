#!/usr/bin/env python3
"""The checker of the live tests (tests/e2e/story.py) sees what it is there for: a run's files pass
as they are, and with one fault planted in one of them, for each rule, they do not."""
import csv, io, json, os, re, shutil, sys, tempfile
from recording import *

sys.path.insert(0, os.path.join(TOP, 'tests/e2e'))
import story, story_files  # noqa: E402

EVENTS = ('function_call', 'function_return', 'function_exception', 'message_send',
          'message_receive', 'process_spawn', 'process_start', 'process_exit')
FILES = {'csv': 'trace.csv', 'lines': 'trace.jsonl', 'chrome': 'trace.json',
         'summary': 'trace.sum', 'html': 'trace.html', 'text': 'trace.txt', 'record': 'again.btf'}
SINKS = {'csv': '', 'lines': 'plugin = stdout\nformat = json\n', 'chrome': '',
         'summary': 'top = 100\n', 'html': '', 'text': 'plugin = stdout\n', 'record': ''}
QUEUE, RATE = 2, 3
work = tempfile.mkdtemp(prefix='beamtap-story-')
good = os.path.join(work, 'good')


def gap(r, since, until, reason):
    r.frame(8 | 1, [tuple_of(atom('gap'), integer(since * 1000), integer(until * 1000),
                             integer(reason), binary(b'too many'))])


def recorded():
    """Calls in calls, messages both ways, a process that is born and dies, gaps, and losses."""
    r = Recording(EVENTS)
    for n in range(3):
        began = 100 + 400 * n
        r.call(began, 1, 'buy', integer(n))
        r.send(began + 10, 1, 2, tuple_of(atom('price'), integer(n)))
        r.receive(began + 30, 2, 1, tuple_of(atom('price'), integer(n)))
        r.call(began + 40, 2, 'price', integer(n))
        r.leave(began + 90, 2, 'price', 1)
        r.send(began + 100, 2, 1, integer(n))
        r.receive(began + 120, 1, 2, integer(n))
        r.call(began + 200, 1, 'fails')
        r.leave(began + 240, 1, 'fails', 0, thrown=True)
        r.leave(began + 300, 1, 'buy', 1)
    mfa = tuple_of(atom('shop_cart'), atom('loop'), list_of())
    r.event(2100, 1, 'spawn', pid(3), mfa)
    r.event(2110, 3, 'spawned', pid(1), mfa)
    r.event(2200, 3, 'exit', atom('normal'))
    gap(r, 2300, 2800, RATE)
    r.call(2900, 1, 'buy', integer(7))
    r.frame(8, [], lost=3, why=QUEUE)
    r.call(3000, 1, 'buy', integer(8))
    r.leave(3050, 1, 'buy', 1)
    gap(r, 3100, 3400, QUEUE)
    r.call(3500, 2, 'price', integer(9))
    r.leave(3600, 2, 'price', 1)
    return r.end()


def made():
    os.mkdir(good)
    with open(good + '/in.btf', 'wb') as f:
        f.write(recorded())
    ini = '[session]\nevents = %s\n[transport:file]\npath = in.btf\n' % ', '.join(EVENTS)
    for name, more in SINKS.items():
        ini += '[sink:%s]\n%spath = %s\n' % (name, more, FILES[name])
    with open(good + '/trace.ini', 'w', encoding='utf-8') as f:
        f.write(ini)
    with open(good + '/stdout', 'wb') as out, open(good + '/stderr', 'wb') as err:
        code = subprocess.run([BEAMTAP, 'run', 'trace.ini', '--json'], cwd=good, stdout=out,
                              stderr=err).returncode
    assert code == 0, open(good + '/stderr', encoding='utf-8').read()


def check(folder, code=0):
    story.check_run([BEAMTAP, 'run', 'trace.ini', '--json'], folder, code)


# ---- Faults

def lines(edit):
    """An edit of a file's lines."""
    def whole(text):
        found = text.splitlines(True)
        edit(found)
        return ''.join(found)
    return whole


def cell(column, value, pick, number=0):
    """Of the row number so many that `pick` takes (by its cells): another value; None: no such row."""
    def whole(text):
        table = list(csv.DictReader(io.StringIO(text)))
        row = [r for r in table if pick(r)][number]
        if value is None:
            table.remove(row)
        else:
            row[column] = value(row[column]) if callable(value) else value
        out = io.StringIO()
        writer = csv.DictWriter(out, table[0].keys(), lineterminator='\n')
        writer.writeheader()
        writer.writerows(table)
        return out.getvalue()
    return whole


def is_a(event):
    return lambda row: row['event'] == event


def later(ns):
    return lambda ts: str(int(ts) + ns)


def line_of(event, edit, number=0):
    """An edit of the object of the line number so many of that event; one that gives None: no line."""
    def whole(text):
        found = [json.loads(line) for line in text.splitlines()]
        edit([e for e in found if e['event'] == event][number])
        return ''.join(json.dumps(e) + '\n' for e in found)
    return whole


def without(key):
    return lambda e: e.pop(key)


def put(**more):
    return lambda e: e.update(more)


def drawn(pick, edit, number=0):
    """An edit of the timeline's event number so many that `pick` takes: it changes that, or takes it
    out of the list."""
    def whole(text):
        trace = json.loads(text)
        events = trace['traceEvents']
        edit(events, [e for e in events if pick(e)][number])
        return json.dumps(trace)
    return whole


def named(name, ph='X'):
    return lambda e: e['ph'] == ph and e['name'] == name


def gone(events, e):
    events.remove(e)


def moved(us, key='ts'):
    return lambda events, e: e.update({key: round(e[key] + us, 3)})


def said(**more):
    return lambda events, e: e['args'].update(more)


def crossed(events, e):
    """Its end is that of the next arrow."""
    ends = [x for x in events if x['ph'] == 'f' and x['cat'] == 'message']
    one, two = ends[0], ends[2]
    for key in ('pid', 'tid', 'ts'):
        one[key], two[key] = two[key], one[key]


def elsewhere(events, e):
    e['tid'] += 1


def other(edit):
    def whole(text):
        trace = json.loads(text)
        edit(trace['otherData'])
        return json.dumps(trace)
    return whole


def page(edit):
    def whole(text):
        head, data, tail = re.match(r'(.*id="data">)(.*?)(</script>.*)', text, re.S).groups()
        told = json.loads(data)
        edit(told)
        return head + json.dumps(told) + tail
    return whole


def replaced(pattern, by):
    def whole(text):
        changed = re.sub(pattern, by, text, count=1, flags=re.M)
        assert changed != text, '%s is not in the file' % pattern
        return changed
    return whole


def swapped(found):
    found[5], found[6] = found[6], found[5]


def first_total(data):
    data['functions'][1][2] += 10000


# What it is, which files there are, in which of them, and what is done to it.
FAULTS = (
    ('rows swapped', 'csv', 'csv', lines(swapped)),
    ('a row within a gap', 'csv', 'csv', cell('ts', later(-300000), lambda r: r['message'] == '[7]')),
    ('a row dropped', 'csv', 'csv', cell('', None, is_a('function_call'))),
    ('a line dropped', 'lines', 'lines', lines(lambda found: found.pop(4))),
    ('a row dropped', 'csv lines', 'csv', cell('', None, is_a('gap'))),
    ('a gap moved', 'csv lines', 'csv', cell('ts', later(-1000), is_a('gap'))),
    ('a gap of another length', 'csv lines', 'lines', line_of('gap', put(count=500001))),
    ('a gap for another reason', 'csv lines', 'lines', line_of('gap', put(reason='queue'))),
    ('a lost row of another number', 'csv lines', 'lines', line_of('lost', put(count=4))),
    ('the peer removed', 'csv lines', 'lines', line_of('message_receive', without('peer'))),
    ('another peer', 'csv lines', 'lines', line_of('message_send', put(peer='<0.77.0>'))),
    ('another message', 'csv lines', 'lines', line_of('message_send', put(message='{price,8}'))),
    ('other arguments', 'csv lines', 'lines', line_of('function_call', put(message='[1]'))),
    ('another flow', 'csv lines', 'lines', line_of('message_receive', put(flow=99))),
    ('a flag', 'csv lines', 'lines', line_of('message_receive', put(flags=['moved']))),
    ('metadata', 'csv lines', 'lines', line_of('function_call', put(metadata='why'))),
    ('why a node went', 'csv lines', 'lines', line_of('node_down', put(reason='connection'))),
    ('a gap moved', 'csv chrome', 'chrome', drawn(named('tracing off'), moved(10))),
    ('a gap and its mark moved', 'csv chrome', 'csv', cell('ts', later(-10000), is_a('gap'))),
    ('a gap longer', 'csv chrome', 'chrome', drawn(named('tracing off'), moved(10, 'dur'))),
    ('a gap for another reason', 'csv chrome', 'chrome',
     drawn(named('tracing off'), said(reason='queue'))),
    ('a gap dropped', 'csv chrome', 'chrome', drawn(named('tracing off'), gone)),
    ('a loss dropped', 'csv chrome', 'chrome', drawn(named('events lost', 'i'), gone)),
    ('a loss moved', 'csv chrome', 'chrome', drawn(named('events lost', 'i'), moved(10))),
    ('a loss of another number', 'csv chrome', 'chrome',
     drawn(named('events lost', 'i'), said(events=4))),
    ('a loss for another reason', 'csv chrome', 'chrome',
     drawn(named('events lost', 'i'), said(reason='rate'))),
    ('another sum of losses', 'csv chrome', 'chrome', other(lambda o: o['nodes'][0].update(lost=4))),
    ('another sum of gaps', 'csv chrome', 'chrome', other(lambda o: o['nodes'][0].update(gap_ns=4))),
    ('a call longer', 'csv chrome', 'chrome', drawn(named('shop_cart:price/1'), moved(10, 'dur'))),
    ('a call moved', 'csv chrome', 'chrome', drawn(named('shop_cart:price/1'), moved(10))),
    ('a call dropped', 'csv chrome', 'chrome', drawn(named('shop_cart:price/1'), gone)),
    ('a call of another function', 'csv chrome', 'chrome',
     drawn(named('shop_cart:price/1'), lambda events, e: e.update(name='shop_cart:buy/1'))),
    ('a call in another process', 'csv chrome', 'chrome',
     drawn(named('shop_cart:price/1'), lambda events, e: e.update(tid=e['tid'] - 1))),
    ('an arrow crossed', 'csv chrome', 'chrome', drawn(named('message', 's'), crossed)),
    ('an arrow without an end', 'csv chrome', 'chrome', drawn(named('message', 'f'), gone)),
    ('an arrow from nowhere', 'csv chrome', 'chrome', drawn(named('message', 's'), moved(0.1))),
    ('a message moved', 'csv chrome', 'chrome', drawn(named('send'), moved(-10))),
    ('a message dropped', 'csv chrome', 'chrome', drawn(named('receive'), gone)),
    ('a message of another process', 'csv chrome', 'chrome', drawn(named('send'), elsewhere)),
    ('a message to another process', 'csv chrome', 'chrome', drawn(named('send'), said(to='<0.9.0>'))),
    ('another message', 'csv chrome', 'chrome', drawn(named('receive'), said(message='no'))),
    ('a spawn dropped', 'csv chrome', 'chrome', drawn(named('spawn'), gone)),
    ('another number of events', 'csv summary', 'summary', replaced(r'^\d+ events', '7 events')),
    ('another number of exceptions', 'csv summary', 'summary',
     replaced(r'\d+ exceptions', '8 exceptions')),
    ('other losses', 'csv summary', 'summary', replaced(r': 3 events;', ': 2 events;')),
    ('other keys of limits', 'csv summary', 'summary', replaced('max_queue, max_rate', 'max_queue')),
    ('no losses', 'csv summary', 'summary', replaced(r'^Lost in .*\n', '')),
    ('another time of a call', 'csv summary', 'summary',
     replaced(r'[\d.]+ us(.*shop_cart:price/1)$', r'777.0 us\1')),
    ('losses for another reason', 'csv html', 'html',
     page(lambda data: data['nodes'][0]['missing'][0].__setitem__(0, 'credit'))),
    ('a gap of another length', 'csv html', 'html',
     page(lambda data: data['gaps'][0].__setitem__(2, 7))),
    ('another time of a call', 'csv html', 'html', page(first_total)),
    ('a line dropped', 'csv text', 'text', lines(lambda found: found.pop(4))),
    ('a line dropped', 'text', 'text', lines(lambda found: found.pop(4))),
    ('a line later', 'csv text', 'text', replaced(r'^   0\.000130', '   0.000139')),
    ('a row that was not recorded', 'csv record', 'csv', cell('message', 'no', is_a('message_send'))),
    ('a slice that was not recorded', 'chrome record', 'chrome',
     drawn(named('shop_cart:price/1'), moved(10, 'dur'))),
    ('a summary of something else', 'summary record', 'summary',
     replaced(r'\d+ messages sent', '9 messages sent')),
)


def planted(present, where=None, edit=None):
    """A folder with these of the good files, one of them changed."""
    folder = tempfile.mkdtemp(dir=work)
    for name in ['trace.ini', 'stdout', 'stderr', 'in.btf'] + [FILES[n] for n in present.split()]:
        shutil.copy(os.path.join(good, name), folder)
    if where:
        path = os.path.join(folder, FILES.get(where, where))
        with open(path, encoding='utf-8', newline='') as f:
            text = f.read()
        with open(path, 'w', encoding='utf-8', newline='') as f:
            f.write(edit(text))
    return folder


def refused(folder, *code):
    try:
        check(folder, *code)
    except AssertionError as why:
        return str(why)
    return None


# ---- Tests

def good_files_pass():
    check(planted(' '.join(FILES)))
    for present in sorted({present for _, present, _, _ in FAULTS}):
        check(planted(present))


def each_fault_is_seen():
    for what, present, where, edit in FAULTS:
        why = refused(planted(present, where, edit))
        assert why is not None, '%s (in %s of %s): nothing is said' % (what, where, present)


def a_failed_run_is_looked_at():
    """Where a report says which outputs are whole; without one nobody knows."""
    fault = 'csv lines', 'lines', line_of('message_receive', without('peer'))
    assert refused(planted(*fault), 1), 'nothing is said'
    for edit in (lambda report: [s for s in report['sinks'] if s['sink'] == 'sink:lines'][0].update(failed=True),
                 lambda report: [n.update(lives=0) for n in report['nodes']]):
        folder = planted(*fault)
        with open(folder + '/stdout', encoding='utf-8') as f:
            report = json.load(f)
        edit(report)
        with open(folder + '/stdout', 'w', encoding='utf-8') as f:
            json.dump(report, f, indent=1)
        assert not refused(folder, 1), refused(folder, 1)
    folder = planted(*fault)
    os.truncate(folder + '/stdout', 0)
    assert not refused(folder, 1) and refused(folder, 0)


def what_the_report_says_stands_in_the_rows():
    rows = list(story.read_csv(good + '/trace.csv'))
    with open(good + '/stdout', encoding='utf-8') as f:
        report = json.load(f)
    node, = report['nodes']
    node.update(lost_by={'queue': 3}, gap_by={'rate': 500000, 'queue': 300000})
    story.of_report(rows, report, 0, 'good')
    for wrong in ({'lost_by': {'queue': 2}}, {'lost_by': {'rate': 3}}, {'lost_by': {}},
                  {'gap_by': {'queue': 300000}}, {'gap_by': {'rate': 9**9, 'queue': 300000}}):
        changed = dict(report, nodes=[dict(node, **wrong)])
        try:
            story.of_report(rows, changed, 0, 'wrong')
        except AssertionError:
            continue
        raise AssertionError('nothing is said of %s' % wrong)


def only_the_word_moves_a_row():
    """Of a large table too, which is looked at by its order alone."""
    for metadata, passes in (('moved', True), ('{a,b} moved', True), ('call moved scheduler=2', True),
                             ("'moved'", False), ('removed', False), ('{moved,1}', False),
                             ('tail stack=moved:f/1', False)):
        path = os.path.join(work, 'order.csv')
        with open(path, 'w', encoding='utf-8') as f:
            f.write('ts,node,event,message,metadata\n2,n@h,message_send,,\n1,n@h,message_receive,,"%s"\n' % metadata)
        try:
            story.in_order(story.order_of_csv(path), 'the table', 0)
            passed = True
        except AssertionError:
            passed = False
        assert passed == passes, metadata


def returns_by_pattern():
    """Whose calls have a length, where patterns say `-> return`."""
    rows = list(story.read_csv(good + '/trace.csv'))
    line = story.Timeline(good + '/trace.json')
    asks = story_files.settings('[filter:match_spec]\ntrace = shop_cart:price(_) -> return, caller\n'
                                "spec = shop_cart:buy/1 [{'_',[],[{return_trace}]}]\n"
                                'trace = shop_cart:fails() -> exception\n', ())
    whose = story_files.whose_returns(asks)
    story.of_timeline(rows, line, 'good', whose)
    slow = [s for s in line.calls if s.name == 'shop_cart:price/1'][0]
    line.calls[line.calls.index(slow)] = slow._replace(dur=slow.dur + 10000)
    try:
        story.of_timeline(rows, line, 'wrong', whose)
    except AssertionError as why:
        assert 'shop_cart.price/1' in str(why), why
    else:
        raise AssertionError('nothing is said')
    for text, module, function, arity, holds in (
            ('m:f(_) -> return', 'm', 'f', 1, True), ('m:f(_) -> return', 'm', 'f', 2, False),
            ('m:f({a,b}, "c,)") -> return', 'm', 'f', 2, True), ('m:f() -> return', 'm', 'f', 0, True),
            ('m:f/3 -> exception', 'm', 'f', 3, True), ('m_* -> return', 'm_x', 'g', 4, True),
            ('m:f(X, _) when X > 3 -> return', 'm', 'f', 2, True), ('m:f(_)', 'm', 'f', 1, False),
            ('m:f(_) -> caller', 'm', 'f', 1, False), ("'m m':'f f'(_) -> return", 'm m', 'f f', 1, True),
            ('Shop.Cart.add/2 -> return', 'Elixir.Shop.Cart', 'add', 2, True),
            ('Shop.Cart.add(_, %{a: 1}) -> return', 'Elixir.Shop.Cart', 'add', 2, True),
            ('Shop.Cart -> return', 'Elixir.Shop.Cart', 'add', 2, True),
            (':lists.map(_, a) -> return', 'lists', 'map', 2, True)):
        whose = story_files.whose_returns({'session': {}, 'filter:match_spec': {'trace': text}})
        assert bool(whose and whose((module, function, arity))) == holds, text


def outputs_of_the_command_line():
    """-o by its ending, several of one kind, and standard output."""
    folder = tempfile.mkdtemp(dir=work)
    for name in ('a.csv', 'b.json.gz', 'c.csv', 'd.jsonl', 'stdout'):
        open(os.path.join(folder, name), 'w').close()
    line = [BEAMTAP, 'export', 'in.btf', '--sink', 'csv:path=a.csv,columns=ts,node', '-o', 'b.json.gz',
            '-o', 'c.csv', '-o', 'd.jsonl', '--sink=stdout:format=json', '-o', 'e.folded']
    found = story_files.outputs(story_files.configuration(line, folder), folder, True)
    assert {(o.name, o.plugin, os.path.basename(o.path)) for o in found} == {
        ('csv', 'csv', 'a.csv'), ('chrome', 'chrome', 'b.json.gz'), ('csv_2', 'csv', 'c.csv'),
        ('stdout', 'stdout', 'stdout'), ('stdout_2', 'stdout', 'd.jsonl')}, found
    assert not [o for o in story_files.outputs(story_files.configuration(line, folder), folder)
                if o.path.endswith('stdout')]
    asked = [BEAMTAP, 'trace', 'a@b', 'Shop.Cart.add/2 -> return', '-o', 'a.csv']
    config = story_files.configuration(asked, folder)
    [output] = story_files.outputs(config, folder)
    assert output.syntax() == 'elixir' and story_files.whose_returns(config)(('Elixir.Shop.Cart', 'add', 2))


made()
failed = tests('test_story', (good_files_pass, each_fault_is_seen, a_failed_run_is_looked_at,
                              what_the_report_says_stands_in_the_rows, only_the_word_moves_a_row,
                              returns_by_pattern, outputs_of_the_command_line))
shutil.rmtree(work)
sys.exit(failed > 0)

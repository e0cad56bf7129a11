"""Pages of the html sink in a headless Chromium: nothing fails, nothing is fetched, nothing is wider than a phone, and the
numbers on it are those of the csv and the summary of the same run.

With BEAMTAP_SHOTS=FOLDER the pictures are left there, to be looked at: every view, wide and on a phone, light and dark.
"""
import collections, json, os, re, subprocess, sys, tempfile
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'e2e'), os.path.join(HERE, '..', 'plugins')]
from lib import *
from lib import rows as rows_of
import recording, story, viewer

SHOTS = os.environ.get('BEAMTAP_SHOTS')
UNITS = {'ns': 1, 'µs': 1e3, 'ms': 1e6, 's': 1e9}
jobs, judges = [], []


def view(run, name, judge, **more):
    jobs.append({'file': run.path('trace.html'), 'shots': SHOTS and os.path.join(SHOTS, 'page-' + name), **more})
    judges.append((name, judge))


def near(shown, want, what, off=0.006):
    """A time as the page writes it, to three digits."""
    number, unit = shown.split()
    assert abs(float(number) * UNITS[unit] - want) <= max(off * want, 1), (what, shown, want)


def number(text):
    return 0 if text == '–' else int(text.replace(',', ''))


def as_dicts(table):
    return [dict(zip(table['head'], row)) for row in table['rows']]


def judge_any(seen):
    assert seen['errors'] == [] and seen['requests'] == [] and seen['too_wide'] == [], seen
    assert seen['scripts'] == 2 and seen['marked'] == 'undefined', (seen['scripts'], seen['marked'])
    assert all(seen['tables'][v] for v in ('overview', 'processes')), seen['tables'].keys()


DEMO = """[session]
nodes = %s
events = function_call, function_return, function_exception, message_send, message_receive, process_spawn, process_start, process_exit
duration = 1500ms
[filter:modules]
modules = shop_customer, shop_cart, shop_till, shop_stock
[filter:pids]
pids = tree:shop_door, shop_till, shop_stock
[sink:html]
path = trace.html
[sink:csv]
path = trace.csv
[sink:summary]
path = summary.txt
top = 100
"""


def demo():
    """The demo shop: every figure against the rows of the csv, and the functions' against the summary too."""
    compile_erlang(*[os.path.join(TOP, 'config/demo', f) for f in sorted(os.listdir(TOP + '/config/demo')) if f.endswith('.erl')])
    node = Node()
    node('demo:start()')
    run = Run(DEMO % node.name, '--json').ended(0)
    node.stop()
    rows, summary = rows_of(run), run.read('summary.txt')
    calls = story.Calls(list(story.read_csv(run.path('trace.csv'))))

    def judge(seen):
        judge_any(seen)
        count = collections.Counter(r['event'] for r in rows)
        assert seen['title'] == 'beamtap: ' + node.name, seen['title']
        assert [number(seen['tiles'][k]) for k in ('events', 'calls', 'messages sent', 'exceptions')] == [
            sum(n for e, n in count.items() if e not in story.CONTROL), count['function_call'], count['message_send'], calls.exceptions], seen['tiles']
        assert int(re.search(r'Slowest gen_server calls, of (\d+)', summary)[1]) == number(seen['tiles']['gen_server calls']) > 20
        functions_are_the_same(as_dicts(seen['tables']['functions'][0]), calls, summary)
        messages_are_the_same(seen, rows)
        servers, slow = map(as_dicts, seen['tables']['servers'])
        assert {s['server'].split(' ')[0] for s in servers} == {'shop_till', 'shop_stock'}, servers
        assert sum(number(s['calls']) for s in servers) == number(seen['tiles']['gen_server calls']), servers
        first = re.search(r'Slowest gen_server calls.*\n.*\n *([\d.]+) (us|ms|s) ', summary)
        near(slow[0]['took'], float(first[1]) * story.UNITS[first[2]], 'the slowest call', 0.02)
        exits, raised, processes = map(as_dicts, seen['tables']['processes'])
        assert {e['reason']: number(e['how often']) for e in exits} == collections.Counter(
            r['message'] for r in rows if r['event'] == 'process_exit'), exits
        assert sum(number(e['how often']) for e in raised) == calls.exceptions, raised
        events = collections.Counter(r['pid'] for r in rows if r['pid'])
        assert {p['process'].split(' ')[-1]: number(p['events']) for p in processes if number(p['events'])} == events, processes[:3]
        assert {'shop_till:handle_call/3', 'shop_customer:visit/1'} <= set(seen['boxes']), seen['boxes']
        assert any('shop_till' in a and 'paid' in a for a in seen['sequence']), seen['sequence'][:5]
        assert seen['keys'] == {'view': 'functions', 'opened': True, 'box': seen['keys']['box'], 'zoomed': 2, 'back': 1, 'moved': True,
                                'theme': 'dark'} and seen['keys']['box'] in seen['boxes'], seen['keys']
        found = seen['found']
        assert found['view'] == 'functions' and [r[0] for r in found['tables'][0]['rows']] == ['shop_cart:price/1'], found
        assert seen['left_out'] == [] and len(seen['findings']) >= 5, (seen['left_out'], seen['findings'])
    view(run, 'demo', judge, keys=True, find='cart:price')


def functions_are_the_same(shown, calls, summary):
    assert {f['function'] for f in shown} == {'%s:%s/%d' % n for n in map(quoted, calls.count)}, shown
    by = {'%s:%s/%d' % quoted(n): n for n in calls.count}
    for f in shown:
        name = by[f['function']]
        assert number(f['calls']) == calls.count[name], (f, calls.count[name])
        near(f['own'], calls.own[name], f)
        near(f['total'], calls.total[name], f)
        lengths = sorted(calls.every[name])
        for key, percent in (('p50', 50), ('p95', 95), ('p99', 99)):
            near(f[key], lengths[-(-len(lengths) * percent // 100) - 1], (key, f), 0.025)
        near(f['max'], lengths[-1], f)
        line = re.search(r'^ *(\d+) .* %s$' % re.escape(f['function']), summary, re.M)
        assert line and int(line[1]) == number(f['calls']), (f, line)


def quoted(name):
    """A function's name as Erlang writes it."""
    atom = lambda text: text if re.fullmatch(r'[a-z]\w*', text) else "'%s'" % text
    return atom(name[0]), atom(name[1]), name[2]


def messages_are_the_same(seen, rows):
    pairs = collections.Counter()
    called = {r['pid']: r['process'] for r in as_dicts(seen['tables']['processes'][2]) for r in [dict(r, pid=r['process'].split(' ')[-1])]}
    title = lambda end: called[end].rsplit(' ', 1)[0] if end in called else end  # a registered name is called just that
    takers = {r['flow']: r['pid'] for r in rows if r['event'] == 'message_receive' and r['flow']}
    for r in rows:
        if r['event'] == 'message_send':  # to an alias: who took it tells who that is
            pairs[title(r['pid']), title(takers[r['flow']] if r['peer'].startswith('#Ref') else r['peer'])] += 1
    shown = {(r['from'], r['to']): number(r['messages']) for r in as_dicts(seen['tables']['messages'][0])}
    assert shown == pairs and len(seen['bands']) == len(pairs), (shown, pairs)


LIMITED = """[session]
nodes = %s
events = function_call, function_return
duration = 0
max_rate = 2k
[filter:modules]
modules = e2e_work
[filter:pids]
pids = new
[sink:html]
path = trace.html
[sink:csv]
path = trace.csv
"""


def limited():
    """What is missing is told with the key that raises the limit."""
    node = Node()
    run = Run(LIMITED % node.name, '--json')
    node.traced()
    for _ in range(6):
        node('e2e_work:run(20, 40, 20)')
    run.interrupt()
    assert run.code == 0, run.err()
    node.stop()
    [figures] = run.summary()['nodes']
    rows = rows_of(run)

    def judge(seen):
        judge_any(seen)
        [row] = as_dicts(seen['tables']['overview'][0])
        assert number(row['events']) == sum(r['event'] not in story.CONTROL for r in rows), row
        assert number(row['lost']) == figures['lost'] and seen['tiles']['lost events'] == row['lost'], (row, figures)
        assert figures['gap_ns'] > 0 and 'max_rate' in figures['limited_by'], figures
        near(row['not traced'], figures['gap_ns'], row)
        assert '(rate): raise max_rate in [session]' in row['what is missing, and why'], row
    view(run, 'limited', judge)


HOSTILE = """[session]
nodes = %s
events = function_call, function_return, message_send, message_receive, process_exit, process_register
duration = 0
mailbox = 20ms
[filter:modules]
modules = *beamtapHostile*
[filter:pids]
pids = new, e2e_hostile
[sink:html]
path = trace.html
[sink:chrome]
path = trace.json
[sink:csv]
path = trace.csv
"""
# A module and a process with such a name; 60 messages wait in its mailbox until it looks.
HOSTILE_CODE = r"""fun() ->
  Evil = list_to_atom("</script><script>window.beamtapHostile=1</script><img src=x onerror=alert(1)>\"'\\ \x{1}\x{202e}"),
  Module = list_to_atom("</script><script>window.beamtapHostile=1</script><img src=x onerror=alert(1)>"),
  Calls = [{attribute, 1, module, Module}, {attribute, 1, export, [{Evil, 1}]},
    {function, 1, Evil, 1, [{clause, 1, [{var, 1, 'X'}], [], [{tuple, 1, [{atom, 1, Evil}, {var, 1, 'X'}]}]}]}],
  {ok, Module, Beam} = compile:forms(Calls),
  {module, Module} = code:load_binary(Module, "hostile", Beam),
  register(e2e_hostile, spawn(fun() -> receive go -> ok end, Self = self(),
    Server = spawn(fun() -> register(Evil, self()), Self ! there, receive {look, From} -> ok end,
      [receive {Evil, N} -> Module:Evil(N) end || N <- lists:seq(1, 60)], From ! seen, exit({Evil, "</script>"}) end),
    receive there -> ok end,
    [Evil ! {Evil, N} || N <- lists:seq(1, 60)],
    receive look -> Server ! {look, self()} end,
    receive seen -> ok end end)), ok end()"""


def hostile():
    """Names that would end the script, turn the text around, or are no text at all."""
    node = Node()
    node(' '.join(HOSTILE_CODE.split('\n')))
    run = Run(HOSTILE % node.name, '--json')
    node.traced()
    node('e2e_hostile ! go')
    wait_for(lambda: 'mailbox ' in run.read('trace.json'), 'a sample of the mailbox')
    node('e2e_hostile ! look')
    wait_for(lambda: node('whereis(e2e_hostile)') == 'undefined', 'the end of the hostile process')
    run.interrupt()
    assert run.code == 0, run.err()
    node.stop()

    def judge(seen):
        judge_any(seen)
        [function] = as_dicts(seen['tables']['functions'][0])
        assert '</script><script>window.beamtapHostile=1</script><img src=x' in function['function'], function
        assert '\\001\\x202e' in function['function'] and number(function['calls']) == 60, function
        exits = as_dicts(seen['tables']['processes'][0])
        assert any('</script>' in e['reason'] for e in exits), exits
        assert any('<img src=x' in b for b in seen['bands']) and any('<img src=x' in m for m in seen['sequence']), (seen['bands'], seen['sequence'][:3])
        assert any(re.search(r'(60|61) messages', m) for m in seen['mailboxes']), seen['mailboxes']
    view(run, 'hostile', judge)


def empty():
    """A run in which nothing happened."""
    node = Node()
    run = Run(LIMITED % node.name, '--json')
    node.traced()
    run.interrupt()
    assert run.code == 0, run.err()
    node.stop()

    def judge(seen):
        judge_any(seen)
        assert seen['tiles']['events'] == '0' and seen['findings'] == [], seen['tiles']
    view(run, 'empty', judge)


PROFILE = """[session]
nodes = %s
counters = calls, time
duration = 0
[filter:modules]
modules = e2e_counted
[sink:html]
path = trace.html
[sink:stdout]
format = json
path = out.jsonl
"""


def profile():
    """By function and by process what the rows say; nothing speaks of events, for there are none."""
    compile_erlang('e2e_profile.erl', 'e2e_counted.erl')
    node = Node()
    node('e2e_profile:start([w1, w2])')
    run = Run(PROFILE % node.name, '--json')
    wait_for(lambda: run.process.poll() is not None or node('e2e_profile:waits()') == 'true', 'the reader of the counters')
    for worker, n in (('w1', 40), ('w2', 300)):
        node('e2e_profile:work(%s, %d)' % (worker, n))
    run.interrupt()
    assert run.code == 0, run.err()
    node.stop()
    sums = collections.defaultdict(collections.Counter), collections.defaultdict(collections.Counter)
    for e in json_rows(run.read('out.jsonl')):
        for where, key in zip(sums, ('%s:%s/%d' % (e['module'], e['function'], e['arity']), e['pid'])):
            where[key].update(calls=e['calls'], ns=e['time_ns'])
    assert len(sums[0]) == 4 and len(sums[1]) == 2, sums

    def judge(seen):
        judge_any(dict(seen, tables=dict(seen['tables'], processes=['no event tells of one'])))
        for table, rows in zip(map(as_dicts, seen['tables']['functions']), sums):
            assert list(table[0])[1:] == ['calls', 'time', 'a call', 'share'], table[0]
            label = lambda row: (row.get('function') or row['process']).split(' ')[-1]
            assert {label(row) for row in table} == set(rows), (table, rows)
            for row in table:
                want, every = rows[label(row)], sum(w['ns'] for w in rows.values())
                assert number(row['calls']) == want['calls'], (row, want)
                near(row['time'], want['ns'], row)
                near(row['a call'], want['ns'] / want['calls'], row)
                assert abs(float(row['share'].split(' ')[0]) - 100 * want['ns'] / every) <= 0.6, (row, want, every)
            times = [rows[label(row)]['ns'] for row in table]
            assert times == sorted(times, reverse=True), table
        assert [r['process'].split(' ')[0] for r in as_dicts(seen['tables']['functions'][1])] in (['w1', 'w2'], ['w2', 'w1']), seen['tables']['functions']
        assert number(seen['tiles']['counted calls']) == 340 * 6 and 'messages sent' not in seen['tiles'], seen['tiles']
        found = as_dicts(seen['found']['tables'][0])
        assert seen['found']['view'] == 'functions' and [r['function'] for r in found] == ['e2e_counted:two/2'], seen['found']
    view(run, 'profile', judge, find='two/2')


def profiles_of_more_and_less():
    """Of recordings that are known: with memory, and where calls alone were counted, of all processes together."""
    price, add = ['shop_cart:price/1', '5', '1.50 ms', '300 µs', '0 B', '68 %'], ['shop_cart:add/2', '40', '700 µs', '17.5 µs', '10.0 kB', '32 %']
    second, first = ['<0.2.0>', '15', '1.60 ms', '107 µs', '800 B', '73 %'], ['<0.1.0>', '30', '600 µs', '20.0 µs', '9.2 kB', '27 %']
    figures = ['calls', 'time', 'a call', 'memory', 'share']
    for name, data, tables in (('memory', recording.profile(), [{'head': ['function', *figures], 'rows': [price, add]},
                                                                {'head': ['process', *figures], 'rows': [second, first]}]),
                               ('calls', recording.profile(timed=False, memory=False),
                                [{'head': ['function', 'calls', 'share'], 'rows': [['shop_cart:add/2', '40', '89 %'], ['shop_cart:price/1', '5', '11 %']]}])):
        path = os.path.join(tempfile.mkdtemp(dir=work), 'profile.btf')
        with open(path, 'wb') as f:
            f.write(data)
        run = Run(None, path, '-o', 'trace.html', '--quiet', command='export').ended(0)

        def judge(seen, tables=tables):
            judge_any(dict(seen, tables=dict(seen['tables'], processes=['no event tells of one'])))
            assert seen['tables']['functions'] == tables, seen['tables']['functions']
            assert seen['tiles'].get('processes', '0') == str(len(tables) * 2 - 2) and seen['left_out'] == [], seen
        view(run, 'profile-' + name, judge)


def marked():
    """Where a window begins and ends: on the first view in words, in the picture over time, and one row leads to the timeline."""
    r = recording.Recording(['function_call', 'function_return'])
    for n in range(100):
        r.call(n * 1000, 1, 'a', recording.integer(n))
        r.leave(n * 1000 + 300, 1, 'a', 1)
    path = os.path.join(tempfile.mkdtemp(dir=work), 'marked.btf')
    with open(path, 'wb') as f:
        f.write(r.end())
    run = Run(None, path, '-o', 'trace.html', '--quiet', '--set', 'session.start_on=shop_cart:a(20)', '--set', 'session.keep=5ms',
              '--set', 'session.stop_on=shop_cart:a(60)', command='export').ended(0)

    def judge(seen):
        judge_any(seen)
        rows = as_dicts(seen['tables']['overview'][0])
        assert [(m['when'], m['what'], m['process']) for m in rows] == [('0.005000 s', 'start_on: shop_cart:a(20)', '<0.1.0>'),
                                                                        ('0.045000 s', 'stop_on: shop_cart:a(60)', '<0.1.0>')], rows
        assert [round(x) for x in seen['rate_marks']] == [109, 978], seen['rate_marks']  # of 46 ms
    view(run, 'marked', judge)


def opened_in_a_browser():
    done = subprocess.run(['node', os.path.join(HERE, 'page.mjs'), viewer.FOLDER], input=json.dumps(jobs).encode(),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr.decode()[-1500:]
    wrong = []
    for (name, judge), seen in zip(judges, json.loads(done.stdout), strict=True):
        try:
            judge(seen)
        except AssertionError as why:
            wrong.append('%s: %s' % (name, str(why)[:900]))
    assert not wrong and len(judges) == 8, wrong or judges


why = viewer.why_not()
if why:
    print('# skipped: ' + why)
    sys.exit(0)
tests(demo, limited, hostile, empty, profile, profiles_of_more_and_less, marked, opened_in_a_browser)

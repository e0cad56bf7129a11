"""What a run wrote, checked as a whole: lib.Run does it for every run that ended well.

Each output by itself: it can be read to its end, the rows of a node are in the order of time, no row stands in a gap, and there are
as many as the report says were written. Outputs of one run that took the same events: they tell the same story. csv and JSON lines
row by row; the timeline and the summary by what they make of the rows: how many of each kind, the gaps and losses, which calls
there were and how long they took.
"""
import collections, itertools, json, os, re, subprocess, tempfile
from story_files import *

LARGE = 48 << 20  # bytes: what is larger is not compared
MANY = 400000  # rows of a table that stands alone, or is larger, that are looked at
PARTS = ('term', 'code')  # the reasons of a gap of some functions, or of arguments and messages alone (tap_event_is_part_gap)


# ---- A table by itself

def is_gap(row):
    return row.event == 'gap' and row.reason not in PARTS


def in_order(rows, what, late):
    """Of each node: no row before the one in front of it, and none that was traced inside a gap. `rows`: see of_order; `late`: so many
    came too late for their place, as the run says. What was moved behind its cause, on another node, is where that is. How many of
    the rows are events."""
    last, until, behind, worst, counted = {}, {}, 0, '', 0
    for n, (ts, node, event, count, reason, moved) in enumerate(rows):
        before = last.get(node, 0)
        counted += event not in CONTROL
        if moved:
            continue
        if ts < before:
            behind += 1
            worst = worst or '%s: row %d (%s) is %d ns before one in front of it' % (what, n, event, before - ts)
        elif event in CONTROL:
            last[node] = ts
            if event == 'gap' and reason not in PARTS:
                until[node] = ts + count
        else:
            last[node] = ts
            ends = until.get(node, 0)
            assert ts >= ends, '%s: row %d (%s) is %d ns before the end of its gap' % (what, n, event, ends - ts)
    assert behind <= late, '%s; %d rows are, and the run says that %d came too late' % (worst, behind, late)
    return counted


def kinds(rows):
    return collections.Counter(row.event for row in rows if row.event not in CONTROL)


# ---- What the rows make of calls

class Calls:
    """Of each function: how many calls, the times that they took (total and own), and the length of each call that ended. Own time
    is without that of calls within, and without what was waited: by schedule_in and schedule_out, else from the last event of the
    process to a receive of a message that was not there before."""

    def __init__(self, rows):
        self.count, self.total, self.own = collections.Counter(), collections.Counter(), collections.Counter()
        self.lengths = collections.defaultdict(list)
        self.stacks, self.open = collections.defaultdict(list), collections.Counter()
        self.every = collections.defaultdict(list)  # lengths, of those that an exception left too
        self.exceptions = 0  # each once: it is told for every frame that it goes through
        self.unwinding, self.last, self.out, self.sent, self.scheduled = {}, {}, {}, {}, False
        for row in rows:
            if row.event == 'lost' or row.event == 'node_down' or is_gap(row):
                for seen in (self.unwinding, self.last, self.out):
                    for key in [key for key in seen if key[0] == row.node]:
                        del seen[key]
            elif row.event not in CONTROL:
                self.waiting(row, (row.node, row.pid))
            if row.event in ('lost', 'node_down') or is_gap(row):  # what was open may have ended unseen
                for key in [key for key in self.stacks if key[0] == row.node]:
                    self.clear(key)
            elif row.event in ('function_call', 'function_return', 'function_exception', 'process_exit', 'process_start'):
                getattr(self, row.event)(row, (row.node, row.pid))

    def waiting(self, row, key):
        if row.flow and row.event == 'message_send':
            self.sent[row.flow] = row.ts
        if row.event == 'schedule_out':
            self.scheduled, self.out[key] = True, row.ts
        elif row.event == 'schedule_in':
            self.scheduled = True
            self.waited(key, self.out.pop(key, row.ts), row.ts)
        elif row.event == 'message_receive':
            last, sent = self.last.get(key), self.sent.pop(row.flow, 0) if row.flow else 0
            if last and not self.scheduled:
                self.waited(key, last, min(sent or row.ts, row.ts))
        self.last[key] = row.ts

    def waited(self, key, start, end):
        if self.stacks[key]:
            self.stacks[key][-1][2] += max(0, end - max(start, self.stacks[key][-1][1]))

    def function_call(self, row, key):
        name = (row.module, row.function, row.arity)
        self.count[name] += 1
        self.unwinding.pop(key, None)
        stack = self.stacks[key]
        if 'tail' in row.flags and stack:
            return
        stack.append([name, row.ts, 0])
        self.open[key, name] += 1

    def clear(self, key):
        for seen in (self.unwinding, self.last, self.out):
            seen.pop(key, None)
        for frame in self.stacks.pop(key, []):
            self.open[key, frame[0]] -= 1

    def pop(self, key, ts, ended):
        stack = self.stacks[key]
        name, began, inner = stack.pop()
        length = ts - began
        self.own[name] += max(0, length - inner)
        self.every[name].append(length)
        self.open[key, name] -= 1
        if not self.open[key, name]:
            self.total[name] += length
        if stack:
            stack[-1][2] += length
        if ended:
            self.lengths[name].append(length)

    def function_return(self, row, key):
        name = (row.module, row.function, row.arity)
        if 'tail' in row.flags:
            return
        if row.event == 'function_exception':
            self.exceptions += self.unwinding.get(key) != row.reason
            self.unwinding[key] = row.reason
        else:
            self.unwinding.pop(key, None)
        if not self.open[key, name]:
            return
        while self.stacks[key][-1][0] != name:
            self.pop(key, row.ts, False)
        self.pop(key, row.ts, True)

    function_exception = function_return

    def process_exit(self, row, key):
        self.clear(key)

    process_start = process_exit


_last = (None, None)


def calls_of(rows):
    """Worked out once for all outputs that are held against these rows."""
    global _last
    if _last[0] is not rows:
        _last = rows, Calls(rows)
    return _last[1]


# ---- The timeline

class Timeline:
    def __init__(self, path):
        with opened(path) as f:
            text = f.read()
        whole = json.loads(text)
        self.other = whole['otherData'] if isinstance(whole, dict) else None
        self.events = whole['traceEvents'] if isinstance(whole, dict) else whole
        self.lengths, self.calls = collections.defaultdict(list), collections.Counter()
        self.messages, self.gaps, self.lost, self.collapsed, self.deep = collections.Counter(), [], [], 0, 0
        self.loops = set()  # functions with turns that have no slice of their own
        last = {}
        for e in self.events:
            if e['ph'] in 'XBi':
                self.see(e, last)

    def see(self, e, last):
        args = e.get('args', {})
        self.collapsed += args.get('collapsed_calls', 0)
        self.deep += args.get('calls_too_deep', 0)
        if e['ph'] == 'X':
            assert e['dur'] > 0, 'a slice of no length: %s' % e
        if e.get('cat') == 'call':
            self.calls[e['name']] += 1
            if 'collapsed_calls' in args:
                self.loops.add(e['name'])
            if e['ph'] == 'X' and 'end' not in args:
                self.lengths[e['name']].append(round(e['dur'] * 1000))
        elif e.get('cat') == 'message' and e['ph'] == 'X':
            self.messages[e['name']] += 1
        elif e['ph'] == 'i' and e['name'] == 'events lost':
            self.lost.append((e['pid'], args['events'], args.get('reason')))
        elif e['ph'] == 'X' and e['name'] == 'tracing off':
            self.gaps.append((e['pid'], round(e['dur'] * 1000), args.get('reason')))


# ---- The same story

def plain(label):
    """A function's name however it is quoted: Erlang's, Elixir's, bare."""
    return re.sub(r"['\\]|^'?Elixir\.", '', label).replace(':', '.')


def by_label(figures, empty):
    found = collections.defaultdict(empty)
    for name, figure in figures.items():
        found[plain('%s:%s/%d' % name)] += figure
    return found


def near(one, two, what):
    """Lengths in ns, as far as a track lets them: what begins or ends there at one time is moved by some ns."""
    assert len(one) == len(two), '%s: %d calls with a length in the table, %d in the timeline' % (what, len(one), len(two))
    for a, b in zip(sorted(one), sorted(two)):
        assert abs(a - b) < 5000, '%s: %d ns in the table, %d ns in the timeline' % (what, a, b)


def of_timeline(rows, line, what, timed):
    """What the rows and a timeline both say. `timed`: the returns of all functions were asked for."""
    count = kinds(rows)
    gaps = collections.Counter((r.count, r.reason) for r in rows if is_gap(r))
    assert sum(gaps.values()) == len(line.gaps), '%s: %d gaps, %d in the table' % (what, len(line.gaps), sum(gaps.values()))
    assert sorted(r.count for r in rows if r.event == 'lost') == sorted(n for _, n, _ in line.lost), (what, line.lost)
    for name, event, flag in (('send', 'message_send', 'nonexisting'), ('receive', 'message_receive', 'timeout')):
        drawn = sum(n for title, n in line.messages.items() if title.startswith(name))
        assert drawn == count[event], '%s: %d of %s, %d in the table' % (what, drawn, event, count[event])
    drawn = sum(line.calls.values()) + line.collapsed + line.deep
    assert drawn == count['function_call'], '%s: %d calls (%d collapsed, %d too deep), %d in the table' % (
        what, drawn, line.collapsed, line.deep, count['function_call'])
    if timed and not line.deep:
        lengths = by_label(calls_of(rows).lengths, list)
        for name in line.lengths.keys() - line.loops:
            drawn = line.lengths[name]
            near(lengths[plain(name)], drawn, '%s: %s' % (what, name))


UNITS = {'us': 1000, 'ms': 1000000, 's': 1000000000}


def of_summary(rows, text, what, timed):
    """What the rows and a summary both say."""
    count = kinds(rows)
    first = re.match(r'(\d+) events in ([\d.]+) s: (\d+) calls, (\d+) exceptions, (\d+) messages sent, (\d+) received, '
                     r'(\d+) processes begun, (\d+) ended\n', text)
    calls = calls_of(rows)
    profile = re.match(r'(\d+) calls of (\d+) functions.*, as the VM counted\n', text)
    if profile:
        functions = {(r.module, r.function, r.arity) for r in rows if r.event == 'function_counters'}
        assert int(profile[2]) == len(functions), '%s: %s functions, in the table %d' % (what, profile[2], len(functions))
    else:
        assert first, text[:200]
        told = [int(first[1])] + [int(n) for n in first.groups()[2:]]
        here = [sum(count.values()), count['function_call'], calls.exceptions, count['message_send'], count['message_receive'],
                count['process_start'], count['process_exit']]
        assert told == here, '%s: %s, in the table %s' % (what, told, here)
    lost, off = collections.Counter(), collections.Counter()
    for r in rows:
        lost[r.node] += r.count if r.event == 'lost' else 0
        off[r.node] += r.count if is_gap(r) else 0
    told = {n: (int(events), seconds) for n, events, seconds in
            re.findall(r'^Lost in (\S+): (\d+) events; not traced for ([\d.]+) s', text, re.M)}
    for node in lost:
        events, seconds = told.get(node, (0, '0.000'))
        assert events == lost[node] and abs(float(seconds) - off[node] / 1e9) < 0.0011, (what, node, told, lost, off)
    if not timed or profile:
        return
    number, total, own = (by_label(figures, int) for figures in (calls.count, calls.total, calls.own))
    every = by_label(calls.every, list)
    for line in re.findall(r'^ *(\d+)((?: +[\d.]+ (?:us|ms|s)){6})  (\S.*)$', text, re.M):
        name, shown = plain(line[2]), re.findall(r'([\d.]+) (us|ms|s)', line[1])
        assert int(line[0]) == number[name], '%s: %s calls of %s, %d in the table' % (what, line[0], name, number[name])
        lengths = sorted(every[name])
        here = [total[name], own[name]] + [lengths[-(-len(lengths) * p // 100) - 1] for p in (50, 95, 99, 100)]
        for n, ((number_shown, unit), want) in enumerate(zip(shown, here)):
            off_by = abs(float(number_shown) * UNITS[unit] - want)
            most = 0.051 * UNITS[unit] + (want / 50 if 2 <= n <= 4 else 0)  # percentiles are of steps
            assert off_by <= most, '%s: %s has %s %s as its time number %d, in the table %d ns' % (
                what, name, number_shown, unit, n, want)


def of_page(rows, text, what, timed):
    """What the rows and a page both say."""
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.S)[1])
    calls, count = calls_of(rows), {kind: n for kind, n in kinds(rows).items() if n}
    assert data['kinds'] == count and data['events'] == sum(count.values()), (what, data['kinds'], count)
    assert data['raised'] == calls.exceptions, '%s: %d exceptions, %d in the table' % (what, data['raised'], calls.exceptions)
    lost, off = collections.Counter(), collections.Counter()
    for r in rows:
        lost[r.node] += r.count if r.event == 'lost' else 0
        off[r.node] += r.count if is_gap(r) else 0
    for node in data['nodes']:
        name = node['name']
        assert (node['lost'], node['gap']) == (lost[name], off[name]), '%s: %s, in the table %d and %d' % (what, node, lost[name], off[name])
    sent = sum(r[2] for r in data['pairs']) + data['pair_messages_left'] + data['left_out']['pairs']
    assert sent <= count.get('message_send', 0), '%s: %d messages of pairs, %s in the table' % (what, sent, count)
    number, total, own, every = (by_label(f, list if f is calls.every else int) for f in (calls.count, calls.total, calls.own, calls.every))
    shown = collections.defaultdict(lambda: [0] * 5)
    for f in data['functions'][1:]:
        row = shown[plain(f[0])]
        row[:] = [row[0] + f[1], row[1] + f[2], row[2] + f[3], row[3] + f[6], max(row[4], f[10])]
    assert data['function_count'] + 1 > len(data['functions']) or {n: r[0] for n, r in shown.items()} == number, (what, shown, number)
    for name, (n, *rest) in shown.items() if timed else ():
        here = [total[name], own[name], len(every[name]), max(every[name], default=0)]
        assert rest == here, '%s: %s has total, own, times and longest %s, in the table %s' % (what, name, rest, here)


def same_rows(one, two, what):
    """csv and JSON lines, row by row."""
    assert len(one) == len(two), '%s: %d and %d rows' % (what, len(one), len(two))
    for n, (a, b) in enumerate(zip(one, two)):
        assert a[:7] == b[:7] and a[8:] == b[8:], '%s: row %d is %s and %s' % (what, n, a, b)


def complete(output):
    """A table with all that is compared here."""
    return output.plugin == 'stdout' or not output.options.get('columns')


def tables(found, written, late):
    """The csv and JSON line outputs with their rows, each right by itself."""
    for output in found:
        if output.plugin == 'csv' and (len(found) == 1 or os.path.getsize(output.path) > LARGE):
            counted = in_order(itertools.islice(order_of_csv(output.path), MANY), output, late)
            whole = counted < MANY - 1000
        elif output.plugin == 'csv' or output.plugin == 'stdout' and output.options.get('format') == 'json':
            rows = list(read_csv(output.path) if output.plugin == 'csv' else read_lines(output.path))
            counted, whole = in_order(map(of_order, rows), output, late), True
            if complete(output):
                yield output, rows
        else:
            continue
        if counted and whole and output.name in written:
            assert counted == written[output.name], '%s: %d rows, and %d written' % (output, counted, written[output.name])


def joint(found, written, late, timed):
    """Outputs that took the same events. `written`: events by section, as the report says; `timed`: the returns of all functions
    were asked for."""
    whole = list(tables(found, written, late))
    for (a, one), (b, two) in zip(whole, whole[1:]):
        same_rows(one, two, '%s and %s' % (a, b))
    for output in found:
        if not whole or not whole[0][1] or os.path.getsize(output.path) > LARGE:
            continue
        rows = whole[0][1]
        if output.plugin == 'chrome' and not {'rotate_size', 'rotate_time', 'max_processes'} & set(output.options):
            of_timeline(rows, Timeline(output.path), output, timed)
        elif output.plugin == 'summary':
            with opened(output.path) as f:
                of_summary(rows, f.read(), output, timed)
        elif output.plugin == 'html':
            with opened(output.path) as f:
                of_page(rows, f.read(), output, timed)


# ---- A run

def of_summary_lines(folder):
    """The sinks' figures as the end of a run tells them to people."""
    with open(os.path.join(folder, 'stderr'), encoding='utf-8', errors='replace') as f:
        told = re.findall(r'^sink:(\S+): (?:failed, )?written (\d+), filtered \d+, lost (\d+)', f.read(), re.M)
    return {name: {'written': int(written), 'lost': int(lost)} for name, written, lost in told}


def check(config, folder, report, late, timed):
    """`config`: see settings; `report`: what --json printed, or None; `late`: events that came too late for their place; `timed`: the
    returns of all functions were traced."""
    sinks = {s['sink'].removeprefix('sink:'): s for s in report['sinks']} if report else of_summary_lines(folder)
    groups = collections.defaultdict(list)
    for output in outputs(config, folder):
        alone = sinks and sinks.get(output.name, {}).get('lost')  # it lacks what others have
        groups[output.name if alone else output.options.get('filters', '')].append(output)
    for found in groups.values():
        joint(found, {name: sink['written'] for name, sink in sinks.items() if not sink['lost']}, late, timed)
    return groups.values()


def read_report(folder):
    """(what --json printed or None, how many events came too late for their place)"""
    with open(os.path.join(folder, 'stdout'), encoding='utf-8', errors='replace') as f:
        text = f.read()
    with open(os.path.join(folder, 'stderr'), encoding='utf-8', errors='replace') as f:
        late = re.search(r'^order: (\d+) events came too late', f.read(), re.M)
    try:
        report = json.loads(text) if text.startswith('{') else None
    except json.JSONDecodeError:  # a sink's lines
        report = None
    return report if report and 'sinks' in report and 'nodes' in report else None, int(late[1]) if late else 0


PLAYED = ('csv:path=again.csv', 'stdout:format=json,path=again.jsonl', 'chrome:path=again.json', 'summary:path=again.txt,top=100', 'html:path=again.html')


def played(recording, beamtap, timed, late, live):
    """A recording into all sinks: they tell the same; `live`: the rows that the run itself wrote of the same events, or None."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(recording.path)) as folder:
        args = tuple('--sink=' + sink for sink in PLAYED) + ('--json',)
        with open(folder + '/stdout', 'wb') as out, open(folder + '/stderr', 'wb+') as err:
            code = subprocess.run([beamtap, 'export', recording.path, *args], cwd=folder, stdout=out, stderr=err).returncode
            err.seek(0)
            assert code == 0, err.read().decode()
        config = settings('', ())
        config.update(of_command_line(args))
        check(config, folder, read_report(folder)[0], late, timed)
        if live:
            again = [r for r in read_csv(folder + '/again.csv') if r.event not in CONTROL]
            same_rows([r._replace(flow=0) for r in live if r.event not in CONTROL], [r._replace(flow=0) for r in again],
                      'live and played again')


def check_run(line, folder):
    """A beamtap that ended well, by its command line and the folder that it ran in."""
    args = tuple(line[2:])
    config = settings('', args)
    if line[1] == 'run' and args:
        with open(os.path.join(folder, args[0]), encoding='utf-8', errors='replace') as f:
            config = settings(f.read(), args[1:])
    config.update(of_command_line(args))
    report, late = read_report(folder)
    if config['session'].get('order') == 'arrival':
        late = float('inf')  # nobody counts
    timed = 'function_return' in config['session'].get('events', '')
    if report and any(n.get('without_returns') for n in report['nodes']):
        timed = False  # no row says from where on
    for group in check(config, folder, report, late, timed):
        table = [o for o in group if o.plugin == 'csv' and complete(o) and os.path.getsize(o.path) < LARGE]
        for recording in group:
            if recording.plugin == 'record' and line[1] == 'run' and os.path.getsize(recording.path) < LARGE:
                alike = report and len(report['nodes']) == 1 and not late  # what was late has its place when it is played
                played(recording, line[0], timed, late, list(read_csv(table[0].path)) if table and alike else None)

"""What a run wrote, checked as a whole: lib.Run does it for every run that ended in an orderly way.

Each output by itself: it can be read to its end, the rows of a node are in the order of time, no row
stands in a gap, and there are as many as the report says were written. Outputs of one run that took
the same events: they tell the same story. csv and JSON lines row by row; the timeline, the summary,
the page and the text by what they make of the rows (story_timeline.py, story_summary.py). And where
the run was recorded, what the recording gives is what the run wrote.
"""
import collections, itertools, json, os, re, subprocess, tempfile
from story_calls import PARTS, Calls, is_gap
from story_files import *
from story_summary import UNITS, kinds, losses, of_page, of_summary
from story_timeline import Timeline, of_timeline

LARGE = 48 << 20  # bytes: what is larger is not compared
SMALL = 8 << 20  # a table alone is read as a whole up to here
FEW = 100000  # events: a recording of more is played only where a test itself asked for it
MANY = 400000  # rows of a table that stands alone, or is larger, that are looked at


# ---- A table by itself

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


# ---- The same story

TEXTS = ('peer', 'reason', 'message', 'remarks')


def same_rows(one, two, what, syntax=True):
    """csv and JSON lines, row by row. `syntax`: they print terms in the same one."""
    assert len(one) == len(two), '%s: %d and %d rows' % (what, len(one), len(two))
    for n, (a, b) in enumerate(zip(one, two)):
        if a == b:
            continue
        for field, here, there in zip(Row._fields, a, b):
            if field in TEXTS and (not syntax or '...' in str(here) or '...' in str(there)):
                continue  # cut somewhere
            assert here == there, '%s: row %d has as its %s %r and %r: %s and %s' % (
                what, n, field, here, there, a, b)


TIMED = re.compile(r'( *-?\d+\.\d{6}|\d{4}-\d\d-\d\dT[\d:]{8}\.\d{6}Z)  ')
OF_A_PROCESS = re.compile(r'(\S+@\S+ +)?(#PID)?<\S+>')
NO_EVENT = re.compile(r' (-- |gap begins: |gap ends: )')


def timed_lines(output):
    """[(its time, the rest)] of lines for people: stacks have lines without a time."""
    with opened(output.path) as f:
        found = ((TIMED.match(line), line) for line in f.read().split('\n'))
        return [(time[1], line[time.end():]) for time, line in found if time]


def of_text(rows, lines, what):
    """Lines for people: as many as rows, each at its time since the run began."""
    assert len(lines) == len(rows), '%s: %d lines, %d rows in the table' % (what, len(lines), len(rows))
    told = [round(float(time) * 1e6) for time, _ in lines if 'T' not in time]
    began = {(row.ts - us * 1000) // 1000 for row, us in zip(rows, told)}
    assert not began or max(began) - min(began) <= 2, '%s: its times begin at %s' % (what, sorted(began)[:5])


def of_text_alone(lines, output, written):
    """As many of events as were written: of what is no event few have a process. No rows of a profile."""
    told = sum(bool(OF_A_PROCESS.match(line)) and not NO_EVENT.search(line) for _, line in lines)
    counted = any('counted ' in line for _, line in lines)
    assert counted or told == written, '%s: %d lines of events, and %d written' % (output, told, written)


def shortened(rows):
    """{(node, reason)} of gaps that begin with an event that was traced when they had begun (read_gap in core/decode/report.c)."""
    latest, found = collections.Counter(), set()
    for row in rows:
        if is_gap(row) and row.ts <= latest[row.node]:
            found.add((row.node, row.reason))
        latest[row.node] = max(latest[row.node], row.ts)
    return found


def of_report(rows, report, filtered, what):
    """What the report says of each node's losses and gaps stands in the rows, with the reasons: events exactly, times as far as the
    two clocks go alike, for a row has its times by the collector's. `filtered`: not all that was traced is in the rows."""
    here, short = losses(rows), shortened(rows)
    for node in report['nodes']:
        found = {why: one for why, one in here[node['node']].items() if any(one) and not why.startswith('sink_')}
        told = {why: [node['lost_by'].get(why, 0), node['gap_by'].get(why, 0)] for why in {**node['lost_by'], **node['gap_by']}}
        wrong = '%s: %s lost %s, by the report %s' % (what, node['node'], found, told)
        assert found.keys() == told.keys(), wrong
        for why, (events, off) in told.items():
            assert events == found[why][0], wrong
            most = 10**6 + off // 100
            assert found[why][1] - off <= most, wrong
            assert off - found[why][1] <= most or filtered or (node['node'], why) in short, wrong


def complete(output):
    """A table with all that is compared here."""
    return output.is_table() and (output.plugin == 'stdout' or not output.options.get('columns'))


COMPARED = ('csv', 'stdout', 'chrome', 'summary', 'html')


def tables(found, written, late):
    """The csv and JSON line outputs with their rows, each right by itself."""
    alone = sum(output.plugin in COMPARED for output in found) == 1
    for output in found:
        if not output.is_table():
            continue
        large = os.path.getsize(output.path) > (SMALL if alone else LARGE)
        if large and output.plugin == 'csv':
            counted = in_order(itertools.islice(order_of_csv(output.path), MANY), output, late)
            whole = counted < MANY - 1000
        else:
            rows = list(read_csv(output.path) if output.plugin == 'csv' else read_lines(output.path))
            counted, whole = in_order(map(of_order, rows), output, late), True
            if complete(output):
                yield output, rows
        if counted and whole and output.name in written:
            assert counted == written[output.name], '%s: %d rows, and %d written' % (
                output, counted, written[output.name])


def retell(output, rows, what, returned, syntax):
    """An output that is no table, held against rows."""
    if os.path.getsize(output.path) > LARGE:
        return
    if output.plugin == 'chrome':
        if not {'rotate_size', 'rotate_time', 'max_processes'} & set(output.options):
            of_timeline(rows, Timeline(output.path), what, returned, syntax)
    elif output.plugin == 'stdout':
        of_text(rows, timed_lines(output), what)
    elif output.plugin in ('summary', 'html'):
        with opened(output.path) as f:
            (of_summary if output.plugin == 'summary' else of_page)(rows, f.read(), what, returned)


def joint(found, written, late, returned):
    """Outputs that took the same events; the first table of them, with its rows, or None. `written`:
    events by section, as the report says; `returned`: whose calls have an end (story_files.py)."""
    whole = list(tables(found, written, late))
    for output in found:
        if output.plugin == 'stdout' and not output.is_table() and output.name in written and \
                os.path.getsize(output.path) < SMALL:
            of_text_alone(timed_lines(output), output, written[output.name])
    for (a, one), (b, two) in zip(whole, whole[1:]):
        same_rows(one, two, '%s and %s' % (a, b), a.syntax() == b.syntax())
    if whole and whole[0][1]:
        for output in found:
            if not output.is_table():
                retell(output, whole[0][1], output, returned, output.syntax() == whole[0][0].syntax())
    return whole[0] if whole else None


# ---- A run

def of_summary_lines(text):
    """The sinks' figures as the end of a run tells them to people."""
    told = re.findall(r'^sink:(\S+):( failed,)? written (\d+), filtered \d+, lost (\d+)(?: \((\d+) before)?', text, re.M)
    return {name: {'written': int(written), 'lost': int(lost), 'lost_before': int(before or 0), 'failed': bool(failed)}
            for name, failed, written, lost, before in told}


def lacks(sink):
    """It has lost what others may have."""
    return sink['lost'] > sink['lost_before']


def report_in(text):
    """What --json printed, or None."""
    for found in re.findall(r'^\{$.*?^\}$', text, re.M | re.S):
        try:
            report = json.loads(found)
        except json.JSONDecodeError:
            continue
        if 'sinks' in report and 'nodes' in report:
            return report
    return None


def read_report(folder, captured=True):
    """(what --json printed or None, the sinks' figures, how many events came too late for their place)"""
    with open(os.path.join(folder, 'stderr'), encoding='utf-8', errors='replace') as f:
        told = f.read()
    text = ''
    if captured and os.path.getsize(os.path.join(folder, 'stdout')) < LARGE:
        with open(os.path.join(folder, 'stdout'), encoding='utf-8', errors='replace') as f:
            text = f.read()
    report, late = report_in(text) or report_in(told), re.search(r'^order: (\d+) events came too late', told, re.M)
    sinks = {s['sink'].removeprefix('sink:'): s for s in report['sinks']} if report else of_summary_lines(told)
    late = int(late[1]) if late else report['order']['late'] if report and 'order' in report else 0
    return report, sinks, late


def check(found, sinks, late, returned):
    """Outputs by what they took, each group checked: [(outputs, their first table or None)]. `sinks`: their figures; what failed
    has lost what others have, and ends anywhere."""
    groups = collections.defaultdict(list)
    for output in found:
        sink = sinks.get(output.name)
        if not sink or not sink['failed']:
            alone = sink and lacks(sink)
            groups[output.name if alone else output.options.get('filters', '')].append(output)
    written = {name: sink['written'] for name, sink in sinks.items() if not lacks(sink)}
    return [(group, joint(group, written, late, returned)) for group in groups.values()]


PLAYED = ('csv:path=again.csv', 'stdout:format=json,path=again.jsonl', 'chrome:path=again.json', 'summary:path=again.txt,top=100',
          'html:path=again.html')


def played(recording, beamtap, returned, late):
    """The rows that a recording gives: into all sinks, which tell the same."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(recording.path)) as folder:
        args = tuple('--sink=' + sink for sink in PLAYED) + ('--json',)
        with open(folder + '/stdout', 'wb') as out, open(folder + '/stderr', 'wb+') as err:
            code = subprocess.run([beamtap, 'export', recording.path, *args], cwd=folder, stdout=out, stderr=err).returncode
            err.seek(0)
            assert code == 0, err.read().decode()
        found = outputs(configuration([beamtap, 'export', recording.path, *args], folder), folder)
        [(_, table)] = check(found, read_report(folder)[1], late, returned)
        return table[1]


def live_is_replay(group, table, rows, returned):
    """What a run wrote, and the rows that its recording gives."""
    if table:
        same_rows(table[1], rows, '%s and played again' % table[0], table[0].syntax() == 'erlang')
        return
    for output in group:
        if not output.is_table():
            retell(output, rows, '%s and its recording' % output, returned, output.syntax() == 'erlang')


def check_run(line, folder, code, captured=True):
    """A beamtap that ended, by its command line, the folder that it ran in, and its exit code. One that failed is looked at where a
    report says which of its outputs did not. `captured`: its standard output is in the folder too."""
    report, sinks, late = read_report(folder, captured)
    begun = report and any(node['lives'] for node in report['nodes'])
    if code not in (0, 3) and not begun:  # files of a run before it are left as they were
        return
    config = configuration(line, folder)
    allowed = float('inf') if config['session'].get('order') == 'arrival' else late  # nobody counts
    returned = whose_returns(config)
    live = line[1] in ('run', 'trace') and 'transport:file' not in config
    for group, table in check(outputs(config, folder, captured and line[1] != 'call'), sinks, allowed, returned):
        if live and report and table and table[1] and not lacks(sinks[table[0].name]):
            of_report(table[1], report, sinks[table[0].name]['filtered'], table[0])
        for recording in (o for o in group if o.plugin == 'record' and line[1] == 'run'):
            few = sinks.get(recording.name, {}).get('written', 0) <= FEW
            if os.path.getsize(recording.path) < LARGE and (few or recording.name != 'story'):
                rows = played(recording, line[0], returned, allowed)
                if not late:  # what came too late live has its place when it is played
                    live_is_replay(group, table, rows, returned)

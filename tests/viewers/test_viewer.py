"""Timelines in the real viewer (the code of chrome://tracing, in a headless Chromium): what it understood of a trace, by
its own model, against what the csv sink of the same run wrote. No warning, every call a slice, every pair of messages
an arrow, none backwards, and nothing unfinished but what really was.

With BEAMTAP_SHOTS=FOLDER the pictures are left there, to be looked at.
"""
import collections, json, os, subprocess, sys
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'e2e'))
from lib import *
from lib import rows as rows_of
from model import Model
import viewer

SHOTS = os.environ.get('BEAMTAP_SHOTS')
jobs, judges = [], []


def view(run, name, judge, zoom=None, size=None, file='trace.json'):
    """Notes a trace for the viewer; all are opened in one go, and `judge` is asked about each afterwards."""
    shot = SHOTS and os.path.join(SHOTS, name + '.png')
    jobs.append({'file': run.path(file), 'shot': shot, 'zoom': zoom, 'size': size})
    judges.append((name, judge))


def trace_of(run, file='trace.json'):
    with open(run.path(file), encoding='utf-8') as f:
        return json.load(f)


def judge_exactly(run, seen):
    """Everything that the viewer shows, against a model of the csv rows."""
    assert 'error' not in seen, seen['error']
    assert seen['json'] is True, seen['json']
    assert seen['warnings'] == [] and seen['page_errors'] == [], (seen['warnings'], seen['page_errors'])
    rows, other = rows_of(run), trace_of(run)['otherData']
    want = Model(rows)
    invariant(run.summary())
    assert all(s['lost'] == 0 for s in run.summary()['sinks']), run.summary()['sinks']
    drawn = want.calls - other['collapsed'] - other['too_deep']
    assert seen['slices'].get('call', 0) == drawn > 0, (seen['slices'], want.calls, other)
    assert seen['slices'].get('message', 0) == want.messages, (seen['slices'], want.messages)
    # A receive from another node names no sender: such a pair is drawn where the core can tell it, and no other one ever.
    assert want.pairs <= seen['flows'].get('message', 0) <= want.pairs + want.across, (seen['flows'], want.pairs)
    assert seen['flows'].get('spawn', 0) == want.births, (seen['flows'], want.births)
    assert other['arrows'] == sum(seen['flows'].values()) and other['evicted'] == 0, other
    assert seen['flows_backwards'] == seen['flows_on_no_slice'] == 0, seen
    assert seen['children_outside'] == seen['overlaps'] == 0, seen
    assert seen['slices'].get('gen', 0) == other['gen'] and seen['apart'].get('gen', 0) == other['gen_apart'], (seen, other)
    assert other['gen'] + other['gen_apart'] == want.answers, (other, want.answers)
    open_calls = want.open_calls() - other['collapsed']  # only loops that never return collapse in these traces
    assert seen['unfinished'].get('call', 0) == open_calls, (seen['unfinished'], want.open_calls(), other)
    assert seen['unfinished'].get('process', 0) == len(want.alive), (seen['unfinished'], len(want.alive))
    assert sum(seen['unfinished'].values()) == other['unfinished'], (seen['unfinished'], other)
    tracks = [t for p in seen['processes'] for t in p['tracks'] if t != 'tracing']
    assert len(tracks) == len(want.processes), (len(tracks), sorted(want.processes)[:3])
    return want


def demo():
    """The demo shop, as config/quickstart.sh shows it, and long enough for some of everything."""
    compile_erlang(*[os.path.join(TOP, 'config/demo', f) for f in sorted(os.listdir(TOP + '/config/demo'))
                     if f.endswith('.erl')])
    node = Node()
    node('demo:start()')
    run = Run(os.path.join(TOP, 'config/quickstart.ini'), '--json', '--set', 'session.duration=1500ms',
              '--set', 'session.nodes=' + node.name).ended(0)
    node.stop()
    visits = [e for e in trace_of(run)['traceEvents'] if e['ph'] == 'X' and e['name'] == 'shop_customer:visit/1' and
              e['cat'] == 'process']
    assert len(visits) > 10, len(visits)
    start, length = visits[1]['ts'] / 1000, visits[1]['dur'] / 1000

    def judge(seen):
        want = judge_exactly(run, seen)
        assert want.pairs > 100 and want.births > 10, (want.pairs, want.births)
        [process] = seen['processes']
        assert process['name'] == node.name and process['labels'] == ['OTP 25'], process['labels']
        tracks = process['tracks']
        for name in ('shop_door <', 'shop_till <', 'shop_stock <'):
            assert sum(t.startswith(name) for t in tracks) == 1, tracks[:8]
        first = list(dict.fromkeys(r['pid'] for r in rows_of(run)))[:20]
        shown = [t.split(' ')[-1] for t in tracks if t != 'tracing'][:20]
        assert shown == first, (shown, first)  # in order of their first appearance
        assert seen['instants'].get('exception', 0) > 0 and seen['depth'] >= 5, seen
    view(run, 'demo', judge, zoom=[start - 0.05 * length, start + 1.06 * length], size=[1500, 580])


STORM = """[session]
nodes = %s
events = function_call, function_return, function_exception, message_send, message_receive, process_spawn, process_start, process_exit
max_rate = 0
max_queue = 10M
max_memory = 4G
[filter:pids]
pids = new
[filter:match_spec]
trace = e2e_work:target(_, _)
trace = e2e_work:outer(_)
trace = e2e_work:inner(_)
trace = e2e_work:thrower(_)
[sink:chrome]
path = %s
queue = 256M
[sink:csv]
path = trace.csv
queue = 256M
"""


SCHEDULING = """[session]
nodes = %s
events = function_call, function_return, function_exception, process_start, process_exit, schedule_in, schedule_out, gc_start, gc_end
duration = 0
max_rate = 0
max_queue = 1M
[filter:pids]
pids = new
[filter:modules]
modules = e2e_work
[sink:chrome]
path = trace.json
[sink:csv]
path = trace.csv
"""


def storm():
    """500 processes at once, and every event of theirs in the picture."""
    node = Node()
    for _ in range(6):  # a machine that is busy with other things may lose some: that is another test's matter
        run = Run(STORM % (node.name, 'trace.json'), '--json')
        node.traced()
        wait_for(lambda: os.path.exists(run.path('trace.json')), 'the run to have begun')
        assert node('e2e_work:run(500, 20, 10)') == 'ok'
        run.interrupt()
        assert run.code == 0, run.err()
        if not any(s['lost'] for s in run.summary()['sinks']):
            break
    node.stop()

    def judge(seen):
        want = judge_exactly(run, seen)
        assert (want.calls, want.pairs) == (500 * 61, 500 * 10), (want.calls, want.pairs)
        assert len(want.processes) == 1000, len(want.processes)
    view(run, 'storm', judge)


def storm_under_a_limit():
    """The same beyond max_rate: gaps, losses, and calls whose ends nobody saw; still nothing to warn of."""
    node = Node()
    run = Run((STORM % (node.name, 'trace.json')).replace('max_rate = 0', 'max_rate = 10k'), '--json')
    node.traced()
    for _ in range(8):
        node('e2e_work:run(50, 40, 20)')
    run.interrupt()
    assert run.code == 0, run.err()
    node.stop()
    other = trace_of(run)['otherData']
    rows = rows_of(run)

    def judge(seen):
        assert seen['json'] is True and seen['warnings'] == [] and 'error' not in seen, seen
        calls = sum(r['event'] == 'function_call' for r in rows)
        assert seen['slices']['call'] == calls - other['collapsed'] - other['too_deep'] > 0, (seen['slices'], calls)
        assert seen['slices'].get('lost', 0) == other['nodes'][0]['gaps'] > 0, (seen['slices'], other)
        assert seen['flows_backwards'] == seen['flows_on_no_slice'] == 0, seen
        assert seen['children_outside'] == seen['overlaps'] == 0, seen
        assert sum(seen['flows'].values()) == other['arrows'] > 0, (seen['flows'], other)
        assert sum(seen['unfinished'].values()) == other['unfinished'], (seen['unfinished'], other)
        invariant(run.summary())
    view(run, 'storm_limited', judge)


def scheduling():
    """Runs on the tracks of the schedulers, waiting and garbage collections on those of the processes, one inside the other."""
    node = Node()
    run = Run(SCHEDULING % node.name, '--json')
    node.traced()
    assert node('e2e_work:run(50, 20, 10)') == 'ok'
    run.interrupt()
    assert run.code == 0, run.err()
    node.clean()
    node.stop()
    rows, trace = rows_of(run), trace_of(run)
    runs = [e for e in trace['traceEvents'] if e['cat'] == 'run']
    track = {e['tid']: e['args']['name'] for e in trace['traceEvents'] if e['name'] == 'thread_name'}

    def judge(seen):
        assert 'error' not in seen and seen['json'] is True and seen['warnings'] == [], seen
        assert seen['children_outside'] == seen['overlaps'] == seen['flows_backwards'] == seen['flows_on_no_slice'] == 0, seen
        count = collections.Counter(r['event'] for r in rows)
        invariant(run.summary())
        assert all(s['lost'] == 0 for s in run.summary()['sinks']), run.summary()['sinks']
        # Every run begins with an `in` of that process at that scheduler, and they do not overlap on a scheduler.
        begun = collections.Counter((r['pid'], r['metadata'].replace('exiting ', '')) for r in rows if r['event'] == 'schedule_in')
        drawn = collections.Counter((e['name'].split(' ')[-1], track[e['tid']].replace('scheduler ', 'scheduler=')) for e in runs)
        assert drawn == begun and len(runs) > 100, (list((drawn - begun).items())[:3], list((begun - drawn).items())[:3])
        assert seen['slices'].get('run', 0) + seen['unfinished'].get('run', 0) == count['schedule_in'], (seen['slices'], count)
        for tid in {e['tid'] for e in runs}:
            mine = sorted((e['ts'], e['ts'] + e.get('dur', 0)) for e in runs if e['tid'] == tid)
            assert all(a[1] < b[0] for a, b in zip(mine, mine[1:])), track[tid]
        # A process waits from each `out` to its next `in`, and what it waits for at the end is open. (One that has exited may be
        # scheduled a few times more, but waits for nothing.)
        last, waits = {}, 0
        for r in rows:
            if r['event'] in ('schedule_in', 'schedule_out', 'process_exit') and last.get(r['pid']) != 'process_exit':
                waits += r['event'] == 'schedule_in' and last.get(r['pid']) == 'schedule_out'
                last[r['pid']] = r['event']
        assert seen['slices'].get('schedule', 0) - seen['unfinished'].get('schedule', 0) == waits > 50, (seen, waits)
        assert seen['slices'].get('gc', 0) == count['gc_end'] == count['gc_start'] > 0, (seen['slices'], count)
        assert 'events/s [1]' in seen['counters'] and seen['counters']['lost [1]'] > 0, seen['counters']
        assert sum(seen['unfinished'].values()) == trace['otherData']['unfinished'], (seen['unfinished'], trace['otherData'])
    view(run, 'scheduling', judge)


def two_nodes():
    """Two nodes that call each other: arrows go across, and none goes back in time."""
    compile_erlang('e2e_echo.erl')
    a, b = Node('ping'), Node('pong')
    for node in (a, b):
        node('net_kernel:connect_node(%s)' % "'%s'" % (b if node is a else a).name)
    ini = """[session]
nodes = %s, %s
events = function_call, function_return, message_send, message_receive
max_rate = 0
[filter:modules]
modules = e2e_echo
[filter:pids]
pids = e2e_echo, e2e_helper
[sink:chrome]
path = trace.json
[sink:csv]
path = trace.csv
"""
    for node in (a, b):
        node('e2e_echo:start()')
    run = Run(ini % (a.name, b.name), '--json')
    a.traced()
    b.traced()
    assert a("e2e_echo:play('%s', 200)" % b.name) == 'ok'
    run.interrupt()
    assert run.code == 0, run.err()
    for node in (a, b):
        node.stop()

    def judge(seen):
        want = judge_exactly(run, seen)
        assert [p['name'] for p in seen['processes']] == [a.name, b.name], seen['processes']
        assert all(p['tracks'][0].startswith('e2e_echo <') for p in seen['processes']), seen['processes']
        assert (want.pairs, want.across) == (400, 400), (want.pairs, want.across)
    view(run, 'two_nodes', judge)


KILLED = """[session]
nodes = %s
events = function_call, function_return, message_send, message_receive
max_rate = 0
lease = 2s
[filter:modules]
modules = e2e_storm
[sink:chrome]
path = trace.json
[sink:packed]
plugin = chrome
path = packed.json.gz
"""
KILLS = 5


def killed_and_mended():
    """Runs that were killed at any moment: their files, mended where they were torn, plain and packed."""
    compile_erlang('e2e_storm.erl')
    node = Node()
    node('e2e_storm:start(1)')
    for kill in range(KILLS):
        run = Run(KILLED % node.name)
        size = lambda file: os.path.getsize(run.path(file))
        least = kill == KILLS - 1 and 100_000 or random.choice((1, 1000, 20_000, 200_000))
        wait_for(lambda: size('trace.json') >= least and size('packed.json.gz') >= least / 5, 'events in both files')
        time.sleep(random.random() * 0.05)
        assert run.process.poll() is None, run.err()
        run.process.kill()
        run.process.wait()
        if kill == KILLS - 1:  # torn for certain, as a kill in the middle of a write tears it
            with open(run.path('trace.json'), 'r+b') as f:
                f.truncate(99_000)
        for file in ('trace.json', 'packed.json.gz'):
            subprocess.run([BEAMTAP, 'repair', run.path(file)], check=True, stdout=subprocess.DEVNULL)

            def judge(seen, some=least >= 20_000):
                assert 'error' not in seen and seen['json'] is True, seen
                assert seen['warnings'] == [] and seen['page_errors'] == [], (seen['warnings'], seen['page_errors'])
                assert seen['flows_backwards'] == seen['children_outside'] == seen['overlaps'] == 0, seen
                assert not some or seen['slices'].get('call', 0) > 10 and seen['flows'].get('message', 0) > 0, seen
            view(run, 'killed %d' % kill, judge, file=file)
        # The node is free again when the lease of the killed run has ended.
        wait_for(lambda: node('[R || R <- e2e_node:residue(), element(1, R) =/= module]') == '[]', 'no tracing')
    node.stop()


def opened_in_the_viewer():
    """Opens all that the tests above have noted."""
    done = subprocess.run(['node', os.path.join(HERE, 'view.mjs'), viewer.FOLDER], input=json.dumps(jobs).encode(),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr.decode()[-1500:]
    wrong = []
    for (name, judge), seen in zip(judges, json.loads(done.stdout), strict=True):
        try:
            judge(seen)
        except AssertionError as why:
            wrong.append('%s: %s' % (name, str(why)[:700]))
    assert not wrong and len(judges) == 5 + 2 * KILLS, wrong or judges


why = viewer.why_not()
if why:
    print('# skipped: ' + why)
    sys.exit(0)
tests(demo, storm, storm_under_a_limit, scheduling, two_nodes, killed_and_mended, opened_in_the_viewer)

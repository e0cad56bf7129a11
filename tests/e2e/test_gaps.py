"""Gaps: where tracing was off in a node for a while. They stand at their place, so that csv, timeline and summary tell the same
of each call; and a node that is too busy has a few of them, not hundreds.
"""
from collections import defaultdict
from lib import *

INI = """[session]
nodes = %s
events = function_call, function_return, function_exception
duration = 0
max_events = 0
max_rate = 0
[filter:match_spec]
trace = e2e_load:outer(_, _)
trace = e2e_load:inner(_, _)
[sink:csv]
path = trace.csv
queue = 1G
[sink:chrome]
path = trace.json
queue = 1G
[sink:summary]
path = trace.txt
queue = 1G
"""
csv.field_size_limit(1 << 24)
compile_erlang('e2e_load.erl')


def load(*work, more=''):
    """The run's end, after each of these expressions."""
    node = Node()
    node('code:ensure_loaded(e2e_load)')
    run = Run((INI % node.name).replace('duration = 0\n', 'duration = 0\n' + more), '--json')
    node.traced()
    for expression in work:
        assert node(expression) == 'ok', expression
    run.interrupt().ended(0)
    invariant(run.summary())
    node.clean()
    return run


def in_order(table):
    """The times of one node's rows, where a single process was traced."""
    times = [int(r['ts']) for r in table]
    back = [i for i in range(1, len(times)) if times[i] < times[i - 1]]
    assert not back, '%d rows run back, the first by %d us: %s' % (
        len(back), (times[back[0] - 1] - times[back[0]]) / 1000, [r['event'] for r in table[back[0] - 2:back[0] + 2]])


def calls_of(table):
    """Durations in ns of the calls that began and ended between two gaps, by function."""
    open_calls, done = defaultdict(list), defaultdict(list)
    for r in table:
        if r['event'] in ('gap', 'lost'):
            open_calls.clear()
        elif r['event'] == 'function_call':
            open_calls[r['pid']].append((r['function'], int(r['ts'])))
        elif r['event'] == 'function_return' and open_calls[r['pid']]:
            name, began = open_calls[r['pid']].pop()
            assert name == r['function'], (name, r['function'], r['ts'])
            done[name].append(int(r['ts']) - began)
    return done


def slices_of(run, name):
    """Durations in us of a function's finished calls in the timeline."""
    trace = json.load(open(run.path('trace.json'), encoding='utf-8'))['traceEvents']
    return [e['dur'] for e in trace if e.get('ph') == 'X' and e['name'].endswith(name) and 'end' not in e['args']]


def summed(run, name):
    """(calls, total in ms) of a function in the summary."""
    found = re.search(r'^ +(\d+) +([\d.]+) (us|ms|s)(?: +\S+ \w+)+ +e2e_load:%s$' % re.escape(name), run.read('trace.txt'), re.M)
    assert found, run.read('trace.txt')
    return int(found[1]), float(found[2]) * {'us': 0.001, 'ms': 1, 's': 1000}[found[3]]


def at_their_place():
    run = load('e2e_load:run(64, 3000)', 'e2e_load:run(64, 3000)')
    table = rows(run)
    gaps = [r for r in table if r['event'] == 'gap']
    assert gaps, 'the load was not too much'
    in_order(table)
    # What is told of the gap is what the summary adds up, and nothing was traced in it.
    inside = {int(r['ts']) + int(r['message'][1:].split(',')[0]) for r in gaps}
    for at, gap in ((i, r) for i, r in enumerate(table[:-1]) if r['event'] == 'gap'):
        ends = int(gap['ts']) + int(gap['message'][1:].split(',')[0])
        assert int(table[at + 1]['ts']) >= ends, 'an event %d us before the end of its gap' % ((ends - int(table[at + 1]['ts'])) / 1000)
    assert len(inside) == len(gaps)
    done = calls_of(table)
    for name, label in (('outer', 'outer/2'), ('inner', 'inner/2')):
        here = sorted(done[name])
        drawn = sorted(slices_of(run, label))
        assert len(here) == len(drawn), '%s: %d in the table, %d in the timeline' % (label, len(here), len(drawn))
        # Times in the timeline are whole nanoseconds, as microseconds; on one track nothing begins before what is drawn already.
        assert all(abs(a / 1000 - b) < 5 for a, b in zip(here, drawn)), (label, here[-5:], drawn[-5:])
        calls, total = summed(run, label)
        assert abs(total - sum(here) / 1e6) <= 0.06 + total / 1000, (label, total, sum(here) / 1e6)
    print('# %d gaps, %d whole calls of outer/2' % (len(gaps), len(done['outer'])))


def few(reason, more):
    """Ten seconds of a load that is too much all the time."""
    run = load('e2e_load:slow(1000, 3000, 9)', more=more)
    gaps = [r for r in rows(run) if r['event'] == 'gap']
    print('# %d gaps (%s), not tracing for %.1f s' % (len(gaps), reason, run.summary()['nodes'][0]['gap_ns'] / 1e9))
    assert 1 < len(gaps) <= 20, len(gaps)
    assert any(reason in r['message'] for r in gaps), gaps[:3]
    in_order(rows(run))
    # Tracing came back each time: between any two gaps something was traced.
    kinds = [r['event'] for r in rows(run)]
    assert not any(a == b == 'gap' for a, b in zip(kinds, kinds[1:])), 'nothing between two gaps'


def few_for_memory():
    few('memory', 'max_memory = 8M\n')


def few_for_the_queue():
    few('queue', 'max_queue = 200\nmax_memory = 1G\n')


if NATIVE:
    print("# skipped: what they wait for is the relay's; test_native fills the native tracer's rings")
else:
    tests(at_their_place, few_for_memory, few_for_the_queue)

"""The storm: 100,000 spawns a second, each with a call, a message and its own end, on every process, and a sink that takes a
megabyte a second. The relay's queue stays bounded, the node answers all the while, and the sums are exact.
"""
import csv, re, threading
from lib import *

Run.recorded = False  # what one slow sink does is what is tested

MAX_QUEUE = 10000
ROUND = 40000 # messages: what may come between two looks at the queue, on a machine that does much else too
ALL = """[session]
nodes = %s
events = function_call, message_send, message_receive, process_spawn, process_start, process_exit
duration = 0
max_events = 0
max_rate = 0
max_queue = 10k
overload = OVERLOAD
lease = 30s
[filter:match_spec]
trace = e2e_flood:target(_)
spec = send [{'_', [], []}]
spec = receive [{'_', [], []}]
"""
# Only the storm's own calls and messages: so that the sum is the workload's own count, to the last.
EXACT = """[session]
nodes = %s
events = function_call, message_send, message_receive
duration = 0
max_events = 0
max_rate = 0
max_queue = 10M
max_memory = 16M
overload = drop
lease = 30s
[filter:match_spec]
trace = e2e_flood:target(_)
spec = send [{['_', {storm, '_'}], [], []}]
spec = receive [{['_', '_', {storm, '_'}], [], []}]
"""
SINKS = """[sink:stdout]
path = slow
format = json
on_full = %s
queue = 1M
[sink:csv]
path = trace.csv
"""
compile_erlang('e2e_flood.erl')


class Slow(threading.Thread):
    """Reads a fifo, a megabyte a second, until the writer is gone or it is told to hurry."""

    def __init__(self, path):
        super().__init__(daemon=True)
        os.mkfifo(path)
        self.path, self.hurry = path, False
        self.read = self.seconds = 0
        self.start()

    def run(self):
        began = time.time()
        with open(self.path, 'rb', buffering=0) as fifo:
            while data := fifo.read(10000):
                self.read += len(data)
                if not self.hurry:
                    self.seconds = time.time() - began
                    time.sleep(0.01)


def storm(ini, on_full, children):
    """The run's summary, the workload's counts and all that was measured."""
    node, other = Node(), Node()
    node('e2e_flood:start()')
    assert other("e2e_flood:ping_begin('%s')" % node.name) == 'ok'
    took = int(node('e2e_flood:run(4, 100000, %d)' % children))
    alone = ping(other)
    folder = tempfile.mkdtemp(dir=work)
    slow = Slow(os.path.join(folder, 'slow'))
    run = Run(ini % node.name + SINKS % on_full, '--json', cwd=folder)
    node.traced()
    other("e2e_flood:ping_begin('%s')" % node.name)
    traced = int(node('e2e_flood:run(4, 100000, %d)' % children))
    worst = ping(other)
    slow.hurry = True
    run.interrupt()
    assert run.code == 0, run.err()
    summary = run.summary()
    invariant(summary)
    node.clean()
    print('# %d spawns in %.1f s untraced, %.1f s traced; ping each 10 ms, worst %.1f ms untraced, %.1f ms traced' % (
        children, took / 1e6, traced / 1e6, alone / 1e3, worst / 1e3))
    peak = re.search(r'queue reached (\d+) messages', run.err())
    print('# queue at most %s, produced %d, lost in the node %d, not tracing for %.2f s' % (
        peak[1] if peak else 'below max_queue', summary['nodes'][0]['produced'], summary['nodes'][0]['lost'],
        summary['nodes'][0]['gap_ns'] / 1e9))
    assert worst < 5e6, 'a ping took %.1f s' % (worst / 1e6)
    return run, summary, int(peak[1]) if peak else 0


def ping(other):
    return int(re.fullmatch(r'\{\d+,(\d+)\}', other('e2e_flood:ping_end()'))[1])


def the_queue_is_bounded(overload):
    children = 200000
    run, summary, peak = storm(ALL.replace('OVERLOAD', overload), 'drop-newest', children)
    assert peak < 4 * MAX_QUEUE + ROUND, peak
    # Six events each; what the node did beside the storm is little.
    produced = summary['nodes'][0]['produced']
    assert 0 < produced < 6 * children + 5000, produced
    with open(run.path('trace.csv'), newline='', encoding='utf-8') as f:
        rows = only_events(csv.DictReader(f))
    for event, form in (('function_call', r'\[(\d+)\]'), ('message_send', r'{storm,(\d+)}'), ('message_receive', r'{storm,(\d+)}')):
        found = [int(m[1]) for m in (re.fullmatch(form, r['message']) for r in rows if r['event'] == event) if m]
        assert found and len(set(found)) == len(found), 'none, or one twice: %s' % event
        assert children <= min(found) and max(found) < 2 * children, (event, min(found), max(found)) # the second storm's
    # Either it was too much, and that is said at its place, or every event is here.
    node = summary['nodes'][0]
    # (A worker that holds many messages calls without arguments: that leaves out no event. And what this sink alone had no room
    # for is told of it.)
    marked = any(r['event'] in ('gap', 'lost') and not r['message'].endswith((',term}', ',sink_queue}')) for r in rows)
    told = [int(m[1]) for m in (re.fullmatch(r'{(\d+),sink_queue}', r['message']) for r in rows if r['event'] == 'lost') if m]
    assert sum(told) == next(s['lost'] - s['lost_before'] for s in summary['sinks'] if s['sink'] == 'sink:csv'), (told, summary['sinks'])
    assert marked == bool(node['gap_ns'] or node['lost']) and (marked or produced >= 6 * children), node


def pause():
    the_queue_is_bounded('pause')


def drop():
    the_queue_is_bounded('drop')


def every_event_is_counted():
    """Whatever is lost, the sum is what the workload counted itself: here a call, a send and a receive each."""
    children = 150000
    run, summary, _ = storm(EXACT, 'block', children)
    node = summary['nodes'][0]
    assert node['produced'] == 3 * children and node['lost'] > 0, node


tests(pause, drop, every_event_is_counted)

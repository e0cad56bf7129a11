"""The main job on a live node: what the workload did is what the files hold, event for event."""
import collections, json, os
from lib import *

N, M, K = 20, 200, 50
INI = """[session]
nodes = %s
events = function_call, function_return, function_exception, message_send, message_receive, process_spawn, process_start, process_exit
max_rate = 0
max_queue = 1M
[filter:pids]
pids = new
[filter:match_spec]
trace = e2e_work:target(_, _)
trace = e2e_work:outer(_)
trace = e2e_work:inner(_)
trace = e2e_work:thrower(_)
[sink:chrome]
path = trace.json
[sink:csv]
path = trace.csv
[sink:stdout]
path = trace.jsonl
format = json
"""


def traced_workload(node, n=N, m=M, k=K, ini=INI, args=()):
    run = Run(ini % node.name, '--json', *args)
    node.traced()
    # The workload runs in a process that is not new: only what it spawns is.
    assert node('e2e_work:run(%d, %d, %d)' % (n, m, k)) == 'ok'
    return run.interrupt()


def expected(node, n=N, m=M, k=K):
    return workload(node, n, m, k)


def csv_holds_exactly_the_workload():
    node = Node()
    run = traced_workload(node)
    assert run.code == 0, run.err()
    counts = collections.Counter(r['event'] for r in rows(run))
    assert dict(counts) == expected(node), (dict(counts), expected(node))
    node.clean()
    summary = run.summary()
    invariant(summary)
    for sink in summary['sinks']:
        assert sink['written'] == sum(expected(node).values()), sink
        assert sink['lost'] == 0, sink


def events_are_in_order_for_each_process():
    node = Node()
    run = traced_workload(node)
    balls, calls = collections.defaultdict(list), collections.defaultdict(list)
    last = {}
    for r in rows(run):
        assert int(r['ts']) >= last.get(r['pid'], 0), r
        last[r['pid']] = int(r['ts'])
        assert r['node'] == node.name
        if r['event'] == 'message_send':
            balls[r['pid']].append(int(re.match(r'\{ball,\d+,(\d+)\}', r['message']).group(1)))
        if r['event'] == 'function_call' and r['function'] == 'target':
            assert (r['module'], r['arity']) == ('e2e_work', '2')
            calls[r['pid']].append(int(re.match(r'\[\d+,(\d+)\]$|"', r['message']).group(1) or -1))
    assert len(balls) == N and all(b == list(range(1, K + 1)) for b in balls.values())
    assert len(calls) == N and all(c == list(range(M, 0, -1)) for c in calls.values())


def sinks_agree():
    node = Node()
    run = traced_workload(node)
    table = rows(run)
    lines = json_rows(run.read('trace.jsonl'))
    assert len(table) == len(lines)
    for row, line in zip(table, lines):
        assert (row['ts'], row['event'], row['pid']) == (line['ts'], line['event'], line['pid'])
    counts = collections.Counter(r['event'] for r in table)
    trace = json.load(open(run.path('trace.json'), encoding='utf-8'))['traceEvents']
    slices = [e for e in trace if e['ph'] == 'X' and e.get('cat') == 'call']
    assert len(slices) == counts['function_call'], (len(slices), counts)
    sends = [e for e in trace if e['ph'] == 'X' and e['name'].startswith('send')]
    assert len(sends) == counts['message_send'], (len(sends), counts)


def two_nodes_in_one_run():
    one, two = Node(), Node()
    run = Run(INI % (one.name + ', ' + two.name), '--json')
    one.traced(), two.traced()
    assert one('e2e_work:run(5, 100, 10)') == 'ok' and two('e2e_work:run(7, 50, 5)') == 'ok'
    run.interrupt()
    assert run.code == 0, run.err()
    counts = collections.defaultdict(collections.Counter)
    for r in rows(run):
        counts[r['node']][r['event']] += 1
    assert dict(counts[one.name]) == expected(one, 5, 100, 10)
    assert dict(counts[two.name]) == expected(two, 7, 50, 5)
    invariant(run.summary())
    one.clean(), two.clean()


def duration_ends_the_run_by_itself():
    node = Node()
    run = Run(INI % node.name, '--json', '--set', 'session.duration=1s').ended(0)
    node.clean()
    invariant(run.summary())


def max_events_ends_the_run_and_says_so():
    node = Node()
    run = Run(INI % node.name, '--json', '--set', 'session.max_events=1000')
    node.traced()
    node('e2e_work:run(20, 200, 50)')
    run.ended(0)
    assert 'max_events' in run.err(), run.err()
    assert len([r for r in rows(run) if r['event'] not in ('lost', 'gap')]) == 1000, len(rows(run))
    invariant(run.summary())
    node.clean()


def collector_killed_leaves_a_clean_node_and_a_valid_file():
    node = Node()
    run = Run(INI % node.name, '--set', 'session.lease=2s')
    node.traced()
    node('e2e_work:run(5, 50, 5)')
    wait_for(lambda: os.path.getsize(run.path('trace.json')) > 1000, 'the first flush')
    run.process.kill()
    run.process.wait()
    node.clean()
    json.load(open(run.path('trace.json'), encoding='utf-8'))


def node_killed_leaves_complete_files():
    node = Node()
    run = Run(INI % node.name, '--json')
    node.traced()
    node('e2e_work:run(5, 50, 5)')
    wait_for(lambda: os.path.getsize(run.path('trace.csv')) > 1000, 'the first flush')
    node.stop()
    run.ended(1)
    assert node.name in run.err(), run.err()
    json.load(open(run.path('trace.json'), encoding='utf-8'))
    assert sum(expected_counts(run).values()) > 0


def expected_counts(run):
    return collections.Counter(r['event'] for r in rows(run))


tests(csv_holds_exactly_the_workload, events_are_in_order_for_each_process, sinks_agree, two_nodes_in_one_run,
      duration_ends_the_run_by_itself, max_events_ends_the_run_and_says_so,
      collector_killed_leaves_a_clean_node_and_a_valid_file, node_killed_leaves_complete_files)

"""Spans of live nodes, as a collector takes them that reads with OpenTelemetry's own package: they are those of the table that the same
run wrote; one trace leads from node to node; an outage, a collector that never was there and a kill leave everything either taken or
counted as lost, and the nodes clean."""
import collections
from lib import *
from otlp_collector import Collector, why_not

for name in ('OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_HEADERS'):
    env.pop(name, None)
N, M, K = 10, 60, 20
INI = """[session]
nodes = %s
events = function_call, function_return, function_exception, message_send, message_receive, process_spawn, process_start, process_exit
duration = 0
max_rate = 0
max_queue = 1M
reorder = 5s
[filter:pids]
pids = new, server
[filter:match_spec]
trace = e2e_work:target(_, _)
trace = e2e_work:outer(_)
trace = e2e_work:inner(_)
trace = e2e_work:thrower(_)
trace = e2e_gen:handle_call(_, _, _)
trace = e2e_gen:handle_cast(_, _)
[sink:csv]
path = trace.csv
[sink:otlp]
endpoint = %s
messages = all
"""


def traced(nodes, endpoint, *args):
    run = Run(INI % (', '.join(n.name for n in nodes), endpoint), '--json', *args)
    for node in nodes:
        node.traced()
    return run


def sink(run, name='sink:otlp'):
    invariant(run.summary())
    return next(s for s in run.summary()['sinks'] if s['sink'] == name)


def calls_of(table):
    """(node, pid, function, start, end, how it ended) of each call, from the rows."""
    open_calls, found = collections.defaultdict(list), []
    for r in table:
        if r['event'] not in ('function_call', 'function_return', 'function_exception'):
            continue
        key, name = (r['node'], r['pid']), '%s:%s/%s' % (r['module'], r['function'], r['arity'])
        if r['event'] == 'function_call':
            open_calls[key].append((name, int(r['ts'])))
        else:
            called, start = open_calls[key].pop()
            assert called == name, r
            found.append((*key, name, start, int(r['ts']), r['event'] == 'function_exception'))
    assert not any(open_calls.values()), open_calls
    return found


def agrees_with_the_table(run, spans, points=('producer', 'consumer')):
    """Each call, send, receive and spawn of the table is a span, with its times and its process, and there are no others."""
    table = rows(run)
    calls = [(s.node, s.attributes['beam.pid'], s.name, s.start, s.end, bool(s.status)) for s in spans if re.match(r'e2e_\w+:', s.name)]
    assert sorted(calls) == sorted(calls_of(table)) and calls, (len(calls), len(calls_of(table)))
    for kind, event in (('producer', 'message_send'), ('consumer', 'message_receive')):
        want = sorted((r['node'], r['pid'], int(r['ts'])) for r in table if r['event'] == event)
        got = sorted((s.node, s.attributes['beam.pid'], s.start) for s in spans if s.kind == kind)
        assert kind not in points or got == want and got, (kind, len(got), len(want))
    spawns = sorted(int(r['ts']) for r in table if r['event'] == 'process_spawn')
    assert sorted(s.start for s in spans if s.name.startswith('spawn')) == spawns, (len(spawns), spans)


def spans_are_those_of_the_table():
    node = Node()
    with Collector() as collector:
        run = traced([node], collector.url)
        assert node('e2e_work:run(%d, %d, %d)' % (N, M, K)) == 'ok'
        run.interrupt().ended(0)
        spans = collector.spans()
        assert sum(r['bytes'] for r in collector.requests()) == sink(run)['bytes']
    agrees_with_the_table(run, spans)
    count = workload(node, N, M, K)
    assert sink(run)['written'] == sink(run, 'sink:csv')['written'] == sum(count.values()) and sink(run)['lost'] == 0, run.summary()
    by_id = {s.id: s for s in spans}
    assert len(by_id) == len(spans)
    for s in spans:  # what is inside something is within its time, or behind the message that it handles
        outer = by_id[s.parent] if s.parent else None
        assert not outer or (outer.trace == s.trace and outer.start <= s.start and (s.end <= outer.end or outer.kind == 'consumer')), (s, outer)
    inner = [s for s in spans if s.name == 'e2e_work:inner/1']
    assert len(inner) == N * M and all(by_id[s.parent].name == 'e2e_work:outer/1' for s in inner)
    thrown = [s for s in spans if s.name == 'e2e_work:thrower/1']
    assert len(thrown) == N and {e['attributes']['exception.type'] for s in thrown for e in s.events} == {'error'}, thrown
    balls = [s for s in spans if s.kind == 'consumer' and s.name == 'receive ball']
    assert len(balls) == N * K and all(by_id[s.links[0][1]].attributes['beam.message'] == s.attributes['beam.message'] for s in balls), balls[:3]
    resource = spans[0].resource
    assert resource['service.name'] == node.name.split('@')[0] and resource['process.runtime.description'].startswith('Erlang/OTP '), resource
    node.clean()


compile_erlang('e2e_gen.erl')


def one_trace_leads_from_node_to_node():
    one, two = Node('one'), Node('two')
    one.connect(two)
    for node in (one, two):  # what `pids` names is in both
        node('e2e_gen:start(server), ok')
    with Collector() as collector:
        run = traced([one, two], collector.url, '--set', 'sink:otlp.messages=casts')
        client = one("e2e_gen:client({server, '%s'}, %d, %d)" % (two.name, N, 60))
        run.interrupt().ended(0)
        spans = collector.spans()
    assert sink(run)['lost'] == 0 and {s.resource['service.instance.id'] for s in spans} == {one.name, two.name}, run.summary()
    agrees_with_the_table(run, spans, ())
    by_id = {s.id: s for s in spans}
    calls = sorted((s for s in spans if s.kind == 'client'), key=lambda s: s.start)
    assert [s.name for s in calls] == N * ['call echo'] + ['call later', 'call never', 'call done'], calls
    assert all(s.node == one.name and s.attributes['beam.pid'] == client and s.attributes['beam.to'].startswith('{server,') for s in calls), calls
    handled = {s.parent: s for s in spans if s.kind == 'server'}
    assert set(handled) == {s.id for s in calls}, (handled, calls)
    functions = collections.defaultdict(list)
    for s in spans:
        functions[s.parent].append(s)
    for s in calls:
        there = handled[s.id]
        assert there.node == two.name and there.trace == s.trace and there.name == s.name.replace('call', 'handle'), (s, there)
        inside = functions[there.id][0]
        assert inside.name == 'e2e_gen:handle_call/3' and inside.node == two.name and inside.trace == s.trace, inside
        assert [f.name.split()[0] for f in functions[inside.id]] == (['spawn'] if s.name == 'call later' else []), functions[inside.id]
        if s.name == 'call never':
            assert s.attributes['beam.end'] == there.attributes['beam.end'] == 'unanswered', (s, there)
        else:
            assert s.attributes['beam.reply'] == there.attributes['beam.reply'] and s.start <= there.start, (s, there)
    took = {s.name: s.end - s.start for s in calls}
    assert took['call later'] >= 60 * 10**6, took
    casts = [s for s in spans if s.kind == 'consumer']
    assert len(casts) == N and all(s.name == 'handle note' and s.node == two.name for s in casts), casts
    for s in casts:
        sent = by_id[s.links[0][1]]
        assert (sent.kind, sent.node, sent.trace) == ('producer', one.name, s.links[0][0]) and sent.trace != s.trace, (s, sent)
        assert sent.attributes['beam.message'] == s.attributes['beam.message'], (s, sent)
        assert [f.name for f in functions[s.id]] == ['e2e_gen:handle_cast/2'], functions[s.id]
    one.clean(), two.clean()


def an_outage_in_the_middle_loses_nothing():
    node = Node()
    collector = Collector()
    run = traced([node], collector.url)
    try:
        node('e2e_work:run(%d, %d, %d)' % (N, M, K))
        first = wait_for(lambda: [s for s in collector.spans() if s.name == 'e2e_work:thrower/1'], 'the first spans') and collector.spans()
        collector.stop()
        node('e2e_work:run(%d, %d, %d)' % (N, M, K))
        wait_for(lambda: 'spans wait' in run.err(), 'the outage to be seen')
        collector = Collector(collector.port)
        collector.answers({'status': 429, 'headers': {'Retry-After': '1'}}, 503)
        node('e2e_work:run(%d, %d, %d)' % (N, M, K))
        wait_for(lambda: 'takes spans again' in run.err(), 'spans to be taken again')
        run.interrupt().ended(0)
        spans = {s.id: s for s in first + collector.spans()}
        answers = [r['status'] for r in collector.requests()]
    finally:
        collector.stop()
    assert answers[:3] == [429, 503, 200], (answers, run.err())
    assert sink(run)['lost'] == 0 and sink(run)['written'] == 3 * sum(workload(node, N, M, K).values()), run.summary()
    agrees_with_the_table(run, list(spans.values()))
    node.clean()


def one_that_was_never_there():
    node = Node()
    run = traced([node], 'http://127.0.0.1:%d' % free_port(), '--set', 'sink:otlp.timeout=1s')
    node('e2e_work:run(%d, %d, %d)' % (N, M, K))
    run.interrupt().ended(1)
    node.clean()
    every = sum(workload(node, N, M, K).values())
    assert 'took nothing' in run.err() and sink(run)['failed'] and sink(run, 'sink:csv')['written'] == every, run.err()
    assert sink(run)['written'] + sink(run)['lost'] == every and sink(run)['lost'] >= N * (3 * M + K), run.summary()


def a_kill_leaves_whole_spans_and_a_clean_node():
    node = Node()
    with Collector() as collector:
        run = traced([node], collector.url, '--set', 'session.lease=2s')
        node('e2e_work:run(%d, %d, %d)' % (N, M, K))
        wait_for(collector.spans, 'spans')
        run.process.kill()
        run.process.wait()
        node.clean()
        assert len({s.id for s in collector.spans()}) == len(collector.spans())


skipped = why_not()
if skipped:
    print('# skipped: ' + skipped)
else:
    tests(spans_are_those_of_the_table, one_trace_leads_from_node_to_node, an_outage_in_the_middle_loses_nothing, one_that_was_never_there,
          a_kill_leaves_whole_spans_and_a_clean_node)

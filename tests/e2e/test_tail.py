"""Tail calls under return_trace: each keeps words on the stack of its process for good. beamtap finds such a function, traces it on
without its returns, and says so; what returns, or is left by an exception, is not taken for one.
"""
import json
from lib import *
Run.recorded = True

INI = """[session]
nodes = %s
events = function_call, function_return
duration = 0
max_events = 0
max_rate = 0
[filter:pids]
pids = e2e_a, e2e_b
[filter:match_spec]
trace = e2e_tail:tail(_)
trace = e2e_tail:even(_)
trace = e2e_tail:odd(_)
trace = e2e_tail:short(_)
trace = e2e_tail:deep(_)
trace = e2e_tail:thrower(_)
[sink:chrome]
path = trace.json
args = false
[sink:csv]
path = trace.csv
queue = 256M
[transport:%s]
"""
compile_erlang('e2e_tail.erl')


def start(transport='dist', *args):
    node = Node()
    node('e2e_tail:start(e2e_a), e2e_tail:start(e2e_b)')
    run = Run(INI % (node.name, transport), '--json', *args)
    node.traced()
    return node, run


def ended(node, run):
    run.interrupt().ended(0)
    told = run.summary()
    invariant(told)
    node.clean()
    return told['nodes'][0]['without_returns']


def returns(run, function):
    return sum(row['event'] == 'function_return' and row['function'] == function for row in rows(run))


def loop(transport, function, relieved, *args):
    """The loop's stack stays as it is once its functions are relieved, for as long as it goes on."""
    node, run = start(transport, *args)
    node('e2e_a ! {do, fun() -> e2e_tail:%s(1) end}' % function)
    for name in relieved:
        wait_for(lambda: 'e2e_tail:%s/1 is traced without its returns' % name in run.err(), name + ' relieved')
    before = int(node('e2e_tail:words(e2e_a)'))
    produced = wait_for(lambda: os.path.getsize(run.path('trace.csv')), 'events')
    wait_for(lambda: os.path.getsize(run.path('trace.csv')) > 2 * produced + 1000000, 'the loop to go on')
    after = int(node('e2e_tail:words(e2e_a)'))
    node('e2e_tail:stop(e2e_a), e2e_tail:wait(e2e_a)')
    node.traced()  # not so long as the relay has to catch up
    node('e2e_b ! {do, fun() -> e2e_tail:shorts(7), e2e_tail:deep(3) end}, timer:sleep(1), e2e_tail:wait(e2e_b)')
    assert sorted(ended(node, run)) == ['e2e_tail:%s/1' % name for name in sorted(relieved)]
    print('# %s over %s: %d words on the stack when it was found, %d later' % (function, transport, before, after))
    assert after < before + 1000, (before, after)
    assert run.err().count('is traced without its returns') == len(relieved), run.err()
    assert returns(run, 'deep') == 4, returns(run, 'deep')
    assert returns(run, 'short') >= 7
    return run


def a_loop_is_relieved():
    picture_of(loop('dist', 'tail', ['tail'], '--set', 'session.max_queue=1M'))


def picture_of(run):
    """One slice for the whole loop; what the relieved calls did is below it; the other process knows nothing of it."""
    trace = json.load(open(run.path('trace.json')))
    assert trace['otherData']['nodes'][0]['without_returns'] == ['e2e_tail:tail/1'], trace['otherData']['nodes']
    slices = [e for e in trace['traceEvents'] if e.get('cat') == 'call']
    longest = max((e for e in slices if e['name'] == 'e2e_tail:tail/1' and e['ph'] == 'X'), key=lambda e: e['dur'])
    last = max(e['ts'] for e in slices if e['tid'] == longest['tid'])
    assert longest['ts'] + longest['dur'] >= last, 'the loop ends before its last call'
    assert any(e['name'] == 'returns off' for e in trace['traceEvents']), 'no mark where the returns go off'


def a_loop_is_relieved_over_tcp():
    loop('tcp', 'tail', ['tail'])


def a_loop_of_two_is_relieved():
    loop('dist', 'even', ['even', 'odd'])


def what_is_deep_goes_on_and_what_throws_is_left_alone():
    node, run = start('dist', '--set', 'session.max_queue=1M')
    node('e2e_b ! {do, fun() -> e2e_tail:throws(5000), e2e_tail:shorts(5000) end}, timer:sleep(1), e2e_tail:wait(e2e_b)')
    node('e2e_a ! {do, fun() -> 100000 = e2e_tail:deep(100000), 3 = e2e_tail:deep(3) end}, timer:sleep(1), e2e_tail:wait(e2e_a)')
    assert ended(node, run) == []
    calls = [row for row in rows(run) if row['event'] == 'function_call']
    assert len(calls) == 5000 + 5000 + 100001 + 4, len(calls)
    assert returns(run, 'short') == 5000
    assert returns(run, 'deep') == 100005, returns(run, 'deep')
    json.load(open(run.path('trace.json')))


tests(a_loop_is_relieved, a_loop_is_relieved_over_tcp, a_loop_of_two_is_relieved, what_is_deep_goes_on_and_what_throws_is_left_alone)

"""Servers with large states, traced with everything on: the node goes on, its memory stays within the limit, and every call and
message is there. What would hurt is traced without its arguments, by name, and with them again when that is over.
"""
from collections import Counter
from lib import *

Run.recorded = False  # how late a node is, beside whatever runs, is what is tested

ALL = """[session]
nodes = %s
duration = 0
max_events = 0
max_rate = 0
%s[sink:csv]
path = trace.csv
queue = 1G
[sink:stdout]
path = trace.txt
"""
CALLS = ALL.replace('max_rate = 0\n', 'max_rate = 0\nevents = function_call\n') + """[filter:modules]
modules = e2e_large
"""
ARGUMENTS = 'arguments = true\n'
MAX_MEMORY = 64 << 20 # the default
csv.field_size_limit(1 << 24)
compile_erlang('e2e_large.erl')


def figures(node):
    worst, memory = node('e2e_large:tick_end()').strip('{}').split(',')
    return int(worst) / 1000, int(memory)


def holding(messages):
    node = Node()
    node('code:ensure_loaded(e2e_large)')
    node('e2e_large:start(%d)' % messages)
    return node


def asked(node, times):
    node('e2e_large:tick_begin()')
    assert node('e2e_large:ask(%d)' % times) == 'ok'
    return figures(node)


def parts(run):
    """The rows of what was left out for a while: (pid, ns)."""
    return [(r['pid'], int(r['message'][1:].split(',')[0])) for r in rows(run) if r['event'] == 'gap' and 'term}' in r['message']]


def the_node_goes_on():
    """40,000 messages in the state, every process and module, no filter: as `beamtap run` does it with four lines."""
    goes_on('')


def also_where_arguments_are_asked_for():
    goes_on(ARGUMENTS)


def goes_on(settings):
    node = holding(40000)
    alone, before = asked(node, 20)
    run = Run(ALL % (node.name, settings), '--json')
    node.traced()
    worst, memory = asked(node, 20)
    run.interrupt().ended(0)
    invariant(run.summary())
    print('# late by %.1f ms untraced, %.1f ms traced; the node above what it had by %d MB' % (
        alone, worst, (memory - before) >> 20))
    assert worst < max(100, 3 * alone), worst
    assert memory - before < MAX_MEMORY + (32 << 20), memory - before
    server = node('whereis(e2e_large)')
    table = [r for r in rows(run) if r['pid'] == server]
    count = Counter((r['event'], r['function']) for r in table)
    assert count['function_call', 'step'] == 20 * 101 and count['function_call', 'handle_call'] == 20, count
    assert count['message_receive', ''] == 20 and count['message_send', ''] == 20, count
    calls = [r for r in table if r['event'] == 'function_call']
    assert all(r['message'] == '' and r['arity'] in '123' for r in calls), calls[:2]
    assert all(r['message'] for r in table if r['event'].startswith('message')), 'a message came without what it says'
    assert ('every module is traced' in run.err()) != bool(settings), run.err()
    check = Run(ALL % (node.name, settings), command='check').ended(0)
    assert ('processes that hold much are traced without' if settings else 'with their arity alone') in check.out(), check.out()
    began = min(int(r['ts']) for r in calls) # until all have been looked at, which is before that, nobody has arguments
    others = [r for r in rows(run) if r['event'] == 'function_call' and r['arity'] != '0' and int(r['ts']) > began
              and r['pid'] != server and r['pid'] + ' (' not in run.err()] # nor another that was large just then
    assert others and all(bool(r['message']) == bool(settings) for r in others), others[:3]
    node.clean()


def it_is_said_and_ends():
    """By name, in the log and in the stream; and arguments are there again when the state has become small."""
    node = holding(40000)
    server = node('whereis(e2e_large)')
    run = Run(CALLS % (node.name, ARGUMENTS), '--json')
    node.traced()
    wait_for(lambda: 'e2e_large (%s)' % server in run.err(), 'the process in the log')
    assert node('e2e_large:ask(1)') == 'ok'
    wait_for(lambda: (server, 0) in parts(run), 'the open gap in the file')
    assert node('e2e_large:grow(10)') == 'ok' and node('erlang:garbage_collect(whereis(e2e_large))') == 'true'
    wait_for(lambda: any(pid == server and ns > 0 for pid, ns in parts(run)), 'the end of the gap')
    assert node('e2e_large:ask(1)') == 'ok'
    assert node('e2e_large:pass(small)') == 'small'
    wait_for(lambda: 'small' in run.read('trace.csv'), 'the last call')
    run.interrupt().ended(0)
    invariant(run.summary())
    steps = [r['message'] for r in rows(run) if r['pid'] == server and r['function'] == 'step']
    assert len(steps) == 202 and not any(steps[:101]) and all(steps[101:]), [len(steps), steps[100:103]]
    assert run.read('trace.txt').count('gap begins: calls without arguments') == 1, run.read('trace.txt')[:500]
    assert re.search(r'calls of \d+ process\S* came without their arguments, for up to \d+\.\d s', run.err()), run.err()
    assert not run.summary()['nodes'][0]['gap_ns'], run.out()
    node.clean()


def one_that_grows():
    """Small at the start, large later."""
    node = holding(10)
    run = Run(CALLS % (node.name, ARGUMENTS), '--json')
    node.traced()
    assert node('e2e_large:ask(1)') == 'ok'
    assert node('e2e_large:grow(40000)') == 'ok'
    # By what it holds, or by the long list that its new state is made of.
    wait_for(lambda: 'would copy it' in run.err() or 'above max_term' in run.err(), 'it is seen')
    _, before = asked(node, 0)
    _, memory = asked(node, 20)
    run.interrupt().ended(0)
    invariant(run.summary())
    assert memory - before < MAX_MEMORY + (32 << 20), memory - before
    steps = [r['message'] for r in rows(run) if r['function'] == 'step']
    assert len(steps) == 21 * 101 and all(steps[:101]) and not any(steps[101:]), len(steps)
    node.clean()


def the_final_report_comes():
    """Thousands of large terms in one go, from a process that held nothing before: more than can be looked at, and all counted."""
    node = holding(10)
    run = Run(CALLS % (node.name, ARGUMENTS), '--json')
    node.traced()
    node('spawn(fun() -> e2e_large:messages(14000) end)') # hands a list of what is left to each of its calls
    wait_for(lambda: 'above max_term' in run.err() or 'would copy it' in run.err(), 'it is seen')
    run.interrupt().ended(0)
    invariant(run.summary())
    assert run.err().count('with their arity alone for a while') <= 1, run.err()
    node.clean()


MESSAGES = """[session]
nodes = %s
events = function_call, message_send, message_receive
duration = 0
max_events = 0
max_rate = 0
[filter:modules]
modules = e2e_large
[sink:csv]
path = trace.csv
"""


def one_term_is_of_one_process():
    """A term above max_term ends what its process says of messages and arguments, and nobody else's; later it is tried again."""
    node = Node()
    node('code:ensure_loaded(e2e_large)')
    run = Run(MESSAGES % node.name, '--json')
    node.traced()
    assert node('e2e_large:send(5, 20000)') == 'ok' # 100 kB
    wait_for(lambda: 'above max_term' in run.err(), 'it is said')
    assert node('e2e_large:send(5, 3)') == 'ok'
    wait_for(lambda: '{5,[1,2,3]}' in run.read('trace.csv'), "the other process's messages")
    run.interrupt().ended(0)
    invariant(run.summary())
    table = rows(run)
    sent = [r for r in table if r['event'] == 'message_send' and r['message'].endswith(',[1,2,3]}')]
    received = [r for r in table if r['event'] == 'message_receive' and r['message'].endswith(',[1,2,3]}')]
    called = [r for r in table if r['function'] == 'small' and r['message'].endswith(',[1,2,3]]')]
    assert (len(sent), len(received), len(called)) == (5, 5, 5), (len(sent), len(received), len(called))
    cut = [r for r in table if 'truncated=' in r['metadata']]
    assert cut and {r['pid'] for r in cut}.isdisjoint({r['pid'] for r in sent + received}), cut
    begun = [pid for pid, ns in parts(run) if ns == 0]
    ended = [pid for pid, ns in parts(run) if ns > 0]
    assert sorted(begun) == sorted(ended) and set(begun) <= {r['pid'] for r in cut}, parts(run)
    assert re.search(r'messages of \d+ process\S* were left out for up to \d+\.\d s', run.err()), run.err()
    node.clean()


def it_is_tried_again():
    """A process that has sent one large message sends small ones that are seen, a while later."""
    node = Node()
    node('code:ensure_loaded(e2e_large)')
    run = Run(MESSAGES % node.name, '--json')
    node.traced()
    node('spawn(fun() -> register(e2e_teller, self()), [receive go -> init ! {told, T, lists:seq(1, N)} end '
         '|| {T, N} <- [{1, 20000}] ++ [{I, 3} || I <- lists:seq(2, 1000)]] end)')
    node('e2e_teller ! go')
    wait_for(lambda: 'above max_term' in run.err(), 'it is said')
    wait_for(lambda: node('e2e_teller ! go') == 'go' and re.search(r'{told,\d+,\[1,2,3\]}', run.read('trace.csv')),
             'what it sends is told again')
    run.interrupt().ended(0)
    invariant(run.summary())
    lengths = [ns for _, ns in parts(run)]
    assert any(4e9 < ns < 60e9 for ns in lengths), lengths
    node.clean()


tests(the_node_goes_on, also_where_arguments_are_asked_for, it_is_said_and_ends, one_that_grows, the_final_report_comes, one_term_is_of_one_process, it_is_tried_again)

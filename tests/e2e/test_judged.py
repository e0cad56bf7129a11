"""A match spec over a recording keeps what the node keeps when it judges live: calls by their arguments, ends by their calls,
messages by whom they are to and what they say."""
import collections
from lib import *

HEAD = """[session]
nodes = %s
events = %s
max_rate = 0
max_queue = 1M
[transport:dist]
[filter:pids]
pids = new
"""
ALL = 'function_call, function_return, function_exception, message_send, message_receive'
SINKS = '[sink:csv]\npath = trace.csv\n'
WORK = 'e2e_work:run(6, 30, 12)'
SPECS = (  # events, lines of the filter
    ('function_call', ['trace = e2e_work:target(I, X) when I > 2, X rem 2 =:= 0']),
    ('function_call', ['trace = e2e_work:target(1, X) when X < 10; X > 25 -> return', 'trace = e2e_work:outer(7)']),
    (ALL, ['trace = e2e_work:outer(X) when X > 20', 'trace = e2e_work:inner(X) when X < 5',
           'trace = e2e_work:thrower({bad, I}) when I =/= 3 -> exception']),
    ('function_call, function_return', ["spec = e2e_work:target/2 [{['$1', '$2'], [{'<', '$2', 10}], [{message, false}]}, {['$1', 11], [], []},"
                                        " {'_', [{'=:=', {hd, '$_'}, 2}], []}]"]),
    ('message_send, message_receive', ['trace = send(_, {ball, I, J}) when I + J > 12', 'trace = receive(N, _, {ball, _, 3}) when N == node()']),
    ('message_receive', ["trace = receive(_, S, {ball, _, J}) when is_pid(S), S =/= self(), J < 4"]),
)


def kept(run):
    """How often each event stands in the table, by what does not differ from run to run."""
    found = collections.Counter()
    for row in rows(run):
        found[tuple(re.sub(r'<[0-9.]+>', '<pid>', row[key]) for key in ('event', 'module', 'function', 'arity', 'message'))] += 1
    return found


def live(node, ini):
    run = Run(ini, '--json')
    node.traced()
    assert node(WORK) == 'ok'
    run.interrupt()
    assert run.code == 0, run.err()
    invariant(run.summary())
    return run


def a_recording_is_judged_as_the_node_judges():
    node = Node()
    recorded = live(node, HEAD % (node.name, ALL) + '[filter:match_spec]\ntrace = e2e_work\n' + SINKS + '[sink:record]\npath = trace.btf\n')
    for events, lines in SPECS:
        filters = '[filter:match_spec]\n' + '\n'.join(lines) + '\n'
        one = live(node, HEAD % (node.name, events) + filters + SINKS)
        two = Run('[session]\nevents = %s\n[transport:file]\npath = %s\n' %
                  (events, recorded.path('trace.btf')) + filters + SINKS, '--json').ended(0)
        invariant(two.summary())
        assert 'judged' not in two.err() and 'nodes' not in two.err().split('{')[0], two.err()
        mine, its = kept(one), kept(two)
        assert mine, (lines, one.err())
        assert mine == its, (lines, 'live', sorted((mine - its).items())[:8], 'replay', sorted((its - mine).items())[:8])
    node.clean()


def what_cannot_be_told_is_kept_and_said():
    node = Node()
    run = live(node, HEAD % (node.name, 'function_call') + '[filter:match_spec]\ntrace = e2e_work:target/2\ntrace = e2e_work:outer/1\n' +
               SINKS + '[sink:record]\npath = trace.btf\n')
    two = Run('[transport:file]\npath = %s\n[filter:match_spec]\nspec = e2e_work:target/2 [{[1, \'_\'], [{is_seq_trace}], []}]\n' %
              run.path('trace.btf') + SINKS, '--json').ended(0)
    found = kept(two)
    assert found and all(row[4].startswith('[1,') or row[4].startswith('1') for row in found), sorted(found)[:3]
    assert "line 4: this cannot be judged of every event here: 'is_seq_trace' is known in the node alone" in two.err(), two.err()
    invariant(two.summary())
    node.clean()


tests(a_recording_is_judged_as_the_node_judges, what_cannot_be_told_is_kept_and_said)

"""What beamtap does in a node shows in nobody's trace: a second run, `beamtap nodes`, `beamtap call`, `beamtap clean`, and the
modules that somebody loads meanwhile. Nor does any of it change what a running trace gets.
"""
from lib import *

ALL = """[session]
nodes = %s
events = function_call, message_send, message_receive, process_spawn, process_start, process_exit, process_link, process_register
duration = 0
max_events = 0
max_rate = 0
include_otp = true
[filter:match_spec]
trace = e2e_work:echo(_)
trace = erlang:send(_, _)
trace = code:ensure_loaded(_)
spec = send [{'_', [], []}]
spec = receive [{'_', [], []}]
[sink:csv]
path = trace.csv
queue = 1G
"""
SECOND = """[session]
nodes = %s
events = function_call
duration = 300ms
[filter:pids]
pids = %s
[filter:modules]
modules = e2e_work
[sink:csv]
path = second.csv
"""
# Who carries this test's questions and the answers to them (user, and what reads and writes for it), or wakes up by itself now and
# then (the logger).
CONSOLE = ('[P || N <- [user, user_drv] ++ [N || N <- registered(), lists:prefix("logger", atom_to_list(N))], Q <- [whereis(N)], '
           'is_pid(Q), {links, L} <- [process_info(Q, links)], P <- [Q | L], is_pid(P), P =/= self(), '
           'P =/= whereis(kernel_sup), P =/= whereis(kernel_safe_sup)]')
csv.field_size_limit(1 << 24)


def ours(table):
    """Rows that speak of beamtap, or of what carries its code and its connections."""
    words = ('beamtap', 'code_call', 'handshake', 'dist_util', 'load_binary', 'inet_tcp_dist', 'code_server')
    return [r for r in table if any(w in value for key, value in r.items() if key != 'node' for w in words)]


def strangers(table, known):
    return sorted({r['pid'] for r in table} - known)


def watched(act):
    """The rows of a run that sees everything while `act` goes on, and the run."""
    node = Node()
    node('code:ensure_loaded(e2e_work)')
    node('spawn(fun() -> register(e2e_victim, self()), receive stop -> ok end end)')
    run = Run(ALL % node.name, '--json')
    node.traced()
    node('e2e_work:echo(before)')
    wait_for(lambda: 'before' in run.read('trace.csv'), 'the first call')
    tester = node('self()')
    console = set(re.findall(r'<[\d.]+>', node(CONSOLE)))
    act(node)
    wait_for(lambda: node('[M || M <- erlang:loaded(), lists:prefix("beamtap_agent", atom_to_list(M))]').count('beamtap') == 1,
             'the other agent gone')
    assert node('e2e_work:echo({behind, lists:seq(1, 5)})') == '{behind,[1,2,3,4,5]}'
    wait_for(lambda: '{behind,[1,2,3,4,5]}' in run.read('trace.csv'), 'a call with its arguments')
    # Messages too.
    node('spawn(fun() -> self() ! {told, 7}, receive {told, _} -> ok end end)')
    wait_for(lambda: run.read('trace.csv').count('{told,7}') >= 2, 'messages of a new process')
    run.interrupt().ended(0)
    invariant(run.summary())
    node.clean()
    table = rows(run)
    assert 'max_term' not in run.err(), run.err()
    return [r for r in table if r['event'] != 'gap' and r['pid'] not in console], run, node, tester


def nothing_of_it(act):
    table, run, node, tester = watched(act)
    mine = [r for r in ours(table) if r['pid'] != tester]
    assert not mine, '%d rows, such as %s' % (len(mine), mine[:4])
    return table


def nodes_and_clean():
    def act(node):
        for _ in range(3):
            Run(None, node.name, command='nodes').ended(0)
            Run(None, node.name, command='clean').ended(0)
    table = nothing_of_it(act)
    # The test's own process, the two that it spawned, and init (who is asked by nobody).
    assert len({r['pid'] for r in table}) <= 4, {r['pid']: (r['event'], r['message'][:60]) for r in table}


def a_second_run():
    """Before OTP 27 it is refused, which is a run too: agent, guardians and relay come and go."""
    def act(node):
        second = Run(SECOND % (node.name, 'e2e_victim')).wait()
        assert second.code in (0, 1), second.err()
    table = nothing_of_it(act)
    assert len({r['pid'] for r in table}) <= 4, {r['pid']: (r['event'], r['message'][:60]) for r in table}


def a_call():
    def act(node):
        Run(None, node.name, 'e2e_work', 'echo', '[here]', command='call').wait()
    table, run, node, tester = watched(act)
    # What was called is the node's own affair, where it can be traced twice; how it was called is not.
    mine = [r for r in ours(table) if r['pid'] != tester and r['function'] != 'echo']
    caller = {r['pid'] for r in table if 'here' in r['message']}
    mine = [r for r in mine if r['pid'] not in caller]
    assert not mine, mine[:4]


def a_large_module():
    """More than max_term through code_server and erl_prim_loader, in a process that is traced: epp has 91 kB."""
    def act(node):
        for module in ('epp', 'erl_lint', 'dialyzer', 'erl_tidy', 'io_lib_pretty'):
            node('case code:ensure_loaded(%s) of {module, _} -> code:purge(%s), code:load_file(%s); No -> No end' % ((module,) * 3))
    table, run, node, tester = watched(act)
    assert not any(r['pid'] != tester for r in ours(table)), [r for r in ours(table) if r['pid'] != tester][:4]


tests(nodes_and_clean, a_second_run, a_call, a_large_module)

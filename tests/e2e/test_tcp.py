"""Transport tcp on live nodes: the same events as over the distribution, and nobody else gets in."""
import collections, glob, json, os, socket, struct
from lib import *

N, M, K = 10, 100, 20
INI = """[session]
nodes = %s
events = function_call, function_return, function_exception, message_send, message_receive, process_spawn, process_start, process_exit
max_rate = 0
max_queue = 1M
[transport:tcp]
%s
[filter:pids]
pids = new
[filter:match_spec]
trace = e2e_work:target(_, _)
trace = e2e_work:outer(_)
trace = e2e_work:inner(_)
trace = e2e_work:thrower(_)
[sink:csv]
path = trace.csv
"""


def expected(node, n=N, m=M, k=K):
    return workload(node, n, m, k)


def port_of(run):
    """Where the run listens, by the kernel's tables."""
    inodes = {os.readlink(f)[8:-1] for f in glob.glob('/proc/%d/fd/*' % run.process.pid)
              if os.path.lexists(f) and os.readlink(f).startswith('socket:')}
    for table in ('/proc/net/tcp', '/proc/net/tcp6'):
        for line in open(table).read().splitlines()[1:]:
            word = line.split()
            if word[3] == '0A' and word[9] in inodes:
                return int(word[1].rsplit(':', 1)[1], 16)
    return None


def whole_run(node, transport='', n=N, m=M, k=K):
    run = Run(INI % (node.name, transport), '--json')
    node.traced()
    assert node('e2e_work:run(%d, %d, %d)' % (n, m, k)) == 'ok'
    run.interrupt()
    assert run.code == 0, run.err()
    assert dict(collections.Counter(r['event'] for r in rows(run))) == expected(node, n, m, k)
    invariant(run.summary())
    assert run.summary()['nodes'][0]['lost'] == 0
    node.clean()
    return run


def the_file_holds_exactly_the_workload():
    whole_run(Node(), n=20, m=200, k=50)


def over_ipv6():
    whole_run(Node(), 'listen = [::1]:0')


def every_address_and_a_name():
    node = Node()
    whole_run(node, 'listen = 0.0.0.0:0')
    whole_run(node, 'listen = [::]:0')
    whole_run(node, 'listen = 127.0.0.1:0\nadvertise = localhost')


def the_frames_do_not_go_over_the_distribution():
    node = Node()
    run = Run(INI % (node.name, ''), '--json')
    node.traced()
    before = int(node('lists:sum([element(2, hd(element(2, inet:getstat(P, [send_oct])))) || '
                      '{_, P} <- erlang:system_info(dist_ctrl)])'))
    node('e2e_work:run(20, 200, 50)')
    wait_for(lambda: os.path.getsize(run.path('trace.csv')) > 500000, 'the rows')
    after = int(node('lists:sum([element(2, hd(element(2, inet:getstat(P, [send_oct])))) || '
                     '{_, P} <- erlang:system_info(dist_ctrl)])'))
    run.interrupt()
    assert after - before < 20000, (before, after)
    node.clean()


def strangers_are_refused_and_logged():
    """A wrong token, another protocol, a port scan, silence, a token byte by byte: the run does not notice."""
    node = Node()
    run = Run(INI % (node.name, ''), '--json')
    node.traced()
    port = wait_for(lambda: port_of(run), 'a listening port')
    at = ('127.0.0.1', port)
    for said in (b'BTT1' + b'\0' * 16, b'GET / HTTP/1.0\r\n\r\n', b'BTT1' + os.urandom(16)):
        with socket.create_connection(at) as s:
            s.settimeout(PATIENCE)
            s.sendall(said)
            try:
                assert s.recv(100) == b'', 'somebody answered %r' % said
            except ConnectionResetError:
                pass
    for _ in range(20):
        socket.create_connection(at).close()
    silent = [socket.create_connection(at) for _ in range(40)]  # more than may wait
    slow = socket.create_connection(at)
    slow.sendall(b'B')
    assert node('e2e_work:run(%d, %d, %d)' % (N, M, K)) == 'ok'
    slow.sendall(b'T')
    for s in silent + [slow]:
        s.settimeout(PATIENCE)
        try:
            assert s.recv(1) == b''
        except ConnectionResetError:
            pass
        s.close()
    run.interrupt()
    assert run.code == 0, run.err()
    assert dict(collections.Counter(r['event'] for r in rows(run))) == expected(node)
    invariant(run.summary())
    for words in ('its token is none of this run', 'it does not say what', 'hung up before', 'only counted'):
        assert words in run.err(), (words, run.err())
    assert run.err().count('refused a connection') == 10, run.err()
    assert json.dumps(run.summary()).find('connections refused') > 0, run.summary()
    node.clean()


def a_port_that_nobody_may_reach_fails_with_a_sentence():
    node = Node()
    with socket.socket() as other:
        other.bind(('127.0.0.1', 0))
        other.listen()
        wrong = other.getsockname()[1]
        run = Run(INI % (node.name, 'advertise = 127.0.0.1:%d\nconnect_timeout = 1s' % wrong)).ended(1)
        assert 'not this beamtap' in run.err(), run.err()
        run = Run(INI % (node.name, 'listen = 127.0.0.1:%d' % wrong)).ended(1)
        assert 'Address already in use' in run.err(), run.err()
    run = Run(INI % (node.name, 'advertise = 127.0.0.1:%d' % wrong)).ended(1)
    assert 'connection refused' in run.err(), run.err()
    run = Run(INI % (node.name, 'advertise = no.such.host.invalid')).ended(1)
    assert 'no connection from the node to no.such.host.invalid' in run.err(), run.err()
    for mistake in ('listen = 127.0.0.1:port', 'listen = [::1', 'advertise = :80', 'listen = a b:1', 'listen = x:70000'):
        run = Run(INI % (node.name, mistake)).ended(2)
        assert mistake.split()[0] in run.err(), run.err()
    node.clean()


def the_stream_breaks_and_the_run_says_so():
    """The node's socket is closed: the last report comes over the distribution, and every event is accounted for."""
    node = Node()
    run = Run(INI % (node.name, ''), '--json')
    node.traced()
    node('e2e_work:run(5, 50, 5)')
    port = port_of(run)
    node('[inet:close(P) || P <- erlang:ports(), element(2, erlang:port_info(P, name)) =:= "tcp_inet", '
         'inet:peername(P) =:= {ok, {{127,0,0,1}, %d}}]' % port)
    run.ended(1)
    assert 'TCP connection' in run.err() or 'process that sends' in run.err(), run.err()
    assert run.summary()['nodes'][0]['final'] is True, run.summary()
    invariant(run.summary())
    node.clean()


def what_is_no_frame_ends_that_node_only():
    """Somebody in the node writes into the agent's socket; another node's trace does not notice."""
    for lie in ('<<"this is not a frame, whatever it is">>',
                '<<"BTF1",1,0,0:16,0:32,0:32,0:64,1:32,0:32,0:32,16#7fffffff:32>>',    # as long as nothing may be
                '<<"BTF1",1,0,0:16,0:32,0:32,0:64,16#ffffffff:32,0:32,0:32,0:32>>'):   # events that are not there
        one, two = Node(), Node()
        run = Run(INI % (one.name + ', ' + two.name, ''), '--json')
        one.traced(), two.traced()
        port = port_of(run)
        one('[gen_tcp:send(P, %s) || P <- erlang:ports(), element(2, erlang:port_info(P, name)) =:= "tcp_inet", '
            'inet:peername(P) =:= {ok, {{127,0,0,1}, %d}}]' % (lie, port))
        assert two('e2e_work:run(5, 50, 5)') == 'ok'
        run.interrupt()
        nodes = {n['node']: n for n in run.summary()['nodes']}
        assert nodes[two.name]['lost'] == 0 and nodes[two.name]['state'] == 'done', nodes
        counted = collections.Counter(r['event'] for r in rows(run) if r['node'] == two.name)
        assert dict(counted) == expected(two, 5, 50, 5), counted
        invariant(run.summary())
        if 'ffffffff:32,0:32,0:32,0:32' in lie:
            assert nodes[one.name]['lost_by'].get('unreadable', 0) >= 2**32 - 10, nodes
        else:
            assert run.code == 1 and 'not the protocol' in run.err(), run.err()
        one.clean(), two.clean()


def the_sender_or_the_relay_killed():
    for victim in ('stream_loop', 'relay_'):
        node = Node()
        run = Run(INI % (node.name, ''), '--json')
        node.traced()
        node('e2e_work:run(5, 50, 5)')
        # A process at work may be seen in a function of another module: until one is found.
        kill = ('[exit(P, kill) || P <- processes(), {current_stacktrace, S} <- [process_info(P, current_stacktrace)], '
                '{M, F, _, _} <- S, lists:prefix("beamtap_agent_", atom_to_list(M)), '
                'lists:prefix("%s", atom_to_list(F))]' % victim)
        wait_for(lambda: node(kill) != '[]', 'a process in ' + victim)
        run.ended(1)
        assert run.summary()['nodes'][0]['final'] is True, run.err()
        invariant(run.summary())
        node.clean()


def the_distribution_breaks_and_the_stream_tells_the_end():
    node = Node()
    run = Run(INI % (node.name, ''), '--json')
    node.traced()
    node('e2e_work:run(5, 50, 5)')
    node('[erlang:disconnect_node(N) || N <- nodes(hidden)]')
    run.ended(1)
    assert run.summary()['nodes'][0]['final'] is True, run.err()
    assert dict(collections.Counter(r['event'] for r in rows(run))) == expected(node, 5, 50, 5)
    invariant(run.summary())
    node.clean()


def collector_killed_leaves_a_clean_node():
    node = Node()
    sockets = 'length([P || P <- erlang:ports(), element(2, erlang:port_info(P, name)) =:= "tcp_inet"])'
    before = node(sockets)
    run = Run(INI % (node.name, ''), '--set', 'session.lease=1s')
    node.traced()
    node('e2e_work:run(5, 50, 5)')
    run.process.kill()
    run.process.wait()
    node.clean()
    wait_for(lambda: node(sockets) == before, 'no socket left')


def a_collector_that_does_not_read_never_blocks_the_node():
    """A stopped collector: the relay drops or pauses within its credit, and the workload goes on."""
    node = Node()
    run = Run(INI % (node.name, ''), '--json', '--set', 'session.lease=60s', '--set', 'session.max_events=0')
    node.traced()
    os.kill(run.process.pid, signal.SIGSTOP)
    try:
        for _ in range(5):
            assert node('e2e_work:run(20, 400, 100)') == 'ok'
    finally:
        os.kill(run.process.pid, signal.SIGCONT)
    run.interrupt()
    assert run.code == 0, run.err()
    invariant(run.summary())
    told = run.summary()['nodes'][0]
    assert told['lost'] > 0 or told['gap_ns'] > 0, told
    node.clean()


def what_pauses_for_credit_names_its_key():
    """How much may wait for a collector that does not read is a part of max_memory: that is the key to turn, and not "credit"."""
    node = Node()
    run = Run(INI % (node.name, ''), '--json', '--set', 'session.lease=60s', '--set', 'session.max_events=0', '--set', 'session.max_memory=16M')
    node.traced()
    os.kill(run.process.pid, signal.SIGSTOP)
    try:
        wait_for(lambda: node('e2e_work:run(20, 100, 20)') == 'ok' and node('e2e_node:traced()') == 'false', 'a pause')
    finally:
        os.kill(run.process.pid, signal.SIGCONT)
    run.interrupt().ended(0)
    invariant(run.summary())
    told = run.summary()['nodes'][0]
    assert told['gap_by'].get('credit') and told['limited_by'] == ['max_memory'], told
    assert re.search(r'not tracing for \d+\.\d{3} s \(credit \d+\.\d{3} s.*\); a higher limit lets more through: max_memory$', run.err(), re.M), run.err()
    assert any(r['event'] == 'gap' and r['message'].endswith(',credit}') for r in rows(run))
    node.clean()


def two_nodes_in_one_run():
    one, two = Node(), Node()
    run = Run(INI % (one.name + ', ' + two.name, ''), '--json')
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


tests(the_file_holds_exactly_the_workload, over_ipv6, every_address_and_a_name,
      the_frames_do_not_go_over_the_distribution, strangers_are_refused_and_logged,
      a_port_that_nobody_may_reach_fails_with_a_sentence, the_stream_breaks_and_the_run_says_so,
      what_is_no_frame_ends_that_node_only, the_sender_or_the_relay_killed, the_distribution_breaks_and_the_stream_tells_the_end,
      collector_killed_leaves_a_clean_node, a_collector_that_does_not_read_never_blocks_the_node,
      what_pauses_for_credit_names_its_key, two_nodes_in_one_run)

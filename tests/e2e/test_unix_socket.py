"""Frames over a Unix socket, where node and collector are on one machine: the same events, also without any tcp in the configuration;
over TCP or by a process where the socket cannot be reached; and nothing of it is left, however the run ends.
"""
import stat
from collections import Counter
from native_lib import *

EVERY_KIND = """events = function_call, function_return, function_exception, message_send, message_receive, process_spawn, process_start, process_exit
max_rate = 0
[filter:pids]
pids = new
[filter:match_spec]
trace = e2e_work:target(_, _)
trace = e2e_work:outer(_)
trace = e2e_work:inner(_)
trace = e2e_work:thrower(_)
"""
HERE = 'its frames come over a Unix socket'
INSTEAD = 'its frames come over TCP: the Unix socket '


def ini(node, collect, transport):
    text = CONFIG % (node.name, EVERY_KIND, '')
    return text.replace('collect = native', 'collect = ' + collect).replace('[transport:tcp]\n', transport)


def counted(node, run, says, silent=(), n=10, m=100, k=20):
    """A run that has begun: exactly what the workload makes, and what the log says and does not say."""
    assert node('e2e_work:run(%d, %d, %d)' % (n, m, k)) == 'ok'
    run.interrupt().ended(0)
    for words in [says] if isinstance(says, str) else says:
        assert words in run.err(), (words, run.err())
    for words in [silent] if isinstance(silent, str) else silent:
        assert words not in run.err(), (words, run.err())
    assert dict(Counter(r['event'] for r in rows(run))) == workload(node, n, m, k), run.err()
    invariant(run.summary())
    assert run.summary()['nodes'][0]['lost'] == 0, run.summary()


def whole(node, collect, transport, says, silent=(), native=True):
    run = Run(ini(node, collect, transport), '--json')
    node.traced()
    assert mapped(node) == native, run.err()
    counted(node, run, says, silent)
    gone(node)
    return run


def names(run=None):
    """What is made for frames in the abstract namespace: by this run, or all that there is."""
    fds = '/proc/%d/fd/' % run.process.pid if run else ''
    own = {os.readlink(fds + fd) for fd in os.listdir(fds) if os.path.lexists(fds + fd)} if run else set()
    with open('/proc/net/unix', encoding='utf-8') as f:
        found = [line.split() for line in f if '@beamtap-' in line]
    return {words[-1] for words in found if not run or 'socket:[%s]' % words[6] in own}


def native_without_tcp():
    node = node_of()
    for collect in ('native', 'auto'):
        run = whole(node, collect, '', HERE, 'taken by a process')
        assert json.dumps(run.summary()).find('nodes over a Unix socket') > 0, run.summary()


def native_with_tcp():
    node = node_of()
    whole(node, 'native', '[transport:tcp]\n', HERE)
    whole(node, 'native', '[transport:tcp]\nlisten = 0.0.0.0:0\n', HERE)
    whole(node, 'native', '[transport:tcp]\nadvertise = 127.0.0.1\n', 'sink:csv', 'Unix socket')


def a_command_is_native_too():
    """beamtap trace, of which the user says nothing but who takes the events."""
    node = node_of()
    run = Run(None, node.name, 'e2e_native:step(_, _)', '-o', 'trace.csv', '--set', 'session.collect=auto', '--json', command='trace')
    node.traced()
    assert mapped(node) and node('e2e_native:wander(5, 20)') == 'ok'
    run.interrupt().ended(0)
    assert HERE in run.err() and len(rows(run)) == 100, run.err()
    gone(node)


def a_process_is_as_before():
    """Of a process nothing comes over a Unix socket that nobody has asked for."""
    node = node_of()
    for transport in ('', '[transport:tcp]\n'):
        run = whole(node, 'process', transport, 'sink:csv', 'Unix socket', native=False)
        assert 'Unix socket' not in json.dumps(run.summary())


def folder():
    made = tempfile.mkdtemp(dir=work)
    os.chmod(made, 0o755)
    return made


def outside():
    """A folder that is not there, by this name, for nodes that have another root."""
    made = tempfile.mkdtemp(prefix='beamtap-e2e-')
    atexit.register(subprocess.run, ['rm', '-rf', made])
    os.chmod(made, 0o755)
    return made


def at_a_path():
    """Natively and by a process; the file is there for whoever finds it, and goes with the run."""
    node = node_of()
    path = os.path.join(folder(), 'tap.sock')
    for collect in ('native', 'process'):
        for listen in ('unix:' + path, '127.0.0.1:0, unix:' + path, 'unix:@tap-%d' % os.getpid()):
            run = Run(ini(node, collect, '[transport:tcp]\nlisten = %s\n' % listen), '--json')
            node.traced()
            if '@' not in listen:
                mode = os.stat(path).st_mode
                assert stat.S_ISSOCK(mode) and mode & 0o777 == 0o666, oct(mode)
            counted(node, run, HERE, INSTEAD)
            assert not os.path.lexists(path)
            gone(node)


def a_path_that_is_not_the_nodes():
    """Of a node in another root, as in a container: over TCP where there is that, else it is said."""
    if not ROOT:
        print('# skipped a_path_that_is_not_the_nodes: it takes a node in another root')
        return
    node = node_of()
    path = os.path.join(outside(), 'tap.sock')
    for collect in ('native', 'process'):
        whole(node, collect, '[transport:tcp]\nlisten = 127.0.0.1:0, unix:%s\n' % path, INSTEAD + path, HERE, collect == 'native')
        run = Run(ini(node, collect, '[transport:tcp]\nlisten = unix:%s\n' % path), '--json').ended(1)
        assert 'no connection from the node: the Unix socket %s cannot be used: ' % path in run.err(), run.err()
        assert re.search('[Nn]o such file or directory', run.err()), run.err()
        assert not os.path.lexists(path)
        gone(node)


def a_node_of_another_user():
    """It reaches what has no file; what is in a folder that is closed to it, it does not, and takes TCP."""
    if os.getuid() != 0 or ROOT:
        print('# skipped a_node_of_another_user: only root can start one, and only on this release')
        return
    os.chmod(work, 0o755)
    node = Node(erl=['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'erl'])
    node('code:ensure_loaded(e2e_native)')
    assert node('os:cmd("id -u")') == '"65534\\n"'
    whole(node, 'native', '', HERE)
    open_to_all, closed = folder(), folder()
    os.chmod(closed, 0o700)
    for collect in ('native', 'process'):
        native = collect == 'native'
        transport = '[transport:tcp]\nlisten = 127.0.0.1:0, unix:%s/tap.sock\n'
        whole(node, collect, transport % open_to_all, HERE, INSTEAD, native)
        run = whole(node, collect, transport % closed, INSTEAD + closed, HERE, native)
        assert re.search('[Pp]ermission denied', run.err()), run.err()
        run = Run(ini(node, collect, '[transport:tcp]\nlisten = unix:%s/tap.sock\n' % closed), '--json').ended(1)
        assert re.search('no connection from the node: the Unix socket .*tap.sock cannot be used: [Pp]ermission denied', run.err()), run.err()
        assert os.listdir(closed) == []
        gone(node)
    node.stop()


def a_node_that_may_make_none():
    """Over the distribution a process takes the events then, over TCP the library goes on; and it is said."""
    if ROOT:
        print('# skipped a_node_that_may_make_none: only on this release')
        return
    node = Node(erl=[sys.executable, os.path.join(E2E, 'no_unix_sockets.py'), 'erl'])
    node('code:ensure_loaded(e2e_native)')
    why = 'cannot be used: Address family not supported by protocol'
    run = Run(ini(node, 'auto', ''), '--json')
    node.traced()
    counted(node, run, ['events are taken by a process', why], HERE)
    gone(node)
    run = Run(ini(node, 'native', ''), '--json').ended(1)
    assert 'collect = native, but' in run.err() and why in run.err() and '[transport:tcp]' in run.err(), run.err()
    gone(node)
    whole(node, 'native', '[transport:tcp]\n', [INSTEAD, why], HERE)
    node.stop()


def the_collector_is_killed():
    """Nothing is left in the node; of a name there is nothing to leave, and a file is taken over by the next run."""
    node = node_of()
    path = os.path.join(folder(), 'tap.sock')
    for transport in ('[transport:dist]\n', '[transport:tcp]\nlisten = 127.0.0.1:0, unix:%s\n' % path):
        node('e2e_native:hot()')
        run = Run((CONFIG % (node.name, 'max_rate = 0', '')).replace('[transport:tcp]\n', transport + 'connect_timeout = 60s\n'))
        node.traced()
        wait_for(lambda: len(run.read('trace.csv')) > 100000, 'events')
        mine = names(run)
        assert bool(mine) == ('unix:' not in transport), mine
        run.process.kill()
        run.wait()
        gone(node)
        node('e2e_native:stop()')
        assert not mine & names(), mine & names()
    assert os.path.lexists(path)
    whole(node, 'native', '[transport:tcp]\nlisten = 127.0.0.1:0, unix:%s\n' % path, HERE, INSTEAD)
    assert not os.path.lexists(path)


def nodes_die_and_hang():
    """A node that is killed, one that stands still, and one that goes on: over a Unix socket without tcp."""
    dies, hangs, lives = node_of(), node_of(), node_of()
    text = ini(lives, 'native', '').replace('nodes = ' + lives.name, 'nodes = %s, %s, %s' % (dies.name, hangs.name, lives.name))
    run = Run(text, '--json')
    for node in (dies, hangs, lives):
        node.traced()
    assert run.err().count(HERE) == 3, run.err()
    dies.stop()
    hangs.process.send_signal(signal.SIGSTOP)
    wait_for(lambda: re.search(re.escape(hangs.name) + '.*has said nothing', run.err()), 'the silence to be noticed')
    assert lives('e2e_work:run(5, 50, 5)') == 'ok'
    hangs.process.send_signal(signal.SIGCONT)
    run.interrupt()
    assert run.code == 1, run.err()
    found = Counter(r['event'] for r in rows(run) if r['node'] == lives.name)
    assert dict(found) == workload(lives, 5, 50, 5), found
    gone(hangs)
    gone(lives)


def a_node_that_lost_us_is_traced_again():
    """Its distribution breaks, its own connection tells the end; then it is dialled again, while another node keeps the run alive."""
    node, other = node_of(), node_of()
    for way in ('unix', 'tcp'):
        text = config(node, STEPS, way).replace('nodes = ', 'nodes = %s, ' % other.name)
        run = Run(text.replace('[transport:tcp]\n', '') if way == 'unix' else text, '--json')
        node.traced(), other.traced()
        node('e2e_native:wander(2, 10)')
        node('[erlang:disconnect_node(N) || N <- nodes(hidden)]')
        wait_for(lambda: run.err().count(node.name + ' is back') == 1, 'the node to be joined again')
        node.traced()
        node('e2e_native:wander(2, 10)')
        run.interrupt()
        assert len(rows(run)) == 40 and run.err().count(HERE) == (3 if way == 'unix' else 0), run.err()
        assert run.err().count('tracing ended there') == 1, run.err()
        invariant(run.summary())
        gone(node), gone(other)


def mistakes_are_told_before_any_node_is_touched():
    node = Node()
    for listen, words in (('unix:tap.sock', 'unix:/PATH'), ('unix:/run/', 'does not end with /'), ('unix:/' + 107 * 'x', '107 bytes at most'),
                          ('127.0.0.1:0, 127.0.0.1:1', 'unix:/PATH'), ('unix:/run/t\nadvertise = localhost', 'is a Unix socket alone')):
        for command in ('run', 'check'):
            run = Run(ini(node, 'auto', '[transport:tcp]\nlisten = %s\n' % listen), command=command).ended(2)
            assert words in run.err() and 'listen = ' + listen.split('\n')[0] in run.err(), run.err()
    open_to_all = tempfile.mkdtemp(dir=work)
    for mode, words in ((0o777, 'others may write in its folder'), (0o1777, None)):
        os.chmod(open_to_all, mode)
        run = Run(ini(node, 'auto', '[transport:tcp]\nlisten = unix:%s/tap.sock\n' % open_to_all), '--set', 'session.duration=100ms').ended(1 if words else 0)
        assert not words or words in run.err(), run.err()
        assert os.listdir(open_to_all) == []
    run = Run(ini(node, 'auto', '[transport:tcp]\nlisten = unix:%s/none/tap.sock\n' % work)).ended(1)
    assert 'No such file or directory' in run.err(), run.err()
    file = os.path.join(folder(), 'file')
    with open(file, 'w', encoding='utf-8') as f:
        f.write('mine\n')
    run = Run(ini(node, 'auto', '[transport:tcp]\nlisten = unix:%s\n' % file)).ended(1)
    with open(file, encoding='utf-8') as f:
        assert 'something else of that name' in run.err() and f.read() == 'mine\n', run.err()
    path = os.path.join(folder(), 'tap.sock')
    run = Run(ini(node, 'auto', '[transport:tcp]\nlisten = unix:%s\n' % path), command='check').ended(0)
    assert path in run.out() and not os.path.lexists(path), run.out()
    node.clean()


tests(native_without_tcp, native_with_tcp, a_command_is_native_too, a_process_is_as_before, at_a_path, a_path_that_is_not_the_nodes,
      a_node_of_another_user, a_node_that_may_make_none, the_collector_is_killed, nodes_die_and_hang, a_node_that_lost_us_is_traced_again,
      mistakes_are_told_before_any_node_is_touched)

"""What a start waits for, and for how long; cookies; many descriptors; and nodes that speak TLS."""
import pwd, threading
import lib
from lib import *

INI = """[session]
nodes = %s
duration = 0
events = function_call
[filter:match_spec]
trace = e2e_work:target(_, _)
[sink:csv]
path = trace.csv
"""


class Silent:
    """A port that accepts connections and says nothing: as a node that is frozen does."""

    def __init__(self):
        self.socket = socket.create_server(('127.0.0.1', 0))
        self.name = 'frozen@localhost:%d' % self.socket.getsockname()[1]
        self.accepted = []
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                self.accepted.append(self.socket.accept())
            except OSError:
                return

    def close(self):
        self.socket.close()


def took(run, since):
    run.wait()
    return time.time() - since


# ---- Waiting

def an_interrupt_ends_connecting_at_once():
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        silent, folder = Silent(), tempfile.mkdtemp(dir=work)
        with open(os.path.join(folder, 'trace.csv'), 'w') as f:
            f.write("yesterday's\n")
        run = Run(INI % silent.name + '[transport:dist]\nconnect_timeout = 10m\n', '--json', cwd=folder)
        wait_for(lambda: silent.accepted, 'the connection')
        run.process.send_signal(signal_number)
        took_s = took(run, time.time())
        assert took_s < 5 and run.code == 0, (took_s, run.code, run.err())
        assert 'before any node was traced' in run.err() and run.read('trace.csv') == "yesterday's\n", run.err()
        silent.close()
    silent = Silent()
    run = Run(None, silent.name, 'erlang', 'self', '[]', '--set', 'transport:dist.connect_timeout=10m', command='call')
    wait_for(lambda: silent.accepted, 'the connection')
    run.process.send_signal(signal.SIGINT)
    assert took(run, time.time()) < 5, run.err()
    silent.close()


def what_it_waits_for_is_said():
    silent = Silent()
    began = time.time()
    run = Run(INI % silent.name + '[transport:dist]\nconnect_timeout = 3s\n').ended(1)
    assert 3 <= time.time() - began < 8, time.time() - began
    name = silent.name.rsplit(':', 1)[0]
    assert '%s: waiting for its part of the handshake, 3 s at the most' % name in run.err(), run.err()
    assert '%s: the node does not answer (timeout)' % name in run.err(), run.err()
    silent.close()


def one_that_hangs_in_its_handshake_takes_no_time_of_others():
    """Two are joined at once, and wait for the third until its time is over: they have theirs still."""
    frozen, nodes = Node(), [Node(), Node()]
    pid = int(frozen('list_to_integer(os:getpid())'))
    os.kill(pid, signal.SIGSTOP)
    try:
        run = Run(INI % ', '.join([frozen.name, *(n.name for n in nodes)]) + '[transport:dist]\nconnect_timeout = 2s\n', '--json')
        for node in nodes:
            node.traced()
        run.interrupt().ended(1)
    finally:
        os.kill(pid, signal.SIGCONT)
    states = {n['node']: n['state'] for n in run.summary()['nodes']}
    assert not any(n.name + ': the node does not answer' in run.err() for n in nodes), run.err()
    assert states == {frozen.name: 'failed', **{n.name: 'done' for n in nodes}}, (states, run.err())
    for node in (*nodes, frozen):
        node.clean()
        node.stop()


def a_start_ends_with_connect_timeout():
    """The node answers the handshake, and then nothing."""
    node, well = Node(), Node()
    node('erlang:suspend_process(whereis(rex))')
    try:
        for command in (Run(INI % node.name + '[transport:dist]\nconnect_timeout = 3s\n', '--json'),
                        Run(None, node.name, 'erlang', 'self', '[]', '--timeout', '2s', '--set',
                            'transport:dist.connect_timeout=3s', command='call'),
                        Run(None, node.name, '--set', 'transport:dist.connect_timeout=3s', command='nodes')):
            began = time.time()
            command.ended(1)
            assert time.time() - began < 8, (time.time() - began, command.err())
            assert re.search(node.name + ': the node does not answer [a-z]+:[a-z_]+', command.err()), command.err()
            assert re.search(node.name + ': waiting for [a-z]+:[a-z_]+, 3 s at the most', command.err()), command.err()
        # one that hangs does not keep the others
        run = Run(INI % (node.name + ', ' + well.name) + '[transport:dist]\nconnect_timeout = 10m\n', '--json')
        well.traced()
        began = time.time()
        run.interrupt()
        assert time.time() - began < 10, run.err()
    finally:
        node('erlang:resume_process(whereis(rex))')
    node.clean(), well.clean()


# Answers one call after the other, each after two seconds.
SLOW = """spawn(fun() -> register(slow, self()), (fun L() ->
    Rex = whereis(rex), erlang:suspend_process(Rex), receive stop -> ok after 2000 ->
        erlang:resume_process(Rex), (fun W() -> case process_info(Rex, message_queue_len) of {_, 0} -> ok; _ -> W() end end)(), L()
    end end)() end), ok""".replace('\n', ' ')
# Holds back the first process that a call is made in.
HOLDS = """spawn(fun() -> register(holds, self()), {monitors, Others} = process_info(whereis(rex), monitors), (fun L() ->
    {monitors, Now} = process_info(whereis(rex), monitors),
    case Now -- Others of
        [{process, P} | _] -> erlang:suspend_process(P), receive stop -> ok end;
        [] -> receive stop -> ok after 0 -> L() end
    end end)() end), ok""".replace('\n', ' ')


def a_question_is_as_bounded_as_a_start():
    """`nodes` and `clean`: until the agent is there connect_timeout for all calls together; its answer has a bound of its own that is said."""
    node = Node()
    node('[spawn(fun() -> receive never -> ok end end) || _ <- lists:seq(1, 20000)], ok')  # the agent has something to look at
    for command in ('nodes', 'clean'):
        node(SLOW)
        began = time.time()
        asked = Run(None, node.name, '--set', 'transport:dist.connect_timeout=3s', command=command).ended(1)
        assert time.time() - began < 6, (time.time() - began, asked.err())
        assert re.search(node.name + ': the node does not answer [a-z]+:[a-z_]+ within 3 s of connecting', asked.err()), asked.err()
        node('slow ! stop, ok')
        wait_for(lambda: node('is_pid(whereis(slow))') == 'false', 'rex to be itself')
        node(HOLDS)
        began = time.time()
        asked = Run(None, node.name, '--set', 'transport:dist.connect_timeout=1s', command=command).ended(1)
        assert 6 <= time.time() - began < 12, (time.time() - began, asked.err())
        verb = {'nodes': 'info', 'clean': 'clean'}[command]
        assert re.search(node.name + ': waiting for beamtap_agent_[0-9a-f]+:%s, 6 s at the most' % verb, asked.err()), asked.err()
        assert re.search(node.name + ': the node does not answer beamtap_agent_[0-9a-f]+:%s within 6 s:' % verb, asked.err()), asked.err()
        node('holds ! stop, ok')
        Run(None, node.name, command='clean').ended(0)
    node.clean()
    node.stop()


# ---- Cookies

def cookies_where_erl_has_them():
    node = Node()
    home = tempfile.mkdtemp(dir=work)
    bare = {k: v for k, v in env.items() if k not in ('BEAMTAP_COOKIE', 'XDG_CONFIG_HOME')}
    bare['HOME'] = home

    def put(name, text, mode=0o400):
        path = os.path.join(home, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), 'w') as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def ask(*args, environment=bare):
        return Run(None, node.name, *args, command='nodes', environment=environment)

    err = ask().ended(1).err()
    assert home + '/.erlang.cookie' in err and home + '/.config/erlang/.erlang.cookie' in err, err
    settings = put('.config/erlang/.erlang.cookie', cookie + '\n')
    ask().ended(0)
    put('elsewhere/erlang/.erlang.cookie', cookie)
    os.unlink(settings)
    ask(environment=dict(bare, XDG_CONFIG_HOME=home + '/elsewhere')).ended(0)
    path = put('.erlang.cookie', cookie + ' \n')
    err = ask().ended(1).err()
    assert 'wrong cookie' in err and path in err and 'it ends with a space' in err, err
    os.chmod(path, 0o600)
    put('.erlang.cookie', cookie + '\r\n', 0o644)
    err = ask().ended(1).err()
    assert path + ' must be accessible by its owner only (it has mode 0644)' in err, err
    os.chmod(path, 0o400)
    ask().ended(0)
    ask('--set', 'session.cookie_file=~/.erlang.cookie').ended(0)
    user = pwd.getpwuid(os.getuid())
    err = ask('--set', 'session.cookie_file=~%s/no_such_file_%d' % (user.pw_name, os.getpid())).ended(1).err()
    assert 'no cookie: %s/no_such_file_%d' % (user.pw_dir, os.getpid()) in err, err
    node.clean()


# ---- Descriptors

MANY = '''#!/usr/bin/env python3
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
for i in range(3500):
    os.set_inheritable(os.open('/dev/null', os.O_RDONLY), True)
os.execv(%r, [%r] + sys.argv[1:])
'''


def more_than_a_thousand_descriptors():
    node = Node()
    script = os.path.join(work, 'many')
    with open(script, 'w') as f:
        f.write(MANY % (BEAMTAP, BEAMTAP))
    os.chmod(script, 0o755)
    lib.BEAMTAP = script
    try:
        run = Run(INI % node.name, '--json')
        node.traced()
        node('e2e_work:run(1, 3, 1)')
        run.interrupt()
        assert run.code == 0 and len(rows(run)) == 3, run.err()
        assert Run(None, node.name, command='nodes').ended(0).out().startswith(node.name)
    finally:
        lib.BEAMTAP = BEAMTAP
    node.clean()


PROGRAM = r'''
#include <beamtap/beamtap.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static int trace(const char *node)
{
    struct tap_trace_options options = TAP_TRACE_OPTIONS;
    struct tap_trace *t;
    char *why;
    options.nodes = (const char *[]){node, NULL};
    options.modules = (const char *[]){"e2e_work", NULL};
    options.events = (const char *[]){"function_call", NULL};
    if (tap_trace_start(&options, &t, &why) != TAP_OK || tap_trace_stop(t, &why) != TAP_OK) {
        printf("failed: %s\n", why ? why : "?");
        return 1;
    }
    tap_trace_free(t);
    return 0;
}
int main(int argc, char **argv)
{
    struct rlimit few = {256, 0}, many = {4096, 0};
    getrlimit(RLIMIT_NOFILE, &many);
    few.rlim_max = many.rlim_max, many.rlim_cur = 4096;
    (void)argc;
    setrlimit(RLIMIT_NOFILE, &few); /* what was the limit at the first trace is none for the next */
    if (trace(argv[1]))
        return 1;
    setrlimit(RLIMIT_NOFILE, &many);
    for (int i = 0; i < 1500; i++)
        if (open("/dev/null", O_RDONLY) < 0)
            return 2;
    return trace(argv[1]);
}
'''


def more_than_a_thousand_descriptors_in_a_program():
    node = Node()
    source, program = os.path.join(work, 'many.c'), os.path.join(work, 'many_fds')
    with open(source, 'w') as f:
        f.write(PROGRAM)
    subprocess.run(['gcc', '-std=gnu11', '-I', os.path.join(TOP, 'core/include'), '-o', program, source,
                    '-L', os.path.join(BUILD, 'lib'), '-lbeamtap'], check=True)
    done = subprocess.run([program, node.name], env=dict(env, LD_LIBRARY_PATH=os.path.join(BUILD, 'lib'),
                                                         BEAMTAP_PLUGIN_PATH=os.path.join(BUILD, 'plugins')),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.returncode == 0, (done.returncode, done.stdout)
    node.clean()


# ---- TLS

def nodes_that_speak_tls_are_named():
    plain = Node()
    if 'error' in plain('code:lib_dir(ssl)') or subprocess.run(['which', 'openssl'], stdout=subprocess.DEVNULL).returncode:
        print('# skipped: no ssl in the node, or no openssl here')
        return
    key, certificate, both = (os.path.join(work, n) for n in ('key.pem', 'certificate.pem', 'both.pem'))
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '2',
                    '-subj', '/CN=localhost'], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(both, 'w') as f:
        f.write(open(key).read() + open(certificate).read())
    node = Node(args=('-proto_dist', 'inet_tls', '-ssl_dist_opt', 'server_certfile', both, 'client_verify', 'verify_none',
                      'server_verify', 'verify_none'))
    run = Run(INI % node.name).ended(1)
    assert node.name + ': the node speaks TLS (-proto_dist inet_tls' in run.err(), run.err()
    at = node('element(2, erl_epmd:port_please("%s", "localhost"))' % node.name.split('@')[0])
    run = Run(INI % plain.name, environment=dict(env, ERL_EPMD_PORT=at)).ended(1)
    assert "port %s at localhost is not epmd's: something answers there that speaks TLS" % at in run.err(), run.err()
    node.clean(), plain.clean()


tests(an_interrupt_ends_connecting_at_once, what_it_waits_for_is_said, one_that_hangs_in_its_handshake_takes_no_time_of_others, a_start_ends_with_connect_timeout, a_question_is_as_bounded_as_a_start,
      cookies_where_erl_has_them,
      more_than_a_thousand_descriptors, more_than_a_thousand_descriptors_in_a_program, nodes_that_speak_tls_are_named)

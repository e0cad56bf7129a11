"""Nodes as people really have them: with code that has gone, with tables that are full, with limits that kill. beamtap traces
there or says in a sentence why not; the node lives, and nothing stays in it.
"""
import shutil
from lib import *

INI = """[session]
nodes = %s
events = function_call
duration = %s
[filter:modules]
modules = odd_node
[sink:csv]
path = trace.csv
"""
compile_erlang('odd_node.erl')


def run(node, duration='300ms', ini=INI):
    return Run(ini % (node, duration), '--json')


def ask(command, node, *args):
    return Run(None, node, *args, command=command)


def traced(done):
    """It ended well, and there are events of the workload."""
    done.ended(0)
    invariant(done.summary())
    assert rows(done), done.err()
    return done


def sentence(done, *words):
    """It failed with a sentence that says these words, and shows no term of Erlang's."""
    done.ended(1)
    text = done.err()
    for word in words:
        assert word in text, text
    for term in ('badrpc', "'EXIT'", '{'):
        assert term not in text, text
    return text


# ---- Code that has gone --------------------------------------------------------------------------------------------------


class Bare:
    """A node that runs from a copy of its OTP, and that nobody has made load anything. Asked about from `looker`."""
    looker = None

    def __init__(self, *args):
        Bare.looker = Bare.looker or Node()
        Node.count += 1
        self.name = 'bare_%d_%d@localhost' % (os.getpid(), Node.count)
        self.otp = os.path.join(work, 'otp%d' % Node.count)
        subprocess.run(['cp', '-a', ROOT + self.root(), ROOT + self.otp], check=True)
        self.app = os.path.join(work, 'app%d' % Node.count)
        os.mkdir(self.app)
        shutil.copy(os.path.join(work, 'odd_node.beam'), self.app)
        bin = [f for f in os.listdir(ROOT + self.otp) if f.startswith('erts-')][0]
        bin = os.path.join(self.otp, bin, 'bin')
        environment = dict(env, ROOTDIR=self.otp, BINDIR=bin, EMU='beam', PROGNAME='erl')
        self.process = subprocess.Popen(
            [*(['chroot', ROOT] if ROOT else []), bin + '/erlexec', '-noinput', '-sname', self.name, '-setcookie', cookie,
             '-pa', self.app, *args, '-s', 'odd_node', 'bare'],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, text=True)
        started.append(self.process)
        assert self.process.stdout.readline().startswith('ready'), 'the bare node does not start'
        # Once it must have been connected to: what a connection needs is loaded then.
        assert self.look("net_adm:ping('%s')" % self.name) == 'pong'
        self.loses_its_code()

    @staticmethod
    def root():
        erl = ['chroot', ROOT, 'erl'] if ROOT else ['erl']
        return subprocess.run([*erl, '-noshell', '-eval', 'io:put_chars(code:root_dir()), halt().'], check=True,
                              stdout=subprocess.PIPE, text=True).stdout

    def look(self, expression):
        return Bare.looker(expression)

    def call(self, module, function, *args):
        return self.look("rpc:call('%s', %s, %s, [%s])" % (self.name, module, function, ', '.join(args)))

    def loses_its_code(self):
        os.rename(ROOT + self.otp, ROOT + self.otp + '.gone')
        os.rename(self.app, self.app + '.gone')

    def clean(self):
        wait_for(lambda: self.look("odd_node:there('%s')" % self.name) == '[]',
                 'a clean node; there is still ' + self.look("odd_node:there('%s')" % self.name)[:500])

    def over(self):
        assert self.process.poll() is None, 'the node has ended'
        self.process.kill()
        self.process.wait()
        subprocess.run(['rm', '-rf', ROOT + self.otp + '.gone'])


def code_gone_under_a_live_node():
    node = Bare()
    traced(run(node.name))
    node.clean()
    assert 'nobody traces' in ask('nodes', node.name).ended(0).out()
    node.clean()
    assert 'nothing was left' in ask('clean', node.name).ended(0).out()
    node.clean()
    node.over()


def code_gone_in_embedded_mode():
    node = Bare('-mode', 'embedded', '-eval', 'code:load_file(odd_node)')
    traced(run(node.name))
    ask('nodes', node.name).ended(0)
    ask('clean', node.name).ended(0)
    node.clean()
    node.over()


def a_dead_run_in_a_node_without_its_code():
    """Everything of the run is killed at once: clean finds its marks."""
    node = Bare()
    killed = run(node.name, '0')
    wait_for(lambda: os.path.getsize(killed.path('trace.csv')) > 500, 'events')
    killed.process.kill()
    ours = node.look(
        "N = '%s', Ours = [P || {process, P, _} <- odd_node:there(N)], [rpc:call(N, erlang, suspend_process, [P]) || P <- Ours], "
        "[rpc:call(N, erlang, exit, [P, kill]) || P <- Ours], length(Ours)" % node.name)
    assert int(ours) >= 3, ours
    ask('clean', node.name).ended(0)
    node.clean()
    node.over()


def what_is_missing_is_named():
    node = Bare()
    assert node.call('erlang', 'delete_module', 'queue') == 'true'
    node.call('erts_code_purger', 'purge', 'queue')
    text = sentence(run(node.name), 'queue', 'cannot be loaded')
    assert node.name in text, text
    node.clean()
    node.over()


# ---- Tables that are full ------------------------------------------------------------------------------------------------


def atom_table_nearly_full():
    node = Node(args=('+t', '30000'))
    node('odd_node:work()')
    node.connect(Node()) # the first connection loads modules
    assert int(node('odd_node:fill_atoms(500)')) == 500
    sentence(run(node.name), 'atom table', '30000')
    sentence(ask('nodes', node.name), 'atom table')
    sentence(ask('clean', node.name), 'atom table')
    left = int(node("erlang:system_info(atom_limit) - erlang:system_info(atom_count)"))
    assert left > 400, left
    node.clean()
    node.stop()


def no_atom_a_run():
    node = Node()
    node('odd_node:work()')
    counts = []
    for i in range(20):
        run(node.name, '100ms').ended(0)
        if i % 4 == 0:
            ask('nodes', node.name).ended(0)
            ask('clean', node.name).ended(0)
        # Names of collectors are few; how many are used depends on who else runs on this machine.
        counts.append(int(node('erlang:system_info(atom_count) - length(nodes(known))')))
    assert counts[-1] == counts[4], counts
    assert int(node('length(nodes(known))')) < 8, node('nodes(known)')
    node.clean()
    node.stop()


def process_table_full():
    node = Node(args=('+P', '1024'))
    node('odd_node:work()')
    node('odd_node:fill_processes(10)') # a connection takes some
    sentence(run(node.name), 'process table', '1024')
    sentence(ask('nodes', node.name), 'process table')
    sentence(ask('clean', node.name), 'process table')
    assert node('[M || M <- erlang:loaded(), lists:prefix("beamtap", atom_to_list(M))]') == '[]'
    node.stop()


def process_table_that_fills_while_a_run_starts():
    """Wherever it comes to an end: one sentence, and the agent is gone."""
    beam = os.path.join(work, 'agent.beam')
    shutil.copy(os.path.join(TOP, 'plugins/transports/beam/agent/beamtap_agent.beam'), beam)
    node = Node(args=('+P', '1024'))
    agent = node('element(2, lists:keyfind(module, 1, beam_lib:info("%s")))' % beam)
    for free in range(4):
        answer = node('odd_node:starts("%s", %s, %d)' % (beam, agent, free))
        assert answer.startswith('{error,{failed,<<"the node') and 'process table is full' in answer, answer
        node.clean()
    assert node('odd_node:starts("%s", %s, 100)' % (beam, agent)).startswith('{ok,')
    node.stop()


tests(code_gone_under_a_live_node, code_gone_in_embedded_mode, a_dead_run_in_a_node_without_its_code, what_is_missing_is_named,
      atom_table_nearly_full, no_atom_a_run, process_table_full, process_table_that_fills_while_a_run_starts)

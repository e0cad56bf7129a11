"""What the tests on real applications share: where these are, how late their nodes answer, and what a run of beamtap must hold.

Each test program starts its application by itself, with folders, ports, an epmd, a cookie and a node name of its own.
"""
import glob, os, platform, sys
from collections import Counter
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'e2e'))
from lib import *

ANSWER = 100  # ms in which a node answers, always
MEMORY = 64 + 128  # MB that it may have more than without beamtap: max_memory, and what the application takes by itself
PLAIN = """[session]
nodes = %s
[sink:csv]
path = trace.csv
"""
EVERYTHING = """[session]
nodes = %%s
duration = 0
max_events = 0
max_rate = 0
%s
[sink:csv]
path = trace.csv
"""
UNLIMITED = EVERYTHING % ''
WITH_OTP = EVERYTHING % 'include_otp = true'
WITH_ARGUMENTS = EVERYTHING % 'arguments = true'
COUNTS = """[session]
nodes = %%s
events = function_call
duration = 0
max_events = 0
max_rate = 0
max_queue = 1M
max_memory = 1G
[filter:modules]
modules = apps_probe, %s
[sink:csv]
path = trace.csv
queue = 1G
"""


def fetched():
    """The folder with the packages; without it the program ends, saying why."""
    made = subprocess.run(['sh', os.path.join(HERE, 'fetch.sh')], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if made.returncode:
        print('# skipped: %s' % made.stderr.strip().replace('\n', ' '))
        sys.exit(0)
    return made.stdout.strip()


PACKAGES = fetched()
LIBRARIES = os.path.join(PACKAGES, 'usr/lib', platform.machine() + '-linux-gnu')
env.update(LD_LIBRARY_PATH=LIBRARIES, ERL_LIBS='%s/usr/lib/erlang/lib:%s' % (PACKAGES, LIBRARIES))
compile_erlang('e2e_large.erl', os.path.join(HERE, 'apps_probe.erl'))
csv.field_size_limit(1 << 24)


class App(Node):
    """An application's node: it writes lines of its own, too."""

    def answer(self):
        for line in self.process.stdout:
            if 'ready ' + self.name in line:
                return line[line.index('ready '):]
            if line.startswith(('= ', '! ')):
                return line
        return ''


class Watch:
    """How late a node answers another one that asks over TCP every 5 ms, what this machine's other work costs left out; and how
    much memory it has meanwhile."""

    def __init__(self, app):
        self.app = app
        # First in the queue for a processor where that is allowed: it asks little, but then.
        self.witness = Node('witness', erl=['nice', '-n', '-15', 'erl'])
        self.port = app('apps_probe:listen()')

    def begin(self):
        self.app('e2e_large:tick_begin()')
        self.witness('apps_probe:watch(%s, %s)' % (self.port, self.app('os:getpid()')))

    def end(self):
        own, whole, count = (int(n) for n in self.witness('apps_probe:watched()').strip('{}').split(','))
        _, memory = (int(n) for n in self.app('e2e_large:tick_end()').strip('{}').split(','))
        return {'ms': own / 1000, 'with waits': whole / 1000, 'answers': count, 'MB': memory >> 20}


class Load:
    """A node that loads an application by a module of its own, with start, delivered and stop."""

    def __init__(self, module, *setup):
        compile_erlang(os.path.join(HERE, module + '.erl'))
        self.module, self.setup, self.node = module, setup, None
        self.begin()

    def begin(self):
        self.node = Node('load')
        for expression in self.setup:
            assert self.node(expression).startswith(('ok', '{ok')), expression

    def __call__(self, call):
        return self.node('%s:%s' % (self.module, call))

    def run(self, start, amount):
        """Until so many messages were delivered: everything that was sent was."""
        assert self(start) == 'started'
        try:
            wait_for(lambda: int(self('delivered()')) >= amount, '%d messages' % amount)
        except AssertionError:
            self.node.stop()
            self.begin()
            raise
        sent, delivered = (int(n) for n in self('stop()').strip('{}').split(','))
        assert sent == delivered >= amount, (sent, delivered)


def watched(watch, load, start, amount):
    watch.begin()
    load.run(start, amount)
    return watch.end()


def holds(app, watch, load, start, amount, ini):
    """What must hold of a run, whatever it traces. The kernel's account of what a machine made threads wait is not exact: a node
    that is late is looked at again, and is late again where it is beamtap that makes it so."""
    for last in False, False, True:
        alone = watched(watch, load, start, amount)
        run = Run(ini % app.name, '--json')
        app.traced()
        traced = watched(watch, load, start, amount)
        run.interrupt().ended(0)
        summary = run.summary()
        node, = summary['nodes']
        print('# untraced %s, traced %s; %d events, not tracing for %.1f s' % (
            alone, traced, node['produced'], node['gap_ns'] / 1e9), flush=True)
        invariant(summary)
        assert node['state'] == 'done' and node['final'] and node['produced'] > 10 * amount, summary
        assert traced['MB'] < alone['MB'] + MEMORY, traced
        nothing_left(app)
        nothing_of_its_own(run)
        if traced['answers'] >= 50 and traced['ms'] < ANSWER + alone['ms']:
            return run
        assert not last, traced


def nothing_left(app):
    """Beside what e2e_node:residue() looks for: a node name, and code."""
    app.clean()
    wait_for(lambda: app('[N || N <- nodes(connected), lists:prefix("beamtap", atom_to_list(N))]') == '[]', 'the connection gone')
    assert app('[M || {M, _} <- code:all_loaded(), lists:prefix("beamtap", atom_to_list(M))]') == '[]'


def nothing_of_its_own(run):
    """No row speaks of the agent or of the collector's node; but RabbitMQ looks through the node's connections by itself every
    second."""
    words = re.compile(rb'beamtap_agent|beamtap_\d|beamtap@')
    with open(run.path('trace.csv'), 'rb') as f:
        mine = [line for line in f if words.search(line) and b',sysmon_handler_filter,' not in line]
    assert not mine, '%d rows, such as %s' % (len(mine), [line[:300] for line in mine[:4]])


def counts(app, load, start, amount, modules):
    """Calls in the table are as many as the VM counted, function by function. At the ends of the count, where calls may be in the
    table and not in the count, they are told apart by calls of apps_probe."""
    run = Run(COUNTS % ', '.join(modules) % app.name, '--json')
    app.traced()
    erlang = '[%s]' % ', '.join(modules)
    app('apps_probe:count(%s)' % erlang)
    load.run(start, amount)
    text = app('[[lists:flatten(io_lib:format("~w", [X])) || X <- tuple_to_list(C)] || C <- apps_probe:counted(%s)]' % erlang)
    counted = {(m, f, a): int(n) for m, f, a, n in re.findall(r'\["([^"]*)","([^"]*)","(\d+)","(\d+)"\]', text)}
    run.interrupt().ended(0)
    summary = run.summary()
    invariant(summary)
    assert not summary['nodes'][0]['lost'] and not summary['nodes'][0]['gap_ns'], summary
    table = rows(run)
    marks = {r['function']: int(r['ts']) for r in table if r['module'] == 'apps_probe'}
    inside, around = Counter(), Counter()
    for r in table:
        if r['event'] == 'function_call' and r['module'] != 'apps_probe':
            what, ts = (r['module'], r['function'], r['arity']), int(r['ts'])
            inside[what] += marks['count_has_begun'] < ts < marks['count_ends']
            around[what] += marks['count_begins'] < ts < marks['count_has_ended']
    wrong = [(w, inside[w], counted.get(w, 0), around[w]) for w in {*counted, *inside}
             if not inside[w] <= counted.get(w, 0) <= around[w]]
    exact = sum(inside[w] == around[w] for w in counted)
    print('# %d calls of %d functions counted, %d of these functions without a call at the ends' % (
        sum(counted.values()), len(counted), exact), flush=True)
    assert not wrong, '%d functions, such as %s' % (len(wrong), wrong[:4])
    assert exact > 50 and exact >= 0.9 * len(counted) and sum(counted.values()) > 10 * amount, (exact, len(counted))
    nothing_left(app)


def sees_a_node_that_stands_still(app, watch):
    watch.begin()
    pid = int(app('os:getpid()').strip('"'))
    os.kill(pid, signal.SIGSTOP)
    time.sleep(0.3)
    os.kill(pid, signal.SIGCONT)
    seen = watch.end()
    assert seen['ms'] > 200, seen

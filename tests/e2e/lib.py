"""What live tests share: nodes of their own, beamtap runs, and a table of tests.

A test starts its own epmd port and nodes under names of its own, ends exactly what it started, and waits for conditions,
never for time.
"""
import atexit, csv, glob, json, os, random, re, signal, socket, subprocess, sys, tempfile, time, traceback
import story

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get('BEAMTAP_BUILD', os.path.join(TOP, 'build/release')))
BEAMTAP = os.path.join(BUILD, 'beamtap')
E2E = os.path.join(TOP, 'tests/e2e')
ROOT = os.environ.get('BEAMTAP_TEST_ROOT', '')  # a folder with another OTP release: nodes run in it (chroot)


def other_releases():
    """Folders with them, for clusters of several: those that are named, or what tests/matrix.sh has made before, where one may
    chroot into it."""
    for name in ('BEAMTAP_CLUSTER_ROOTS', 'BEAMTAP_OTP_ROOTS'):
        if name in os.environ:
            return [r for r in os.environ[name].split(':') if r]
    made = glob.glob(os.environ.get('BEAMTAP_MATRIX_DIR', '/var/cache/beamtap/matrix') + '/*/usr/bin/erl')
    roots = sorted(r.removesuffix('/usr/bin/erl') for r in made)
    return [r for r in roots if not r.endswith('.part')] if os.geteuid() == 0 else []


OTP_ROOTS = other_releases()
NATIVE = os.environ.get('BEAMTAP_COLLECT') == 'native'  # the same tests with another tracer, see collected
PATIENCE = 60  # seconds a condition may take before the test fails


def free_port():
    """One that nobody has, and below those that connections take by themselves (from 32768 on)."""
    while True:
        with socket.socket() as s:
            try:
                s.bind(('', random.randint(20000, 31999)))
                return s.getsockname()[1]
            except OSError:
                continue


work = tempfile.mkdtemp(prefix='beamtap-e2e-')
if ROOT: # one folder under the same name, inside and outside
    os.rmdir(work)
    os.makedirs(ROOT + work)
    os.symlink(ROOT + work, work)
port = str(free_port())
cookie = 'e2e%d' % random.randint(0, 10**9)
env = dict(os.environ, ERL_EPMD_PORT=port, BEAMTAP_COOKIE=cookie, ERL_CRASH_DUMP='/dev/null', HOME=work)
env.pop('BEAMTAP_PLUGIN_PATH', None)
started = []
extra_roots = set()  # of nodes of other releases than ROOT's


def cleanup():
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()
    subprocess.run(['epmd', '-port', port, '-kill'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    subprocess.run(['rm', '-rf', work, *(root + work for root in {ROOT, *extra_roots})])


atexit.register(cleanup)


def wait_for(condition, what):
    """Asks again until `condition` holds; its value."""
    end = time.time() + PATIENCE
    while True:
        try:
            value = condition()
        except FileNotFoundError:  # of a file that a run has not made yet
            value = None
        if value:
            return value
        if time.time() > end:
            raise AssertionError('waited %d s in vain for: %s' % (PATIENCE, what))
        time.sleep(0.02)


def compile_erlang(*files):
    subprocess.run(['erlc', '-o', work] + [f if os.path.isabs(f) else os.path.join(E2E, f) for f in files], check=True, env=env)


class Node:
    """A running node; call it with an Erlang expression to have its value as text."""
    count = 0

    def __init__(self, name=None, args=(), erl=None, longname=False, own_cookie=None, root=ROOT):
        """A name with an @ is taken as it is: to start a node again. `root`: the folder of another release ('': this one)."""
        Node.count += 1
        self.name = name if name and '@' in name else '%s_%d_%d@localhost' % (name or 'n', os.getpid(), Node.count)
        if longname:
            self.name = self.name.replace('localhost', '127.0.0.1')
        if not os.path.exists(os.path.join(work, 'e2e_node.beam')):
            compile_erlang('e2e_node.erl', 'e2e_work.erl')
        if root and root != ROOT:
            extra_roots.add(root)
            subprocess.run(['cp', '-rT', os.path.realpath(work), root + work], check=True)
        if not erl:
            erl = ['chroot', root, 'erl'] if root else ['erl']
        self.process = subprocess.Popen(
            [*erl, '-noshell', '-name' if longname else '-sname', self.name, '-setcookie', own_cookie or cookie, '-pa', work,
             '-kernel', 'logger_level', 'none', *args,
             '-s', 'e2e_node', 'main'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True, bufsize=1, encoding='utf-8')
        started.append(self.process)
        first = self.answer()
        assert first.startswith('ready'), 'node %s did not start: %r' % (self.name, first)

    def answer(self):
        return self.process.stdout.readline()

    def __call__(self, expression):
        self.process.stdin.write(expression + '\n')
        self.process.stdin.flush()
        answer = self.answer().rstrip('\n')
        assert answer.startswith('= '), '%s answered %r to %s' % (self.name, answer, expression[:200])
        return answer[2:]

    def connect(self, other):
        assert self("net_kernel:connect_node('%s')" % other.name) == 'true', 'no connection to ' + other.name

    def traced(self, process=''):
        """Waits until that process is traced, or without one any: flags are set one process after the other."""
        try:
            wait_for(lambda: self('e2e_node:traced(%s)' % process) == 'true', 'tracing %s on in %s' % (process, self.name))
        except AssertionError as e:
            raise AssertionError('%s; the last run said: %s' % (e, Run.last.err() if Run.last else 'nothing')) from e

    def clean(self):
        wait_for(lambda: self('e2e_node:residue()') == '[]',
                 'a clean node; there is still ' + self('e2e_node:residue()')[:500])

    def stop(self):
        self.process.kill()
        self.process.wait()


def sessions(node):
    """Whether it is OTP 27 or later, where each tracer has a session of its own."""
    return node('code:ensure_loaded(trace)').startswith('{module')


RECORD = ('--set', 'sink:story.plugin=record', '--set', 'sink:story.path=story.btf', '--set', 'sink:story.queue=256M')


def collected(ini):
    """BEAMTAP_COLLECT=native: the same tests with another tracer, where they say nothing of it themselves."""
    how = os.environ.get('BEAMTAP_COLLECT')
    if not how or 'collect =' in ini or '[session]\n' not in ini or '[transport:' in ini.replace('[transport:tcp]', ''):
        return ini
    with_tcp = ini if '[transport:tcp]' in ini else ini + '\n[transport:tcp]\n'
    return with_tcp.replace('[session]\n', '[session]\ncollect = %s\n' % how, 1)


def plays(ini):
    """A configuration, or the path of one, that records already or plays a recording."""
    if '\n' not in ini and os.path.isfile(ini):
        with open(ini, encoding='utf-8', errors='replace') as f:
            ini = f.read()
    return '[transport:file]' in ini or '[sink:record]' in ini or 'plugin = record' in ini


class Run:
    """A beamtap process. What it wrote is checked as a whole when it ends (story.py)."""
    last = None
    # The runs of live tests are recorded besides, so that what each sink says of them can be compared:
    # not where time, memory, or what becomes of a run with one sink is what is tested.
    recorded = os.path.dirname(os.path.abspath(sys.argv[0])) == E2E

    def __init__(self, ini, *args, command='run', cwd=None, environment=None, stdout=None, recorded=None):
        Run.last = self
        recorded = Run.recorded if recorded is None else recorded
        self.captured = stdout is None
        self.dir = cwd or tempfile.mkdtemp(dir=work)
        if ini is None:
            line = [BEAMTAP, command, *args]
        else:
            path = ini
            if '\n' in ini:
                ini = collected(ini)
                path = os.path.join(self.dir, 'trace.ini')
                with open(path, 'w', encoding='utf-8') as f:
                    f.write(ini)
            line = [BEAMTAP, command, path, *args]
        if recorded and command == 'run' and ini and not plays(ini):
            line += RECORD
        self.line, self.code = line, None
        self.errors = open(os.path.join(self.dir, 'stderr'), 'wb+')
        self.output = open(os.path.join(self.dir, 'stdout'), 'wb+')
        self.process = subprocess.Popen(line, cwd=self.dir, env=environment or env, stdin=subprocess.DEVNULL,
                                        stdout=stdout or self.output, stderr=self.errors)
        started.append(self.process)

    def wait(self):
        ended = self.code is not None
        try:
            self.code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError('beamtap did not end within %d s; stderr: %s' % (PATIENCE, self.err()))
        if not ended and self.code in (0, 1, 3):
            story.check_run(self.line, self.dir, self.code, self.captured)
        return self

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.wait()

    def ended(self, code):
        self.wait()
        assert self.code == code, 'exit code %s, not %s; stderr: %s' % (self.code, code, self.err())
        return self

    def read(self, name):
        with open(os.path.join(self.dir, name), 'rb') as f:
            return f.read().decode('utf-8')

    def err(self):
        return self.read('stderr')

    def out(self):
        return self.read('stdout')

    def summary(self):
        told = json.loads(self.out())
        told['sinks'] = [s for s in told['sinks'] if s['sink'] != 'sink:story']
        return told

    def path(self, name):
        return os.path.join(self.dir, name)


def invariant(summary):
    """produced = written + filtered + lost, for every node and every sink."""
    produced = sum(n['produced'] for n in summary['nodes'])
    node_lost = sum(n['lost'] for n in summary['nodes'])
    received = sum(n['received'] for n in summary['nodes'])
    assert produced == received + node_lost, 'nodes: %s' % summary['nodes']
    for sink in summary['sinks']:
        total = sink['written'] + sink['filtered'] + sink['lost']
        assert total + node_lost == produced or total == produced, 'produced %d, node lost %d, but %s' % (
            produced, node_lost, sink)


def only_events(found):
    """Without those rows that say that a node came or went."""
    return [r for r in found if r.get('event') not in ('node_up', 'node_down')]


def rows(run, name='trace.csv'):
    with open(run.path(name), newline='', encoding='utf-8') as f:
        return only_events(csv.DictReader(f))


def json_rows(text):
    return only_events(json.loads(line) for line in text.splitlines())


def workload(node, n, m, k):
    """How many events of each kind e2e_work:run(n, m, k) makes, by its own account."""
    text = node('lists:sort(maps:to_list(e2e_work:expected(%d, %d, %d)))' % (n, m, k))
    return {key: int(value) for key, value in re.findall(r'\{(\w+),(\d+)\}', text)}


def tests(*functions):
    """Runs them, one line each, and ends the program."""
    bad = 0
    name = os.path.splitext(os.path.basename(sys.argv[0]))[0]
    for f in functions:
        if len(sys.argv) > 1 and sys.argv[1] not in f.__name__:
            continue
        try:
            f()
            print('ok %s.%s' % (name, f.__name__), flush=True)
        except Exception as why:
            bad = 1
            traceback.print_exc(file=sys.stdout)
            print('not ok %s.%s: %s' % (name, f.__name__, str(why).replace('\n', ' ')[:1500]), flush=True)
    sys.exit(bad)

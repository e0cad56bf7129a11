"""beamtap top and the sink top: in a real terminal (tmux) against live nodes: what the tables say, the keys, and that terminal and
node are as they were, however it ends."""
import csv, shlex
from lib import *

compile_erlang('e2e_call.erl')
INI = '[session]\nnodes = %s\nevents = function_call, function_return, function_exception\nduration = 0\n' \
      '[filter:modules]\nmodules = e2e_call\n[sink:top]\ninterval = 100ms\n'
CALLS = "[e2e_call:add(N, 1) || N <- lists:seq(1, %d)], [catch e2e_call:fails(N) || N <- lists:seq(1, %d)], ok"
UTF8, PLAIN = {'LC_ALL': 'C.UTF-8'}, {'LC_ALL': 'C'}


class Terminal:
    """A shell in a terminal of its own; beamtap is started from it."""
    count = 0

    def __init__(self, columns=110, lines=24, locale=UTF8):
        Terminal.count += 1
        self.dir = tempfile.mkdtemp(dir=work)
        self.socket = os.path.join(work, 'tmux%d' % Terminal.count)
        atexit.register(self.end)
        self.environment = dict(env, TERM='xterm-256color', PS1='$ ', SHELL='/bin/sh', **locale)
        self.tmux('-f', '/dev/null', '-u', 'new-session', '-d', '-x', str(columns), '-y', str(lines), '-c', self.dir, 'sh')
        wait_for(lambda: '$' in self.text(), 'a shell in the terminal')
        self.was = self.settings('was')

    def tmux(self, *args):
        return subprocess.run(['tmux', '-S', self.socket, *args], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              env=self.environment, encoding='utf-8').stdout

    def end(self):
        self.tmux('kill-server')

    def press(self, *keys):
        self.tmux('send-keys', *keys)

    def text(self):
        return self.tmux('capture-pane', '-p')

    def settings(self, name):
        """How the terminal is set, as a new command finds it."""
        path = os.path.join(self.dir, name)
        self.press('stty -g > %s.new; mv %s.new %s' % (name, name, name), 'Enter')
        wait_for(lambda: os.path.exists(path), 'stty')
        with open(path) as f:
            return f.read()

    def start(self, *line, before=''):
        self.press('%s %s; echo code is $? > code.new; mv code.new code' % (before, shlex.join((BEAMTAP,) + line)), 'Enter')

    def code(self):
        """The exit code, when the command has ended."""
        path = os.path.join(self.dir, 'code')
        wait_for(lambda: os.path.exists(path), 'the end of beamtap; the terminal shows ' + self.text())
        with open(path) as f:
            return int(f.read().split()[-1])

    def as_it_was(self):
        assert self.tmux('display-message', '-p', '#{alternate_on} #{cursor_flag}').split() == ['0', '1'], self.text()
        assert self.settings('is') == self.was

    def rows(self, title):
        """The rows of a table whose last title this is: {name: {title: number}}, in their order; {} when it does not stand there."""
        lines, titles, found = self.text().split('\n'), None, {}
        for line in lines[:-2]:
            if titles and not line.strip():
                break
            if titles:
                cells = line.split(None, len(titles))
                if len(cells) > len(titles):
                    found[cells[-1].strip()] = dict(zip(titles, cells))
            elif title in line:
                titles = [t.rstrip('v^') for t in line[:line.index(title)].split()]
        return found

    def shows(self, title, name, **cells):
        def there():
            found = self.rows(title).get(name, {})
            return all(found.get(k) == str(v) for k, v in cells.items()) and found
        return wait_for(there, '%s with %s on the screen: %s' % (name, cells, self.text()))

    def order(self, title, *names):
        wait_for(lambda: tuple(self.rows(title)) == names, 'the order %s: %s' % (names, self.text()))


def calls_and_keys():
    node, t = Node(), Terminal()
    add, fails = 'e2e_call:add/2', 'e2e_call:fails/1'
    t.start('top', node.name, 'e2e_call', '--sink', 'top:interval=100ms', '-o', 'all.csv')
    node.traced()
    node(CALLS % (300, 20))
    assert '-' not in t.shows('FUNCTION', add, CALLS=300, THROWN=0).values()
    t.shows('FUNCTION', fails, CALLS=20, THROWN=20)
    t.press('>')  # by calls
    t.order('FUNCTION', add, fails)
    t.press('r')
    t.order('FUNCTION', fails, add)
    t.press('p')
    wait_for(lambda: 'PAUSED' in t.text(), 'a pause')
    node(CALLS % (100, 0))

    def written():
        with open(os.path.join(t.dir, 'all.csv'), newline='', encoding='utf-8') as f:
            return sum(r['event'] == 'function_call' and r['function'] == 'add' for r in csv.DictReader(f))
    wait_for(lambda: written() == 400, 'the calls in the file')
    t.press('r')
    t.order('FUNCTION', add, fails)
    assert t.rows('FUNCTION')[add]['CALLS'] == '300', t.text()
    t.press('p')
    t.shows('FUNCTION', add, CALLS=400)
    t.press('/', 'f', 'é', '中', 'BSpace', 'BSpace', 'a', 'i', 'Enter')
    t.order('FUNCTION', fails)
    t.press('x')  # no key
    t.press('Escape')
    t.order('FUNCTION', add, fails)
    t.press('2')
    wait_for(lambda: [r['EVENTS'] for r in t.rows('PROCESS').values()] == ['840'], 'one process with all events: ' + t.text())
    t.press('q')
    assert t.code() == 0 and 'sink:top: written 840, filtered 0, lost 0' in t.text(), t.text()
    assert written() == 400
    t.as_it_was()
    node.clean()


def messages_and_servers():
    node, t = Node(), Terminal()
    t.start('top', node.name)
    node.traced()
    node("register(sink, spawn(fun() -> receive never -> ok end end)), "
         "register(sender, spawn(fun() -> [sink ! N || N <- lists:seq(1, 250)], receive never -> ok end end)), "
         "spawn(fun() -> register(stuck, self()), gen_server:call(sink, {please, help}, infinity) end), ok")
    wait_for(lambda: [r['MAILBOX'] for n, r in t.rows('PROCESS').items() if n.startswith('sink ')] == ['251'],
             'the length of a mailbox: ' + t.text())
    t.press('3')
    wait_for(lambda: [r['MESSAGES'] for n, r in t.rows('FROM -> TO').items() if re.match('sender <.*> -> sink', n)] == ['250'],
             'the messages of a pair: ' + t.text())
    t.press('Tab')
    wait_for(lambda: [r['STATE'] for n, r in t.rows('REQUEST').items() if re.match('.*{please,help}  stuck <', n)] == ['waits'],
             'the call that waits: ' + t.text())
    t.press('q')
    assert t.code() == 0, t.text()
    assert re.search(r'sink:top: written \d+, filtered 0, lost 0', t.text()), t.text()
    t.as_it_was()
    node.clean()


def no_terminal_is_needed_for_a_file():
    node = Node()
    run = Run(INI % node.name + 'path = top.txt\n', '--json')
    node.traced()
    node(CALLS % (30, 2))
    run.interrupt()
    assert run.code == 0, run.err()
    invariant(run.summary())
    found = re.findall(r'^ *\S+ +(\d+) .* (e2e_call:\S+)$', run.read('top.txt'), re.M)
    assert found == [('30', 'e2e_call:add/2'), ('2', 'e2e_call:fails/1')], run.read('top.txt')
    node.clean()


def without_a_terminal():
    for line, ini in ((['top', 'none@localhost'], None), (['run', 'top.ini'], INI % 'none@localhost')):
        folder = tempfile.mkdtemp(dir=work)
        if ini:
            with open(os.path.join(folder, 'top.ini'), 'w') as f:
                f.write(ini)
        done = subprocess.run([BEAMTAP, *line], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, start_new_session=True, timeout=PATIENCE)
        assert done.returncode == 2 and '[sink:top] there is no terminal' in done.stderr, done.stderr
    t = Terminal()
    t.start('top', 'none@localhost', before='TERM=none')
    assert t.code() == 2 and 'TERM does not name a terminal' in t.text(), t.text()
    t.as_it_was()


def however_it_ends():
    """A file says the same; SIGTERM, SIGINT, and kill -9 leave a terminal that can be used, and a clean node."""
    for end, code in ((signal.SIGTERM, 0), (signal.SIGKILL, 137), ('C-c', 0)):
        node, t = Node(), Terminal()
        with open(os.path.join(t.dir, 'top.ini'), 'w') as f:
            f.write(INI % node.name)
        with open(os.path.join(t.dir, 'pid.sh'), 'w') as f:
            f.write('echo $$ > pid\nexec "$@"\n')
        t.press('sh pid.sh %s run top.ini; echo code is $? > code.new; mv code.new code' % BEAMTAP, 'Enter')
        node.traced()
        node(CALLS % (7, 0))
        t.shows('FUNCTION', 'e2e_call:add/2', CALLS=7)
        if end == 'C-c':
            t.press(end)
        else:
            with open(os.path.join(t.dir, 'pid')) as f:
                os.kill(int(f.read()), end)
        assert t.code() == code, t.text()
        wait_for(lambda: t.tmux('display-message', '-p', '#{alternate_on}').strip() == '0', 'the usual screen')
        t.as_it_was()
        node.clean()


def small_windows_and_odd_names():
    for locale, name in ((UTF8, 'wé中'), (PLAIN, 'w??')):
        node, t = Node(), Terminal(lines=5, columns=30, locale=locale)
        t.start('top', node.name, '--events', 'message_send,process_spawn')
        node.traced()
        node("spawn(fun() -> register(list_to_atom([$\\e, $[, $m, $w, 233, 20013]), self()), self() ! hi, receive x -> ok end end), ok")
        t.press('/', 'm', 'w', 'Enter')
        wait_for(lambda: name in t.text(), 'a name: ' + t.text())
        assert all(len(line) <= 30 for line in t.text().split('\n'))
        t.tmux('resize-window', '-x', '20', '-y', '5')
        wait_for(lambda: name in t.text() or '\\e[m' in t.text(), 'it in 20 columns: ' + t.text())
        t.tmux('resize-window', '-x', '100', '-y', '12')
        wait_for(lambda: re.search(r'\\e\[m' + re.escape(name), t.text()), 'it whole: ' + t.text())
        t.press('q')
        assert t.code() == 0, t.text()
        t.as_it_was()
        node.clean()


tests(calls_and_keys, messages_and_servers, no_terminal_is_needed_for_a_file, without_a_terminal, however_it_ends,
      small_windows_and_odd_names)

"""Standard output, pipes, and the signals that end a run."""
from lib import *

Run.recorded = False  # what becomes of a run whose reader goes is what is tested

INI = """[session]
nodes = %s
events = function_call
duration = 30s
max_rate = 0
[filter:modules]
modules = e2e_storm
"""
OUT = '[sink:stdout]\nformat = json\n'
CSV = '[sink:csv]\npath = trace.csv\n'
node = None


def busy_node():
    global node
    if not node:
        compile_erlang('e2e_storm.erl')
        node = Node()
        node('e2e_storm:start(1)')
    return node


def started_run(ini, *before, **more):
    """A run behind a shell's words (ulimit, redirections), in a folder of its own."""
    folder = tempfile.mkdtemp(dir=work)
    with open(folder + '/trace.ini', 'w') as f:
        f.write(ini)
    process = subprocess.Popen(['bash', '-c', ' '.join(before), BEAMTAP], cwd=folder, env=env, stdin=subprocess.DEVNULL, **more)
    started.append(process)
    return process, folder


def text(path):
    with open(path) as f:
        return f.read()


def both_in_one_file():
    """> log 2>&1: nothing is written over, whoever writes first, and what was in the file stays."""
    for sink in (OUT, OUT + 'path = /dev/stdout\n'):
        ini = (INI % busy_node().name).replace('30s', '300ms') + sink
        run, folder = started_run(ini, 'echo first > log; exec "$0" run trace.ini >> log 2>&1')
        assert run.wait(PATIENCE) == 0
        run, folder = started_run(ini, 'echo first > log; { "$0" run trace.ini; echo last; } > log 2>&1')
        assert run.wait(PATIENCE) == 0
        lines = text(folder + '/log').split('\n')
        events = [line for line in lines if line.startswith('{')]
        assert len([json.loads(line) for line in events]) > 100 and lines[-2] == 'last', lines[-5:]
        rest = [line for line in lines if not line.startswith('{')]
        assert any('stdout' in line for line in rest) and '\0' not in ''.join(lines), rest  # the summary, whole
        assert sum(int(n) for n in re.findall(r'stdout\D+(\d+) written', ' '.join(rest))) in (0, len(events)), rest


def closed_descriptors():
    """What is printed never gets into a file or a connection that has the number of a closed one."""
    for closed in ('2>&-', '1>&-', '0<&-', '0<&- 1>&- 2>&-'):
        ini = (INI % busy_node().name).replace('30s', '300ms') + CSV
        run, folder = started_run(ini, 'exec "$0" run trace.ini %s' % closed)
        assert run.wait(PATIENCE) == 0, closed
        written = text(folder + '/trace.csv')
        table = list(csv.DictReader(written.splitlines()))
        assert written.startswith('ts,node') and written.endswith('\n') and len(table) > 100, (closed, written[:500])
        assert all(row['event'] in ('function_call', 'gap', 'lost', 'node_up', 'node_down') and row['ts'].isdigit() and
                   None not in row for row in table), closed
    run, folder = started_run(INI % busy_node().name + OUT, 'exec "$0" run trace.ini 1>&- 2> err')
    assert run.wait(PATIENCE) == 1 and 'cannot open standard output: Bad file descriptor' in text(folder + '/err')


def a_reader_that_had_enough():
    """| head: the run ends with it, told once, and it is no failure."""
    for sinks, ends in ((OUT, True), (OUT + CSV, False)):
        ini = INI % busy_node().name + sinks
        if not ends:
            ini = ini.replace('30s', '2s')
        began = time.time()
        run, folder = started_run(ini, 'set -o pipefail; "$0" run trace.ini --json 2> err | head -n 3 > out; '
                                  'echo ${PIPESTATUS[0]} > code')
        run.wait(PATIENCE)
        err = text(folder + '/err')
        assert text(folder + '/code') == '0\n' and len(text(folder + '/out').split('\n')) == 4, err
        assert err.count('nobody reads its output any more') == 1 and 'Broken pipe' not in err, err
        assert (time.time() - began < 25) and ('no sink is left, the run ends' in err) == ends, err
        summary = json.loads(err[err.index('{'):])
        invariant(summary)
        assert not any(s['failed'] for s in summary['sinks']) and summary['sinks'][0]['lost'] > 0
        busy_node().clean()
    run, folder = started_run(INI % busy_node().name + OUT, 'set -o pipefail; '
                              '"$0" run trace.ini --set session.fail_on_loss=true 2> err | head -n 3 > out; '
                              'echo ${PIPESTATUS[0]} > code')
    run.wait(PATIENCE)
    assert text(folder + '/code') == '3\n', text(folder + '/err')
    busy_node().clean()


def other_commands_too():
    for words in ('plugins', 'plugins --json', 'plugins sink:csv', '--help', 'check trace.ini'):
        run, folder = started_run(INI % 'a@b' + OUT, '"$0" %s 2> err | true; echo ${PIPESTATUS[0]} > code' % words)
        run.wait(PATIENCE)
        assert text(folder + '/code') == '0\n' and not text(folder + '/err'), (words, text(folder + '/err'))
        ours, theirs = socket.socketpair()  # as some shells and servers have it
        theirs.close()
        done = subprocess.run([BEAMTAP, *words.split()], cwd=folder, stdout=ours, stderr=subprocess.PIPE, text=True)
        ours.close()
        assert done.returncode == 0 and not done.stderr, (words, done)


def each_signal_ends_cleanly():
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        run = Run(INI % busy_node().name + CSV, '--json')
        busy_node().traced()
        run.process.send_signal(number)
        if number == signal.SIGHUP:
            run.process.send_signal(number)  # a terminal that closes sends it twice
        run.ended(0)
        invariant(run.summary())
        busy_node().clean()
    # nohup: it was ignored before us
    process, folder = started_run(INI % busy_node().name + CSV, 'trap "" HUP; exec "$0" run trace.ini 2> err')
    wait_for(lambda: os.path.getsize(folder + '/trace.csv') > 0, 'rows')
    process.send_signal(signal.SIGHUP)
    size = os.path.getsize(folder + '/trace.csv')
    wait_for(lambda: os.path.getsize(folder + '/trace.csv') > 2 * size, 'more rows')
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0, text(folder + '/err')
    busy_node().clean()


def the_second_leaves_at_once():
    """The first asks a run that cannot end: its sink waits for a reader that does not read."""
    run = Run(INI % busy_node().name + '[sink:stdout]\npath = pipe\n[sink:csv]\npath = trace.csv\n', cwd=folder_with_pipe())
    reader = os.open(run.path('pipe'), os.O_RDONLY)
    wait_for(lambda: os.path.getsize(run.path('trace.csv')) > 100_000, 'rows')
    run.process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    run.process.send_signal(signal.SIGTERM)
    run.wait()
    assert run.code == 128 + signal.SIGTERM and 'stopped at once' in run.err(), (run.code, run.err())
    os.close(reader)
    busy_node().clean()


def folder_with_pipe():
    folder = tempfile.mkdtemp(dir=work)
    os.mkfifo(folder + '/pipe', 0o600)
    return folder


def a_pipe_without_a_reader():
    """A signal ends a run that waits for one, and a call; nothing was traced, and nothing was emptied."""
    for command in ('run', 'call'):
        folder = folder_with_pipe()
        with open(folder + '/trace.csv', 'w') as f:
            f.write('an earlier one\n')
        if command == 'run':
            run = Run(INI % busy_node().name + CSV + '[sink:pipe]\nplugin = csv\npath = pipe\n', cwd=folder)
        else:
            run = Run(None, busy_node().name, 'erlang', 'node', '--sink', 'csv:path=pipe', command='call', cwd=folder)
        wait_for(lambda: 'pipe waits for its reader' in run.err(), 'the wait')
        began = time.time()
        run.interrupt()
        assert time.time() - began < 5 and run.code == 1, (run.code, run.err())
        assert 'nobody read this pipe until the run was ended' in run.err(), run.err()
        assert text(folder + '/trace.csv') == 'an earlier one\n'
        assert busy_node()('e2e_node:residue()') == '[]', (command, busy_node()('e2e_node:residue()'), run.err())
    # One that comes is served.
    folder = folder_with_pipe()
    run = Run((INI % busy_node().name).replace('30s', '300ms') + '[sink:csv]\npath = pipe\n', cwd=folder)
    wait_for(lambda: 'pipe waits for its reader' in run.err(), 'the wait')
    out = subprocess.run(['cat', folder + '/pipe'], stdout=subprocess.PIPE).stdout
    run.ended(0)
    assert out.startswith(b'ts,node') and out.endswith(b'\n') and out.count(b'\n') > 100


def a_limit_on_files():
    """ulimit -f: as a full disk, with the file cut to whole events; the process lives."""
    for sink, name in ((CSV, 'trace.csv'), ('[sink:chrome]\npath = trace.json\n', 'trace.json')):
        run, folder = started_run(INI % busy_node().name + sink, 'ulimit -f 300; exec "$0" run trace.ini 2> err')
        assert run.wait(PATIENCE) == 1, text(folder + '/err')
        assert 'cannot write %s: File too large' % name in text(folder + '/err'), text(folder + '/err')
        done = subprocess.run([BEAMTAP, 'repair', folder + '/' + name], stdout=subprocess.PIPE, text=True)
        assert done.returncode == 0 and 'is whole' in done.stdout and os.path.getsize(folder + '/' + name) > 200_000, done
        busy_node().clean()


tests(both_in_one_file, closed_descriptors, a_reader_that_had_enough, other_commands_too, each_signal_ends_cleanly,
      the_second_leaves_at_once, a_pipe_without_a_reader, a_limit_on_files)

"""Collector rows: recordings through the real command into each sink.

What is recorded is made up (replay.c, a transport that makes frames byte for byte as a relay or the native tracer sends them), once
by the sink record; transport file plays it. Where something grows over many values (pids, nodes, names, length) replay.c plays itself.

What counts is the CPU the process took, user and system, all threads together: that is what one core would carry, and it
does not depend on who else is on the machine.
"""
import os, re, shutil, subprocess, tempfile
from lib import *  # noqa: F403

HERE = os.path.dirname(os.path.abspath(__file__))
INI = """[session]
nodes = shop@web1
events = %s
max_events = 0
max_rate = 0
duration = 0
plugin_path = %s
[transport:replay]
%s
[sink:%s]
on_full = block
%s
"""
FILE = """[session]
max_events = 0
plugin_path = %s
[transport:file]
path = %s
[sink:%s]
%s
"""
KINDS = {'calls': 'function_call', 'returns': 'function_call, function_return',
         'messages': 'message_send, message_receive'}


def build_plugins():
    where = os.path.join(work, 'plugins')
    os.makedirs(where, exist_ok=True)
    for kind, name in (('transport', 'replay'), ('sink', 'null')):
        subprocess.run([os.environ.get('CC', 'gcc'), '-std=gnu11', '-D_GNU_SOURCE', '-O2', '-fPIC', '-shared',
                        '-fvisibility=hidden', '-I' + os.path.join(TOP, 'core/include'), '-o',
                        '%s/beamtap_%s_%s.so' % (where, kind, name), os.path.join(HERE, name + '.c')], check=True)
    return where


def measured(path, ini, command=()):
    """Runs it there; (CPU seconds of all threads, the summary)."""
    with open(path + '/bench.ini', 'w') as f:
        f.write(ini)
    with open(path + '/stdout', 'wb') as out, open(path + '/stderr', 'wb') as err:
        process = subprocess.Popen([*command, BEAMTAP, 'run', 'bench.ini', '--json'], cwd=path, stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=err, env=env)
        started.append(process)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, open(path + '/stderr').read()
    summary = json.load(open(path + '/stdout'))
    invariant(summary)
    return usage.ru_utime + usage.ru_stime, summary


def output(sink, sink_options='', to='out'):
    return ('' if sink == 'null' else 'path = %s\n' % to) + sink_options


def ini(plugins, sink, what, exits, options, sink_options, to):
    native, what = what.startswith(NATIVE), what.removeprefix(NATIVE)
    lines = (['what = ' + what] + ['%s = %s' % o for o in options.items()] + (['exits = true'] if exits else []) +
             (['native = true'] if native else []))
    return INI % (KINDS[what] + (', process_exit' if exits else ''), plugins, '\n'.join(lines), sink,
                  output(sink, sink_options, to))


def replay(plugins, sink='null', what='calls', exits=False, command=(), sink_options='', keep=None, to='out', **options):
    """Runs replay.c; (CPU seconds, peak memory in MiB, the summary). `keep`: where its output goes."""
    path = tempfile.mkdtemp(dir=work)
    cpu, summary = measured(path, ini(plugins, sink, what, exits, options, sink_options, to), command)
    peak = int(open(path + '/peak').read()) / 1024  # ru_maxrss would be at least this Python's own
    if keep:
        os.rename(path + '/out', keep)
    subprocess.run(['rm', '-rf', path])
    return cpu, peak, summary


def play(plugins, recording, sink, sink_options=''):
    """Transport file; events a second of CPU."""
    path = tempfile.mkdtemp(dir=work)
    cpu, summary = measured(path, FILE % (plugins, recording, sink, output(sink, sink_options)))
    subprocess.run(['rm', '-rf', path])
    return sum(n['produced'] for n in summary['nodes']) / cpu


def dbg_reader(rounds, events):
    """The VM's own way: dbg's client reads a file of its file port and prints each message. Events a second of wall time."""
    compile_erlang(os.path.join(HERE, 'bench_work.erl'))
    node = Node('dbg')
    path = os.path.join(work, 'recorded')
    node('bench_work:file_port(calls, 2, %d, small, "%s")' % (events // 2, path))
    figures = [2 * (events // 2) / (int(node('bench_work:dbg_client("%s", "%s")' % (path, path + '.text'))) / 1e6)
               for _ in range(rounds)]
    node.stop()
    return figures


NATIVE = 'native '
ROWS = (('native calls', 'null', '', 'native, thrown away after decoding', None),
        ('native calls', 'record', '', 'native calls -> record', None),
        ('native calls', 'chrome', '', 'native calls -> chrome', 5e6), ('native calls', 'csv', '', 'native calls -> csv', 6e6),
        ('native calls', 'stdout', 'format = text', 'native calls -> stdout', 4e6),
        ('native returns', 'chrome', '', 'native returns -> chrome', None),
        ('native returns', 'csv', '', 'native returns -> csv', None),
        ('calls', 'null', '', 'thrown away after decoding', None), ('calls', 'record', '', 'calls -> record', None),
        ('calls', 'chrome', '', 'calls -> chrome', None), ('calls', 'csv', '', 'calls -> csv', None),
        ('calls', 'stdout', 'format = text', 'calls -> stdout', None),
        ('calls', 'stdout', 'format = json', 'calls -> stdout, json', None), ('returns', 'chrome', '', 'returns -> chrome', None),
        ('returns', 'csv', '', 'returns -> csv', None), ('messages', 'chrome', '', 'messages -> chrome', None),
        ('messages', 'csv', '', 'messages -> csv', None))


def collector(table, options):
    plugins = build_plugins()
    events, rounds = 2000000 if not options.quick else 300000, options.rounds
    section = 'collector: recordings of %d events replayed, events a second of CPU' % events
    recordings = {}
    for what in {row[0]: None for row in ROWS}:
        recordings[what] = os.path.join(work, what.replace(' ', '_') + '.btf')
        replay(plugins, sink='record', what=what, events=events, keep=recordings[what])
    recordings['large'] = os.path.join(work, 'large.btf')
    replay(plugins, sink='record', events=events // 4, payload=1000, keep=recordings['large'])
    peer = dbg_reader(rounds, events // 20)
    figures = {row[3]: [] for row in ROWS}
    for _ in range(rounds):
        for what, sink, extra, label, _ in ROWS:
            figures[label].append(play(plugins, recordings[what], sink, extra))
    for _, _, _, label, budget in ROWS:
        if budget:
            table.add(section, label, figures[label], 'events/s', budget=budget)
        table.add(section, label, figures[label], 'events/s', "of dbg's reader, text", peer)
    for sink in ('csv', 'chrome'):
        table.add(section, 'calls of 1 kB -> ' + sink, [play(plugins, recordings['large'], sink) for _ in range(rounds)],
                  'events/s')
    for path in recordings.values():
        os.unlink(path)


def curves(options):
    """What grows, and its points: the first is what the others are held against."""
    events, much = (2000000, 1) if not options.quick else (300000, 10)
    million = 1000000 // much
    many = lambda n: max(4 * million, 16 * n)  # each process and function is new once: so that it does more than that
    lengths = [million, 4 * million, 16 * million] + ([100 * million] if options.long else [])
    return (('events', [('%d' % n, dict(events=n)) for n in lengths]),
            ('pids at once', [('%d' % n, dict(events=many(n), pids=n)) for n in (10, 1000, 100000 // much, million)]),
            ('pids one after another', [('%d' % n, dict(events=events, pids=n, exits=True)) for n in (10, 100000 // much, million // 2)]),
            ('nodes', [('%d' % n, dict(events=2 * events, nodes=n)) for n in (1, 8, 64)]),
            ('functions', [('%d' % n, dict(events=many(n), names=n)) for n in (1, 1000, 100000 // much)]))


def floor():
    """What memory itself takes, ns a look by MiB: looks at any line of a table, each waiting for the one before."""
    program = os.path.join(work, 'floor')
    subprocess.run([os.environ.get('CC', 'gcc'), '-O2', '-o', program, os.path.join(HERE, 'floor.c')], check=True)
    lines = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True).stdout.split('\n')
    return {int(size): float(ns) for size, ns in (line.split() for line in lines if line)}


def flat(table, options):
    plugins = build_plugins()
    section = 'flat: CPU an event as things grow, beside the first point of each curve'
    looks = [floor() for _ in range(options.rounds)]
    for name, points in curves(options):
        for sink in ('null', 'csv', 'chrome'):
            figures = {label: [] for label, _ in points}
            for _ in range(options.rounds):
                for label, extra in points:
                    cpu, _, summary = replay(plugins, sink=sink, to='/dev/null', **extra)
                    figures[label].append(1e9 * cpu / sum(n['produced'] for n in summary['nodes']))
            for label, _ in points:
                table.add(section, '%s %s -> %s' % (label, name, sink), figures[label], 'ns/event', 'of the first',
                          figures[points[0][0]])
    for size in looks[0]:
        table.add(section, 'floor: a look into %d MiB' % size, [round[size] for round in looks], 'ns')


def instructions(table, options):
    """Of the whole process, by callgrind: what twice the events take more than once. No clock is in them."""
    if not shutil.which('valgrind'):
        print('no valgrind: no instruction counts')
        return
    plugins = build_plugins()
    events = 50000 if options.quick else 100000
    section = 'instructions: of the whole process, an event'
    for what, sink, extra, label, _ in ROWS:
        counts = []
        for n in (events, 2 * events):
            recording, log = os.path.join(work, 'some.btf'), os.path.join(work, 'callgrind')
            replay(plugins, sink='record', what=what, events=n, keep=recording)
            path = tempfile.mkdtemp(dir=work)
            measured(path, FILE % (plugins, recording, sink, output(sink, extra)),
                     ('valgrind', '--tool=callgrind', '--callgrind-out-file=' + log))
            counts.append(int(re.search(r'^(?:summary|totals): (\d+)', open(log).read(), re.M).group(1)))
            subprocess.run(['rm', '-rf', path, log, recording])
        table.add(section, label, [(counts[1] - counts[0]) / events], 'instr.')


def memory(table, options):
    plugins = build_plugins()
    section = "memory: the collector's peak"
    lengths = [10000, 1000000, 100000000] if not options.quick else [10000, 300000]
    for sink, what in (('null', 'calls'), ('csv', 'calls'), ('chrome', 'returns')):
        for n in lengths:
            rounds, long = (1, dict(to='/dev/null')) if n > 10000000 else (options.rounds, {})  # 9 GB else
            figures = [replay(plugins, sink=sink, what=what, events=n, **long)[1] for _ in range(rounds)]
            table.add(section, '%d events, 100 pids -> %s' % (n, sink), figures, 'MiB', budget=64 + 100 * 100 / 2**20,
                      least=False, note='to /dev/null' if long and sink != 'null' else '')
    most = 1000000 if not options.quick else 100000
    for sink in ('csv', 'chrome'):
        for exits, alive in ((False, most), (True, 1)):
            figures = [replay(plugins, sink=sink, what='calls', events=2 * most, pids=most, exits=exits)[1]
                       for _ in range(min(3, options.rounds))]
            table.add(section, '%d pids %s -> %s' % (most, 'one after another' if exits else 'at once', sink), figures,
                      'MiB', budget=64 + 100 * alive / 2**20, least=False)

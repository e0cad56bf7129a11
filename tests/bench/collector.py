"""Collector rows: made-up recordings (replay.c) through the real command into each sink.

What counts is the CPU the process took, user and system, all threads together: that is what one core would carry, and it
does not depend on who else is on the machine.
"""
import os, subprocess, tempfile
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


def replay(plugins, sink='null', what='calls', exits=False, command=(), sink_options='', **options):
    """Runs it; (CPU seconds, peak memory in MiB, the summary)."""
    path = tempfile.mkdtemp(dir=work)
    lines = ['what = ' + what] + ['%s = %s' % o for o in options.items()] + (['exits = true'] if exits else [])
    output = '' if sink == 'null' else 'path = out\n'
    with open(path + '/replay.ini', 'w') as f:
        f.write(INI % (KINDS[what] + (', process_exit' if exits else ''), plugins, '\n'.join(lines), sink,
                       output + sink_options))
    with open(path + '/stdout', 'wb') as out, open(path + '/stderr', 'wb') as err:
        process = subprocess.Popen([*command, BEAMTAP, 'run', 'replay.ini', '--json'], cwd=path, stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=err, env=env)
        started.append(process)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, open(path + '/stderr').read()
    summary = json.load(open(path + '/stdout'))
    peak = int(open(path + '/peak').read()) / 1024  # ru_maxrss would be at least this Python's own
    invariant(summary)
    subprocess.run(['rm', '-rf', path])
    return usage.ru_utime + usage.ru_stime, peak, summary


def rates(plugins, rounds, events, **options):
    figures = []
    for _ in range(rounds):
        cpu, _, summary = replay(plugins, events=events, **options)
        produced = summary['nodes'][0]['produced'] if options.get('decode') != 'false' else events
        figures.append(sum(n['produced'] for n in summary['nodes']) / cpu if produced else 0)
    return figures


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


def collector(table, options):
    plugins = build_plugins()
    events, rounds = 2000000 if not options.quick else 300000, options.rounds
    section = 'collector: %d events replayed, events a second of CPU' % events
    peer = dbg_reader(rounds, events // 20)
    bare = rates(plugins, rounds, events)
    table.add(section, 'thrown away after decoding', bare, 'events/s', "of dbg's reader, text", peer)
    for sink, extra, what, budget in (
            ('chrome', '', 'calls', 5e6), ('csv', '', 'calls', 6e6), ('stdout', 'format = text', 'calls', 4e6),
            ('stdout', 'format = json', 'calls', None), ('chrome', '', 'returns', None), ('csv', '', 'returns', None),
            ('chrome', '', 'messages', None), ('csv', '', 'messages', None)):
        figures = rates(plugins, rounds, events, sink=sink, what=what, sink_options=extra)
        label = '%s -> %s%s' % (what, sink, ', json' if 'json' in extra else '')
        table.add(section, label, figures, 'events/s', budget=budget)
        table.add(section, label, figures, 'events/s', "of dbg's reader, text", peer)
    for sink in ('csv', 'chrome'):
        figures = rates(plugins, rounds, events // 4, sink=sink, payload=1000)
        table.add(section, 'calls of 1 kB -> ' + sink, figures, 'events/s')
    curves(table, plugins, options, events, bare)


def curves(table, plugins, options, events, bare):
    section = 'flat: events a second of CPU as things grow, beside 100 pids, 1 node, 1 name (same sink)'
    base = {'null': bare, 'csv': rates(plugins, options.rounds, events, sink='csv')}
    most = 1000000 if not options.quick else 100000
    for name, extra in (('10 pids', dict(pids=10)), ('%d pids, one after another' % most, dict(pids=most, exits=True)),
                        ('%d pids at once' % most, dict(pids=most)), ('8 nodes', dict(nodes=8)),
                        ('1,000 functions', dict(names=1000)), ('100,000 functions', dict(names=100000))):
        for sink in ('null', 'csv'):
            table.add(section, '%s -> %s' % (name, sink), rates(plugins, options.rounds, events, sink=sink, **extra),
                      'events/s', 'of the base', base[sink])


def memory(table, options):
    plugins = build_plugins()
    section = "memory: the collector's peak"
    lengths = [10000, 1000000] + ([100000000] if options.long else [])
    if options.quick:
        lengths = [10000, 300000]
    for sink, what in (('null', 'calls'), ('csv', 'calls'), ('chrome', 'returns')):
        first = None
        for n in lengths:
            rounds = 1 if n > 10000000 else options.rounds
            figures = [replay(plugins, sink=sink, what=what, events=n)[1] for _ in range(rounds)]
            first = first or figures
            table.add(section, '%d events, 100 pids -> %s' % (n, sink), figures, 'MiB', budget=64 + 100 * 100 / 2**20,
                      least=False)
    most = 1000000 if not options.quick else 100000
    for sink in ('csv', 'chrome'):
        for exits, alive in ((False, most), (True, 1)):
            figures = [replay(plugins, sink=sink, what='calls', events=2 * most, pids=most, exits=exits)[1]
                       for _ in range(min(3, options.rounds))]
            table.add(section, '%d pids %s -> %s' % (most, 'one after another' if exits else 'at once', sink), figures,
                      'MiB', budget=64 + 100 * alive / 2**20, least=False)

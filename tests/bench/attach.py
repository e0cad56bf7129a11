"""Attach rows: from the command's start until the node traces, and from SIGINT until the command has ended; and one
collector for one node and for eight."""
import os, statistics, time
from lib import *  # noqa: F403

HERE = os.path.dirname(os.path.abspath(__file__))
INI = """[session]
nodes = %s
events = function_call
max_rate = 0
max_events = 0
duration = 0
max_queue = 10M
max_memory = 8G
[filter:match_spec]
trace = bench_work:f(_, _)
[sink:csv]
path = out.csv
queue = 1G
"""


def attach_once(node):
    """Seconds. A process in the node watches its own trace flags, every millisecond."""
    node('bench_work:watch()')
    began = time.time()
    run = Run(INI % node.name, '--json')
    on = int(node('bench_work:watched()')) / 1e6 - began
    began = time.time()
    run.interrupt()
    off = time.time() - began
    assert run.code == 0, run.err()
    invariant(run.summary())
    return on, off


def attach(table, options):
    compile_erlang(os.path.join(HERE, 'bench_work.erl'))
    many = 100000 if not options.quick else 20000
    for processes in (100, many):
        node = Node('attach', args=('+P', '1000000'))
        node('code:ensure_loaded(bench_work)')
        node('bench_work:idle(%d)' % processes)
        figures, peers = [], []
        for _ in range(options.rounds):
            figures.append(attach_once(node))
            peers.append(int(node('bench_work:dbg_attach()')) / 1e6)
            node.clean() if processes == 100 else None
        section = 'attach: %d processes in the node' % processes
        limit = 0.1 if processes == 100 else 1
        table.add(section, 'command started until tracing', [f[0] for f in figures], 's', budget=limit, least=False)
        table.add(section, 'command started until tracing', [f[0] for f in figures], 's', 'of dbg inside the node', peers)
        table.add(section, 'SIGINT until the command has ended', [f[1] for f in figures], 's',
                  budget=limit if processes != 100 else None, least=False)
        node.stop()


def nodes(table, options):
    """The same number of calls on one node and shared by eight, into one file."""
    compile_erlang(os.path.join(HERE, 'bench_work.erl'))
    total = options.calls // 2
    rates, cpus = {}, {}
    all_nodes = [Node('many', args=('+S', '1:1')) for _ in range(8)]
    for node in all_nodes:
        node('code:ensure_loaded(bench_work)')
    for _ in range(options.rounds):
        for count in (1, 8):
            some = all_nodes[:count]
            run = Run(INI % ', '.join(n.name for n in some), '--json')
            for node in some:
                node.traced()
            began = time.time()
            for node in some:
                node.process.stdin.write('bench_work:workload(calls, 2, %d, small)\n' % (total // count // 2))
                node.process.stdin.flush()
            for node in some:
                answer = node.process.stdout.readline()
                assert answer.startswith('= '), answer
            run.process.send_signal(signal.SIGINT)
            _, status, usage = os.wait4(run.process.pid, 0)
            took = time.time() - began
            run.process.returncode = os.waitstatus_to_exitcode(status)
            assert run.process.returncode == 0, run.err()
            invariant(run.summary())
            written = run.summary()['sinks'][0]['written']
            rates.setdefault(count, []).append(written / took)
            cpus.setdefault(count, []).append(1e6 * (usage.ru_utime + usage.ru_stime) / written)
            os.unlink(run.path('out.csv'))
    for node in all_nodes:
        node.stop()
    section = 'nodes: %d calls -> csv' % total
    table.add(section, '8 nodes share them', rates[8], 'events/s', 'of 1 node', rates[1])
    table.add(section, '8 nodes share them: CPU of the collector', cpus[8], 'us/event', 'of 1 node', cpus[1])

#!/usr/bin/env python3
"""scons bench: what beamtap costs and carries, each row beside a peer in the same run.

Live rows: the same calls traced by beamtap into a CSV file, by the VM's file port, by its TCP port with a plain reader, by a
tracer process that throws everything away, and by dbg writing text. A round runs each once, interleaved; the table gives
medians of the rounds and ratios to the peer. Nothing here passes or fails by time.

    bench.py --build build/release [--rounds 5] [--calls 300000] [--json FILE]
"""
import argparse, json, os, statistics, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
parser = argparse.ArgumentParser()
parser.add_argument('--build', required=True)
parser.add_argument('--rounds', type=int, default=5)
parser.add_argument('--calls', type=int, default=300000, help='calls of each of two processes')
parser.add_argument('--json')
args = parser.parse_args()
os.environ['BEAMTAP_BUILD'] = os.path.abspath(args.build)
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'e2e'))
from lib import *  # noqa: E402

PROCS = 2
LIVE = """[session]
nodes = %s
events = function_call
max_rate = 0
max_events = 0
duration = 0
max_queue = 10M
max_memory = 8G
[filter:pids]
pids = new
[filter:match_spec]
trace = bench_work:f(_, _)
[sink:csv]
path = out.csv
queue = 1G
"""


def pair(text):
    wall, total = text.strip('{}').split(',')
    return int(wall) / 1e6, int(total) / 1e6


def in_vm(node, name, *extra):
    return pair(node('bench_work:%s(%d, %d%s)' % (name, PROCS, args.calls, ''.join(', ' + e for e in extra))))


def tcp(node, reader):
    """What it takes until the reader has the last one; what the port says that it drops is not there then, nor is it waited for."""
    listen = random.randint(20000, 32000)  # below the ports that connections take by themselves
    client = subprocess.Popen([reader, str(listen), str(PROCS * args.calls)], stdout=subprocess.PIPE, text=True)
    started.append(client)
    node.process.stdin.write('bench_work:tcp_port(%d, %d, %d)\n' % (PROCS, args.calls, listen))
    node.process.stdin.flush()
    line = node.process.stdout.readline()
    assert line.startswith('port ready'), line
    line = node.process.stdout.readline()
    assert line.startswith('= '), line
    wall, began = line[2:].strip().strip('{}').split(',')
    try:
        client.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        pass
    node('bench_work:tcp_close()')
    messages, drops, ended = map(int, client.communicate()[0].split())
    return int(wall) / 1e6, (ended - int(began)) / 1e6, PROCS * args.calls - messages


def beamtap(node):
    run = Run(LIVE % node.name, '--json')
    node.traced()
    began = time.time()
    wall = int(node('bench_work:workload(%d, %d)' % (PROCS, args.calls))) / 1e6
    run.interrupt()
    total = time.time() - began
    assert run.code == 0, run.err()
    sink = run.summary()['sinks'][0]
    assert sink['written'] == PROCS * args.calls, sink
    invariant(run.summary())
    os.unlink(run.path('out.csv'))
    return wall, total


def main():
    compile_erlang(os.path.join(HERE, 'bench_work.erl'))
    reader = os.path.join(work, 'tcp_reader')
    subprocess.run(['gcc', '-O2', '-o', reader, os.path.join(HERE, 'tcp_reader.c')], check=True)
    node = Node('bench')
    node('code:ensure_loaded(bench_work)')
    rows = {}
    for _ in range(args.rounds):
        scratch = '"%s"' % os.path.join(work, 'peer')
        for name, figures in (('untraced', in_vm(node, 'bare')), ('beamtap dist -> csv', beamtap(node)),
                              ('process that discards', in_vm(node, 'discard')),
                              ('VM file port', in_vm(node, 'file_port', scratch)), ('VM TCP port', tcp(node, reader)),
                              ('dbg text', in_vm(node, 'dbg_text', scratch))):
            rows.setdefault(name, []).append(figures)
    events = PROCS * args.calls
    mine = rows['beamtap dist -> csv']
    table = []
    print('%d calls by %d processes, medians of %d rounds' % (events, PROCS, args.rounds))
    print('%-24s %14s %14s %18s %18s' % ('', 'events/s', 'tracee wall s', 'beamtap carries', "beamtap's tracee"))
    for name, figures in rows.items():
        rate = statistics.median(events / f[1] for f in figures)
        wall = statistics.median(f[0] for f in figures)
        carries = statistics.median(f[1] / m[1] for f, m in zip(figures, mine))
        cost = statistics.median(m[0] / f[0] for f, m in zip(figures, mine))
        table.append(dict(name=name, rate=rate, wall=wall, beamtap_rate_ratio=carries, beamtap_wall_ratio=cost))
        print('%-24s %14.0f %14.3f %17.2fx %17.2fx' % (name, rate, wall, carries, cost))
    if args.json:
        with open(args.json, 'w') as out:
            json.dump(dict(calls=events, rounds=args.rounds, rows=table), out, indent=1)


main()

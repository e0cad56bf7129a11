#!/usr/bin/env python3
"""Side by side: the same calls on one node under redbug, recon, eflambe, observer_cli and tprof, and under beamtap, each as its users
start it; what it costs the node, and what of the calls it has told of. Prints the table as README has it.

    compare.py --build build/release [--rounds 5] [--calls 300000] [--root FOLDER] [--sources FOLDER] [--json FILE] [TOOL...]

CPU is the node's, from the start of the tool (of beamtap, from when it traces: tests/bench/attach.py measures what comes before) to
its end, above that of the untraced calls; memory likewise, at most. observer_cli's is for as long as the workload took.

Rounds are interleaved: each runs every tool once, on a node of its own, right behind the same calls untraced, against which its figures
are held; the table has the medians. --root: a folder with another OTP release, in which the node runs (chroot): tprof came with OTP 27.
--sources: a folder with a checkout of each tool by its name; without one they are asked for from hex (mix hex.package fetch). What
is not to be had is said, and left out. Nothing here passes or fails by time.
"""
import argparse, glob, json, os, shutil, statistics, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
parser = argparse.ArgumentParser()
parser.add_argument('--build', required=True)
parser.add_argument('--rounds', type=int, default=5)
parser.add_argument('--calls', type=int, default=300000, help='of each of two processes')
parser.add_argument('--root', default='')
parser.add_argument('--sources')
parser.add_argument('--json')
parser.add_argument('tools', nargs='*', metavar='TOOL')
options = parser.parse_args()
os.environ.update(BEAMTAP_BUILD=os.path.abspath(options.build), BEAMTAP_TEST_ROOT=options.root)
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'e2e'))
from lib import *  # noqa: E402, F403
from live import cpu_of  # noqa: E402
from table import facts  # noqa: E402

PROCESSES = 2
# What it is built from, in this order: hex's name and version.
PACKAGES = {'redbug': [('redbug', '2.1.0')], 'recon': [('recon', '2.5.6')], 'eflambe': [('meck', '0.9.2'), ('eflambe', '0.3.2')],
            'observer_cli': [('recon', '2.5.6'), ('observer_cli', '1.8.7')], 'tprof': []}
SHARE = {'redbug': 10, 'recon': 10, 'eflambe': 100}  # they get so many times fewer calls: what takes long need not take minutes
BEAMTAP = {'beamtap trace': ['trace'], 'beamtap trace, natively': ['trace', '--set', 'session.collect=native'],
           'beamtap profile': ['profile']}
ANSWERS = {'redbug': 'calls with arguments, as text', 'recon': 'calls with arguments, as text; the state of the node',
           'eflambe': 'a flame graph of one process', 'observer_cli': 'a live screen of processes and memory', 'tprof': 'time by function and process',
           'beamtap trace': 'calls with arguments, in any output', 'beamtap trace, natively': 'the same, C code in the node', 'beamtap profile': 'time by function and process'}


# ---- The tools

def source_of(name, version):
    """A folder, or why there is none."""
    if options.sources:
        folder = os.path.join(options.sources, name)
        return (folder, None) if os.path.isdir(folder) else (None, 'there is no %s' % folder)
    if not shutil.which('mix'):
        return None, 'there is no mix to fetch it (apt-get install elixir), and no --sources'
    folder = os.path.join(work, 'source-' + name)
    done = subprocess.run(['mix', 'hex.package', 'fetch', name, version, '--unpack', '--output', folder], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = done.stdout.strip().splitlines()
    return (folder, None) if done.returncode == 0 else (None, 'mix hex.package fetch: %s' % (said[0] if said else 'exit code %d' % done.returncode))


def build(name, version):
    """Its beams and its application beside those of the tests; why not."""
    if os.path.exists(os.path.join(work, name + '.app')):
        return None
    folder, why = source_of(name, version)
    if why:
        return why
    src, generated = os.path.join(folder, 'src'), tempfile.mkdtemp(dir=work)
    for grammar in glob.glob(src + '/*.yrl') + glob.glob(src + '/*.xrl'):
        done = subprocess.run(['erlc', '-o', generated, grammar], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            return 'erlc: %s' % done.stdout.strip().splitlines()[0]
    files = sorted(glob.glob(src + '/*.erl') + glob.glob(generated + '/*.erl'))
    behaviours = [f for f in files if 'callback' in open(f, encoding='utf-8', errors='replace').read()]
    done = subprocess.run(['erlc', '-DNOTEST', '-DEUNIT_NOAUTO', '-pa', work, '-I', folder + '/include', '-I', src, '-o', work,
                           *behaviours, *(f for f in files if f not in behaviours)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        return 'erlc: %s' % done.stdout.strip().splitlines()[0]
    with open(os.path.join(src, name + '.app.src'), encoding='utf-8') as app, open(os.path.join(work, name + '.app'), 'w', encoding='utf-8') as out:
        out.write(app.read())
    return None


def missing(tool, release):
    if tool == 'tprof' and int(release) < 27:
        return 'it came with OTP 27, and the node is OTP %s (--root takes another)' % release
    for name, version in PACKAGES.get(tool, []):
        why = build(name, version)
        if why:
            return why
    return None


# ---- One run

def memory(pid, key):
    with open('/proc/%d/status' % pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith(key)) / 1024


class Measured:
    """What the node did while something ran: wall time of the workload (us), CPU (s), memory at most (MiB more), calls told of."""

    def __init__(self, node, act):
        pid = node.process.pid
        node('[garbage_collect(P) || P <- processes()], ok')
        with open('/proc/%d/clear_refs' % pid, 'w') as f:
            f.write('5')  # VmHWM begins anew
        self.pid, before = pid, memory(pid, 'VmRSS')
        self.begin()
        self.wall, self.seen = act(self)
        self.cpu, self.memory = cpu_of(pid) - self.before, max(0, memory(pid, 'VmHWM') - before)

    def begin(self):
        """CPU counts from here on."""
        self.before = cpu_of(self.pid)


def in_node(node, tool, calls):
    scratch = tempfile.mktemp(dir=work)
    wall, seen = node('compare_work:run(%s, %d, %d, "%s")' % (tool, PROCESSES, calls, scratch)).strip('{}').split(',')
    if seen == 'printed':
        with open(scratch, 'rb') as f:
            seen = f.read().count(b'compare_work:f(')
    return int(wall), None if seen == 'none' else int(seen)


def under_beamtap(measured, node, words, calls):
    counted = words[0] == 'profile'
    limits = () if counted else ('session.max_rate=0', 'session.max_events=0', 'session.max_queue=1M', 'session.max_memory=8G')
    sets = [w for key in ('sink:csv.path=out.csv', 'sink:csv.queue=1G', *limits) for w in ('--set', key)]
    run = Run(None, node.name, 'compare_work:f/2', *words[1:], *sets, '--for', '0', '--json', command=words[0])
    ready = 'e2e_profile:waits()' if counted else 'e2e_node:traced()'
    wait_for(lambda: run.process.poll() is not None or node(ready) == 'true', 'tracing')
    assert run.process.poll() is None, run.err()
    measured.begin()  # asking whether it traces by now costs the node more than being traced does
    wall = int(node('compare_work:workload(%d, %d)' % (PROCESSES, calls)))
    run.interrupt()
    assert run.code == 0, run.err()
    with open(run.path('out.csv'), encoding='utf-8', newline='') as f:
        rows = list(csv.DictReader(f))
    if counted:
        return wall, sum(int(r['message'].strip('{}').split(',')[0]) for r in rows if r['event'] == 'function_counters')
    return wall, sum(r['event'] == 'function_call' for r in rows)


def figures(node, tool, calls):
    calls //= SHARE.get(tool, 1)
    processes = 1 if tool == 'eflambe' else PROCESSES
    bare = Measured(node, lambda _: (int(node('compare_work:workload(%d, %d)' % (processes, calls))), None))
    of = Measured(node, lambda m: under_beamtap(m, node, BEAMTAP[tool], calls) if tool in BEAMTAP else in_node(node, tool, calls))
    made = processes * calls
    return dict(tool=tool, slowdown=of.wall / bare.wall, cpu=1e6 * (of.cpu - bare.cpu) / made, memory=of.memory - bare.memory,
                seen=None if of.seen is None else of.seen / made)


# ---- All

def row(tool, rounds):
    middle = lambda key: statistics.median(r[key] for r in rounds)
    seen = 'a graph' if tool == 'eflambe' else '–' if rounds[0]['seen'] is None else '%.0f %%' % (100 * middle('seen'))
    return '| %s | %s | %.1f us | %.2f x | %.0f MiB | %s |' % (tool, ANSWERS[tool], max(0, middle('cpu')), middle('slowdown'), max(0, middle('memory')), seen)


def main():
    compile_erlang(os.path.join(HERE, 'compare_work.erl'), 'e2e_profile.erl')
    unknown = [t for t in options.tools if t not in ANSWERS]
    if unknown:
        parser.error('no tool %s (there are: %s)' % (', '.join(unknown), ', '.join(ANSWERS)))
    probe = Node('probe')
    release = probe('erlang:system_info(otp_release)').strip('"')
    probe.stop()
    tools = []
    for tool in options.tools or ANSWERS:
        why = missing(tool, release)
        if why:
            print('# without %s: %s' % (tool, why), file=sys.stderr)
        else:
            tools.append(tool)
    rounds = {tool: [] for tool in tools}
    for _ in range(options.rounds):
        for tool in tools:
            node = Node('compare')  # a new one: what a tool leaves behind is not the next one's
            node('code:ensure_loaded(compare_work)')
            node('compare_work:workload(%d, 2000)' % PROCESSES)
            rounds[tool].append(figures(node, tool, options.calls))
            print('# %s: %s' % (tool, rounds[tool][-1]), file=sys.stderr, flush=True)
            node.stop()
    where = facts()
    print('*%s, %d cores, OTP %s, %s; medians of %d rounds; %d calls of some us by %d processes,\n'
          'redbug with its own limits, beamtap trace without its limit of events a second*\n' % (
              where['cpu'], where['cores'], release, where['date'], options.rounds, PROCESSES * options.calls, PROCESSES))
    print("| | answers | the node's CPU a call | the workload takes | memory at most | calls told |\n| --- | --- | --- | --- | --- | --- |")
    for tool in tools:
        print(row(tool, rounds[tool]))
    if options.json:
        with open(options.json, 'w') as f:
            json.dump(dict(where, otp=release, rounds=rounds), f, indent=1)


main()

"""Live rows: a node's events traced by beamtap into a CSV file, beside the VM's own tracers of the same workload."""
import glob, os, subprocess, time
from lib import *  # noqa: F403

HERE = os.path.dirname(os.path.abspath(__file__))
INI = """[session]
nodes = %s
events = %s
max_rate = 0
max_events = 0
duration = 0
max_queue = 1M
max_memory = 8G
collect = %s
[transport:%s]
%s[filter:pids]
pids = new
%s[sink:%s]
path = out
queue = 1G
"""
SPEC = "[filter:match_spec]\ntrace = bench_work:f(_, _)\n"
EVENTS = {'calls': 'function_call', 'returns': 'function_call, function_return',
          'messages': 'message_send, message_receive'}
# name, what is traced, processes, payload, share of the calls
WORKLOADS = [('calls, 2 processes', 'calls', 2, 'small', 1), ('calls, 1 process', 'calls', 1, 'small', 1),
             ('calls, 8 processes', 'calls', 8, 'small', 4), ('calls of 1 kB, 2 processes', 'calls', 2, 'large', 2),
             ('calls and returns, 2 processes', 'returns', 2, 'small', 2),
             ('sends and receives, 2 pairs', 'messages', 2, 'small', 2),
             ('sends and receives of 1 kB, 2 pairs', 'messages', 2, 'large', 4)]


# Of the rate at which each peer delivers, and of the wall time under the TCP port: by a process, and natively.
BUDGETS = {'file port': (1.2, 2.2), 'TCP port': (6, 9), 'discard': (0.75, None), 'wall': (0.7, 0.4)}

OVER_TCP = 'native over TCP'  # what there is where the node is on another machine

# Tracers that are as slow as they are: what a tracee notices of them.
MAILBOX = {'encoded': 'encoded by frames, then thrown away', 'kept': 'nothing taken out until the end'}


class Figures:
    """Of one tracer in one round: the workload's wall time, until all is at its place, CPU of the node and the collector."""

    def __init__(self, events, wall, total, node_cpu, own_cpu=0.0, lost=0):
        self.rate, self.wall, self.total = (events - lost) / total, wall, total
        self.node_cpu, self.own_cpu, self.lost = 1e6 * node_cpu / events, 1e6 * own_cpu / events, lost


def transports(build):
    """Ways from the node to the collector; native: from the native tracer, over a Unix socket."""
    found = [t for t in ('dist', 'tcp') if os.path.exists('%s/plugins/beamtap_transport_%s.so' % (build, t))]
    return found + ['native' for t in found if t == 'tcp']


def cpu_of(pid):
    with open('/proc/%d/stat' % pid) as f:
        fields = f.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


class Live:
    def __init__(self, build, calls):
        self.calls = calls
        compile_erlang(os.path.join(HERE, 'bench_work.erl'))
        self.reader = os.path.join(work, 'tcp_reader')
        subprocess.run(['gcc', '-O2', '-o', self.reader, os.path.join(HERE, 'tcp_reader.c')], check=True)
        self.node = Node('bench')
        self.node('code:ensure_loaded(bench_work)')
        self.scratch = os.path.join(work, 'peer')
        self.transports = transports(build)

    def workload(self, row):
        name, what, procs, payload, share = row
        calls = self.calls // procs // share
        each = {'calls': calls, 'returns': 2 * calls, 'messages': 2 * calls + 3}[what]
        return '%s, %d, %d, %s' % (what, procs, calls, payload), procs * each

    def in_vm(self, tracer, row, *extra):
        args, events = self.workload(row)
        before = cpu_of(self.node.process.pid)
        wall, total = self.node('bench_work:%s(%s)' % (tracer, ', '.join((args,) + extra))).strip('{}').split(',')
        return Figures(events, int(wall) / 1e6, int(total) / 1e6, cpu_of(self.node.process.pid) - before)

    def tcp_port(self, row):
        """Until the reader has the last one; what the port says that it drops is not there then."""
        args, events = self.workload(row)
        listen = free_port()
        client = subprocess.Popen([self.reader, str(listen), str(events)], stdout=subprocess.PIPE, text=True)
        started.append(client)
        before = cpu_of(self.node.process.pid)
        self.node.process.stdin.write('bench_work:tcp_port(%s, %d)\n' % (args, listen))
        self.node.process.stdin.flush()
        for expected in ('port ready', '= {'):
            line = self.node.process.stdout.readline()
            assert line.startswith(expected), line
        wall, began = line[2:].strip().strip('{}').split(',')
        try:
            client.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            pass  # a long queue loses without saying so: closing the port ends the reader
        cpu = cpu_of(self.node.process.pid) - before
        self.node('bench_work:tcp_close()')
        messages, drops, ended = map(int, client.communicate()[0].split())
        return Figures(events, int(wall) / 1e6, (ended - int(began)) / 1e6, cpu, lost=events - messages)

    def beamtap(self, row, transport, sink='csv'):
        """From the first call until the process has ended with all of it in the file."""
        args, events = self.workload(row)
        what = row[1]
        wait_for(lambda: self.node('e2e_node:traced()') == 'false', 'the peer before is gone')
        way = {'native': ('native', 'tcp', ''), OVER_TCP: ('native', 'tcp', 'advertise = 127.0.0.1\n')}.get(
            transport, ('process', transport, ''))
        run = Run(INI % (self.node.name, EVENTS[what], *way, SPEC if what != 'messages' else '', sink), '--json')
        wait_for(lambda: run.process.poll() is not None or self.node('e2e_node:traced()') == 'true', 'tracing')
        assert run.process.poll() is None, run.err()
        before, began = cpu_of(self.node.process.pid), time.time()
        wall = int(self.node('bench_work:workload(%s)' % args)) / 1e6
        run.process.send_signal(signal.SIGINT)
        _, status, usage = os.wait4(run.process.pid, 0)
        total = time.time() - began
        run.process.returncode = os.waitstatus_to_exitcode(status)
        assert run.process.returncode == 0, (run.process.returncode, run.err())
        summary = run.summary()
        invariant(summary)
        assert summary['nodes'][0]['produced'] >= events, (summary, events)
        lost = events - summary['sinks'][0]['written']
        os.unlink(run.path('out'))
        return Figures(events, wall, total, cpu_of(self.node.process.pid) - before, usage.ru_utime + usage.ru_stime,
                       max(0, lost))

    def round(self, row, dbg):
        result = {'beamtap ' + t: self.beamtap(row, t) for t in self.transports}
        result['discard'] = self.in_vm('discard', row)
        if row[1:3] == ('calls', 1):
            result.update((peer, self.in_vm(peer, row)) for peer in MAILBOX)
        result['file port'] = self.in_vm('file_port', row, '"%s"' % self.scratch)
        result['TCP port'] = self.tcp_port(row)
        if dbg:
            if 'native' in self.transports:
                result[OVER_TCP] = self.beamtap(row, OVER_TCP)
            result['record'] = self.beamtap(row, self.transports[-1], 'record')  # natively, where that is built
            result['untraced'] = self.in_vm('bare', row)
            result['dbg text'] = self.in_vm('dbg_text', row[:4] + (row[4] * 5,), '"%s"' % self.scratch)
        return result


def live(table, options):
    bench = Live(options.build, options.calls)
    rounds = {}
    for k, row in enumerate(WORKLOADS if not options.quick else WORKLOADS[:1] + WORKLOADS[4:6]):
        name = row[0]
        all_rounds = [bench.round(row, dbg=k == 0) for _ in range(options.rounds)]
        rounds[name] = all_rounds
        section = 'live: %s, %d events' % (name, bench.workload(row)[1])
        of = lambda who, what: [getattr(r[who], what) for r in all_rounds]
        for mine in ['beamtap ' + t for t in bench.transports]:
            first, native = k == 0, mine == 'beamtap native'
            label = mine + ' -> csv'
            lost = sum(of(mine, 'lost'))
            note = 'lost %d' % lost if lost else ''
            for peer in ('file port', 'TCP port', 'discard'):
                table.add(section, label, of(mine, 'rate'), 'events/s', 'of the ' + peer, of(peer, 'rate'),
                          BUDGETS[peer][native] if first else None, note=note)
            if first:
                table.add(section, label, of(mine, 'rate'), 'events/s', 'of dbg text', of('dbg text', 'rate'))
                table.add(section, mine + ' -> csv: the tail after the last call', [f.total - f.wall for f in (r[mine] for r in all_rounds)],
                          's')
            table.add(section, label + ': tracee wall', of(mine, 'wall'), 's', 'of the TCP port', of('TCP port', 'wall'),
                      BUDGETS['wall'][native] if first else None, least=False)
            table.add(section, label + ': tracee wall', of(mine, 'wall'), 's', 'of discard', of('discard', 'wall'),
                      (1 if native else 1.15) if row[2] == 1 and row[1] == 'calls' else None, least=False,
                      note='a core free for the relay' if row[2] == 1 else '')
            table.add(section, label + ': CPU of the node', of(mine, 'node_cpu'), 'us/event', 'of discard',
                      of('discard', 'node_cpu'))
            table.add(section, label + ': CPU of the collector', of(mine, 'own_cpu'), 'us/event', 'of the node',
                      of(mine, 'node_cpu'))
        if 'beamtap tcp' in all_rounds[0]:
            table.add(section, 'tcp beside dist', of('beamtap tcp', 'rate'), 'events/s', 'of dist',
                      of('beamtap dist', 'rate'))
            table.add(section, 'native beside a process', of('beamtap native', 'rate'), 'events/s', 'of tcp',
                      of('beamtap tcp', 'rate'))
        if OVER_TCP in all_rounds[0]:
            for label, what, unit, least in (('', 'rate', 'events/s', True), (': tracee wall', 'wall', 's', False),
                                             (': CPU of the node', 'node_cpu', 'us/event', False), (': CPU of the collector', 'own_cpu', 'us/event', False)):
                table.add(section, 'native, over a Unix socket' + label, of('beamtap native', what), unit, 'of over TCP', of(OVER_TCP, what), least=least)
        if 'record' in all_rounds[0]:
            table.add(section, 'beamtap %s -> record' % bench.transports[-1], of('record', 'rate'), 'events/s', 'of its csv',
                      of('beamtap ' + bench.transports[-1], 'rate'))
        for peer in [p for p in MAILBOX if p in all_rounds[0]]:
            table.add(section, 'peer: %s: tracee wall' % MAILBOX[peer], of(peer, 'wall'), 's', 'of discard', of('discard', 'wall'))
        for peer in [p for p in all_rounds[0] if not p.startswith('beamtap') and p not in ('record', OVER_TCP)]:
            lost = sum(of(peer, 'lost'))
            table.add(section, 'peer: ' + peer, of(peer, 'rate'), 'events/s', note='lost %d' % lost if lost else '')
    bench.node.stop()


WAYS = (('list', 'encoded at once, as the relay does'), ('iovec', 'encoded at once, to an iovec'),
        ('each', 'encoded one by one'), ('sized', 'each measured first, then at once'))


def relay(table, options):
    """What one process takes for its mailbox: nothing else runs in the node."""
    compile_erlang(os.path.join(HERE, 'bench_work.erl'))
    node = Node('relay')
    events = 100000 if not options.quick else 20000
    section = "relay: %d trace messages of a process's mailbox" % events
    rounds = [{way: float(node('bench_work:relay(%s, %d)' % (way, events))) for way in ('take',) + tuple(w for w, _ in WAYS)}
              for _ in range(options.rounds)]
    taken = [r['take'] for r in rounds]
    table.add(section, 'only taken out', taken, 'ns/event')
    for way, label in WAYS:
        table.add(section, label, [r[way] for r in rounds], 'ns/event', 'of only taken out', taken)
    node.stop()

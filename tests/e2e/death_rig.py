"""What the tests of ends and limits share: a node, with or without another tool that traces in it, and a run that traces it
through a proxy. Whatever happens then, the node must be as it was before.
"""
import csv, json
from lib import *
from proxy import Proxy

LEASE = 2.0
EVERYTHING = """[session]
nodes = %s
events = function_call, function_return, function_exception, message_send, message_receive, process_spawn, process_exit, schedule_in
lease = 2s
duration = 0
max_rate = 0
[filter:match_spec]
trace = e2e_work:target(_, _)
trace = e2e_work:outer(_)
trace = e2e_tool:busy(_)
spec = send [{'_', [], []}]
spec = receive [{'_', [], []}]
"""
ONE_PROCESS = """[session]
nodes = %s
events = function_call
lease = 2s
duration = 0
[filter:pids]
pids = e2e_busy
[filter:modules]
modules = e2e_work
"""
SINKS = """[sink:chrome]
path = trace.json
[sink:csv]
path = trace.csv
[sink:stdout]
path = trace.jsonl
format = json
"""
compile_erlang('e2e_tool.erl')

# A process of the agent, by the beginning of a function's name in its stack.
AGENT = ('hd([P || P <- processes(), {current_stacktrace, S} <- [process_info(P, current_stacktrace)], '
         'lists:any(fun({M, F, _, _}) -> lists:prefix("beamtap_agent_", atom_to_list(M)) andalso '
         'lists:prefix("%s", atom_to_list(F)) end, S)])')


class Case:
    """A node, with or without another tool in it, and a run that traces it."""
    node = None

    def __init__(self, tool, ini=None):
        if not Case.node:
            Case.node = Node()
            Case.sessions = sessions(Case.node)
        self.tool = tool
        self.node('e2e_tool:start()')
        if not tool:
            self.node('e2e_tool:stop()')
        self.ports = self.node('lists:sort(erlang:ports())')
        self.before = self.node('lists:sort(e2e_node:residue())')
        assert (self.before != '[]') == tool, self.before
        port = self.node('element(2, erl_epmd:port_please("%s", {127,0,0,1}))' % self.node.name.split('@')[0])
        self.proxy = Proxy(self.node.name.split('@')[0], int(port))
        ini = ini or (EVERYTHING if self.sessions or not tool else ONE_PROCESS)
        self.run = Run(ini % self.node.name + SINKS, '--json', environment=dict(env, ERL_EPMD_PORT=self.proxy.epmd_port))

    def events_in_every_file(self):
        wait_for(lambda: self.work() and all(self.size('trace.' + kind) > 1000 for kind in ('json', 'csv', 'jsonl')),
                 'events in every file')

    def work(self):
        return self.node('e2e_tool:busy(100)') == 'ok'

    def size(self, name):
        path = self.run.path(name)
        return os.path.getsize(path) if os.path.exists(path) else 0

    def as_before(self, since, leases=1):
        """Tracing must be off when a lease is over, and everything gone when what waits for the collector has waited for
        one more; what the machine is late is allowed for."""
        wait_for(lambda: self.node('lists:sort(e2e_node:residue())') == self.before,
                 'the node as it was: %s, not %s' % (self.before, self.node('lists:sort(e2e_node:residue())')[:600]))
        took = time.time() - since
        assert took < LEASE * leases + 6, 'it took %.1f s with a lease of %.1f s' % (took, LEASE)
        if self.tool:
            assert self.node('e2e_tool:check()') == 'true', self.node('e2e_tool:check()')

    def complete(self, rows=20):
        """Every file can be read to its end, and holds at least so many rows."""
        trace = json.load(open(self.run.path('trace.json'), encoding='utf-8'))
        assert trace['traceEvents']
        text = self.run.read('trace.csv')
        assert text.endswith('\n')
        table = list(csv.reader(text.splitlines(True)))
        assert len(table) > rows and {len(row) for row in table} == {len(table[0])}, table[-1]
        lines = self.run.read('trace.jsonl')
        assert lines.endswith('\n') and all(json.loads(line)['event'] for line in lines.splitlines())

    def ended(self, code, rows=20):
        self.run.ended(code)
        invariant(self.run.summary())
        self.complete(rows)

    def over(self):
        self.proxy.stop()
        if self.tool:
            self.node('e2e_tool:stop()')
        self.node('exit(whereis(e2e_busy), kill)')
        wait_for(lambda: self.node('whereis(e2e_busy)') == 'undefined', 'the end of e2e_busy')
        wait_for(lambda: self.node('lists:sort(erlang:ports())') == self.ports, 'the ports as they were')
        self.node.clean()


def guarded(body):
    """A test that fails leaves no node behind: the next case begins in one of its own."""
    def run(*args):
        try:
            body(*args)
        except BaseException:
            if Case.node:
                Case.node.stop()
                Case.node = None
            raise
    run.__name__ = body.__name__
    return run

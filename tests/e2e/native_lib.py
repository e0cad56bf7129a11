"""What the tests of the native tracer share: a run of it, and whether anything of it is left in the node."""
from lib import *

CONFIG = """[session]
nodes = %s
collect = native
duration = 0
max_events = 0
lease = 2s
%s
[transport:tcp]
%s
[sink:csv]
path = trace.csv
queue = 1G
"""
STEPS = """events = function_call
max_rate = 0
[filter:match_spec]
trace = e2e_native:step(_, _)
"""
csv.field_size_limit(1 << 24)
compile_erlang('e2e_large.erl', 'e2e_native.erl')


def node_of(*modules):
    node = Node()
    for module in ('e2e_native', *modules):
        node('code:ensure_loaded(%s)' % module)
    return node


def os_pid(node):
    return node('list_to_integer(os:getpid())')


def mapped(node):
    """Whether the library is in the node's memory."""
    with open('/proc/%s/maps' % os_pid(node), encoding='utf-8') as f:
        return 'native.so' in f.read()


def memory(node):
    """Bytes that the node takes of the machine, what the library took among them."""
    with open('/proc/%s/status' % os_pid(node), encoding='utf-8') as f:
        return 1024 * int(re.search(r'VmRSS:\s+(\d+)', f.read()).group(1))


def gone(node):
    node.clean()
    wait_for(lambda: not mapped(node), 'the library to be unloaded')
    wait_for(lambda: node('[M || M <- erlang:loaded(), lists:prefix("beamtap_", atom_to_list(M))]') == '[]', 'the modules to go')


def config(node, settings, way='unix'):
    """Over a Unix socket, as a node on this machine does; or over TCP, as it does where an address is advertised."""
    return CONFIG % (node.name, settings, '' if way == 'unix' else 'advertise = 127.0.0.1')


def traced(node, settings, *args, way='unix', **more):
    run = Run(config(node, settings, way), '--json', *args, **more)
    node.traced()
    assert ('over a Unix socket' in run.err()) == (way == 'unix'), run.err()
    return run

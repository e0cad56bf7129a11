"""Terms print as the node itself prints them, from the node to the file."""
import csv, sys
from lib import *

csv.field_size_limit(sys.maxsize)
INI = """[session]
nodes = %s
events = function_call
max_rate = 0
max_term = 32M
max_memory = 4G
[filter:match_spec]
trace = e2e_work:echo(_)
[sink:csv]
path = trace.csv
max_message = 0
queue = 64M
"""


def printed_by_node(path):
    with open(path, 'rb') as f:
        data = f.read()
    texts, at = [], 0
    while at < len(data):
        nl = data.index(b'\n', at)
        size = int(data[at:nl])
        texts.append(data[nl + 1:nl + 1 + size].decode())
        at = nl + 1 + size
    return texts


def compare(args):
    compile_erlang('e2e_terms.erl')
    node = Node(args=args)
    run = Run(INI % node.name, '--json')
    node.traced()
    path = run.path('expected')
    assert int(node('e2e_terms:trace("%s")' % path)) > 100
    run.interrupt()
    assert run.code == 0, run.err()
    with open(run.path('trace.csv'), newline='', encoding='utf-8') as f:
        got = [r['message'] for r in csv.DictReader(f) if r['event'] == 'function_call']
    want = printed_by_node(path)
    assert len(got) == len(want), (len(got), len(want))
    wrong = [(w[:200], g[:200]) for w, g in zip(want, got) if w != g]
    assert not wrong, '%d differ, the first: node %r, file %r' % (len(wrong), *wrong[0])
    node.clean()


def as_the_node_prints_them():
    compare([])


def as_a_node_with_unicode_prints_them():
    compare(['+pc', 'unicode'])


def pids_of_other_nodes_print_with_their_node():
    one, two = Node(), Node()
    assert one('net_kernel:connect_node(list_to_atom("%s"))' % two.name) == 'true'
    run = Run(INI % one.name)
    one.traced()
    one('spawn(fun() -> P = rpc:call(list_to_atom("%s"), erlang, whereis, [init]), e2e_work:echo({far, P, self()}) end)' % two.name)
    wait_for(lambda: run.process.poll() is None and 'far' in run.read('trace.csv'), 'the call in the file')
    run.interrupt()
    assert re.search(r'\{far,<%s\.\d+\.\d+>,<0\.' % two.name, run.read('trace.csv')), run.read('trace.csv')


tests(as_the_node_prints_them, as_a_node_with_unicode_prints_them, pids_of_other_nodes_print_with_their_node)

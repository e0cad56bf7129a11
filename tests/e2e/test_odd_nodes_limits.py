"""Nodes whose default max_heap_size kills, whose code server stands still, that have no `user`: what the agent leans on is
looked at, or not needed.
"""
from lib import *

INI = """[session]
nodes = %s
events = function_call, message_send
duration = 500ms
[filter:modules]
modules = odd_node
%s[sink:csv]
path = trace.csv
"""
TCP = """[transport:tcp]
"""
compile_erlang('odd_node.erl')


def run(node, more=''):
    done = Run(INI % (node.name, more), '--json').ended(0)
    invariant(done.summary())
    assert rows(done), done.err()
    assert done.summary()['nodes'][0]['lost'] == 0, done.summary()
    return done


def ask(command, node, *args):
    return Run(None, node.name, *args, command=command).ended(0)


def no_tracing(node):
    """Nothing but, where it may have to, the agent's module."""
    wait_for(lambda: node('[R || R <- e2e_node:residue(), element(1, R) =/= module]') == '[]', 'no tracing')


def the_nodes_limit_kills():
    """All processes of the node have the limit, the code purger too, and there are many: to purge would end the node."""
    node = Node(args=('+hmax', '300000', '+hmaxk', 'true', '+P', '262144'))
    node('process_flag(max_heap_size, 0), odd_node:work()') # the test's own process looks at all of them
    node('odd_node:crowd(20000)')
    stays = node('erlang:function_exported(erlang, processes_iterator, 0)') == 'false'
    for command in (lambda: run(node).err(), lambda: ask('nodes', node).out(), lambda: ask('clean', node).out(),
                    lambda: run(node, TCP).err()):
        text = command()
        assert ('module stays' in text and '300000' in text) == stays, text
        no_tracing(node)
        assert node.process.poll() is None
    if stays:
        assert len(eval_list(node('[M || M <- erlang:loaded(), lists:prefix("beamtap", atom_to_list(M))]'))) == 1
        # With fewer processes it can be purged, and is.
        node('[odd_node:ends(P) || P <- odd_node:idlers()], ok')
        wait_for(lambda: int(node('erlang:system_info(process_count)')) < 1000, 'the end of the crowd')
        assert 'stays' not in ask('clean', node).out()
    node.clean()
    node.stop()


def eval_list(text):
    return [part for part in text.strip('[]').split(',') if part]


def a_default_for_new_processes_that_kills():
    """Small enough for a guardian to be killed by it, set while the node runs."""
    node = Node()
    node('odd_node:work()')
    node('erlang:system_flag(max_heap_size, #{size => 6000, kill => true, error_logger => false}), ok')
    for more in ('', TCP):
        run(node, more)
        node.clean()
    ask('nodes', node)
    ask('clean', node)
    node.clean()
    node.stop()


def a_call_has_the_nodes_limit():
    """What is called runs under the node's default, as it would without us; what carries it does not."""
    node = Node()
    node('erlang:system_flag(max_heap_size, #{size => 20000, kill => true, error_logger => false}), ok')
    done = Run(None, node.name, 'odd_node', 'big', '[1000]', command='call').ended(0)
    assert '500' in done.out(), done.out()
    done = Run(None, node.name, 'odd_node', 'big', '[2000000]', command='call').wait()
    assert 'killed' in done.out() + done.err(), done.out() + done.err()
    node.clean()
    node.stop()


def code_server_that_stands_still():
    """Whoever looks or cleans does not wait for it."""
    node = Node()
    assert node('{[a], 1, #{}}') == '{[a],1,#{}}' # what prints an answer is loaded
    node.connect(Node())
    node('code:ensure_loaded(trace), erlang:suspend_process(whereis(code_server))')
    assert 'nobody traces' in ask('nodes', node).out()
    assert 'nothing was left' in ask('clean', node).out()
    node('erlang:resume_process(whereis(code_server))')
    node.clean()
    node.stop()


def no_user_and_no_logger():
    node = Node()
    node('odd_node:work()')
    node('[catch unregister(N) || N <- [user, logger, error_logger, standard_error]], ok')
    run(node)
    ask('nodes', node)
    ask('clean', node)
    node.clean()
    node.stop()


def many_at_once():
    """Each has a name of its own in the node, out of a few."""
    node = Node()
    node('odd_node:work()')
    runs = [Run("""[session]
nodes = %s
events = function_call
duration = 0
[filter:pids]
pids = odd_nobody, new
[filter:modules]
modules = odd_node
[sink:csv]
path = trace.csv
""" % node.name) for _ in range(3)]
    names = wait_for(lambda: [n for n in [node('lists:sort([N || N <- nodes(hidden), lists:prefix("beamtap_", atom_to_list(N))])')]
                              if n.count('beamtap_') >= (1 if node('erlang:function_exported(erts_internal, trace_session_create, 3)')
                                                         == 'false' else 3)], 'connections')
    assert all(len(name) < 30 for name in names[0].split(',')), names
    for r in runs:
        r.interrupt()
    node.clean()
    node.stop()


tests(the_nodes_limit_kills, a_default_for_new_processes_that_kills, a_call_has_the_nodes_limit, code_server_that_stands_still,
      no_user_and_no_logger, many_at_once)

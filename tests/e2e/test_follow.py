"""A name is whoever bears it: one that is started again under it, and one that comes later. A tree is also what lives in it already.
So it is in the node, and when a
recording is played again."""
from lib import *

compile_erlang('e2e_follow.erl')
INI = """[session]
nodes = %s
events = %s
duration = 0
[filter:match_spec]
trace = e2e_follow:done/2
[filter:pids]
pids = %s
[sink:csv]
path = trace.csv
[sink:record]
path = trace.btf
"""


def traced(node, pids, events='function_call'):
    run = Run(INI % (node.name, events, pids), '--json')
    node.traced()
    return run


def calls(run, name='trace.csv'):
    """[(pid, N)] of the calls of done/2."""
    return [(r['pid'], int(re.search(r',(\d+)\]', r['message'])[1])) for r in rows(run, name) if r['function'] == 'done']


def done(run, node, expected, pids):
    run.interrupt()
    assert run.code == 0, run.err()
    invariant(run.summary())
    node.clean()
    assert calls(run) == expected, (calls(run), expected)
    said = run.err()
    again = os.path.join(run.dir, 'again.ini')
    with open(again, 'w', encoding='utf-8') as f:
        f.write('[session]\n[transport:file]\npath = %s\n[filter:pids]\npids = %s\n[sink:csv]\npath = again.csv\n' %
                (run.path('trace.btf'), pids))
    Run(again, '--json', cwd=run.dir).ended(0)
    assert calls(run, 'again.csv') == expected, (calls(run, 'again.csv'), expected)
    return said


def a_restarted_process_is_followed():
    node = Node()
    node('e2e_follow:start(e2e_bearer)')
    expected = [(node('whereis(e2e_bearer)'), 1)]
    run = traced(node, 'e2e_bearer')
    assert node('e2e_follow:work(e2e_bearer, 1)') == 'ok'
    for n in range(2, 12):
        pid = node('e2e_follow:kill(e2e_bearer)')
        node.traced(at(pid))
        assert node('e2e_follow:work(e2e_bearer, %d)' % n) == 'ok'
        expected.append((pid, n))
    said = done(run, node, expected, 'e2e_bearer')
    assert 'e2e_bearer is %s now' % pid in said, said
    node.stop()


def at(pid):
    return 'list_to_pid("%s")' % pid


def a_name_that_comes_later_is_followed():
    """Nobody bears it at the start, which is no error and is said."""
    node = Node()
    run = Run(INI % (node.name, 'function_call', 'e2e_bearer'), '--json')
    wait_for(lambda: 'e2e_bearer: there is no process of this name yet' in run.err(), 'the word of it')
    node('e2e_follow:start(e2e_bearer)')
    pid = node('whereis(e2e_bearer)')
    node.traced(at(pid))
    assert node('e2e_follow:work(e2e_bearer, 1)') == 'ok'
    done(run, node, [(pid, 1)], 'e2e_bearer')
    node.stop()


def who_lives_in_a_tree_belongs_to_it():
    """And bears the root's name as little as its pid."""
    for by_name in (True, False):
        node = Node()
        root, child, grandchild, stranger = re.findall(r'<[\d.]+>', node('e2e_follow:tree()'))
        pids = 'tree:e2e_root' if by_name else 'tree:' + root
        run = traced(node, pids, 'function_call, process_spawn')
        node.traced(at(grandchild))
        for n, pid in enumerate((root, stranger, child, grandchild)):
            assert node('e2e_follow:work(%s, %d)' % (at(pid), n)) == 'ok'
        young = node('(fun() -> R = make_ref(), %s ! {child, self(), R}, receive {R, P} -> e2e_follow:work(P, 7), P end end)()' %
                     at(grandchild))
        done(run, node, [(root, 0), (child, 2), (grandchild, 3), (young, 7)], pids)
        Run(None, run.path('trace.btf'), '--pids', 'e2e_root' if by_name else root, '--sink', 'csv:path=root.csv',
            command='export', cwd=run.dir).ended(0)
        assert calls(run, 'root.csv') == [(root, 0)], calls(run, 'root.csv')
        node.stop()


def two_sinks_differ():
    """One has every process, so that the plan resolves no name: the other's is known all the same."""
    node = Node()
    node('e2e_follow:start(e2e_bearer)')
    pid = node('whereis(e2e_bearer)')
    run = Run((INI % (node.name, 'function_call', 'e2e_bearer')).replace('trace.btf\n', 'trace.btf\nfilters = match_spec\n'), '--json')
    node.traced()
    assert node('e2e_follow:work(e2e_bearer, 1)') == 'ok'
    new = node('e2e_follow:kill(e2e_bearer)')

    def told():
        assert node('e2e_follow:work(e2e_bearer, 2)') == 'ok'
        return new in run.read('trace.csv')
    wait_for(told, 'the new one, once its name was told')
    run.interrupt().ended(0)
    assert calls(run)[0] == (pid, 1), calls(run)
    node.clean()
    node.stop()


def a_tree_is_followed_too():
    """The supervisor's tree, when the supervisor itself is started again with its worker."""
    node = Node()
    node('e2e_follow:start(e2e_bearer)')
    run = traced(node, 'tree:e2e_sup')
    pid = node('whereis(e2e_bearer)')
    node.traced(at(pid))
    assert node('e2e_follow:work(e2e_bearer, 1)') == 'ok'
    node('exit(whereis(e2e_sup), kill)')
    wait_for(lambda: node('{whereis(e2e_sup), whereis(e2e_bearer)}') == '{undefined,undefined}', 'the end of both')
    node('e2e_follow:start(e2e_bearer)')
    new = node('whereis(e2e_bearer)')
    node.traced(at(new))
    assert node('e2e_follow:work(e2e_bearer, 2)') == 'ok'
    done(run, node, [(pid, 1), (new, 2)], 'tree:e2e_sup')
    node.stop()


def a_child_s_end_is_not_its_root_s():
    """A trigger looks for the bearer of a name, in a run that has the tree of that name."""
    node = Node()
    root, child, _, _ = re.findall(r'<[\d.]+>', node('e2e_follow:tree()'))
    run = Run((INI % (node.name, 'function_call, process_exit', 'tree:e2e_root')).replace(
        'duration = 0', 'duration = 0\nstop_on = exit e2e_root'), '--json')
    node.traced(at(child))
    assert node('%s ! stop, timer:sleep(300), e2e_follow:work(e2e_root, 1)' % at(child)) == 'ok'
    assert node('e2e_root ! stop, ok') == 'ok'
    run.ended(0)
    exits = [r['pid'] for r in rows(run, 'trace.csv') if r['event'] == 'process_exit']
    assert calls(run) == [(root, 1)] and exits == [child, root], (calls(run), exits)
    node.clean()
    node.stop()


tests(a_restarted_process_is_followed, a_name_that_comes_later_is_followed, who_lives_in_a_tree_belongs_to_it, two_sinks_differ, a_tree_is_followed_too,
      a_child_s_end_is_not_its_root_s)

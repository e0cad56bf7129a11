"""Modules that are loaded, or loaded again, while they are traced: no call is missed, or a row says which may be."""
from lib import *

compile_erlang('e2e_made.erl')
INI = """[session]
nodes = %s
events = function_call, function_return
duration = 0
%s
[filter:modules]
modules = %s
[sink:csv]
path = trace.csv
[sink:stdout]
path = trace.txt
[sink:summary]
path = summary.txt
"""


def traced(node, modules, *more):
    run = Run(INI % (node.name, '\n'.join(more), modules), '--json')
    node.traced()
    return run


def made(node, module, folder='made'):
    """The module's file, without its ending, as a text for Erlang."""
    assert node("e2e_made:make('%s', \"%s/%s\")" % (module, work, folder)).strip("'") == module
    return '"%s/%s/%s"' % (work, folder, module)


def done(run, node):
    run.interrupt()
    assert run.code == 0, run.err()
    invariant(run.summary())
    assert all(n['lost'] == 0 for n in run.summary()['nodes']), run.summary()['nodes']
    node.clean()
    return rows(run)


def count(found, module, event='function_call', function='add'):
    return len([r for r in found if (r['event'], r['module'], r['function']) == (event, module, function)])


def loaded(node, path, times):
    why = node('e2e_made:load_and_call(%s, 50, %d)' % (path, times))
    assert why == 'normal', why


def first_calls_are_there():
    """A glob that matches nothing yet, lazy loads, and reloads: each call and its return."""
    node = Node()
    shop, other = made(node, 'made_shop'), made(node, 'other_shop')
    run = traced(node, 'made_*')
    for path, times in ((shop, 10), (other, 3), (shop, 10)):
        loaded(node, path, times)
    found = done(run, node)
    assert (count(found, 'made_shop'), count(found, 'made_shop', 'function_return')) == (1000, 1000), len(found)
    assert {r['module'] for r in found} == {'made_shop'}, {r['module'] for r in found}
    assert 'made_*:*/*' in run.err() and 'matches no loaded function yet' in run.err(), run.err()
    node.stop()


def nothing_is_named():
    """Every module that is not OTP's, of what comes too: OTP's are not there."""
    node = Node()
    shop = made(node, 'made_shop')
    run = Run((INI % (node.name, '', 'x')).replace('[filter:modules]\nmodules = x\n', ''), '--json')
    node.traced()
    loaded(node, shop, 4)
    assert 'ok' in node('code:purge(sofs), code:delete(sofs), spawn(fun() -> sofs:from_term([a, b]) end), timer:sleep(1), ok')
    found = done(run, node)
    assert (count(found, 'made_shop'), count(found, 'made_shop', 'function_return')) == (200, 200), len(found)
    assert not [r for r in found if r['module'] == 'sofs']
    node.stop()


def one_that_nobody_loaded():
    """It is in the path: it is loaded, which is said, or with load = false is traced from its first call on."""
    for load in ('true', 'false'):
        node = Node()
        made(node, 'made_shop')
        assert node('code:add_patha("%s/made")' % work) == 'true'
        run = traced(node, 'made_shop', 'load = ' + load)
        assert node('erlang:module_loaded(made_shop)') == load
        assert node('element(1, spawn_monitor(made_shop, all, [7])), receive {_, _, process, _, W} -> W end') == 'normal'
        assert count(done(run, node), 'made_shop') == 7
        assert ('made_shop: not loaded yet, and loaded now' in run.err()) == (load == 'true'), run.err()
        assert ('is not loaded yet: traced from when it is' in run.err()) == (load == 'false'), run.err()
        node.stop()


def where_another_tool_traces():
    """Before OTP 27 the pattern for modules to come is everybody's: it is left to the other tool, and a row says what may be missing."""
    node = Node()
    if sessions(node):
        return
    shop = made(node, 'made_shop')
    node('spawn(fun() -> register(other_tool, self()), erlang:trace(self(), true, [call]), receive stop -> ok end end), ok')
    node('spawn(fun() -> register(other, self()), erlang:trace(whereis(other_tool), false, [all]), '
         'erlang:trace(whereis(other_tool), true, [procs]), receive stop -> ok end end), ok')
    wait_for(lambda: node("is_pid(whereis(other)) andalso element(2, erlang:trace_info(whereis(other_tool), flags)) =/= []") == 'true',
             'the other tool')
    node('register(works, spawn(fun F() -> receive {From, Path, N} -> {module, M} = code:load_abs(Path), M:all(N), From ! done, '
         'F() end end)), ok')
    run = Run((INI % (node.name, '', 'made_*')).replace('[sink:csv]', '[filter:pids]\npids = works\n[sink:csv]'), '--json')
    wait_for(lambda: node('element(2, erlang:trace_info(whereis(works), flags))') != '[]', 'tracing')
    assert node('erlang:trace_info(on_load, traced)') == '{traced,false}'
    assert node('works ! {self(), %s, 5}, receive done -> ok end' % shop) == 'ok'
    wait_for(lambda: 'gap' in run.read('trace.csv'), 'the row of the gap')
    assert node('works ! {self(), "/none", 5}, ok') == 'ok'
    run.interrupt()
    assert run.code == 0, run.err()
    found = rows(run)
    gaps = [r for r in found if r['event'] == 'gap']
    assert gaps and all(r['message'].endswith(',code}') for r in gaps), gaps
    assert 'calls of made_shop may be missing' in run.read('trace.txt'), run.read('trace.txt')
    node('other ! stop, other_tool ! stop, ok')
    node.clean()
    node.stop()


def who_stays_in_old_code():
    node = Node()
    shop = made(node, 'made_shop')
    assert node('code:load_abs(%s)' % shop) == '{module,made_shop}'
    stays = node('e2e_made:stay(made_shop)')
    run = traced(node, 'made_shop')
    assert node('code:load_abs(%s)' % shop) == '{module,made_shop}'
    wait_for(lambda: 'run its old code' in run.err(), 'the word of it')
    done(run, node)
    assert 'made_shop was loaded again while %s run its old code' % stays in run.err(), run.err()
    node.stop()


tests(first_calls_are_there, nothing_is_named, one_that_nobody_loaded, where_another_tool_traces, who_stays_in_old_code)

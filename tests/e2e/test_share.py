"""Beside others: two beamtaps and a dbg in one node, each sees exactly its own; and what cannot be traced is said by name."""
from lib import *

INI = """[session]
nodes = %s
events = function_call
duration = 0
max_rate = 0
[filter:pids]
pids = %s
[filter:match_spec]
trace = %s
[sink:csv]
path = trace.csv
"""
compile_erlang('e2e_share.erl')


def workers(*names):
    node = Node()
    for name in names:
        node('e2e_share:worker(%s)' % name)
    return node


def begin(node, pids, trace):
    run = Run(INI % (node.name, pids, trace), '--json')

    def on():
        assert run.process.poll() is None, run.err()
        how = 'traced_in_session' if sessions(node) else 'traced' # not dbg's flags
        return node('e2e_node:%s(whereis(%s))' % (how, pids.split(',')[0])) == 'true'
    wait_for(on, pids + ' traced')
    return run


def end(run, written):
    run.interrupt().ended(0)
    summary = run.summary()
    invariant(summary)
    assert summary['sinks'][0]['written'] == written, (written, summary, run.err())


def rows(run):
    return run.read('trace.csv').count('function_call')


def calls(node, *names):
    for name in names:
        assert node('e2e_share:calls(%s, 50)' % name) == 'ok'


def two_beamtaps_and_a_dbg():
    names = ('e2e_a', 'e2e_b', 'e2e_c')
    node = workers(*names)
    assert node('e2e_share:dbg_start(e2e_c)') == 'ok'
    before = node('lists:sort(e2e_node:residue())')
    one = begin(node, 'e2e_a', 'e2e_work:target(_, _)')
    two = begin(node, 'e2e_b', 'e2e_work:outer(_)')
    calls(node, *names)
    wait_for(lambda: node('e2e_share:dbg_count()') == '50', 'the calls that dbg is to see')
    end(one, 50)
    calls(node, *names)
    wait_for(lambda: node('e2e_share:dbg_count()') == '100', 'the calls that dbg is to see')
    two.process.kill()
    two.wait()
    wait_for(lambda: node('lists:sort(e2e_node:residue())') == before, 'only dbg left')
    calls(node, *names)
    wait_for(lambda: node('e2e_share:dbg_count()') == '150', 'the calls that dbg is to see')
    node('e2e_share:dbg_stop()')
    node.clean()


def what_others_have():
    """Before OTP 27 a function with someone else's pattern is left alone and named; since, both trace it."""
    node = workers('e2e_a', 'e2e_c')
    assert node('e2e_share:dbg_start(e2e_c)') == 'ok'
    if sessions(node):
        run = begin(node, 'e2e_c', 'e2e_share:mine(_)')
        calls(node, 'e2e_c')
        end(run, 50)
    else:
        run = Run(INI % (node.name, 'e2e_a', 'e2e_share:mine(_)'), '--json').ended(1)
        assert 'e2e_share:mine/1' in run.err(), run.err()
        run = Run(INI % (node.name, 'e2e_c', 'e2e_work:target(_, _)'), '--json').ended(1)
        assert 'someone else traces it' in run.err(), run.err()
        calls(node, 'e2e_c')
    wait_for(lambda: node('e2e_share:dbg_count()') == '50', 'the calls that dbg is to see')
    node('e2e_share:dbg_stop()')
    node.clean()


def reloaded_and_loaded_later():
    node = workers('e2e_a')
    run = begin(node, 'e2e_a', 'e2e_work:target(_, _)\ntrace = e2e_echo:help()')
    calls(node, 'e2e_a')
    wait_for(lambda: rows(run) == 50, 'the calls before the module is loaded again')
    node('code:purge(e2e_work), code:load_file(e2e_work)')
    wait_for(lambda: 'e2e_work was loaded' in run.err(), 'the module traced again: ' + run.err())
    calls(node, 'e2e_a')
    wait_for(lambda: rows(run) == 100, 'the calls after it was loaded again')
    compile_erlang('e2e_echo.erl')
    node('code:load_file(e2e_echo)')
    wait_for(lambda: 'e2e_echo was loaded' in run.err(), 'the module that was not there traced: ' + run.err())
    end(run, 100)
    node.clean()


def who_cannot_be_traced_is_named():
    node = workers('e2e_a', 'e2e_hidden')
    node('e2e_share:do(e2e_hidden, fun() -> process_flag(sensitive, true) end)')
    run = begin(node, 'e2e_a, e2e_hidden, e2e_nobody, <0.99999.0>', 'e2e_work:target(_, _)\ntrace = e2e_work:none(_)\ntrace = e2e_no_module:f(_)')
    calls(node, 'e2e_a', 'e2e_hidden')
    end(run, 50)
    for name in ('e2e_hidden', 'e2e_nobody', '<0.99999.0>', 'e2e_work:none', 'e2e_no_module'):
        assert name in run.err(), (name, run.err())
    node.clean()


tests(two_beamtaps_and_a_dbg, what_others_have, reloaded_and_loaded_later, who_cannot_be_traced_is_named)

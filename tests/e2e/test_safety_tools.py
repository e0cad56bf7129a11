"""beamtap nodes and beamtap clean: who traces here already, and what a dead run has left."""
import json
from lib import *

INI = """[session]
nodes = %s
events = function_call, message_receive
lease = 2s
duration = 0
[filter:pids]
pids = new
[filter:modules]
modules = e2e_work
[sink:csv]
path = trace.csv
"""

# Ends every process of beamtap in the node at once, so that nobody is left to clean up: each is suspended first.
KILL_ALL = ('Ours = [P || P <- processes(), {current_stacktrace, S} <- [process_info(P, current_stacktrace)], '
            'lists:any(fun({M, F, _, _}) -> lists:prefix("beamtap_agent", atom_to_list(M)) andalso '
            'not lists:prefix("registry", atom_to_list(F)) end, S)], '
            '[erlang:suspend_process(P) || P <- Ours], [exit(P, kill) || P <- Ours], length(Ours)')


def ask(command, node, *args, code=0):
    return Run(None, node, *args, command=command).ended(code)


def nodes_tells_the_cluster():
    one, two = Node(), Node()
    assert one("net_kernel:connect_node('%s')" % two.name) == 'true'
    lines = ask('nodes', one.name).out().splitlines()
    release = one('list_to_atom(erlang:system_info(otp_release))').strip("'")
    assert len(lines) == 2, lines
    for node, line in zip((one, two), lines):
        assert line.split()[:3] == [node.name, 'OTP', release] and line.endswith('nobody traces'), line
    two('spawn(fun() -> register(some_tool, self()), erlang:trace(whereis(init), true, [call]), receive stop -> ok end end)')
    two('erlang:trace_pattern({e2e_work, echo, 1}, true, [local])')
    wait_for(lambda: 'some_tool' in ask('nodes', one.name).out(), 'the tracer of the other node told')
    line = ask('nodes', one.name).out().splitlines()[1]
    assert 'patterns of others on 1 functions' in line, line
    told = json.loads(ask('nodes', one.name, '--json').out())
    assert told[one.name]['tracers'] == [] and told[two.name]['patterns'] == 1, told
    two('some_tool ! stop')
    two('erlang:trace_pattern({e2e_work, echo, 1}, false, [local])')
    one.clean(), two.clean()


def nodes_tells_a_run_of_beamtap():
    node = Node()
    run = Run(INI % node.name, '--json')
    node.traced()
    told = json.loads(ask('nodes', node.name, '--json').out())[node.name]
    assert len(told['run_texts']) == 1 and told['patterns'] == 0 and told['tracer_texts'] == [], told
    assert 'beamtap run ' + told['run_texts'][0] in ask('nodes', node.name).out()
    run.interrupt()
    assert run.code == 0, run.err()
    invariant(run.summary())
    node.clean()


def what_a_node_says_moves_no_terminal():
    """It may say anything: here a process with a name like the agent's own answers for runs that there are not."""
    node = Node()
    node('spawn(fun() -> register(beamtap_agent_odd, self()), (fun F() -> receive '
         '{runs, From, Ref} -> From ! {Ref, [{<<27, "[2J", 255, 10, "x">>, self()}]}, F(); {_, From, Ref} -> From ! {Ref, []}, F(); '
         'stop -> ok end end)() end)')
    text = ask('nodes', node.name).out()
    assert 'beamtap run ?[2J? x' in text and '\x1b' not in text, text
    told = json.loads(ask('nodes', node.name, '--json').out())
    assert told[node.name]['run_texts'] == ['?[2J? x'], told
    node('beamtap_agent_odd ! stop')
    node.stop()


def nodes_that_are_not_there():
    node = Node()
    run = ask('nodes', 'nobody@localhost', code=1)
    assert 'nobody@localhost' in run.err() and run.out() == '', (run.err(), run.out())
    assert ask('nodes', 'no_host', code=2).err() and ask('nodes', 'a@b,c@d', code=2).err()
    node.clean()


def clean_takes_away_what_a_dead_run_left():
    node = Node()
    run = Run(INI % node.name, '--json')
    node.traced()
    assert node('e2e_work:run(2, 10, 5)') == 'ok'
    assert node(KILL_ALL) == '5'  # relay, two guardians, who asks for names, and who looks at heaps
    run.ended(1)
    wait_for(lambda: 'beamtap' not in node('[M || M <- erlang:loaded(), M =/= e2e_node]'), 'the module gone')
    in_session = sessions(node)
    left = node('e2e_node:residue()')
    assert in_session or ('{pattern,{e2e_work,' in left and "{message,'receive'" in left), left
    assert in_session or 'patterns of beamtap on' in ask('nodes', node.name).out()
    # Another tool's pattern stays.
    node('erlang:trace_pattern({lists, reverse, 1}, true, [local])')
    done = ask('clean', node.name)
    assert in_session or ('e2e_work:target/2' in done.out() and 'pattern on receive' in done.out()), done.out()
    wait_for(lambda: node('e2e_node:residue()') == '[{pattern,{lists,reverse,1},local}]',
             'only the pattern of another tool; there is ' + node('e2e_node:residue()'))
    assert 'nothing was left' in ask('clean', node.name).out()
    node('erlang:trace_pattern({lists, reverse, 1}, false, [local])')
    node.clean()


def clean_leaves_a_living_run_alone():
    node = Node()
    run = Run(INI % node.name, '--json')
    node.traced()
    done = ask('clean', node.name)
    assert 'left alone' in done.out() and 'nothing was left' in done.out(), done.out()
    assert node('e2e_work:run(2, 10, 5)') == 'ok'
    run.interrupt()
    assert run.code == 0, run.err()
    summary = run.summary()
    invariant(summary)
    assert summary['sinks'][0]['written'] >= 2 * (10 + 10 + 1), summary
    node.clean()


tests(nodes_tells_the_cluster, nodes_tells_a_run_of_beamtap, what_a_node_says_moves_no_terminal, nodes_that_are_not_there,
      clean_takes_away_what_a_dead_run_left, clean_leaves_a_living_run_alone)

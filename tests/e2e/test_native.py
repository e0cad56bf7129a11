"""The native tracer: the same events as a process takes them, exactly counted, from a node that goes on; and nothing is left of
it, however the run ends.
"""
from collections import Counter, defaultdict
from native_lib import *


def every_kind_exactly(way='unix'):
    """Counted by the workload itself."""
    node = node_of()
    run = traced(node, """events = function_call, function_return, function_exception, message_send, message_receive, process_spawn, process_start, process_exit
max_rate = 0
[filter:pids]
pids = new
[filter:match_spec]
trace = e2e_work:target(_, _)
trace = e2e_work:outer(_)
trace = e2e_work:inner(_)
trace = e2e_work:thrower(_)
""", way=way)
    assert mapped(node), 'a process takes the events'
    assert node('e2e_work:run(20, 200, 50)') == 'ok'
    run.interrupt().ended(0)
    counts, want = Counter(r['event'] for r in rows(run)), workload(node, 20, 200, 50)
    assert dict(counts) == want, (dict(counts), want)
    invariant(run.summary())
    assert run.summary()['sinks'][0]['written'] == sum(want.values()) and not run.summary()['sinks'][0]['lost']
    assert all(r['peer'] for r in rows(run) if r['event'].startswith('message') and 'timeout' not in r['metadata'])
    gone(node)


def every_kind_exactly_over_tcp():
    every_kind_exactly('tcp')


def in_order_for_each_process():
    """Also where a process wanders between schedulers."""
    node = node_of()
    run = traced(node, STEPS)
    assert node('e2e_native:wander(50, 2000)') == 'ok'
    run.interrupt().ended(0)
    invariant(run.summary())
    steps, times, last = defaultdict(list), defaultdict(int), 0
    for r in rows(run):
        assert int(r['ts']) >= last, 'rings are merged out of time: %s' % r
        last = int(r['ts'])
        steps[r['pid']].append(r['message'])
    assert len(steps) == 50, len(steps)
    for made in steps.values():
        i = made[0][1:].split(',')[0]
        assert made == ['[%s,%d]' % (i, j) for j in range(1, 2001)], made[:5]
    gone(node)


def a_storm_is_counted():
    """More than the rings take: every call is sent, lost and told, or in a gap, and none is both."""
    node = node_of()
    node('erlang:trace_pattern({e2e_native,step,2}, true, [call_count])')
    run = traced(node, STEPS.replace('\nmax', '\noverload = drop\nmax_memory = 2M\nmax', 1).replace('e2e_native:step(_, _)', 'e2e_native:step(_, _)'), recorded=False)
    made = int(node('e2e_native:storm(4, 1500)'))
    run.interrupt().ended(0)
    summary = run.summary()
    invariant(summary)
    counted = int(node('element(2, erlang:trace_info({e2e_native,step,2}, call_count))'))
    produced = summary['nodes'][0]['produced']
    assert made == counted == produced, (made, counted, produced, summary)
    written, lost = summary['sinks'][0]['written'], summary['nodes'][0]['lost']
    print('# %d calls, %d written, %d lost in the node' % (made, written, lost))
    node('erlang:trace_pattern({e2e_native,step,2}, false, [call_count])')
    gone(node)


def limits_are_kept():
    node = node_of()
    run = traced(node, STEPS.replace('max_rate = 0', 'max_rate = 5k'))
    node('e2e_native:storm(2, 2500)')
    run.interrupt().ended(0)
    invariant(run.summary())
    per_second = Counter()
    calls = [int(r['ts']) for r in rows(run) if r['event'] == 'function_call']
    for ts in calls:
        per_second[(ts - calls[0]) // 10**9] += 1
    assert len(per_second) >= 2 and run.summary()['nodes'][0]['gap_ns'] > 10**9, (per_second, run.summary())
    gaps = [(int(r['ts']), int(r['ts']) + int(r['message'][1:].split(',')[0])) for r in rows(run) if r['event'] == 'gap']
    inside = [(t - a, b - t) for t in calls for a, b in gaps if a < t < b]
    assert gaps and not inside, inside[:5]
    run = Run(config(node, STEPS).replace('max_events = 0', 'max_events = 1234'), '--json')
    node.traced()
    node('e2e_native:storm(2, 300)')
    run.ended(0)
    assert 'max_events (1234) was reached' in run.err(), run.err()
    assert len(rows(run)) - sum(r['event'] == 'lost' for r in rows(run)) == 1234, len(rows(run))
    invariant(run.summary())
    gone(node)


def the_node_goes_on():
    """A server with 40,000 messages in its state, every process, module and message, as on a broker: no pause, no memory, and every
    call is there with its payload cut."""
    node = node_of('e2e_large')
    node('e2e_large:start(40000)')
    node('e2e_large:ask(3)')
    before, most, late = memory(node), 0, []
    run = traced(node, 'max_rate = 0')
    for _ in range(12):
        node('e2e_large:tick_begin()')
        assert node('e2e_large:ask(5)') == 'ok'
        late.append(int(node('e2e_large:tick_end()').strip('{}').split(',')[0]) / 1000)
        most = max(most, memory(node))
    run.interrupt().ended(0)
    invariant(run.summary())
    print('# late by %s ms; the node above what it had by %d MB' % (sorted(late), (most - before) >> 20))
    assert sorted(late)[-3] < 100, late # a machine with more work than cores lets any process wait now and then
    assert most - before < 64 << 20, (most - before) >> 20
    server = node('whereis(e2e_large)')
    table = [r for r in rows(run) if r['pid'] == server]
    count = Counter((r['event'], r['function']) for r in table)
    assert count['function_call', 'step'] == 60 * 101 and count['function_call', 'handle_call'] == 60, count
    assert count['message_receive', ''] == 60 and count['message_send', ''] == 60, count
    steps = [r for r in table if r['function'] == 'step' and r['event'] == 'function_call']
    assert all('truncated=' in r['metadata'] and r['arity'] == '2' for r in steps), steps[:2]
    assert not run.summary()['nodes'][0]['gap_ns'] and not run.summary()['nodes'][0]['lost'], run.summary()
    gone(node)


def each_term_is_cut_on_its_own():
    node = node_of()
    run = traced(node, """events = function_call, function_return, message_send, message_receive
max_rate = 0
max_term = 4k
[filter:pids]
pids = new
[filter:match_spec]
trace = e2e_native:bare(_)
""")
    node('spawn_monitor(fun() -> [begin e2e_native:bare(T), self() ! T, receive T -> ok end end || T <- '
         '[small, lists:seq(1, 100000), <<0:80000>>, maps:from_list([{I, I} || I <- lists:seq(1, 5000)]), again]] end), '
         'receive {_, _, _, _, normal} -> ok end')
    run.interrupt().ended(0)
    invariant(run.summary())
    for event in ('function_call', 'message_send', 'message_receive'):
        found = [r for r in rows(run) if r['event'] == event and r['peer'] in ('', r['pid'])] # none of a module that is loaded
        assert ['truncated=' in r['metadata'] for r in found] == [False, True, True, True, False], (event, found)
        assert event != 'function_call' or all(r['arity'] == '1' and r['function'] == 'bare' for r in found), found
        assert event == 'function_call' or all(r['peer'] for r in found), found
    assert sum(r['event'] == 'function_return' for r in rows(run)) == 5
    gone(node)


def metadata_that_is_too_large_says_so():
    """As it is with a process: what the user asked for is left out in words, and the stack around it and who called are there."""
    node = node_of()
    release = int(node('list_to_integer(erlang:system_info(otp_release))'))
    flags = ['', ', caller'] + [', stack'] * (release >= 26)
    for more in flags:
        run = traced(node, """events = function_call
max_term = 4k
[filter:match_spec]
trace = e2e_native:bare(X) -> message({said, X})%s
""" % more)
        node('[e2e_native:bare(T) || T <- [small, lists:seq(1, 100000), again]], ok')
        run.interrupt().ended(0)
        found = [r['metadata'] for r in rows(run) if r['event'] == 'function_call']
        assert len(found) == 3 and found[0].startswith('{said,small}') and found[2].startswith('{said,again}'), (more, found)
        told = re.match(r'<<"left out: at least (\d+) (bytes|kB), above max_term">> truncated=\d+', found[1])
        assert told and ('stack=' in found[1]) == (more == ', stack'), (more, found)
        gone(node)
    node.stop()


def killed(what, expected, way='unix'):
    """Under load: `what` is done to the node or the run; then nothing is left."""
    node = node_of()
    node('e2e_native:hot()')
    run = traced(node, 'max_rate = 0', way=way)
    wait_for(lambda: len(run.read('trace.csv')) > 100000, 'events')
    what(node, run)
    run.wait()
    assert run.code in expected, (run.code, run.err())
    gone(node)
    assert node('1 + 1') == '2'
    node('e2e_native:stop()')
    return run


def the_collector_is_killed(way='unix'):
    killed(lambda node, run: run.process.kill(), (-9,), way)


def the_collector_is_killed_over_tcp():
    the_collector_is_killed('tcp')


def the_collector_stands_still(way='unix'):
    def still(node, run):
        run.process.send_signal(signal.SIGSTOP)
        wait_for(lambda: node('e2e_node:traced()') == 'false', 'tracing to end')
        run.process.send_signal(signal.SIGCONT)
    killed(still, (1,), way)


def the_collector_stands_still_over_tcp():
    the_collector_stands_still('tcp')


AGENT = ('[exit(P, kill) || P <- processes(), {current_stacktrace, S} <- [process_info(P, current_stacktrace)], '
         'lists:any(fun({M, F, _, _}) -> lists:prefix("beamtap_agent_", atom_to_list(M)) andalso '
         'lists:any(fun(A) -> lists:prefix(A, atom_to_list(F)) end, [%s]) end, S)]')


def the_relay_is_killed():
    run = killed(lambda node, run: node(AGENT % '"relay_"'), (1,))
    invariant(run.summary())


def the_guardians_are_killed_one_and_all():
    for who in ('"guardian_"', '"peer_"', '"guardian_", "peer_", "relay_"'):
        node = node_of()
        node('e2e_native:hot()')
        run = traced(node, 'max_rate = 0')
        wait_for(lambda: len(run.read('trace.csv')) > 100000, 'events')
        node(AGENT % who)
        run.wait()
        if 'relay' in who: # nobody is left to take the patterns away; the flags go, and so does the library
            wait_for(lambda: not mapped(node), 'the library to be unloaded')
            Run(None, node.name, command='clean').ended(0)
        gone(node)
        node('e2e_native:stop()')


def it_comes_and_goes_under_load():
    """Thirty times in a node that works, with processes killed meanwhile, schedulers that go, and the traced module loaded again."""
    node = node_of()
    node('e2e_native:hot()')
    for i in range(int(os.environ.get('BEAMTAP_NATIVE_ROUNDS', 30))):
        run = traced(node, 'max_rate = 0' if i % 2 else STEPS, recorded=False)
        node('e2e_native:killed(20)')
        node('erlang:system_flag(schedulers_online, %d)' % (1 + i % 2))
        if i % 3 == 0:
            node('code:purge(e2e_large), code:load_file(e2e_large)')
        if i % 5 == 4:
            run.process.kill()
            run.wait()
        else:
            run.interrupt().ended(0)
            invariant(run.summary())
        node.clean()
    gone(node)
    node('e2e_native:stop()')


def it_is_not_in_its_own_trace():
    """Another run, and questions to the node, while everything is traced."""
    node = node_of()
    run = traced(node, 'max_rate = 0\nevents = function_call, message_send, message_receive, process_spawn, process_start, process_exit\ninclude_otp = true')
    Run(None, node.name, command='nodes').ended(0)
    node('spawn(fun() -> done end)')
    wait_for(lambda: 'process_exit' in run.read('trace.csv'), 'the end of a process')
    run.interrupt().ended(0)
    asks = node('self()')  # who asks it whether it is traced speaks of beamtap's sessions
    own = [r for r in rows(run) if 'beamtap' in r['module'] + r['message'] + r['peer'] and r['pid'] != asks]
    assert rows(run) and not own, own[:3]
    gone(node)


def it_is_said_why_not():
    node = node_of()
    text = config(node, STEPS).replace('collect', 'native_library = /nowhere/native.so\ncollect')
    for ini in (text, text.replace('[transport:tcp]\n', '')):
        run = Run(ini, '--json').ended(1)
        assert 'collect = native, but' in run.err() and '/nowhere/native.so' in run.err(), run.err()
        run = Run(ini.replace('= native\n', '= auto\n'), '--json')
        node.traced()
        assert not mapped(node) and node('e2e_native:wander(2, 10)') == 'ok'
        run.interrupt().ended(0)
        assert 'taken by a process' in run.err() and '/nowhere/native.so' in run.err(), run.err()
        assert len(rows(run)) == 20
    node.clean()


tests(every_kind_exactly, every_kind_exactly_over_tcp, in_order_for_each_process, a_storm_is_counted, limits_are_kept, the_node_goes_on, each_term_is_cut_on_its_own, metadata_that_is_too_large_says_so,
      the_collector_is_killed, the_collector_is_killed_over_tcp, the_collector_stands_still, the_collector_stands_still_over_tcp, the_relay_is_killed, the_guardians_are_killed_one_and_all,
      it_comes_and_goes_under_load, it_is_not_in_its_own_trace, it_is_said_why_not)

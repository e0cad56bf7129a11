"""beamtap profile: what the VM counts, told as it counts it; and nothing of it stays, whoever dies."""
import collections
from lib import *

compile_erlang('e2e_profile.erl', 'e2e_counted.erl')
OLD = "list_to_integer(erlang:system_info(otp_release)) < 26"
SHARED = "not erlang:function_exported(erts_internal, trace_session_create, 3)"  # counters are one for all tools
CALLS = {'one': 1, 'two': 2, 'three': 2, 'builds': 1}
INI = """[session]
nodes = %s
counters = %s
duration = 0
lease = 2s
%s
[filter:modules]
modules = e2e_counted
[sink:stdout]
format = json
path = out.jsonl
[sink:csv]
path = out.csv
[sink:chrome]
path = out.json
[sink:summary]
path = table.txt
"""


def counting(node, counters='calls, time', more='', filters='', args=()):
    run = Run(INI % (node.name, counters, more) + filters, '--json', *args)
    wait_for(lambda: run.process.poll() is not None or node('e2e_profile:waits()') == 'true', 'the reader of the counters')
    return run


def told(run, what='calls'):
    """{(function, pid or None): sum of its rows}"""
    found = collections.Counter()
    for e in json_rows(run.read('out.jsonl')):
        if e['event'] == 'function_counters':
            assert e['module'] == 'e2e_counted', e
            found[e['function'], e.get('pid')] += e[what]
    return found


def said(node, kind, number):
    """The same, as the VM says it: {(function, pid or None): the value's element `number`}"""
    text = node('[{F, case V of N when is_integer(N) -> [{none, N}]; L when is_list(L) -> [{pid_to_list(element(1, C)), %s} || C <- L]; '
                '_ -> [] end} || {F, _, V} <- e2e_profile:said(%s)]' % (number, kind))
    found = collections.Counter()
    for function, cells in re.findall(r'\{(\w+),\[(.*?)\]\}', text):
        for pid, n in re.findall(r'\{(none|"<[\d.]+>"),(\d+)\}', cells):
            found[function, None if pid == 'none' else pid.strip('"')] += int(n)
    return +found


shared = []


def new_node():
    """A node with workers w1, w2, w3: one for all tests, unless one of them has failed."""
    if not shared:
        shared.append(Node())
        shared[0]('code:ensure_loaded(e2e_counted)')
    node = shared.pop()  # nothing_left gives it back
    node('e2e_profile:start([w1, w2, w3])')
    return node


def nothing_left(node):
    wait_for(lambda: node('e2e_profile:left()') == '[]', 'no counters; there are ' + node('e2e_profile:left()')[:300])
    node.clean()
    shared[:] = [node]


def counts_are_the_VMs_own():
    """By function and process, over several readings: the sum of the rows is what the VM says, to the last call and microsecond."""
    node = new_node()
    for interval in ('', 'interval = 100ms'):
        run = counting(node, more=interval)
        for n in (10, 200, 3):
            for worker in ('w1', 'w2', 'w3'):
                node('e2e_profile:work(%s, %d)' % (worker, n))
            if interval:
                wait_for(lambda: node('e2e_profile:waits()') == 'true', 'the reader')
        calls = said(node, 'call_time', 'element(2, C)')
        times = said(node, 'call_time', '1000000 * element(3, C) + element(4, C)')
        run.interrupt()
        assert run.code == 0, run.err()
        invariant(run.summary())
        assert +told(run) == calls and sum(calls.values()) == 3 * 213 * 6, (told(run), calls)
        assert +told(run, 'time_ns') == collections.Counter({k: 1000 * v for k, v in times.items()}), (told(run, 'time_ns'), times)
        for function, times_n in CALLS.items():
            assert sum(v for (f, _), v in calls.items() if f == function) == times_n * 639, calls
        # csv, timeline and table say the same.
        rows_ = [r for r in rows(run, 'out.csv') if r['event'] == 'function_counters']
        assert sum(int(r['message'].strip('{}').split(',')[0]) for r in rows_) == 3834, rows_
        timeline = [e['args'] for e in json.loads(run.read('out.json'))['traceEvents'] if e.get('cat') == 'counters']
        assert sum(a['calls'] for a in timeline) == 3834 and {a['function'] for a in timeline} == {
            'e2e_counted:%s' % f for f in ('one/1', 'two/2', 'three/1', 'builds/1')}, timeline
        table = run.read('table.txt')
        assert re.search(r'By function\n.*\n(.*\n)*? +1278 .*e2e_counted:three/1', table) and re.search(r'By process\n.*\n.* w[123] <0', table), table
        nothing_left(node)


def calls_alone_are_counted_for_all_processes():
    node = new_node()
    run = counting(node, 'calls')
    for worker in ('w1', 'w2'):
        node('e2e_profile:work(%s, 500)' % worker)
    counts = said(node, 'call_count', '0')
    run.interrupt()
    assert run.code == 0, run.err()
    assert told(run) == counts and counts['two', None] == 2000 and counts['one', None] == 1000, (told(run), counts)
    assert 'By process' not in run.read('table.txt'), run.read('table.txt')
    nothing_left(node)


def memory_is_counted_where_the_VM_does():
    node = new_node()
    run = counting(node, 'calls, time, memory')
    node('e2e_profile:work(w1, 300)')
    if node(OLD) == 'true':
        run.interrupt()
        assert run.code == 0 and 'since OTP 26' in run.err(), run.err()
        assert told(run)['one', None] == 0 and sum(told(run).values()) == 1800, told(run)
    else:
        words, calls = said(node, 'call_memory', 'element(3, C)'), said(node, 'call_time', 'element(2, C)')
        run.interrupt()
        assert run.code == 0, run.err()
        assert +told(run, 'bytes') == collections.Counter({k: 8 * v for k, v in words.items()}), (told(run, 'bytes'), words)
        assert +told(run) == calls and sum(v for (f, _), v in words.items() if f == 'builds') > 1000, (told(run), words)
    nothing_left(node)


def one_process_is_counted_where_one_is_asked_for():
    node = new_node()
    run = counting(node, 'time', filters='[filter:pids]\npids = w2\n')
    for worker in ('w1', 'w2', 'w3'):
        node('e2e_profile:work(%s, 50)' % worker)
    pid = node('pid_to_list(whereis(w2))').strip('"')
    run.interrupt()
    assert run.code == 0, run.err()
    assert {p for _, p in told(run)} == {pid} and told(run)['three', pid] == 100, told(run)
    nothing_left(node)


def modules_that_are_loaded_again_are_counted_again():
    node = new_node()
    run = counting(node, more='interval = 100ms')
    node('e2e_profile:work(w1, 20)')
    wait_for(lambda: 'function_counters' in run.read('out.jsonl'), 'a first reading')
    node('begin code:purge(e2e_counted), {module, _} = code:load_file(e2e_counted) end')
    wait_for(lambda: '"call' in run.read('out.jsonl') and 'loaded again' in run.err(), 'the new code')
    node('e2e_profile:start([w9])')
    node('e2e_profile:work(w9, 30)')
    run.interrupt()
    assert run.code == 0, run.err()
    pid = node('pid_to_list(whereis(w9))').strip('"')
    assert told(run)['three', pid] == 60 and sum(v for (f, _), v in told(run).items() if f == 'three') == 100, told(run)
    nothing_left(node)


def others_counters_stay_as_they_are():
    """Before OTP 27 a counter is one for all tools: what somebody counts is left alone, and said."""
    node = new_node()
    node('begin erlang:trace_pattern({e2e_counted, two, 2}, true, [call_time]), erlang:trace_pattern({e2e_counted, one, 1}, true, [call_count]), '
         'e2e_profile:work(w1, 7) end')
    one_for_all = node(SHARED) == 'true'
    run = counting(node)
    node('e2e_profile:work(w1, 100)')
    run.interrupt()
    assert run.code == 0, run.err()
    found = {f for f, _ in told(run)}
    assert ('two' in found) != one_for_all and {'one', 'three'} <= found, found
    assert not one_for_all or 'e2e_counted:two/2: someone else' in run.err(), run.err()
    assert node('erlang:trace_info({e2e_counted, one, 1}, call_count)') == '{call_count,107}'
    # With the flag `call` its process is counted for both tools before OTP 27; the counter is there as it was.
    assert node('erlang:trace_info({e2e_counted, two, 2}, call_time)').startswith('{call_time,[')
    assert sorted(node('e2e_profile:left()').strip('[]').replace('},{', '};{').split(';')) == ['{one,1,call_count}', '{two,2,call_time}']
    node('begin erlang:trace_pattern({e2e_counted, two, 2}, false, [call_time]), erlang:trace_pattern({e2e_counted, one, 1}, false, [call_count]) end')
    nothing_left(node)


def a_busy_node_is_counted_exactly():
    """Processes that come and go by the hundred, and both cores busy: no call is missed, and the node goes on answering."""
    node = new_node()
    node('[register(N, spawn(fun() -> (fun F() -> lists:sum(lists:seq(1, 1000)), F() end)() end)) || N <- [b1, b2, b3, b4]], ok')
    run = counting(node, more='interval = 200ms')
    node('e2e_profile:storm(1500, 20)')
    run.interrupt()
    assert run.code == 0, run.err()
    invariant(run.summary())
    found = collections.Counter()
    for (function, _), n in told(run).items():
        found[function] += n
    assert {f: found[f] for f in CALLS} == {f: n * 1500 * 20 for f, n in CALLS.items()}, found
    node('[exit(whereis(N), kill) || N <- [b1, b2, b3, b4]], ok')
    nothing_left(node)


def cells_of_dead_processes_do_not_fill_the_node():
    """More processes than max_memory has room for: the counters begin anew, and a gap says when."""
    node = new_node()
    run = counting(node, more='max_memory = 1M\ninterval = 100ms')
    end = time.time() + PATIENCE
    while '"gap"' not in run.read('out.jsonl'):
        assert time.time() < end and run.process.poll() is None, run.err()
        node('e2e_profile:storm(1000, 1)')
    run.interrupt()
    assert run.code == 0, run.err()
    invariant(run.summary())
    gaps = [e for e in json_rows(run.read('out.jsonl')) if e['event'] == 'gap']
    assert gaps and all(g['reason'] == 'memory' for g in gaps), gaps
    nothing_left(node)


def nothing_stays_whoever_dies():
    node = new_node()
    for victim in ('collector', 'guardian_loop', 'peer_loop', 'counters_loop', 'relay_'):
        for kind in ('calls, time', 'calls') if victim == 'guardian_loop' else ('calls, time',):
            run = counting(node, kind, more='interval = 100ms')
            node('e2e_profile:work(w1, 100)')
            wait_for(lambda: 'function_counters' in run.read('out.jsonl'), 'a reading before %s dies' % victim)
            if victim == 'collector':
                run.process.kill()
                run.process.wait()
            else:
                wait_for(lambda: node('[exit(P, kill) || P <- e2e_profile:agents("%s")]' % victim) != '[]', 'the victim ' + victim)
                run.wait()
                assert run.code == 1, (victim, run.code, run.err())
            nothing_left(node)
            node('e2e_profile:work(w1, 10)')


def both_guardians_killed_at_once():
    """What clean finds is gone by it; before OTP 27 a counter does not say whose it is, and must be gone before."""
    node = new_node()
    run = counting(node, more='interval = 100ms')
    node('e2e_profile:work(w1, 100)')
    wait_for(lambda: 'function_counters' in run.read('out.jsonl'), 'a reading')
    wait_for(lambda: node('(fun() -> case {e2e_profile:agents("guardian_loop"), e2e_profile:agents("peer_loop")} of {[A], [B]} -> '
                          'exit(A, kill), exit(B, kill), done; _ -> again end end)()') == 'done', 'both guardians')
    run.process.kill()
    run.process.wait()
    wait_for(lambda: node('e2e_profile:left()') == '[]', 'no counters; there are ' + node('e2e_profile:left()')[:300])
    Run(None, node.name, command='clean').ended(0)
    nothing_left(node)


def the_command_stands_for_a_file():
    node = new_node()
    config = Run(None, node.name, 'e2e_counted', '--interval', '1s', '--memory', '--print-config', command='profile').ended(0).out()
    assert 'counters = calls, time, memory' in config and 'interval = 1s' in config, config
    Run(config, command='check').ended(0)
    run = Run(None, node.name, 'e2e_counted:two/2', 'e2e_counted:builds', command='profile')
    wait_for(lambda: node('e2e_profile:waits()') == 'true', 'the reader')
    node('e2e_profile:work(w1, 40)')
    run.interrupt()
    assert run.code == 0, run.err()
    assert re.search(r'120 calls of 2 functions', run.out()) and re.search(r' 80 .* e2e_counted:two/2\n', run.out()), run.out()
    recorded = Run(None, node.name, 'e2e_counted', '-o', 'a.btf', '-o', 'a.folded', '-o', 'a.html', command='profile')
    wait_for(lambda: node('e2e_profile:waits()') == 'true', 'the reader')
    node('e2e_profile:work(w1, 40)')
    recorded.interrupt()
    again = Run(None, 'a.btf', '--sink', 'summary', command='export', cwd=recorded.dir).ended(0)
    assert re.search(r' 80 .* e2e_counted:two/2\n', again.out()) and 'w1 <0' in again.out(), again.out()
    lines = dict(line.rsplit(' ', 1) for line in recorded.read('a.folded').splitlines())
    assert set(lines) <= {'e2e_counted:%s/%d' % f for f in (('one', 1), ('two', 2), ('three', 1), ('builds', 1))} and lines, lines
    assert re.search(r'"counts":3,.*\["e2e_counted:two/2",80,', recorded.read('a.html')), recorded.read('a.html')[-3000:]
    nothing_left(node)


def what_is_wrong_is_told_before_any_node_is_touched():
    for args, words in ((['a@b'], 'what is to be counted'), (['a@b', 'm:f(X) when X > 1'], 'whole functions'),
                        (['a@b', 'm:f/1 -> return'], 'whole functions'), (['a@b', 'send(_, x)'], 'not of messages'),
                        (['a@b', 'm', '--calls', '--pids', 'w1'], 'of all processes together'),
                        (['a@b', 'm', '--interval', '5ms'], 'at least 100ms'), (['a@b', 'm', '-o', 'a.xyz'], r'profile: -o a\.xyz'),
                        (['a@b', 'm', '--set', 'session.events=gc_start'], 'do not go together'),
                        (['a@b', 'm', '--set', 'session.counters=cals'], "did you mean 'calls'"),
                        (['a@b', 'm', '--set', 'session.collect=native', '--set', 'transport:tcp.listen=127.0.0.1:0'], 'collect = native')):
        run = Run(None, *args, command='profile').wait()
        assert run.code == 2, (args, run.code, run.err())
        assert re.search(words, run.err()) and not run.out(), (args, run.err(), run.out())
    run = Run('[session]\nnodes = a@b\nevents = function_counters\n[sink:csv]\npath = a.csv\n').ended(2)
    assert 'counters = calls' in run.err(), run.err()
    run = Run('[session]\nnodes = a@b\ninterval = 1s\n[sink:csv]\npath = a.csv\n').ended(2)
    assert 'there are none' in run.err(), run.err()


if __name__ == '__main__':
    tests(counts_are_the_VMs_own, calls_alone_are_counted_for_all_processes, memory_is_counted_where_the_VM_does,
          one_process_is_counted_where_one_is_asked_for, modules_that_are_loaded_again_are_counted_again, others_counters_stay_as_they_are,
          a_busy_node_is_counted_exactly, cells_of_dead_processes_do_not_fill_the_node, nothing_stays_whoever_dies, both_guardians_killed_at_once,
          the_command_stands_for_a_file, what_is_wrong_is_told_before_any_node_is_touched)

"""`-> stack`: who called, frame by frame, as the node itself says it, on every release and in every output."""
from lib import *

compile_erlang('e2e_stack.erl')
TRACE = """[session]
nodes = %s
events = function_call
duration = 0
max_term = %s
[filter:match_spec]
trace = e2e_stack:target(N, _) -> %s
[sink:stdout]
format = json
path = out.jsonl
[sink:text]
plugin = stdout
path = out.txt
[sink:csv]
path = out.csv
[sink:chrome]
path = out.json
"""
OLD = "list_to_integer(erlang:system_info(otp_release)) < 26"


def expected(node):
    """{N: ([frame ...], [line ...])}, as process_info said in the call itself."""
    found = {}
    for n in range(1, 9):
        frames = node('(fun() -> case lists:keyfind(%d, 1, e2e_stack:told()) of {_, F, _} -> list_to_atom(lists:flatten(lists:join("~", '
                      'F))); false -> none end end)()' % n).strip("'")
        lines = node('(fun() -> {_, _, L} = lists:keyfind(%d, 1, e2e_stack:told()), L end)()' % n)
        found[n] = (frames.replace("\\'", "'").split('~'), lines.strip('[]').split(','))
    return found


def stacks(run):
    """{N: [frame with its place]} of the JSON lines: a round calls target/2 for 1, 2, ... 8."""
    calls = [e for e in json_rows(run.read('out.jsonl')) if e['event'] == 'function_call']
    return {n: e.get('stack') for n, e in enumerate(calls, 1)}


def bare(frames):
    return [re.sub(r' \([^()]*\)$', '', f) for f in frames]


def it_is_what_the_node_says_itself():
    node = Node()
    node('e2e_stack:start()')
    old = node(OLD) == 'true'
    for actions in ('stack', 'return, stack', 'caller, stack, message(N)'):
        run = Run(TRACE % (node.name, '64k', actions))
        node.traced('whereis(driver)')
        node('e2e_stack:run(fun e2e_stack:round/0)')
        run.interrupt()
        assert run.code == 0, run.err()
        seen, own = stacks(run), expected(node)
        assert len(seen) == 8, run.read('out.jsonl')
        for n, frames in seen.items():
            said, lines = own[n]
            count = min(len(said), 7)  # the node's own has the call itself first, of eight
            assert bare(frames)[:count] == said[:count], (actions, n, frames, said)
            assert len(frames) <= 8
            if not old:
                found = [re.search(r':(\d+)\)$', f) for f in frames[:count]]
                assert [m[1] if m else 'none' for m in found] == lines[:count], (n, frames, lines)
        for e in json_rows(run.read('out.jsonl')):
            assert (e.get('peer') is not None) == ('caller' in actions) or e['event'] != 'function_call', e
            assert 'metadata' not in e or 'message(N)' in actions, e
        node.clean()
    node.stop()


def each_output_has_it():
    node = Node()
    node('e2e_stack:start()')
    run = Run(TRACE % (node.name, '64k', 'stack'))
    node.traced('whereis(driver)')
    node('e2e_stack:run(fun e2e_stack:round/0)')
    run.interrupt()
    assert run.code == 0, run.err()
    seen = list(stacks(run).values())
    text = run.read('out.txt').splitlines()
    assert [l.strip()[3:] for l in text if l.startswith(' ' * 17 + 'by ')] == [f for frames in seen for f in frames], text
    found = [r['metadata'] for r in only_events(rows(run, 'out.csv'))]
    assert found == ['stack=' + ' < '.join(frames) for frames in seen], found
    timeline = [e['args']['stack'] for e in json.loads(run.read('out.json'))['traceEvents'] if 'stack' in e.get('args', {})]
    assert timeline == ['\n'.join(frames) for frames in seen], timeline
    node.clean()
    node.stop()


def a_line_of_trace_has_it_too():
    node = Node()
    node('e2e_stack:start()')
    run = Run(None, node.name, 'e2e_stack:target/2 -> stack', '--count', '3', command='trace')
    node.traced('whereis(driver)')
    node('e2e_stack:run(fun e2e_stack:round/0)')
    run.ended(0)
    assert 'by e2e_stack:plain/1' in run.out(), run.out()
    node.clean()
    node.stop()


def what_would_hurt_the_node_is_left_out():
    """Before OTP 26 a stack takes a dump of the process, with all that it holds. Since, it does not matter what that is."""
    node = Node()
    node('e2e_stack:start()')
    old = node(OLD) == 'true'
    node('[driver ! m || _ <- lists:seq(1, 200)], ok')
    run = Run(TRACE % (node.name, '64k', 'stack'))
    node.traced('whereis(driver)')
    node('e2e_stack:run(fun e2e_stack:round/0)')
    run.interrupt()
    assert run.code == 0, run.err()
    seen = stacks(run)
    assert len(seen) == 8 and all(bool(s) != old for s in seen.values()), (seen, run.err(), run.read('out.jsonl')[:3000])
    assert not old or 'a large heap or mailbox' in run.err(), run.err()
    node.clean()
    node.stop()


def a_dump_above_max_term_is_the_last():
    node = Node()
    node('e2e_stack:start()')
    old = node(OLD) == 'true'
    run = Run(TRACE % (node.name, '64k', 'return, stack'))
    node.traced('whereis(driver)')
    node('e2e_stack:run(fun() -> e2e_stack:round() end)')
    node('e2e_stack:run(fun() -> e2e_stack:grows(9) end)')
    if old:
        wait_for(lambda: 'without its stack from here on' in run.err(), 'the log line')
    node('e2e_stack:run(fun() -> erase(large), e2e_stack:round() end)')
    run.interrupt()
    assert run.code == 0, run.err()
    calls = [e for e in json_rows(run.read('out.jsonl')) if e['event'] == 'function_call']
    cut = [e for e in calls if 'stack_truncated' in e]
    assert len(cut) == (1 if old else 0), calls
    assert not old or cut[0]['stack_truncated'] > 65536
    assert [bool(e.get('stack')) for e in calls[-8:]] == [not old] * 8, calls[-8:]
    returns = [e for e in json_rows(run.read('out.jsonl')) if e['event'] == 'function_return']
    assert len(returns) == len(calls) == 17, (len(returns), len(calls))
    node.clean()
    node.stop()


if __name__ == '__main__':
    tests(it_is_what_the_node_says_itself, each_output_has_it, a_line_of_trace_has_it_too, what_would_hurt_the_node_is_left_out,
          a_dump_above_max_term_is_the_last)

"""start_on, stop_on and keep: what is written lies between them, with what came shortly before; live, and of a recording. Every
event is written, filtered or lost, whatever fell out of keep."""
import collections, csv
from lib import *

compile_erlang('e2e_call.erl')
INI = """[session]
nodes = %s
events = function_call, function_return, function_exception, process_exit, message_receive
duration = 0
mailbox = 20ms
%s
[filter:modules]
modules = e2e_call
[sink:csv]
path = trace.csv
[sink:record]
path = trace.btf
[sink:stdout]
path = trace.txt
"""
# Each tick is a call of add(N, 1), for N = 1, 2, 3, ...
TICKS = 'register(%s, spawn(fun() -> (fun F(N) -> e2e_call:add(N, 1), receive {crash, Why} -> exit(Why); ' \
        'fail -> (catch e2e_call:fails(N)), F(N + 1) after 1 -> F(N + 1) end end)(1) end)), ok'
made = []


def started(node, keys):
    run = Run(INI % (node.name, keys), '--json')
    node.traced()
    return run


def every(run, name='trace.csv'):
    with open(run.path(name), newline='', encoding='utf-8') as f:
        return [r for r in csv.DictReader(f) if r['event'] not in ('node_up', 'node_down')]


def ticks(found):
    calls = [r['message'] for r in found if r['event'] == 'function_call' and r['function'] == 'add']
    return [int(re.match(r'\[(\d+),', m)[1]) if m.startswith('[') else None for m in calls]


def recording():
    """A second of ticks and then two failures, whole: the run that made it, and its rows."""
    if not made:
        node = Node()
        run = started(node, '')
        node(TICKS % 'till')
        wait_for(lambda: len(ticks(every(run))) > 600, 'ticks')
        node('till ! fail, timer:sleep(50), till ! fail, timer:sleep(50), till ! {crash, boom}, timer:sleep(50), ok')
        wait_for(lambda: 'process_exit' in run.read('trace.csv'), 'the end of the process')
        run.interrupt()
        assert run.code == 0, run.err()
        node.clean(), node.stop()
        made.extend((run, every(run)))
    return made


def played(*keys):
    """The recording's rows between triggers, the figures of the window, and of the sink."""
    run, _ = recording()
    again = Run(None, run.path('trace.btf'), '--sink', 'csv:path=part.csv', '--sink', 'record:path=part.btf', '--json',
                *[a for k in keys for a in ('--set', 'session.' + k)], command='export', cwd=run.dir).ended(0)
    summary = again.summary()
    invariant(summary)
    return every(run, 'part.csv'), summary['window'], summary['sinks'][0], again


def plain(found):
    """Numbers of pairs are those of one playing."""
    return [dict(r, flow='') for r in found if r['event'] != 'mark']


def marks(found):
    return [(i, r) for i, r in enumerate(found) if r['event'] == 'mark']


def from_a_call_on():
    _, whole = recording()
    found, window, sink, again = played('start_on=e2e_call:add(N, _) when N > 300')
    at = next(i for i, r in enumerate(whole) if r['event'] == 'function_call' and r['message'] == '[301,1]')
    assert plain(found) == plain(whole[at:])
    [(first, mark)] = marks(found)
    assert first == 0
    assert mark['message'] == '<<"start_on: e2e_call:add(N, _) when N > 300">>' and mark['ts'] == whole[at]['ts'] and \
        mark['pid'] == whole[at]['pid'], mark
    assert window['before'] == at and window['kept'] == window['lost'] == 0 and window['stopped'] is None, window
    assert sink['filtered'] == at and sink['written'] == len(whole) - at and sink['lost'] == 0, sink
    assert re.search(r'start_on: e2e_call:add\(N, _\) when N > 300, at \d+\.\d+ s: 0 events from before were kept, %d not' % at, again.err())


def with_what_came_before_it():
    _, whole = recording()
    found, window, sink, _ = played('start_on=exception', 'keep=100ms')
    at = next(i for i, r in enumerate(whole) if r['event'] == 'function_exception')
    since = int(whole[at]['ts']) - 10**8
    first = next(i for i, r in enumerate(whole) if int(r['ts']) >= since)
    assert 0 < at - first < at, (at, first)
    assert plain(found) == plain(whole[first:])
    [(place, mark)] = marks(found)
    assert place == at - first and 'start_on: exception' in mark['message'], mark
    assert (window['before'], window['kept'], window['lost']) == (first, at - first, 0), (window, at, first)
    # A summary and a page say it too.
    run, _ = recording()
    Run(None, run.path('trace.btf'), '-o', 'part.html', '--sink', 'summary:path=sum.txt', '--set', 'session.start_on=exception', '--set', 'session.keep=100ms',
        command='export', cwd=run.dir).ended(0)
    [told] = re.findall(r'^  start_on: exception, at 0\.(\d+) s, (\S+) (<[\d.]+>)$', run.read('sum.txt'), re.M)
    after = (int(whole[at]['ts']) - int(whole[first]['ts'])) / 1e6
    assert abs(int(told[0]) - after) < 1.1 and told[1:] == ('till', mark['pid']), (told, after, mark)
    [[_, when, process, text]] = json.loads(re.search(r'"marks":(\[\[.*?\]\])', run.read('part.html'))[1])
    assert text == 'start_on: exception' and abs(when / 1e6 - int(told[0])) < 1 and process > 0, (when, process, text)
    # What is recorded of it has the mark again.
    run, _ = recording()
    Run(None, run.path('part.btf'), '--sink', 'csv:path=twice.csv', command='export', cwd=run.dir).ended(0)
    twice = every(run, 'twice.csv')
    assert plain(twice) == plain(found) and [i for i, _ in marks(twice)] == [place], marks(twice)


def up_to_something():
    _, whole = recording()
    found, window, sink, again = played('stop_on=exception e2e_call:fails(_)')
    at = next(i for i, r in enumerate(whole) if r['event'] == 'function_exception')
    assert plain(found) == plain(whole[:at + 1])
    [(last, mark)] = marks(found)
    assert last == len(found) - 1 and 'stop_on' in mark['message'], found[-2:]
    assert window['before'] == 0 and window['stopped'], window
    assert 'stop_on: exception e2e_call:fails(_), at' in again.err(), again.err()
    # From one to the other, and the second line of two.
    found, _, _, _ = played('start_on=exit nobody', 'start_on=e2e_call:add(200, _)', 'stop_on=e2e_call:add(250, _)', 'keep=0')
    first, last = (next(i for i, r in enumerate(whole) if r['event'] == 'function_call' and r['message'] == '[%d,1]' % n) for n in (200, 250))
    assert plain(found) == plain(whole[first:last + 1]) and [i for i, _ in marks(found)] == [0, len(found) - 1], found


def the_moment_before_a_crash():
    """stop_on with keep alone writes nothing but that."""
    _, whole = recording()
    found, window, _, _ = played('stop_on=crash', 'keep=50ms')
    at = next(i for i, r in enumerate(whole) if r['event'] == 'process_exit')
    first = next(i for i, r in enumerate(whole) if int(r['ts']) >= int(whole[at]['ts']) - 5 * 10**7)
    assert plain(found) == plain(whole[first:at + 1]) and marks(found)[0][0] == len(found) - 1, found[-3:]
    assert (window['before'], window['kept']) == (first, at - first), (window, first, at)
    found, window, sink, again = played('stop_on=e2e_call:add(1000000, _)', 'keep=50ms')
    assert not found and sink['written'] == 0 and window['before'] == sink['filtered'] == len(whole), (found, window, sink)
    assert 'what was waited for never came: %d events not written' % len(whole) in again.err(), again.err()


def what_has_no_room_is_lost():
    """So many large calls that a megabyte holds a part of them."""
    node = Node()
    run = Run(None, node.name, 'e2e_call:echo/1', '--for', '0', '--set', 'session.max_rate=0', '-o', 'all.btf', command='trace')
    node.traced()
    node('X = lists:seq(1000, 1500), [begin e2e_call:echo({N, X}), timer:sleep(N rem 20 div 19) end || N <- lists:seq(1, 3000)], e2e_call:echo(last), ok')
    run.interrupt()
    assert run.code == 0, run.err()
    node.clean(), node.stop()
    for memory, some in (('1M', True), ('64M', False)):
        again = Run(None, run.path('all.btf'), '--sink', 'csv:path=part.csv', '--json', '--set', 'session.start_on=e2e_call:echo(last)',
                    '--set', 'session.keep=1h', '--set', 'session.keep_memory=' + memory, command='export', cwd=run.dir).ended(0)
        summary = again.summary()
        invariant(summary)
        [sink], window, found = summary['sinks'], summary['window'], every(run, 'part.csv')
        lost = [r for r in found if r['event'] == 'lost']
        calls = [r for r in found if r['event'] == 'function_call']
        assert bool(lost) == some and sink['lost'] == window['lost'] == sum(int(r['message'].strip('{}').split(',')[0]) for r in lost), (sink, window, lost)
        assert len(calls) + sink['lost'] == 3001 and sink['filtered'] == 0 and window['before'] == 0, (len(calls), sink, window)
        if some:
            assert found[0] is lost[0] and lost[0]['message'].endswith(',keep}') and 100 < len(calls) < 1500, (found[0], len(calls))
            assert 'keep_memory' in again.err(), again.err()


def what_each_node_lost_is_told_of_it():
    nodes = [Node(), Node()]
    run = Run('[session]\nnodes = %s, %s\nevents = function_call\nduration = 0\nmax_rate = 0\n[filter:modules]\nmodules = e2e_call\n'
              '[sink:record]\npath = all.btf\n' % tuple(n.name for n in nodes), '--json')
    for node in nodes:
        node.traced()
    for n in range(10):  # by turns, one node three times as much as the other
        for node, times in zip(nodes, (300, 100)):
            node('X = lists:seq(1000, 1500), [e2e_call:echo({N, X}) || N <- lists:seq(1, %d)], ok' % times)
    nodes[1]('e2e_call:echo(last), ok')
    run.interrupt()
    assert run.code == 0, run.err()
    for node in nodes:
        node.stop()
    again = Run(None, run.path('all.btf'), '--sink', 'csv:path=part.csv', '--sink', 'summary:path=sum.txt', '--json', '--set', 'session.start_on=e2e_call:echo(last)',
                '--set', 'session.keep=1h', '--set', 'session.keep_memory=1M', command='export', cwd=run.dir).ended(0)
    invariant(again.summary())
    found = every(run, 'part.csv')
    lost = {r['node']: int(r['message'].strip('{}').split(',')[0]) for r in found if r['event'] == 'lost'}
    calls = collections.Counter(r['node'] for r in found if r['event'] == 'function_call')
    assert len([r for r in found if r['event'] == 'lost']) == 2 == len(lost), [r for r in found if r['event'] == 'lost']
    for node, made in zip(nodes, (3000, 1001)):
        assert lost[node.name] > 0 and lost[node.name] + calls[node.name] == made, (lost, calls)
        assert 'Lost in %s: %d events' % (node.name, lost[node.name]) in run.read('sum.txt'), run.read('sum.txt')[-600:]
    assert [r['event'] for r in found[:2]] == ['lost'] * 2 and [int(r['ts']) for r in found] == sorted(int(r['ts']) for r in found), found[:3]
    assert again.summary()['window']['lost'] == sum(lost.values()), again.summary()['window']


def live_a_process_that_crashes():
    node = Node()
    node('register(other, spawn(fun() -> receive X -> exit(X) end end)), ok')
    run = started(node, 'stop_on = crash till\nkeep = 200ms')
    node(TICKS % 'till')
    # Another one's crash, and this one's orderly end, are not what is waited for; the name passes on.
    node('other ! boom, timer:sleep(300), till ! {crash, {shutdown, done}}, timer:sleep(100), ok')
    node(TICKS % 'till')
    node('timer:sleep(500), till ! {crash, boom}, ok')
    run.ended(0)
    invariant(run.summary())
    node.clean()
    found = every(run)
    assert [r['event'] for r in found[-2:]] == ['process_exit', 'mark'] and found[-2]['message'] == 'boom', found[-3:]
    window = run.summary()['window']
    assert window['kept'] and window['before'] and window['stopped']['on'] == 'crash till', window
    assert int(found[0]['ts']) >= int(found[-2]['ts']) - 2 * 10**8 and None not in ticks(found), found[0]
    assert run.read('trace.txt').rstrip().splitlines()[-2].endswith('-- stop_on: crash till') or \
        run.read('trace.txt').rstrip().splitlines()[-1].endswith('-- stop_on: crash till'), run.read('trace.txt')[-300:]
    node.stop()


def live_a_mailbox_and_a_message():
    node = Node()
    run = started(node, 'start_on = mailbox > 100\nstop_on = receive(_, _, {enough, _})')
    node('register(slow, spawn(fun() -> e2e_call:add(0, 0), (fun F() -> receive go -> F(); {enough, _} = E -> e2e_call:echo(E) end end)() end)), ok')
    node('timer:sleep(200), [slow ! {N} || N <- lists:seq(1, 50)], ok')
    node('timer:sleep(200), [slow ! {N} || N <- lists:seq(51, 150)], ok')
    wait_for(lambda: 'mark' in run.read('trace.csv'), 'the mark')
    node('slow ! {more}, slow ! {enough, now}, ok')
    run.ended(0)
    invariant(run.summary())
    found = every(run)
    assert [r['event'] for r in found if r['event'] == 'mark'] == ['mark'] * 2 and 'mailbox > 100' in found[0]['message'], found
    received = [r['message'] for r in found if r['event'] == 'message_receive' and r['message'].startswith('{')]
    assert received[-1] == '{enough,now}' and '{more}' in received and '{1}' not in received, received
    node.clean(), node.stop()


def short_ways_in():
    node = Node()
    line = ['e2e_call:add/2', '--start-on', 'exit nobody', '--start-on', 'e2e_call:add(N, _) when N rem 50 =:= 0', '--keep', '1h', '--stop-on',
            'e2e_call:add(N, _) when N rem 50 =:= 5']
    run = Run(None, node.name, *line, '--for', '0', '--json', command='trace')
    node.traced()
    node(TICKS % 'till')
    run.ended(0)
    lines = run.out().splitlines()
    calls = [int(m[1]) for m in (re.search(r'-> e2e_call:add\((\d+), 1\)', l) for l in lines) if m]
    assert calls == list(range(calls[0], 56)) and calls[0] <= 2, calls  # the first may come by its arity alone
    assert sum('-- start_on: e2e_call:add' in l for l in lines) == 1 and sum('-- stop_on: e2e_call:add' in l for l in lines) == 1, lines
    ini = Run(None, node.name, *line, '--print-config', command='trace').ended(0).out()
    assert 'events = function_call, process_exit\n' in ini and 'keep = 1h' in ini and 'start_on = exit nobody' in ini, ini
    checked = Run(ini, command='check').ended(0)
    sections = re.findall(r'^\[([^\]]*)\]', checked.out(), re.M)
    assert sections == ['filter:match_spec', 'sink:stdout', 'transport:dist'], sections
    told = [l.split(None, 1) for l in checked.out().splitlines() if re.match('start_on|stop_on|keep', l)]
    assert [w for w, _ in told] == ['start_on', 'start_on', 'stop_on', 'keep'] and told[0][1] == 'exit nobody', told
    node.clean(), node.stop()


def what_is_wrong_is_told_before_any_node_is_touched():
    ini = '[session]\nnodes = none@localhost\n%s\n[filter:modules]\nmodules = a\n[sink:csv]\npath = a.csv\n'
    for keys, words in (('start_on = lists:map(', r'ini:3:\d+: \[session\] .*expected'),
                        ('stop_on = exit <0.1>', r'ini:3:\d+: \[session\] a pid looks like'),
                        ('stop_on = exit till, door', 'one process a line'),
                        ('start_on = mailbox 3', 'waited for as mailbox > 1000'),
                        ('start_on = mailbox > 3', 'nobody looks at mailboxes'),
                        ('start_on = crash till', 'told by process_exit, which is not among the events'),
                        ('start_on = exception', 'told by function_exception, which is not'),
                        ('stop_on = send(_, x)\nevents = function_call', 'told by message_send, which is not'),
                        ('stop_on = exception send(_, _)', 'functions have exceptions'),
                        ('keep = 5s', 'there is neither'),
                        ('follow = message\nevents = message_send', 'both must be among the events'),
                        ('follow = message\norder = arrival', 'needs order = time'),
                        ('follow = message\nstop_on = a:b/1\nkeep = 1s', 'give a start_on'),
                        ('follow = mesage', "did you mean 'message'"),
                        ('start_on =', "'start_on' has no value"),
                        ('start_on = a:b/1\nkeep_memory = 5k', 'keep_memory')):
        for command in ('check', 'run'):
            run = Run(ini % keys, command=command).ended(2)
            assert re.search(words, run.err()), (keys, run.err())
            assert 'a.csv' not in os.listdir(run.dir)


CHAIN = """[session]
nodes = %s
events = message_send, message_receive, process_spawn, function_call
duration = 0
start_on = send(door, {order, _})
follow = message
[filter:modules]
modules = e2e_call
[sink:csv]
path = trace.csv
[sink:record]
path = trace.btf
"""
# door gets orders, asks till (as gen_server's clients do), tells a helper that it spawns, and that tells log. noise talks to all of them.
SHOP = 'Ref = fun() -> make_ref() end, ' \
       'register(till, spawn(fun() -> (fun F() -> receive {\'$gen_call\', {P, T}, X} -> e2e_call:echo({price, X}), P ! {T, X * 2}; noise -> e2e_call:echo(noise) end, F() end)() end)), ' \
       'register(log, spawn(fun() -> (fun F() -> receive {sold, X} -> e2e_call:echo({sold, X}); noise -> e2e_call:echo(noise) end, F() end)() end)), ' \
       'register(door, spawn(fun() -> (fun F() -> receive {order, X} -> T = Ref(), till ! {\'$gen_call\', {self(), T}, X}, ' \
       'receive {T, Y} -> e2e_call:echo({priced, Y}), spawn(fun() -> log ! {sold, Y} end) end; noise -> e2e_call:echo(noise) end, F() end)() end)), ok'


def one_chain():
    node = Node()
    node(SHOP)
    run = Run(CHAIN % node.name, '--json')
    node.traced()
    noise = '[begin P ! noise, timer:sleep(5) end || P <- [door, till, log]]'
    node('%s, door ! {other, 1}, timer:sleep(20), %s, door ! {order, 21}, timer:sleep(100), %s, door ! {order, 4}, timer:sleep(100), %s, ok' % ((noise,) * 4))
    run.interrupt()
    assert run.code == 0, run.err()
    invariant(run.summary())
    node.clean(), node.stop()

    def check(found, window):
        assert found[0]['event'] == 'mark' and 'start_on: send(door' in found[0]['message'], found[0]
        steps = [(r['event'], r['message'] if 'gen_call' not in r['message'] and 'Ref' not in r['message'] else '') for r in found[1:]]
        told = [m for e, m in steps if m]
        assert told[:2] == ['{order,21}'] * 2 and not any('noise' in m or 'other' in m for m in told), told
        assert [m for e, m in steps if e == 'function_call'] == ['[{price,21}]', '[{priced,42}]', '[{sold,42}]'], steps
        assert [m for e, m in steps if e in ('message_send', 'message_receive') and 'sold' in m] == ['{sold,42}'] * 2, steps
        # The order, the call, the reply, and what was sold: four messages, to till, door, the helper and log.
        assert collections.Counter(e for e, _ in steps) == dict(message_send=4, message_receive=4, process_spawn=1, function_call=3), steps
        assert (window['chain_messages'], window['chain_processes'], window['chain_forgotten']) == (4, 4, 0) and window['astray'] > 10, window

    check(every(run), run.summary()['window'])
    again = Run(None, run.path('trace.btf'), '--sink', 'csv:path=again.csv', '--json', '--set', 'session.follow=message', command='export', cwd=run.dir).ended(0)
    invariant(again.summary())
    found = every(run, 'again.csv')
    assert [r['message'] for r in found if r['event'] == 'mark'] == ['<<"start_on: send(door, {order, _})">>', '<<"follow: message">>'], found[:3]
    assert plain(found) == plain(every(run)), 'a chain is all of its own chain'


if __name__ == '__main__':
    tests(what_is_wrong_is_told_before_any_node_is_touched, from_a_call_on, with_what_came_before_it, up_to_something, the_moment_before_a_crash,
          what_has_no_room_is_lost, what_each_node_lost_is_told_of_it, live_a_process_that_crashes, live_a_mailbox_and_a_message, one_chain, short_ways_in)

"""Several nodes in one run: found by a seed, joining, going, coming back, refusing."""
import collections, concurrent.futures, glob, io, itertools
from lib import *

INI = """[session]
nodes = %s
duration = 0
events = function_call, message_send, message_receive
max_rate = 0
max_queue = 1M
[filter:pids]
pids = new
[filter:match_spec]
trace = e2e_work:target(_, _)
trace = e2e_work:outer(_)
trace = e2e_work:inner(_)
trace = e2e_work:thrower(_)
[sink:csv]
path = trace.csv
"""
ALL = INI.replace('nodes = %s', 'nodes = all_nodes\nseed = %s')


def busy(node, n=5, m=20, k=5):
    assert node('e2e_work:run(%d, %d, %d)' % (n, m, k)) == 'ok'


def amount(n=5, m=20, k=5):
    """The workload's own events (new processes of the distribution send and receive as well)."""
    return {'function_call': n * (3 * m + 1), 'message_send': n * k, 'message_receive': n * k}


def counts(run, node):
    found = collections.Counter(r['event'] for r in rows(run) if r['node'] == node.name and
                                (r['event'] == 'function_call' or (r['message'] or '').startswith('{ball,')))
    return {event: found[event] for event in amount()}


def nodes(run):
    return {n['node']: n for n in run.summary()['nodes']}


def lives(run, node):
    """What is told of a node, by the table and by the lines: what stands in a row once, of its events that there are some."""
    table = [r['event'] for r in csv.DictReader(io.StringIO(run.read('trace.csv'))) if r['node'] == node.name]
    lines = [e['event'] for e in map(json.loads, run.read('trace.jsonl').splitlines()) if e['node'] == node.name]
    assert table == lines, [(a, b) for a, b in zip(table, lines) if a != b][:3]
    return [key for key, _ in itertools.groupby(e if e in ('node_up', 'node_down') else 'events' for e in table)]


# Nodes that cannot all reach each other, and whose `global` would cut them off for that.
APART = ('-connect_all', 'false')


def nodes_join_go_and_come_back():
    seed, lost = Node('seed', APART), Node('lost', APART)
    refusing = Node('refusing', APART, own_cookie='another')
    lost.connect(seed)
    refusing("erlang:set_cookie('%s', '%s')" % (seed.name, cookie))
    refusing.connect(seed)
    run = Run(ALL % seed.name + '[sink:stdout]\npath = trace.jsonl\nformat = json\n', '--json')
    seed.traced(), lost.traced()
    busy(seed), busy(lost)
    added = Node('added', APART)
    added.connect(seed)
    added.traced()
    busy(added)
    wait_for(lambda: counts(run, lost) == amount(), 'the first life of the lost node in the file')
    lost.stop()
    wait_for(lambda: lost.name + ': ' in run.err(), 'the loss reported')
    busy(seed)
    lost = Node(lost.name, APART)
    lost.traced()
    busy(lost), busy(added)
    run.interrupt()
    assert run.code == 1, run.err()
    for words in (refusing.name + ': wrong cookie', lost.name + ' is back', added.name + ' has joined',
                  lost.name + ': the final report never came'):
        assert words in run.err(), (words, run.err())
    assert run.err().count('wrong cookie') == 1, run.err()
    for node in (seed, lost, added):
        assert counts(run, node) == {event: 2 * n for event, n in amount().items()}, (node.name, counts(run, node))
    life = ['node_up', 'events', 'node_down']
    told = [lives(run, n) for n in (seed, lost, added, refusing)]
    assert told == [life, life + life, life, ['node_down']], told
    went = [(e['event'], e.get('reason')) for e in map(json.loads, run.read('trace.jsonl').splitlines())
            if e['node'] == lost.name and e['event'] == 'node_down']
    assert went == [('node_down', 'connection'), ('node_down', None)], went
    summary = nodes(run)
    invariant(run.summary())
    assert [summary[n.name]['lives'] for n in (seed, lost, added, refusing)] == [1, 2, 1, 0], summary
    assert [summary[n.name]['final'] for n in (seed, lost, added)] == [True, False, True], summary
    assert [summary[n.name]['lost'] for n in (seed, lost, added)] == [0, 0, 0], summary
    assert summary[refusing.name]['state'] == 'failed'
    seed.clean(), lost.clean(), added.clean(), refusing.clean()


def without_its_seed_the_cluster_still_grows():
    seed, other = Node('seed'), Node('other')
    other.connect(seed)
    run = Run(ALL % seed.name, '--json')
    seed.traced(), other.traced()
    seed.stop()
    wait_for(lambda: seed.name + ': ' in run.err(), 'the loss reported')
    added = Node('added')
    added.connect(other)
    added.traced()
    busy(added)
    run.interrupt()
    assert run.code == 1, run.err()
    assert counts(run, added) == amount()
    invariant(run.summary())
    other.clean(), added.clean()


def who_is_there_for_a_moment_only_is_traced():
    """As when `global` cuts off a node that does not reach all others: from the seed it can be seen for milliseconds."""
    never = (*APART, '-kernel', 'dist_auto_connect', 'never')
    seed, brief, hidden = Node('seed', never), Node('brief', never), Node('unseen', (*never, '-hidden'))
    run = Run(ALL % seed.name, '--json')
    seed.traced()
    for node in (hidden, brief):
        assert seed("{net_kernel:connect_node('%s'), erlang:disconnect_node('%s')}" % (node.name, node.name)) == '{true,true}'
    brief.traced()
    busy(brief)
    run.interrupt()
    assert run.code == 0 and set(nodes(run)) == {seed.name, brief.name}, (run.err(), run.out())
    assert counts(run, brief) == amount() and brief.name + ' has joined' in run.err()
    invariant(run.summary())
    seed.clean(), brief.clean()


def hidden_nodes_when_asked_for():
    seed, hidden = Node('seed'), Node('hidden', args=('-hidden',))
    hidden.connect(seed)
    run = Run(ALL % seed.name, '--json')
    seed.traced()
    run.interrupt()
    assert run.code == 0 and set(nodes(run)) == {seed.name}, (run.err(), run.out())
    # A second collector is a hidden node too, and nobody to trace.
    first, run = Run(ALL % seed.name, '--set', 'session.events=function_call'), None
    seed.traced()
    run = Run(ALL % seed.name, '--json', '--set', 'session.hidden_nodes=true', '--set', 'session.events=process_spawn',
              '--set', 'filter:pids.pids=code_server')
    hidden.traced()
    run.interrupt(), first.interrupt()
    assert run.code == 0 and set(nodes(run)) == {seed.name, hidden.name}, (run.err(), run.out())
    seed.clean(), hidden.clean()


def all_or_nothing():
    one, two = Node('one'), Node('two')
    every = ('--json', '--set', 'session.require=all')
    run = Run(INI % (one.name + ', nobody@localhost, ' + two.name), *every).ended(1)
    assert 'nobody@localhost' in run.err() and all(n['lives'] == 0 for n in run.summary()['nodes']), run.out()
    run = Run(INI % (one.name + ', ' + two.name), *every)
    one.traced(), two.traced()
    busy(one)
    two.stop()
    run.ended(1)
    assert counts(run, one) == amount()
    assert nodes(run)[one.name]['final'] and nodes(run)[one.name]['state'] == 'done', run.out()
    invariant(run.summary())
    one.clean()


FAKETIME = sorted(glob.glob('/usr/lib/*/faketime/libfaketimeMT.so.1'))
AHEAD = 3 * 10**9
RING = """[session]
nodes = %s
duration = 0
events = message_send, message_receive
max_rate = 0
max_queue = 1M
reorder = 5s
[filter:pids]
pids = new
[sink:chrome]
path = trace.json
[sink:csv]
path = trace.csv
"""


def in_the_future():
    """A node whose system clock is 3 s ahead."""
    return Node('future', erl=('env', 'LD_PRELOAD=' + FAKETIME[0], 'FAKETIME=+3s', 'FAKETIME_DONT_FAKE_MONOTONIC=1',
                               'DONT_FAKE_MONOTONIC=1', 'erl'))


CORRECTION = 0.015  # a VM that corrects its time runs by 1 % faster or slower


def clock_of(node):
    """Our time before and after, and the node's monotonic time between the two, as the collector asks for it."""
    before = time.time_ns()
    monotonic = int(node('erlang:monotonic_time(nanosecond)'))
    return before, monotonic, time.time_ns()


def offset_is_within_the_bound(node, told, clock, ended):
    """`told` is what the summary says of the node, `clock` what it said itself shortly before the run ended. Its own time offset
    is what it adds to its monotonic time for its own (wrong) system time."""
    before, monotonic, after = clock
    offset = int(node('erlang:time_offset(nanosecond)')) - int(told['clock_skew_ns'])
    error = int(told['clock_error_ns'])
    assert 0 < error < 10**9, told
    error += int((ended - before) * CORRECTION)
    assert before - monotonic - error <= offset <= after - monotonic + error, (node.name, clock, offset, error)


def flows(run):
    """[(what was sent, what was received, ns between)] for every arrow of the timeline."""
    with open(run.path('trace.json'), encoding='utf-8') as f:
        trace = json.load(f)['traceEvents']
    ends = {(e['pid'], e['tid'], e['ts']): e for e in trace if e['ph'] == 'X' and e['name'] in ('send', 'receive')}
    begun = {e['id']: e for e in trace if e['ph'] == 's' and e['cat'] == 'message'}
    found = []
    for end in (e for e in trace if e['ph'] == 'f' and e['cat'] == 'message'):
        start = begun.pop(end['id'])
        one, two = (ends[e['pid'], e['tid'], e['ts']] for e in (start, end))
        assert (one['name'], two['name']) == ('send', 'receive')
        found.append((one['args']['message'], two['args']['message'], end['ts'] - start['ts']))
    assert not begun, 'arrows without an end: %d' % len(begun)
    return found


def a_ring_of(members):
    """A token goes through processes of each in turn, and what is written says so. The run."""
    compile_erlang('e2e_ring.erl')
    members = [member() for member in members]  # compiled before: a node in another root has a copy
    for i, node in enumerate(members):
        for other in members[:i]:
            node.connect(other)
    run = Run(RING % ', '.join(n.name for n in members), '--json')
    for node in members:
        node.traced()
    assert members[0]("e2e_ring:run([%s], 50, 10000)" % ', '.join("'%s'" % n.name for n in members)) == 'ok'
    clocks = {node: clock_of(node) for node in members}
    run.process.send_signal(signal.SIGINT)
    run.process.wait(PATIENCE)
    ended = time.time_ns()
    run.ended(0)
    invariant(run.summary())
    summary = nodes(run)
    for node in members:
        assert summary[node.name]['lost'] == 0, summary
        offset_is_within_the_bound(node, summary[node.name], clocks[node], ended)
    tokens = [f for f in flows(run) if f[0].startswith('{token,')]
    assert [f for f in tokens if f[0] != f[1]] == [], 'wrongly paired'
    assert sorted(int(f[0][7:-1]) for f in tokens) == list(range(1, 10001)), '%d paired' % len(tokens)
    assert min(f[2] for f in tokens) > 0
    # One thing causes the next, over all nodes: the file has them in that order, and their times say the same.
    table = [(int(r['message'][7:-1]), r['event'], int(r['ts'])) for r in rows(run) if r['message'].startswith('{token,')]
    assert [t[:2] for t in table] == [(n, e) for n in range(1, 10001) for e in ('message_send', 'message_receive')]
    times = [t[2] for t in table]
    assert times == sorted(times)
    order = run.summary()['order']
    assert order['late'] == 0 and order['moved_most_ns'] <= sum(summary[n.name]['clock_error_ns'] for n in members), order
    for node in members:
        node.clean()
    return run, members


def a_ring_over_three_nodes_and_a_wrong_clock():
    run, (_, _, future) = a_ring_of([lambda: Node('one'), lambda: Node('two'), in_the_future])
    off = int(future('erlang:system_time(nanosecond)')) - time.time_ns()
    assert abs(off - AHEAD) < 10**9, 'libfaketime does not work here: the node is %d ns ahead' % off
    assert abs(nodes(run)[future.name]['clock_skew_ns'] - AHEAD) < 10**7, nodes(run)


def a_ring_over_several_releases():
    """As in a rolling upgrade: this one's, and those of the folders."""
    a_ring_of([lambda root=root: Node('ring', root=root) for root in ['', *OTP_ROOTS[:2]]])


def a_clock_that_is_set_does_not_bend_the_timeline():
    """The node's system clock jumps 3 s ahead while it is traced; the VM follows by letting its time run faster."""
    offset = os.path.join(work, 'offset')

    def set_clock(text):
        with open(offset + '.new', 'w', encoding='ascii') as f:
            f.write(text + '\n')
        os.rename(offset + '.new', offset)

    set_clock('+0s')
    node = Node('set', erl=('env', 'LD_PRELOAD=' + FAKETIME[0], 'FAKETIME_TIMESTAMP_FILE=' + offset, 'FAKETIME_NO_CACHE=1',
                            'FAKETIME_DONT_FAKE_MONOTONIC=1', 'DONT_FAKE_MONOTONIC=1', 'erl'))
    run = Run(INI % node.name, '--json')
    node.traced()
    rounds = []
    for i in range(8):
        before = time.time_ns()
        assert node('e2e_work:run(1, %d, 1)' % (i + 1)) == 'ok'
        rounds.append((before, time.time_ns()))
        if i == 1:
            set_clock('+3s')
        time.sleep(0.4)  # time is what this is about
    assert int(node('os:system_time(nanosecond)')) - time.time_ns() > 2 * 10**9, 'the clock was not set'
    run.interrupt()
    assert run.code == 0, run.err()
    invariant(run.summary())
    error = nodes(run)[node.name]['clock_error_ns']
    assert 0 < error < 10**9, run.out()
    calls = [int(r['ts']) for r in rows(run) if r['event'] == 'function_call']
    assert len(calls) == sum(3 * (i + 1) + 1 for i in range(8)) and calls == sorted(calls)
    for i, (before, after) in enumerate(rounds):
        count = 3 * (i + 1) + 1
        mine, calls = calls[:count], calls[count:]
        assert before - error <= mine[0] and mine[-1] <= after + error, (i, before, mine[0], mine[-1], after, error)
    node.clean()


def eight_nodes_at_once():
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        Node()  # the programs are compiled once
        eight = list(pool.map(lambda i: Node('eight%d' % i), range(8)))
        run = Run(INI % ', '.join(n.name for n in eight), '--json')
        for node in eight:
            node.traced()
        list(pool.map(lambda node: busy(node, 10, 100, 20), eight))
    run.interrupt()
    assert run.code == 0, run.err()
    for node in eight:
        assert counts(run, node) == amount(10, 100, 20), (node.name, counts(run, node))
        node.clean()
    invariant(run.summary())


tests(nodes_join_go_and_come_back, who_is_there_for_a_moment_only_is_traced,
      without_its_seed_the_cluster_still_grows, hidden_nodes_when_asked_for, all_or_nothing,
      a_ring_over_three_nodes_and_a_wrong_clock, *([a_ring_over_several_releases] if OTP_ROOTS else []), a_clock_that_is_set_does_not_bend_the_timeline, eight_nodes_at_once)

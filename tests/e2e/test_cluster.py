"""Several nodes in one run: found by a seed, joining, going, coming back, refusing."""
import collections, concurrent.futures, csv
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


def rows(run):
    with open(run.path('trace.csv'), newline='', encoding='utf-8') as f:
        return list(csv.DictReader(f))


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


# Nodes that cannot all reach each other, and whose `global` would cut them off for that.
APART = ('-connect_all', 'false')


def nodes_join_go_and_come_back():
    seed, lost = Node('seed', APART), Node('lost', APART)
    refusing = Node('refusing', APART, own_cookie='another')
    lost.connect(seed)
    refusing("erlang:set_cookie('%s', '%s')" % (seed.name, cookie))
    refusing.connect(seed)
    run = Run(ALL % seed.name, '--json')
    seed.traced(), lost.traced()
    busy(seed), busy(lost)
    added = Node('added', APART)
    added.connect(seed)
    added.traced()
    busy(added)
    wait_for(lambda: os.path.exists(run.path('trace.csv')) and counts(run, lost) == amount(), 'the first life of the lost node in the file')
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
      eight_nodes_at_once)

"""Terms that nobody wants to copy: 64 MB binaries and a map of a million keys, as argument, message, value and state. The first
turns payloads off, or none is copied where they stand on the process's heap; from there on nothing of them is shipped or copied. What the node's memory peaks at is printed.
"""
from lib import *

Run.recorded = False  # a collector's memory and a large term's way are what is tested

INI = """[session]
nodes = %s
events = function_call, message_send, message_receive, function_return
duration = 0
max_rate = 0
[filter:pids]
pids = e2e_a
[filter:match_spec]
trace = e2e_share:take(_)
trace = e2e_share:give(_)
trace = e2e_share:loop(_, _)
spec = send [{'_', [], []}]
spec = receive [{'_', [], []}]
[sink:csv]
path = trace.csv
"""
CASES = {'argument': 'e2e_share:take(T)', 'message': 'self() ! T, receive T -> e2e_share:take(ok) end', 'value': 'e2e_share:give(T)',
         'state': 'e2e_share:loop(T, 1)'}
compile_erlang('e2e_share.erl')
holders = {}


def holder(term):
    """A node whose worker holds the term, made once: what is measured is what tracing adds."""
    if term not in holders:
        holders[term] = Node()
        holders[term]('e2e_share:worker(e2e_a)')
        holders[term]('e2e_share:do(e2e_a, fun() -> put(t, e2e_share:term(%s)) end)' % term)
    return holders[term]


def peak(node, how, times):
    return int(node('e2e_share:peak(fun() -> e2e_share:do(e2e_a, fun() -> T = get(t), '
                    '[begin %s end || _ <- lists:seq(1, %d)], ok end) end)' % (CASES[how], times)))


def case(term, how):
    node = holder(term)
    run = Run(INI % node.name, '--json')
    node.traced()
    # What stands on its heap is not copied even once: a process that holds so much is traced without arguments from the start.
    held = term == 'map' and how in ('argument', 'state')
    first = peak(node, how, 1)

    def off():
        assert run.process.poll() is None, run.err()
        if held:
            return 'would copy it with each call' in run.err()
        # The call of it carries the term too, and is told first.
        return ('returned a term above max_term' if how == 'value' else 'above max_term') in run.err()
    if not NATIVE:  # which cuts each by itself, and copies none
        wait_for(off, 'payloads off')
    # The message itself is copied by its sender, traced or not.
    later = peak(node, how, 5)
    run.interrupt().ended(0)
    invariant(run.summary())
    text = run.read('trace.csv')
    assert ('truncated=' in text) != (held and not NATIVE) and len(text) < 1000000, len(text)
    calls = [r for r in rows(run) if r['event'] == 'function_call']
    # Also of one that came without its arguments; and while a message of this size is worked off, a gap may stand for the calls.
    assert all(r['arity'] != '-1' for r in calls) and (calls or how == 'message' and '"gap"' in text or ',gap,' in text), text[:2000]
    print('# %s as %s: the node above its memory by %d MB at the first, %d MB in five more' % (
        term, how, first >> 20, later >> 20))
    if how != 'message':
        assert later < 16 << 20, later
    assert not (held or NATIVE and how != 'message') or first < 16 << 20, first
    node.clean()


ARITY = """[session]
nodes = %s
events = function_call
arguments = false
duration = 0
[filter:pids]
pids = e2e_a
[filter:modules]
modules = e2e_share
[sink:csv]
path = trace.csv
"""


def arity_alone():
    """Calls without arguments: nothing of the largest terms is copied or shipped, wherever they go."""
    for term in ('binary', 'map'):
        node = holder(term)
        run = Run(ARITY % node.name, '--json')
        node.traced()
        for how in CASES:
            most = peak(node, how, 5)
            # The message itself is copied by its sender, traced or not.
            assert how == 'message' or most < 16 << 20, (term, how, most)
        run.interrupt().ended(0)
        invariant(run.summary())
        got = rows(run)
        assert len(got) >= 5 * len(CASES) and all(r['event'] == 'function_call' and r['message'] == '' for r in got), got[:5]
        assert sum((r['function'], r['arity']) == ('take', '1') for r in got) == 10, got[:20]
        assert 'above max_term' not in run.err() and os.path.getsize(run.path('trace.csv')) < 100000
        node.clean()
    Run(ARITY % 'a@b', '--set', 'session.events=function_call, message_send', command='check').ended(2)


def table():
    def one(term, how):
        def run():
            case(term, how)
        run.__name__ = '%s_as_%s' % (term, how)
        return run
    return [one(term, how) for term in ('binary', 'map') for how in CASES]


def terms_above_four_million_come():
    """With a max_term above what is usually in flight at once: all of them, whole, and what comes after them too."""
    node = Node()
    node('e2e_share:worker(e2e_a)')
    for transport in ('tcp',) if NATIVE else ('dist', 'tcp'):
        run = Run(INI % node.name, '--json', '--set', 'session.max_term=16M', '--set', 'sink:csv.max_message=100', '--set',
                  'sink:csv.queue=256M', '--set', 'session.max_memory=%s' % ('8G' if NATIVE else '512M'), '--set', 'session.arguments=true',
                  '--set', 'transport:%s.plugin=%s' % (transport, transport))
        node.traced()
        for size in (5000000, 9000000, 12000000):
            node('e2e_share:do(e2e_a, fun() -> T = binary:copy(<<$x>>, %d), e2e_share:take(T), ok end)' % size)
        node('e2e_share:do(e2e_a, fun() -> e2e_share:take(last), ok end)')
        wait_for(lambda: 'last' in run.read('trace.csv'), 'the last call in the file')
        run.interrupt().ended(0)
        invariant(run.summary())
        assert run.summary()['nodes'][0]['lost'] == 0, run.summary()['nodes']
        calls = [r for r in rows(run) if r['event'] == 'function_call']
        assert len(calls) == 4 and not any('truncated' in r['metadata'] for r in calls), [r['metadata'] for r in calls]
        node.clean()


tests(terms_above_four_million_come, arity_alone, *table())

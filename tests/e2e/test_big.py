"""Terms that nobody wants to copy: 64 MB binaries and a map of a million keys, as argument, message, value and state. The first
turns payloads off; from there on nothing of them is shipped or copied. What the node's memory peaks at is printed.
"""
from lib import *

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


def case(term, how):
    node = Node()
    node('e2e_share:worker(e2e_a)')
    run = Run(INI % node.name, '--json')
    node.traced()
    # The term is the worker's own: what is measured is what tracing adds.
    node('e2e_share:do(e2e_a, fun() -> put(t, e2e_share:term(%s)) end)' % term)
    work = 'e2e_share:peak(fun() -> e2e_share:do(e2e_a, fun() -> T = get(t), [begin %s end || _ <- lists:seq(1, %d)], ok end) end)'
    first = int(node(work % (CASES[how], 1)))

    def off():
        assert run.process.poll() is None, run.err()
        return 'above max_term' in run.err()
    wait_for(off, 'payloads off')
    # The message itself is copied by its sender, traced or not.
    later = int(node(work % (CASES[how], 5)))
    run.interrupt().ended(0)
    invariant(run.summary())
    text = run.read('trace.csv')
    assert 'truncated=' in text and len(text) < 1000000, len(text)
    print('# %s as %s: the node above its memory by %d MB at the first, %d MB in five more' % (
        term, how, first >> 20, later >> 20))
    if how != 'message':
        assert later < 16 << 20, later
    node.clean()


def table():
    def one(term, how):
        def run():
            case(term, how)
        run.__name__ = '%s_as_%s' % (term, how)
        return run
    return [one(term, how) for term in ('binary', 'map') for how in CASES]


# Twice in about twenty times, on a machine busy otherwise, a map as state was not told to be above max_term within 20 s; why is not
# known yet. So the maps do not decide there about everything else.
if os.environ.get('CI'):
    print('# skipped: maps of a million keys, run tests/e2e/test_big.py by hand')
    chosen = [test for test in table() if not test.__name__.startswith('map')]
else:
    chosen = table()
tests(*chosen)

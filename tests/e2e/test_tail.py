"""Tail calls under return_trace: each keeps words on the stack of its process for good. beamtap finds such a function, traces it on
without its returns, and says so; what returns, or is left by an exception, is not taken for one.
"""
import json
from lib import *

INI = """[session]
nodes = %s
events = function_call, function_return
duration = 0
max_events = 0
max_rate = 0
[filter:pids]
pids = e2e_a, e2e_b
[filter:match_spec]
trace = e2e_tail:tail(_)
trace = e2e_tail:even(_)
trace = e2e_tail:odd(_)
trace = e2e_tail:short(_)
trace = e2e_tail:deep(_)
trace = e2e_tail:thrower(_)
[sink:chrome]
path = trace.json
args = false
[sink:csv]
path = trace.csv
queue = 256M
[transport:%s]
"""
compile_erlang('e2e_tail.erl')


def start(transport='dist', *args):
    node = Node()
    node('e2e_tail:start(e2e_a), e2e_tail:start(e2e_b)')
    run = Run(INI % (node.name, transport), '--json', *args)
    node.traced()
    return node, run


def ended(node, run):
    run.interrupt().ended(0)
    told = run.summary()
    invariant(told)
    node.clean()
    return told['nodes'][0]['without_returns']


def returns(run, function):
    return sum(row['event'] == 'function_return' and row['function'] == function for row in rows(run))


def caught_up(run):
    before = os.path.getsize(run.path('trace.csv'))
    time.sleep(0.3)
    return os.path.getsize(run.path('trace.csv')) == before


def loop(transport, function, relieved, *args):
    """The loop's stack stays as it is once its functions are relieved, for as long as it goes on."""
    node, run = start(transport, *args)
    node('e2e_a ! {do, fun() -> e2e_tail:%s(1) end}' % function)
    for name in relieved:
        wait_for(lambda: 'e2e_tail:%s/1 is traced without its returns' % name in run.err(), name + ' relieved')
    before = int(node('e2e_tail:words(e2e_a)'))
    produced = wait_for(lambda: os.path.getsize(run.path('trace.csv')), 'events')
    wait_for(lambda: os.path.getsize(run.path('trace.csv')) > 2 * produced + 1000000, 'the loop to go on')
    after = int(node('e2e_tail:words(e2e_a)'))
    node('e2e_tail:stop(e2e_a), e2e_tail:wait(e2e_a)')
    wait_for(lambda: caught_up(run), 'the relay to catch up')  # until then the node may be paused
    node.traced()
    node('e2e_b ! {do, fun() -> e2e_tail:shorts(7), e2e_tail:deep(3) end}, timer:sleep(1), e2e_tail:wait(e2e_b)')
    assert sorted(ended(node, run)) == ['e2e_tail:%s/1' % name for name in sorted(relieved)]
    print('# %s over %s: %d words on the stack when it was found, %d later' % (function, transport, before, after))
    assert after < before + 1000, (before, after)
    assert run.err().count('is traced without its returns') == len(relieved), run.err()
    assert returns(run, 'deep') == 4, returns(run, 'deep')
    assert returns(run, 'short') >= 7
    told = [row['function'] for row in rows(run) if row['event'] == 'returns_off']
    assert sorted(told) == sorted(relieved), told
    return run


def a_loop_is_relieved():
    picture_of(loop('dist', 'tail', ['tail'], '--set', 'session.max_queue=1M'))


def picture_of(run):
    """One slice for the whole loop; what the relieved calls did is below it; the other process knows nothing of it."""
    trace = json.load(open(run.path('trace.json')))
    assert trace['otherData']['nodes'][0]['without_returns'] == ['e2e_tail:tail/1'], trace['otherData']['nodes']
    slices = [e for e in trace['traceEvents'] if e.get('cat') == 'call']
    longest = max((e for e in slices if e['name'] == 'e2e_tail:tail/1' and e['ph'] == 'X'), key=lambda e: e['dur'])
    last = max(e['ts'] for e in slices if e['tid'] == longest['tid'])
    told = run.summary()['nodes'][0]
    assert longest['ts'] + longest['dur'] >= last, 'the loop ends before its last call: %s, %s, %s' % (longest, last, told)
    assert any(e['name'] == 'returns off' for e in trace['traceEvents']), 'no mark where the returns go off'


def a_loop_is_relieved_over_tcp():
    loop('tcp', 'tail', ['tail'])


def a_loop_of_two_is_relieved():
    loop('dist', 'even', ['even', 'odd'])


def what_is_deep_goes_on_and_what_throws_is_left_alone():
    node, run = start('dist', '--set', 'session.max_queue=1M', '--set', 'session.max_memory=1G')  # it is much at once
    node('e2e_b ! {do, fun() -> e2e_tail:throws(5000), e2e_tail:shorts(5000) end}, timer:sleep(1), e2e_tail:wait(e2e_b)')
    node('e2e_a ! {do, fun() -> 100000 = e2e_tail:deep(100000), 3 = e2e_tail:deep(3) end}, timer:sleep(1), e2e_tail:wait(e2e_a)')
    assert ended(node, run) == []
    calls = [row for row in rows(run) if row['event'] == 'function_call']
    assert len(calls) == 5000 + 5000 + 100001 + 4, (len(calls), [row for row in rows(run) if row['event'] == 'gap'])
    assert returns(run, 'short') == 5000
    assert returns(run, 'deep') == 100005, returns(run, 'deep')
    json.load(open(run.path('trace.json')))


LOOP = """[session]
nodes = %s
events = function_call, function_return, function_exception
duration = 0
max_rate = 0
[filter:match_spec]
trace = e2e_tail:main(_)
trace = e2e_tail:recv(_, _)
trace = e2e_tail:work(_)
trace = e2e_tail:walk(_)
[sink:chrome]
path = trace.json
[sink:csv]
path = trace.csv
[sink:summary]
path = trace.txt
[sink:stdout]
path = text
indent = true
"""


def two_functions_are_one_loop():
    """Each turn's work is drawn on top of the two, however many there were; the end is told once by each of them."""
    turns = 700
    node = Node()
    node('code:ensure_loaded(e2e_tail)')
    run = Run(LOOP % node.name, '--json')
    node.traced()
    assert ',stop}' in node('e2e_tail:server(%d)' % turns)
    run.interrupt().ended(0)
    invariant(run.summary())
    node.clean()
    trace = json.load(open(run.path('trace.json')))
    slices = [e for e in trace['traceEvents'] if e.get('cat') == 'call']
    drawn = {name: sum(e['name'] == 'e2e_tail:' + name for e in slices) for name in ('main/1', 'recv/2', 'work/1')}
    assert drawn == {'main/1': 1, 'recv/2': 1, 'work/1': turns}, drawn
    assert sum(e['args'].get('collapsed_calls', 0) for e in slices) == 2 * turns, trace['otherData']
    assert sum(e['ph'] == 'i' and e['name'] == 'exception' for e in trace['traceEvents']) == 1
    thrown = [r for r in rows(run) if r['event'] == 'function_exception']
    assert len(thrown) == 2 * turns + 2, len(thrown)
    assert sorted(r['function'] for r in thrown if r['metadata'] != 'tail') == ['main', 'recv']
    assert all(not r['peer'] for r in rows(run)), 'a caller that nobody asked for'
    assert ' 1 exceptions,' in run.read('trace.txt'), run.read('trace.txt')
    inset = {len(re.match(r' *', line.split('function_', 1)[0].split('>', 1)[1])[0]) for line in run.read('text').splitlines()
             if 'e2e_tail:' in line}
    assert max(inset) - min(inset) <= 4, inset
    print('# insets', sorted(inset))


def a_loop_with_its_schedulers_is_told_once():
    """With schedule events each row says its scheduler too: the README's question of exceptions still tells the end once, by table and database."""
    turns = 300
    node = Node()
    node('code:ensure_loaded(e2e_tail)')
    database = os.path.exists(BUILD + '/plugins/beamtap_sink_sqlite.so')
    run = Run(LOOP % node.name, '--json', '--set', 'session.events=function_call, function_return, function_exception, schedule_in',
              *(('--set', 'sink:sqlite.path=trace.sqlite') if database else ()))
    node.traced()
    assert ',stop}' in node('e2e_tail:server(%d)' % turns)
    run.interrupt().ended(0)
    invariant(run.summary())
    node.clean()
    with open(os.path.join(TOP, 'README.md'), encoding='utf-8') as f:
        asked, = [q for q in re.findall(r'```sql\n(.*?)```', f.read(), re.S) if 'function_exception' in q]
    thrown = [r['metadata'] for r in rows(run) if r['event'] == 'function_exception']
    assert len(thrown) == 2 * turns + 2 and all('scheduler=' in m for m in thrown), thrown[-3:]
    for where in ((':memory:', '.import --csv trace.csv trace'),) + ((('trace.sqlite',),) if database else ()):
        told = subprocess.run(['sqlite3', *where, asked], cwd=run.dir, stdout=subprocess.PIPE, text=True, check=True).stdout
        assert told.replace("'", '') == 'e2e_tail:main/1|{exit,stop}|1\ne2e_tail:recv/2|{exit,stop}|1\n', (where, told)


def what_comes_again_through_others_is_no_loop():
    node = Node()
    node('code:ensure_loaded(e2e_tail)')
    run = Run(LOOP % node.name, '--json')
    node.traced()
    node('e2e_tail:walk(3)')  # from here on it is known what walk/1 is
    node('e2e_tail:walk(5)')
    run.interrupt().ended(0)
    node.clean()
    table = rows(run)
    second = [r for r in table if r['event'] == 'function_call'][15:]
    assert len(second) == 63 and all(r['metadata'] == '' for r in second), [r['metadata'] for r in second]
    first = [r for r in table if r['event'] == 'function_call'][:15]
    assert sum(r['metadata'] == 'tail' for r in first) <= 3, first


tests(a_loop_is_relieved, a_loop_is_relieved_over_tcp, a_loop_of_two_is_relieved, what_is_deep_goes_on_and_what_throws_is_left_alone,
      two_functions_are_one_loop, a_loop_with_its_schedulers_is_told_once, what_comes_again_through_others_is_no_loop)

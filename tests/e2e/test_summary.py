"""The sink summary, of the demo shop, against the same figures counted in a simple way from the rows of the csv sink."""
import collections, csv
from lib import *

demo = os.path.join(TOP, 'config/demo')
compile_erlang(*[os.path.join(demo, f) for f in sorted(os.listdir(demo)) if f.endswith('.erl')])
node = Node()
node('demo:start()')
run = Run(os.path.join(TOP, 'config/quickstart.ini'), '--json', '--set', 'session.duration=1500ms', '--set',
          'session.nodes=' + node.name, '--set', 'sink:summary.path=summary.txt', '--set', 'sink:summary.top=100').ended(0)
node.stop()
with open(run.path('trace.csv'), newline='', encoding='utf-8') as f:
    rows = only_events(csv.DictReader(f))
invariant(run.summary())
text = run.read('summary.txt')
tables = {part.split('\n')[0].split(',')[0]: part.split('\n')[2:] for part in text.rstrip('\n').split('\n\n')[1:]}


def ns(text):
    """'  12.3 us' as ns, and how far off that may be."""
    number, unit = text.split()
    scale = {'us': 1e3, 'ms': 1e6, 's': 1e9}[unit]
    return float(number) * scale, 0.051 * scale


def near(shown, want):
    value, error = ns(shown)
    assert abs(value - want) <= error, (shown, want)


def count(event):
    return sum(r['event'] == event for r in rows)


def the_first_line():
    want = '%d events in ' % len([r for r in rows if r['event'] not in ('lost', 'gap')])
    assert text.startswith(want), (text[:200], want)
    rest = ': %d calls, %d exceptions, %d messages sent, %d received, %d processes begun, %d ended\n' % (
        count('function_call'), sum(raised().values()), *map(count, ('message_send', 'message_receive', 'process_start', 'process_exit')))
    assert text.split(' s', 1)[1].startswith(rest), (text[:200], rest)


def raised():
    """Exceptions, each once: (reason, function that it began in)."""
    found, unwinding = collections.Counter(), {}
    for r in rows:
        if r['event'] == 'function_exception':
            if unwinding.get(r['pid']) != r['message']:
                kind, reason = re.match(r'\{(\w+),(.*)\}$', r['message']).groups()
                found['%s:%s in %s:%s/%s' % (kind, reason, r['module'], r['function'], r['arity'])] += 1
            unwinding[r['pid']] = r['message']
        elif r['event'] in ('function_call', 'function_return', 'process_exit', 'process_start'):
            unwinding.pop(r['pid'], None)
    return found


def exceptions_and_exits_each_once():
    shown = {line[13:].rsplit(', ', 1)[0]: int(line[:11]) for line in tables['Exceptions']}
    assert shown == raised(), (shown, raised())
    assert 'error:{no_price,diamond} in shop_cart:price/1' in shown, shown
    assert count('function_exception') > sum(shown.values()), shown  # most went through several frames
    exits = collections.Counter(r['message'] for r in rows if r['event'] == 'process_exit')
    shown = {line[13:].rsplit(', ', 1)[0]: int(line[:11]) for line in tables['Exits']}
    assert shown == exits and {'normal', '{no_such_article,diamond}'} <= set(shown), (shown, exits)


def busiest_functions():
    """With all their times: story.py works them out from the rows, for this run as for every other."""
    calls = collections.Counter('%s:%s/%s' % (r['module'], r['function'], r['arity']) for r in rows if r['event'] == 'function_call')
    shown = tables['Busiest functions']
    assert {line.split('  ')[-1]: int(line[:11]) for line in shown} == calls and len(calls) > 5, (shown, calls)
    own = [ns(line[24:35])[0] for line in shown]
    assert own == sorted(own, reverse=True), shown
    assert '(without what was waited in receive' in text, text
    # A customer waits for the till nearly all the time: what is its own is a small part.
    visit = next(line for line in shown if line.endswith(' shop_customer:visit/1'))
    assert ns(visit[24:35])[0] < ns(visit[12:23])[0] / 2, visit


def busiest_processes_and_pairs():
    events = collections.Counter(r['pid'] for r in rows if r['pid'])
    shown = tables['Busiest processes']
    assert [int(line[:11]) for line in shown] == sorted(events.values(), reverse=True)[:100], shown[:3]
    for line in shown:
        pid = line.split()[-1]
        want = [events[pid]] + [sum(r['pid'] == pid and r['event'] == e for r in rows)
                                for e in ('function_call', 'message_send', 'message_receive')]
        assert [int(n) for n in line.split()[:4]] == want, (line, want)
    assert any(line.split()[4] == 'shop_till' for line in shown), shown[:4]
    # Whose a gen_server's reference is, nobody knows where the call was made before the trace began.
    pairs = collections.Counter((r['pid'], r['peer']) for r in rows if r['event'] == 'message_send' and r['peer'][:1] not in ('', '#'))
    shown = tables['Busiest pairs']
    assert [int(line[:11]) for line in shown] == sorted(pairs.values(), reverse=True)[:100], (shown, pairs)
    for line in shown:
        sender, receiver = [side.split()[-1] for side in line[13:].split(' -> ')]
        assert pairs[sender, receiver] == int(line[:11]), line


def processes_are_called_as_in_the_timeline():
    with open(run.path('trace.json'), encoding='utf-8') as f:
        tracks = [e['args']['name'] for e in json.load(f)['traceEvents'] if e['name'] == 'thread_name']
    called = {name.split(' ')[-1]: name for name in tracks}  # the last one is what it came to be called
    shown = [line[47:].strip() for line in tables['Busiest processes']]
    shown += [side for line in tables['Busiest pairs'] for side in line[13:].split(' -> ') if side.endswith('>')]
    shown += [side for line in tables['Slowest gen_server calls'] for side in line[35:].strip().split(': ')[0].split(' -> ')]
    for name in shown:
        assert name == called.get(name.split(' ')[-1], name.split(' ')[-1]), (name, called.get(name.split(' ')[-1]))
    kinds = {re.sub(r' <.*', '', name) for name in shown}
    assert {'shop_till', 'shop_customer:visit/1'} <= kinds, kinds


def pairs_of_two_nodes():
    """The same name is registered on both: which one it was sent to is told."""
    compile_erlang('e2e_echo.erl')
    one, two = Node('one'), Node('two')
    one.connect(two)
    for n in (one, two):
        n('e2e_echo:start()')
    echo = Run(PAIRS % (one.name, two.name), '--json')
    for n in (one, two):
        n.traced()
    assert one("e2e_echo:play('%s', 20)" % two.name) == 'ok'
    echo.interrupt()
    assert echo.code == 0, echo.err()
    for n in (one, two):
        n.stop()
    invariant(echo.summary())
    with open(echo.path('trace.csv'), newline='', encoding='utf-8') as f:
        sends = [r for r in csv.DictReader(f) if r['event'] == 'message_send']
    for n, other in ((one, two), (two, one)):
        there = '{e2e_echo,%s}' % other.name
        assert sum(r['node'] == n.name and r['peer'] == there for r in sends) == 20, sends[:5]
        assert re.search(r' 20  e2e_echo <%s\.\d+\.0> -> %s$' % (re.escape(n.name), re.escape(there)),
                         echo.read('summary.txt'), re.M), echo.read('summary.txt')


PAIRS = """[session]
nodes = %s, %s
events = message_send
[filter:pids]
pids = e2e_echo
[sink:csv]
path = trace.csv
[sink:summary]
path = summary.txt
"""


def slowest_gen_server_calls():
    under_way, done = {}, []
    for r in rows:
        message, ts = r['message'], int(r['ts'])
        asked = re.match(r"\{'\$gen_call',\{(<[^>]*>),(.*?#Ref<[^>]*>\]?)\},(.*)\}$", message)
        replied = re.match(r'\{(\[?[^{}]*?#Ref<[^>]*>\]?),', message)
        tag = asked.group(2) if asked else replied.group(1) if replied else None
        if asked and r['event'] == 'message_send':
            under_way[tag] = [ts, None, None, r['pid'], None, asked.group(3)]
        elif tag in under_way and asked:
            under_way[tag][1], under_way[tag][4] = ts, r['pid']
        elif tag in under_way and r['event'] == 'message_send':
            under_way[tag][2] = ts
        elif tag in under_way and r['event'] == 'message_receive':
            done.append((ts, *under_way.pop(tag)))
    shown = tables['Slowest gen_server calls']
    assert 'Slowest gen_server calls, of %d\n' % len(done) in text and len(done) > 20, (len(done), text[-3000:])
    done.sort(key=lambda c: c[1] - c[0])
    for line, (end, sent, taken, replied, caller, server, request) in zip(shown, done, strict=False):
        near(line[:11], end - sent)
    known = {(c[4], c[6]) for c in done}
    for line in shown:
        who, request = line[35:].strip().split(': ', 1)
        caller, server = [side.split()[-1] for side in who.split(' -> ')]
        assert (caller, request) in known, line
        assert who.split(' -> ')[1].split()[0] in ('shop_till', 'shop_stock'), line
        [waited, handled] = [ns(line[12:23]), ns(line[24:35])]
        assert 0 < waited[0] + handled[0] <= ns(line[:11])[0] + 3 * ns(line[:11])[1], line


tests(the_first_line, busiest_functions, exceptions_and_exits_each_once, busiest_processes_and_pairs, processes_are_called_as_in_the_timeline,
      slowest_gen_server_calls, pairs_of_two_nodes)

"""gen_server's calls, casts and replies are recognised: from, request, reply and how long it took; on one node and between two."""
from lib import *

INI = """[session]
nodes = %s
duration = 0
events = message_send, message_receive
max_rate = 0
max_queue = 1M
reorder = 5s
[filter:pids]
pids = new, server
[sink:stdout]
path = trace.json
format = json
[sink:csv]
path = trace.csv
[sink:chrome]
path = chrome.json
"""
N, MS = 20, 120
compile_erlang('e2e_gen.erl')


def lines(run):
    with open(run.path('trace.json'), encoding='utf-8') as f:
        return json_rows(f.read())


def picture(run, client, told):
    """A slice for each call that was answered, at the client and at the server; what a helper answered is apart."""
    with open(run.path('chrome.json'), encoding='utf-8') as f:
        trace = json.load(f)
    mine = [e for e in trace['traceEvents'] if e.get('cat') == 'gen']
    calls = sorted((e for e in mine if e['name'].startswith('call ')), key=lambda e: e['ts'])
    handled = sorted((e for e in mine if e['name'].startswith('handle ')), key=lambda e: e['ts'])
    echoes = ['{echo,%d}' % i for i in range(1, N + 1)]
    assert [(e['ph'], e['args']['request'], e['args']['reply']) for e in calls] == \
        [('X', e, e) for e in echoes] + [('X', '{later,%d}' % MS, 'late'), ('X', 'done', 'done')], calls
    assert all(re.fullmatch(r'call .+: (echo|later|done)', e['name']) and e['args']['from'] == client for e in calls), calls
    assert [e['args']['took_ns'] for e in calls] == [r['took_ns'] for r in told['reply']], (calls, told['reply'])
    for e in calls:  # the messages are inside, at its ends
        assert abs(round(e['dur'] * 1000) - e['args']['took_ns']) < 10 or 'moved' in str(told), e
    assert [e['args']['request'] for e in handled if e['ph'] == 'X'] == echoes + ['done'], handled
    assert [(e['ph'], e['name']) for e in handled if e['ph'] != 'X'] == [('b', 'handle later'), ('e', 'handle later')], handled
    other = trace['otherData']
    assert (other['gen'], other['gen_apart']) == (2 * N + 3, 1), other


def judge(run, client, caller_node):
    """What the client did, by its own events; the server's are the same messages at the other end."""
    every = lines(run)
    mine = [l for l in every if l.get('pid') == client and l['node'] == caller_node]
    calls = [l for l in mine if l.get('gen') == 'call']
    assert [c['request'] for c in calls] == ['{echo,%d}' % i for i in range(1, N + 1)] + ['{later,%d}' % MS, '{never,%s}' % client, 'done']
    assert all(c['event'] == 'message_send' and c['from'] == client for c in calls), calls
    assert [l['request'] for l in mine if l.get('gen') == 'cast'] == ['{note,%d}' % i for i in range(1, N + 1)]
    most = run.summary().get('order', {}).get('moved_most_ns', 0)
    replies = [l for l in mine if l.get('gen') == 'reply']
    assert [r['reply'] for r in replies] == ['{echo,%d}' % i for i in range(1, N + 1)] + ['late', 'done'], replies
    answered = [c for c in calls if not c['request'].startswith('{never')]
    for call, reply in zip(answered, replies, strict=True):
        assert reply['event'] == 'message_receive' and reply['took_ns'] > 0, (call, reply)
        # By the caller's own clock; where an end was moved behind its cause, its time is not that.
        moved = 'moved' in call.get('flags', []) + reply.get('flags', [])
        assert abs(reply['took_ns'] - int(reply['ts']) + int(call['ts'])) <= (most if moved else 0), (call, reply)
    assert replies[N]['took_ns'] >= MS * 10**6
    there = [l for l in every if l['event'] == 'message_receive' and l.get('gen') in ('call', 'cast') and
             l.get('from', client).split('.')[1:] == client.split('.')[1:]]
    assert [l['request'] for l in there if l['gen'] == 'cast'] == ['{note,%d}' % i for i in range(1, N + 1)]
    assert len([l for l in there if l['gen'] == 'call']) == N + 3
    assert len([l for l in every if l['event'] == 'message_send' and l.get('gen') == 'reply']) == N + 2
    assert not [l for l in every if 'no_reply' in l.get('message', '') and 'gen' in l]
    gen = run.summary()['gen']
    assert (gen['calls'], gen['casts'], gen['replies']) == (N + 3, N, N + 2), gen
    assert gen['took_ns'] == sum(r['took_ns'] for r in replies) and gen['took_most_ns'] == max(r['took_ns'] for r in replies), gen
    assert 'gen: calls %d, casts %d, replies %d after ' % (N + 3, N, N + 2) in run.err(), run.err()
    with open(run.path('trace.csv'), encoding='utf-8') as f:
        assert f.read().count('reply took=%d' % replies[N]['took_ns']) == 1
    picture(run, client, {c: [l for l in every if l.get('pid') == client and l.get('gen') == c] for c in ('call', 'reply')})
    with open(run.path('chrome.json'), encoding='utf-8') as f:
        args = [e.get('args', {}) for e in json.load(f)['traceEvents']]
    assert [a['took_ns'] for a in args if a.get('gen') == 'reply'].count(replies[N]['took_ns']) == 1
    invariant(run.summary())


def on_one_node():
    node = Node()
    node('register(starter, self()), e2e_gen:start(server), ok')
    run = Run(INI % node.name, '--json')
    node.traced()
    client = node('e2e_gen:client(server, %d, %d)' % (N, MS))
    run.interrupt()
    assert run.code == 0, run.err()
    judge(run, client, node.name)
    node.clean()


def between_two_nodes(one_root=ROOT, two_root=ROOT):
    one, two = Node('one', root=one_root), Node('two', root=two_root)
    one.connect(two)
    for node in (one, two):  # what `pids` names is in both
        node('e2e_gen:start(server), ok')
    run = Run(INI % (one.name + ', ' + two.name), '--json')
    one.traced(), two.traced()
    client = one("e2e_gen:client({server, '%s'}, %d, %d)" % (two.name, N, MS))
    run.interrupt()
    assert run.code == 0, run.err()
    judge(run, client, one.name)
    one.clean(), two.clean()


def between_two_releases():
    """The client on each, the server on the other."""
    for root in OTP_ROOTS:
        between_two_nodes('', root)
        between_two_nodes(root, '')
    if len(OTP_ROOTS) > 1:
        between_two_nodes(*OTP_ROOTS[:2])


tests(on_one_node, between_two_nodes, *([between_two_releases] if OTP_ROOTS else []))

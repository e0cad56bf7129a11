"""A cluster of several OTP releases, as in a rolling upgrade: what one sends to another is paired, in every direction."""
import collections
from lib import *

INI = """[session]
nodes = %s
duration = 0
events = message_send, message_receive
max_rate = 0
max_queue = 1M
[filter:pids]
pids = new
[sink:csv]
path = trace.csv
[sink:stdout]
path = trace.jsonl
format = json
"""


def every_direction_is_paired():
    compile_erlang('e2e_releases.erl')
    cluster = [Node('here', root='')] + [Node('other%d' % i, root=root) for i, root in enumerate(OTP_ROOTS)]
    releases = [node('list_to_integer(erlang:system_info(otp_release))') for node in cluster]
    for node in cluster[1:]:
        cluster[0].connect(node)
    run = Run(INI % ', '.join(n.name for n in cluster), '--json')
    for node in cluster:
        node.traced()
    amount = int(cluster[0]("e2e_releases:run([%s], 60)" % ', '.join("'%s'" % n.name for n in cluster)))
    assert amount == len(cluster) * (len(cluster) - 1) * 60
    run.interrupt()
    assert run.code == 0, run.err()
    invariant(run.summary())
    events = [r for r in rows(run) if r['message'].startswith('{e2e,')]
    number = lambda r: int(re.match(r'\{e2e,(\d+)', r['message'])[1])
    sent = {r['flow']: r for r in events if r['event'] == 'message_send'}
    got = {r['flow']: r for r in events if r['event'] == 'message_receive'}
    # A send to another node whose message is still being encoded when the sender's time slice ends is never told by the VM: nor to a
    # plain process tracer, with no beamtap near. Of 5,000 such sends of one process it told 4,957 on OTP 25 (to 27; every 115th is
    # missing), 4,999 on 27 and 29 (the tenth is missing). A member's 120 or so are a little more than one slice.
    untold = collections.Counter(m // 1000000 for m in set(map(number, got.values())) - set(map(number, sent.values())))
    assert len(got) == amount and all(n <= 2 for n in untold.values()), (len(sent), len(got), amount, untold)
    unpaired = [(sent[f]['node'], number(sent[f])) for f in sent if f not in got]
    assert not unpaired, 'of %s, %d unpaired: %s' % (releases, len(unpaired), unpaired[:3])
    assert all(number(sent[f]) == number(got[f]) for f in sent), 'wrongly paired'
    # A receive says who sent, though the VM tells only from where; in JSON too, with the same numbers. Not one that was written before
    # its send came: nodes that are busy tell late.
    place = {(r['event'], r['flow']): k for k, r in enumerate(events)}
    early = {f for f in sent if place['message_receive', f] < place['message_send', f] and not got[f]['peer']}
    assert len(early) < amount / 10, len(early)
    wrong = [(sent[f]['pid'], sent[f]['node'], got[f]['peer']) for f in set(sent) - early
             if got[f]['peer'] != sent[f]['pid'].replace('<', '<%s.' % sent[f]['node']).replace('.0.', '.', 1) and
             got[f]['peer'] != '<%s%s' % (sent[f]['node'], sent[f]['pid'].replace('<0', '', 1))]
    assert not wrong, wrong[:3]
    lines = [json.loads(line) for line in run.read('trace.jsonl').splitlines()]
    told = {str(e['flow']): e.get('peer', '') for e in lines if e['event'] == 'message_receive' and e.get('message', '').startswith('{e2e,')}
    assert told == {f: r['peer'] for f, r in got.items()}, [(told.get(f), r) for f, r in got.items() if told.get(f) != r['peer']][:3]
    for node in cluster:
        node.clean()
        node.stop()


if not OTP_ROOTS:
    print('# skipped: there is one OTP release here; sh tests/run.sh --matrix makes folders with others')
    sys.exit(0)
tests(every_direction_is_paired)

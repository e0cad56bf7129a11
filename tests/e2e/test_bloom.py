"""Questions for a few processes or functions of a long recording: what is written is the same, byte for byte, as when everything is
read, and most of it is not read. Where that cannot be so, and where what the recording says of itself is damaged, everything is."""
import io
from lib import *
from recordings import *

PHASES, EVERY = 40, 1500
KINDS = ('function_call', 'function_return', 'message_send', 'message_receive', 'process_spawn', 'process_exit', 'process_register')
folder = tempfile.mkdtemp(dir=work)


def phase(p, at):
    """What happens in a stretch of time: three processes of its own and one that is always there call functions of two modules, and
    send; now and then one of its own is spawned, registered, and exits; rare processes are in two of them."""
    rare = 7 if p in (11, 31) else 8 if p == 20 else 100
    for i in range(EVERY):
        who, module = (1000 + p * 3 + i % 3, 'm%d' % (p % 8)) if i % 4 else (rare, 'common')
        ts = at + i * 10000
        if i % 4 == 3 and p % 2:
            yield pid(who), Atom('send'), ('a message', i), pid(100), ts
        elif i % 10 == 9:
            yield pid(who), Atom('return_from'), (Atom(module), Atom('f%d' % (i % 3)), 1), 'x' * 60, ts
        elif p % 5 == 1 and i in (1, 2, EVERY - 1):
            yield ((pid(100), Atom('spawn'), pid(who), (Atom('m'), Atom('loop'), []), ts) if i == 1 else
                   (pid(who), Atom('register'), Atom('one_%d' % p), ts) if i == 2 else (pid(who), Atom('exit'), Atom('normal'), ts))
        else:
            yield pid(who), Atom('call'), (Atom(module), Atom('f%d' % (i % 3)), ['x' * 60, p, i]), ts


def plain(node='n@h', late=0, run=RUN):
    """A recording that does not say what its blocks hold."""
    f = io.BytesIO()
    r, seq = Recording(f, node, run=run, events=KINDS), 0
    for p in range(PHASES):
        at = 10**9 + p * 2 * 10**7 + late
        if p % 6 == 2:
            r.block(REPORTS, report((Atom('process_info'), [(pid(1000 + p * 3), [(Atom('name'), Atom('name_%d' % p))])]), seq))
        if p == 25:  # behind blocks that nobody asks for
            r.block(EVENTS, frame(0, b'', seq + 30, 0, 30, 3))
            seq += 30
        events = list(phase(p, at))
        for i in range(0, len(events), 500):
            r.block(EVENTS, messages(seq, events[i:i + 500]), 500, STARTED + at + i * 10000, STARTED + at + (i + 499) * 10000)
            seq += 500
    r.end(seq)
    return f.getvalue()


def write(data, name='in.btf'):
    with open(os.path.join(folder, name), 'wb') as f:
        f.write(data)


def recorded(*names, how='path=in.btf'):
    """Through the sink that says what they hold."""
    subprocess.run([BEAMTAP, 'export', *names, '--quiet', '--sink', 'record:' + how], cwd=folder, check=True, timeout=PATIENCE)
    with open(os.path.join(folder, 'in.btf'), 'rb') as f:
        return f.read()


def without_index(data):
    return data[:next(b[1] for b in blocks(data) if b[0] == INDEX)]


OUTPUTS = {'a.csv': 'csv:path=a.csv', 'a.txt': 'stdout:path=a.txt', 'a.jsonl': 'stdout:path=a.jsonl,format=json',
           'a.sum': 'summary:path=a.sum', 'a.json': 'chrome:path=a.json', 'a.html': 'html:path=a.html'}


def asked(data, *question, code=0):
    """What each sink has written, the figures of nodes and sinks, and how many blocks were not read."""
    write(data)
    for name in OUTPUTS:
        if os.path.exists(os.path.join(folder, name)):
            os.unlink(os.path.join(folder, name))
    done = subprocess.run([BEAMTAP, 'export', 'in.btf', '--json', *[w for o in OUTPUTS.values() for w in ('--sink', o)], *question],
                          cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE)
    assert done.returncode == code, (question, done.returncode, done.stderr)
    figures = json.loads(done.stdout)
    invariant(figures)
    unread = figures['counters'].get('transport:file', {}).get('blocks not read', 0)
    written = {}
    for name in OUTPUTS:
        with open(os.path.join(folder, name), 'rb') as f:
            written[name] = f.read()
    return written, {k: figures[k] for k in ('nodes', 'sinks', 'flows', 'order') if k in figures} | \
        {k: c for k, c in figures['counters'].items() if k != 'transport:file'}, unread


def same(data, *question, least=1, most=None):
    """It is, and at least so many blocks are not read; with most=0 none may be passed over."""
    whole, figures, none = asked(without_index(data), *question)
    assert none == 0, none
    got, counted, unread = asked(data, *question)
    for name in OUTPUTS:
        assert got[name] == whole[name], (question, name, len(got[name]), len(whole[name]))
    assert counted == figures, (question, counted, figures)
    assert unread >= least and (most is None or unread <= most), (question, unread)
    return got, unread


write(plain(), 'plain.btf')
alone = recorded('plain.btf')
write(plain('a@h', run='0123456789abcde0'), 'a.btf')
write(plain('b@h', 1234567, run='0123456789abcde1'), 'b.btf')
two = recorded('a.btf', 'b.btf')
write(alone)
packed = recorded('in.btf', how='path=packed.btf,compress=zstd')
with open(os.path.join(folder, 'packed.btf'), 'rb') as f:
    packed = f.read()
EVENT_BLOCKS = sum(b[0] == EVENTS for b in blocks(alone))


def rows(written):
    return list(csv.DictReader(io.StringIO(written['a.csv'].decode())))


def processes_are_found():
    for data in (alone, packed):
        got, unread = same(data, '--pids', '<0.7.0>', least=EVENT_BLOCKS * 3 // 4)
        mine = [r for r in rows(got) if r['event'] not in ('lost', 'node_up', 'node_down', 'gap')]
        assert len(mine) == 2 * ((EVERY + 3) // 4) and {r['pid'] for r in mine} == {'<0.7.0>'}, (len(mine), unread)
        same(data, '--pids', '<0.7.0>, <0.1005.0>', least=EVENT_BLOCKS // 2)
        same(data, '--pids', '<0.4711.0>', least=EVENT_BLOCKS * 3 // 4)
    same(alone, '--pids', '<0.100.0>', least=0)
    print('# %d of %d blocks of events are not read' % (same(alone, '--pids', '<0.7.0>')[1], EVENT_BLOCKS))


def of_several_nodes_too():
    got, _ = same(two, '--pids', '<0.8.0>', least=10)
    assert {r['node'] for r in rows(got) if r['event'] == 'function_call'} == {'a@h', 'b@h'}
    same(two, '--pids', '<0.8.0>', '--node', 'b@h', least=10)


def functions_are_found():
    calls = ('--set', 'session.events=function_call, function_return')
    for data in (alone, packed, two):
        same(data, *calls, '--set', 'filter:modules.modules=m3', least=10)
        same(data, *calls, '--set', 'filter:match_spec.trace=m3:f1(_, P, _) when P < 20', least=10)
        same(data, *calls, '--set', 'filter:match_spec.trace=m3:f1/1 -> return', least=10)
    got, _ = same(alone, *calls, '--set', 'filter:modules.modules=m3')
    found = [r for r in rows(got) if r['event'] in ('function_call', 'function_return')]
    assert found and {r['module'] for r in found} == {'m3'}
    # the two together, and a stretch of time
    same(alone, *calls, '--set', 'filter:modules.modules=m3', '--pids', '<0.7.0>', least=10)
    same(alone, *calls, '--set', 'filter:modules.modules=m3', '--to', '1500ms', least=10)
    same(alone, '--pids', '<0.7.0>', '--from', '1300ms', '--to', '1700ms', least=10)
    # kinds alone
    same(alone, '--set', 'session.events=message_send', least=10)


def ends_are_judged_by_calls_that_nobody_gets():
    """What a match spec has to see, also where no sink is given it: of a return the call, and what it cannot decide."""
    f = io.BytesIO()
    r, seq, at = Recording(f, events=('function_call', 'function_return', 'message_receive')), 0, 10**9
    mfa = lambda last: (Atom('m'), Atom('f'), last)
    for events in ([(pid(100 + i), Atom('call'), mfa([i, 'x' * 1000]), (Atom('$beamtap_tail'), Atom('undefined')), at + i * 1000) for i in range(1000)],
                   [(pid(100 + i), Atom('return_from'), mfa(2), 'x' * 1000, at + 10**7 + i * 1000) for i in range(1000)],
                   [(pid(100 + i), Atom('receive'), 'x' * 1000, at + 2 * 10**7 + i * 1000) for i in range(1000)]):
        for i in range(0, len(events), 100):
            some = events[i:i + 100]
            r.block(EVENTS, messages(seq, some), 100, STARTED + some[0][-1], STARTED + some[-1][-1])
            seq += 100
    r.end(seq)
    write(f.getvalue(), 'ends.btf')
    data = recorded('ends.btf')
    for events, spec, most in (('function_return', 'm:f(I, _) when I < 10', 10), ('function_return', 'm:f(I, _) when I < 10 -> return', 10),
                               ('message_receive', 'm:f(P, _) when self() > P', None)):
        got, _ = same(data, '--set', 'session.events=' + events, '--set', 'filter:match_spec.trace=' + spec, least=0)
        assert most is None or sum(r['event'] == events for r in rows(got)) == most, spec


def where_it_cannot_be_everything_is_read():
    calls = ('--set', 'session.events=function_call, function_return')
    for question in (('--pids', 'name_8'), ('--pids', 'tree:<0.7.0>'), ('--pids', 'new'), ('--pids', '<0.7.0>, one_11'),
                     (*calls, '--set', 'filter:modules.modules=m3*'),
                     ('--set', 'filter:modules.modules=common'),
                     ('--pids', '<0.7.0>', '--set', 'session.start_on=m3:f1/3'),
                     ('--pids', '<0.7.0>', '--set', 'session.order=time', '--set', 'session.reorder=1s')):
        same(alone, *question, least=0, most=0)
    write(alone, 'whole.btf')
    done = subprocess.run([BEAMTAP, 'export', 'a.btf', 'b.btf', '--json', '--sink', 'csv:path=a.csv', '--pids', '<0.7.0>'], cwd=folder,
                          stdout=subprocess.PIPE, check=True)
    assert 'blocks not read' not in done.stdout.decode()


def damage_costs_time_alone():
    """Of what is said of blocks: then they are read. Of a block that nobody asks for: it is not even seen."""
    whole = asked(without_index(alone), '--pids', '<0.7.0>')[0]['a.csv']
    for kind in (BLOOM, INDEX, END):
        for b in [b for b in blocks(alone) if b[0] == kind][:2]:
            for _ in range(8):
                spoilt = bytearray(alone)
                spoilt[rand.randrange(b[1], b[2])] ^= 1 << rand.randrange(8)
                write(bytes(spoilt))
                subprocess.run([BEAMTAP, 'export', 'in.btf', '--sink', 'csv:path=a.csv', '--pids', '<0.7.0>', '--quiet'], cwd=folder,
                               stderr=subprocess.DEVNULL, timeout=PATIENCE)
                with open(os.path.join(folder, 'a.csv'), 'rb') as f:
                    assert f.read() == whole, (kind, b)
    # Behind damage that was met everything is read, and what is missing is told as it is without an index.
    first = [b for b in blocks(alone) if b[0] == REPORTS][2]
    spoilt = bytearray(alone)
    spoilt[first[2] - 3] ^= 1
    assert asked(bytes(spoilt), '--pids', '<0.7.0>', code=1)[:2] == asked(without_index(bytes(spoilt)), '--pids', '<0.7.0>', code=1)[:2]


def repair(data):
    write(data, 'torn.btf')
    done = subprocess.run([BEAMTAP, 'repair', 'torn.btf'], cwd=folder, stdout=subprocess.PIPE, check=True, timeout=PATIENCE)
    with open(os.path.join(folder, 'torn.btf'), 'rb') as f:
        return f.read(), done.stdout.decode()


def repaired_it_still_says_what_it_holds():
    assert 'is whole' in repair(alone)[1]
    cut = [b for b in blocks(alone) if b[0] == INDEX][0]
    mended, told = repair(alone[:cut[1] + 50])
    assert mended == alone, told
    hurt = [b for b in blocks(alone) if b[0] == EVENTS][5]
    mended, told = repair(alone[:hurt[1] + 200] + b'xx' + alone[hurt[1] + 202:])
    assert '1 places before' in told, told
    same(mended, '--pids', '<0.7.0>', least=0)
    mended, told = repair(two[:[b for b in blocks(two) if b[0] == EVENTS][-2][1] + 77])
    write(mended)
    subprocess.run([BEAMTAP, 'export', 'in.btf', '--sink', 'csv:path=a.csv', '--pids', '<0.8.0>', '--quiet'], cwd=folder, timeout=PATIENCE,
                   stderr=subprocess.DEVNULL)
    with open(os.path.join(folder, 'a.csv'), newline='', encoding='utf-8') as f:
        assert sum(r['event'] == 'function_call' for r in csv.DictReader(f)) > 0


def it_is_a_small_part():
    for data in (alone, two, packed):
        size = sum(b[2] - b[1] for b in blocks(data) if b[0] == BLOOM)
        print('# %d of %d bytes say what is in the others: %.2f %%' % (size, len(data), size * 100 / len(data)))
        assert 0 < size * 100 < len(data), (size, len(data))


seed = random.randrange(1 << 30)
rand = random.Random(seed)
print('# seed %d' % seed)
tests(processes_are_found, of_several_nodes_too, functions_are_found, ends_are_judged_by_calls_that_nobody_gets, where_it_cannot_be_everything_is_read, damage_costs_time_alone,
      repaired_it_still_says_what_it_holds, it_is_a_small_part)

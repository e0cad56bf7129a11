"""The native tracer's events are recorded as they came, with numbers for names: played, merged, judged, cut, damaged or recorded
once more they are what the same events are as trace messages."""
import random
from lib import *
from recordings import *

MS = 10**6
KINDS = ('function_call', 'function_return', 'function_exception', 'message_send', 'process_exit')
SINKS = '[sink:csv]\npath = trace.csv\n[sink:lines]\nplugin = stdout\nformat = json\npath = trace.lines\n[sink:chrome]\npath = trace.json\n'


def events(n, seed=1):
    """So many, of a few processes and functions."""
    r, found = random.Random(seed), []
    for i in range(n):
        who, ts = pid(100 + r.randrange(30)), i * MS // 10
        mfa = Atom('m%d' % r.randrange(3)), Atom('f%d' % r.randrange(40))
        caller = [(Atom('$beamtap_caller'), (Atom('top'), Atom('level'), 0))] if r.random() < 0.3 else []
        kind = r.randrange(6)
        if kind < 2:
            found.append((who, Atom('call'), (*mfa, [i, (Atom('a'), 'b')] if kind else 2), *caller, ts))
        elif kind == 2:
            found.append((who, Atom('return_from'), (*mfa, 2), {Atom('ok'): i}, ts))
        elif kind == 3:
            found.append((who, Atom('exception_from'), (*mfa, 2), (Atom('error'), i), ts))
        elif kind == 4:
            found.append((who, Atom('send'), [i], pid(100), ts))
        else:
            found.append((who, Atom('call'), (*mfa, [(Atom('$beamtap_x'), i)]), (Atom('$beamtap_x'), i), ts))
    return found


def recording(name, found, as_items, node='n@h', a_frame=100, run=RUN):
    path = os.path.join(work, name)
    with open(path, 'wb') as f:
        r = Recording(f, node, run=run, events=KINDS)
        for at in range(0, len(found), 2 * a_frame):  # two frames a block
            some = [found[i:i + a_frame] for i in range(at, min(at + 2 * a_frame, len(found)), a_frame)]
            made = [(items if as_items else messages)(at + k * a_frame, part) for k, part in enumerate(some)]
            times = [STARTED + e[-1] for part in some for e in part]
            r.block(EVENTS, b''.join(made), len(times), min(times), max(times))
        r.end(len(found))
    return path


def played(path, more='', sinks=SINKS, code=0, transport=''):
    run = Run('%s\n[transport:file]\npath = %s\n%s%s' % (more, path, transport, sinks), '--json').ended(code)
    invariant(run.summary())
    return run


def same(one, two, names=('trace.csv', 'trace.lines', 'trace.json')):
    for name in names:
        a, b = one.read(name), two.read(name)
        assert a == b and len(a) > 300, (name, [x for x in zip(a.splitlines(), b.splitlines()) if x[0] != x[1]][:3], len(a), len(b))


def both(n=1000, **more):
    found = events(n)
    return recording('items.btf', found, True, **more), recording('plain.btf', found, False, **more)


def they_play_as_messages_do():
    numbered, plain = both()
    assert os.path.getsize(numbered) < 0.9 * os.path.getsize(plain)
    one, two = played(numbered), played(plain)
    same(one, two)
    assert len([r for r in rows(one) if r['event'] in KINDS]) == 1000
    same(played(numbered, transport='pace = real\n'), two)
    at = '[filter:time]\nfrom = 20ms\nto = 50ms\n'
    same(played(numbered, at, transport='from = 20ms\nto = 50ms\n'), played(plain, at))
    of = '[filter:pids]\npids = <0.105.0>, <0.107.0>\n'
    same(played(numbered, of), played(plain, of))


def who_wants_messages_gets_them():
    """A match spec is judged on what the VM would have sent."""
    numbered, plain = both()
    of = '[filter:match_spec]\ntrace = m1:f7(N, {a, _}) when N > 100\ntrace = m2:f9(_, _)\ntrace = m0\n'
    one = played(numbered, of)
    same(one, played(plain, of))
    assert 200 < len(rows(one)) < 800, len(rows(one))


def they_are_merged():
    """Frames are cut where another file's events stand between theirs, also another part of the same run."""
    found = events(2000)
    names = {}
    for as_items in (True, False):
        names[as_items] = [recording('%s%d.btf' % (as_items, k), found[k::2], as_items, 'n%d@h' % k, run='%016x' % k) for k in (0, 1)]
    one, two = (played(a, transport='with = %s\n' % b) for a, b in (names[True], names[False]))
    same(one, two)
    mixed = played(names[True][0], transport='with = %s\n' % names[False][1])
    same(mixed, two)


def what_is_recorded_again_is_as_it_was():
    numbered, _ = both()
    again = played(numbered, sinks=SINKS + '[sink:record]\npath = again.btf\n')
    assert os.path.getsize(again.path('again.btf')) < 1.2 * os.path.getsize(numbered) + 10000
    once = played(again.path('again.btf'))
    same(once, again)
    part = played(numbered, '[filter:pids]\npids = <0.105.0>\n', sinks=SINKS + '[sink:record]\npath = part.btf\n')
    same(played(part.path('part.btf')), part)


def more_names_than_are_remembered():
    """Of 3,000 processes and functions each is defined where it is needed."""
    found = [(pid(1 + i * 7 % 3000), Atom('call'), (Atom('m'), Atom('f%d' % (i * 11 % 3000)), [i]), i * MS // 100) for i in range(8000)]
    numbered, plain = recording('many.btf', found, True, a_frame=4000), recording('many_plain.btf', found, False, a_frame=4000)
    one = played(numbered, sinks=SINKS + '[sink:record]\npath = again.btf\n')
    same(one, played(plain))
    same(played(one.path('again.btf')), one)


def bad(name, made, count, code=0):
    """Three frames, of which the second is this: what cannot be read is lost, with what stands behind it in the frame."""
    path, sums = os.path.join(work, name), []
    with open(path, 'wb') as f:
        r = Recording(f, events=KINDS)
        for frame_ in (calls(0, 10, 0, 1000), made.frame(10, count), calls(10 + count, 10, 2 * MS, 1000)):
            r.block(EVENTS, frame_, 10, STARTED, STARTED + 2 * MS)
        r.end(20 + count)
    for more in ('', '[filter:match_spec]\ntrace = _:_\n'):
        run = played(path, more, code=code)
        node, = run.summary()['nodes']
        sums.append((node['received'], node['lost_by'].get('unreadable', 0) if 'lost_by' in node else node['lost']))
    assert sums[0] == sums[1], (name, sums)
    return sums[0]


def call(made, process=0, function=0, item=3, rest=b''):
    made.body += struct.pack('>BII', item, process, function) + term([1]) + rest + struct.pack('>q', MS)
    made.count += 1


def what_cannot_be_read_is_lost():
    def begun(n=4):
        made = Items()
        for i in range(n):
            made.add(pid(100), Atom('call'), (Atom('m'), Atom('f'), [i]), MS)
        return made

    assert bad('good.btf', begun(), 4) == (24, 0)
    assert bad('short.btf', begun(), 9) == (24, 5)
    made = begun()
    call(made, process=1)
    call(made)
    assert bad('process.btf', made, 6) == (24, 2)
    made = begun()
    call(made, function=1)
    assert bad('function.btf', made, 5) == (24, 1)
    made = begun()
    made.body += struct.pack('>BI', 0, 2) + pid(101)  # the next number is 1
    call(made, process=2)
    assert bad('order.btf', made, 5) == (24, 1)
    made = begun()
    made.body += struct.pack('>BI', 0, 0) + pid(101)  # no number is given twice
    call(made)
    assert bad('twice.btf', made, 5) == (24, 1)
    made = begun()
    made.body += b''.join(struct.pack('>BI', 0, 1 + i) + pid(101) for i in range(4096))
    call(made)
    assert bad('most.btf', made, 5) == (24, 1)
    made = begun()
    call(made, item=3 + 16 * 3, rest=term(1) * 3)
    assert bad('extras.btf', made, 5) == (24, 1)
    made = begun()
    call(made, item=3 + 16 * 3, rest=term(1) * 3)
    call(made)
    assert bad('extras_before.btf', made, 6) == (24, 2)
    for tag, length in ((100, 65535), (118, 2100), (118, 40000)):
        made = begun()
        made.body += struct.pack('>BIBH', 1, 1, tag, length) + b'\xe9' * length + term(Atom('f'))
        call(made, function=1)
        call(made)
        assert bad('long.btf', made, 6) == (24, 2), (tag, length)
        made = begun()
        made.body += struct.pack('>BIBBH', 0, 1, 88, tag, length) + b'\xe9' * length + struct.pack('>III', 1, 0, 1)
        call(made, process=1)
        call(made)
        assert bad('long_node.btf', made, 6) == (24, 2), (tag, length)
    made = begun()
    made.body += struct.pack('>BIBH', 1, 1, 100, 255) + b'\xe9' * 255 + term(Atom(''))
    call(made, function=1)
    call(made)
    assert bad('empty.btf', made, 6) == (26, 0)
    for tag, character in ((100, b'\xe9'), (118, b'\xc3\xa9'), (118, b'\xff')):  # an atom has 255 characters
        for extra in (0, 1):
            text = character * (255 + extra)
            made = begun()
            made.body += struct.pack('>BIBH', 1, 1, tag, len(text)) + text + term(Atom('f'))
            call(made, function=1)
            call(made)
            assert bad('longer.btf', made, 6) == ((24, 2) if extra else (26, 0)), (tag, extra)
    made = begun()
    made.body += b'\2' + term((Atom('trace'), pid(100), Atom('send'), 1, pid(101))) + struct.pack('>q', MS)
    made.count += 1
    call(made)
    assert bad('untimed.btf', made, 6) == (24, 2)
    made = begun()
    message = Items()
    message.add(pid(100), Atom('send'), 1, pid(101), MS)
    made.body += b'\x72' + message.body[1:]  # extras where there can be none
    made.count += 1
    call(made)
    assert bad('extras_of_none.btf', made, 6) == (24, 2)
    made = begun()
    made.body += b'\6'
    call(made)
    assert bad('item.btf', made, 5) == (24, 1)
    for cut in range(1, 20):
        made = begun(1)
        call(made)
        made.body = made.body[:-cut]
        assert bad('cut.btf', made, 2) == (21, 1), cut


def no_frame_knows_another_ones_numbers():
    path = os.path.join(work, 'other.btf')
    one, two = Items(), Items()
    one.add(pid(100), Atom('call'), (Atom('m'), Atom('f'), [1]), MS)
    call(two)
    with open(path, 'wb') as f:
        r = Recording(f, events=KINDS)
        r.block(EVENTS, one.frame(0) + two.frame(1), 2, STARTED, STARTED + MS)
        r.end(2)
    node, = played(path).summary()['nodes']
    assert (node['received'], node['lost']) == (1, 1), node


LIVE = """[session]
nodes = %s
collect = native
events = function_call, function_return, function_exception, message_send, message_receive, process_spawn, process_start, process_exit
max_rate = 0
[transport:tcp]
[filter:pids]
pids = new
[filter:match_spec]
trace = e2e_work:target(_, _)
trace = e2e_work:outer(_)
trace = e2e_work:inner(_)
trace = e2e_work:thrower(_)
[sink:csv]
path = trace.csv
[sink:chrome]
path = trace.json
[sink:lines]
plugin = stdout
format = json
path = trace.lines
[sink:record]
path = live.btf
"""


def a_live_run_is_recorded_as_it_came():
    node = Node('items')
    run = Run(LIVE % node.name, '--json')
    node.traced()
    assert node('e2e_work:run(20, 200, 50)') == 'ok'
    run.interrupt().ended(0)
    invariant(run.summary())
    want = workload(node, 20, 200, 50)
    node.clean()
    with open(run.path('live.btf'), 'rb') as f:
        data = f.read()
    frames = []
    for kind, at, end in blocks(data):
        at += BLOCK
        while kind == EVENTS and at < end:
            flags, count, length = data[at + 5], *struct.unpack_from('>I', data, at + 24), *struct.unpack_from('>I', data, at + 36)
            frames.append((flags, count))
            at += 40 + length
    assert {flags for flags, count in frames if count} == {NUMBERED | RECORDED}, frames
    assert sum(count for _, count in frames) == sum(want.values())
    same(played(run.path('live.btf')), run)


tests(they_play_as_messages_do, who_wants_messages_gets_them, they_are_merged, what_is_recorded_again_is_as_it_was,
      more_names_than_are_remembered, what_cannot_be_read_is_lost, no_frame_knows_another_ones_numbers,
      a_live_run_is_recorded_as_it_came)

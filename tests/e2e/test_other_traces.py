"""Traces that others made: what dbg:trace_port wrote to files, whole, in pieces, torn and damaged, and what ttb writes beside
them. Oracle: what dbg:trace_client reads of the same file in a real node."""
from lib import *
from recordings import port_message

compile_erlang('e2e_ports.erl')
node = Node('ports')
folder = tempfile.mkdtemp(dir=work)
FULL = ['c', 'm', 'p', 'timestamp']


def inside(*names):
    return os.path.join(folder, *names)


def trace(file, flags, turns=25):
    assert node('e2e_ports:trace(%s, [%s], %d)' % (file, ','.join(flags), turns)) == 'ok'


def told(file):
    """As dbg has it."""
    text = node('binary_to_list(base64:encode(e2e_ports:told(%s)))' % file)
    import base64
    return [line.split('\t') for line in base64.b64decode(text.strip('"')).decode().split('\n')]


def export(*files, args=(), code=0):
    """(rows, stderr, sums)"""
    done = subprocess.run([BEAMTAP, 'export', *files, '-o', inside('out.csv'), '--json', *args], cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE)
    assert done.returncode == code, (done.returncode, done.stderr)
    summary = json.loads(done.stdout)
    invariant(summary)
    with open(inside('out.csv'), newline='', encoding='utf-8') as f:
        return only_events(csv.DictReader(f)), done.stderr.decode(), summary


def as_dbg(found, times=True):
    return [[r['ts'] if times else '', r['event'], r['pid'], r['module'].strip("'"), r['function'].strip("'"), r['arity'], r['message']]
            for r in found]


def whole_files_are_what_dbg_reads():
    for flags, clock in ((FULL, None), (['c', 'm', 'monotonic_timestamp'], "own clock alone"), (['c', 'm', 'p', 'strict_monotonic_timestamp'],
                         "own clock alone"), (['c', 'm'], 'has no times')):
        path = inside('a.dbg')
        trace('"%s"' % path, flags)
        want = told('"%s"' % path)
        found, err, summary = export(path, args=() if clock else ('--set', 'session.order=arrival'))
        assert as_dbg(found, not clock) == want, next((a, b) for a, b in zip(as_dbg(found, not clock) + [None], want + [None]) if a != b)
        assert {r['node'] for r in found} == {node.name} and summary['nodes'][0]['produced'] == len(want) > 100
        assert (clock in err) if clock else not re.search('clock|times', err), err
        written = os.stat(path).st_mtime_ns
        assert clock is None or all(abs(int(r['ts']) - written) < 60 * 10**9 for r in found)
        if clock == 'own clock alone':
            times = [int(r['ts']) for r in found]
            assert times == sorted(times) and len(set(times)) > len(times) // 2


def pieces_are_one_trace():
    for name, flags, turns in (('w', FULL, 60), ('v', ['c', 'm', 'monotonic_timestamp'], 60), ('u', FULL, 3)):
        spec = '{"%s", wrap, ".wrp", 4000, 4}' % inside(name)
        trace(spec, flags, turns)
        want = told(spec)
        pieces = sorted(inside(f) for f in os.listdir(folder) if f.startswith(name) and f.endswith('.wrp'))
        assert len(pieces) == (4 if turns > 3 else len(pieces))
        found, _, summary = export(*reversed(pieces))
        assert as_dbg(found, flags is FULL) == want, [x for x in zip(as_dbg(found, flags is FULL), want) if x[0] != x[1]][:2]
        assert len(summary['nodes']) == 1 and summary['nodes'][0]['produced'] == len(want)


def any_sink_plays_it():
    path = inside('a.dbg')
    trace('"%s"' % path, FULL)
    found, _, _ = export(path)
    export(path, args=('-o', 'again.btf', '-o', 'a.json', '-o', 'a.html', '-o', 'a.folded', '-o', 'a.jsonl'))
    again, _, _ = export(inside('again.btf'))
    assert again == found
    part, _, _ = export(path, args=('--around', 'e2e_ports:f(7, _)', '--from', '0s', '--to', '0s'))
    assert part and all(r['ts'] == part[0]['ts'] for r in part) and '[7,' in ''.join(r['message'] for r in part)
    with open(path, 'rb') as pipe:
        done = subprocess.run([BEAMTAP, 'export', '-', '-o', 'piped.csv', '--quiet'], cwd=folder, stdin=pipe)
    assert done.returncode == 0 and open(inside('piped.csv')).read() == open(inside('out.csv')).read() or found
    info = json.loads(subprocess.run([BEAMTAP, 'info', path, '--json'], stdout=subprocess.PIPE, check=True).stdout)
    assert info['nodes'][0]['node'] == node.name and info['events']['function_call']['events'] == sum(r['event'] == 'function_call' for r in found)


def torn_and_damaged_ones_say_so():
    path = inside('a.dbg')
    trace('"%s"' % path, FULL)
    whole, _, _ = export(path)
    with open(path, 'rb') as f:
        data = f.read()
    spoilt = inside('spoilt.dbg')

    def numbered(found):  # flow ids are given out one after the other
        return [dict(r, flow='') for r in found]

    def play(changed, code):
        with open(spoilt, 'wb') as f:
            f.write(changed)
        found, err, summary = export(spoilt, code=code)
        return numbered(found), err, summary
    whole = numbered(whole)
    for at in [random.randrange(200, len(data) - 1) for _ in range(6)]:
        starts, place = [], 0
        while place < len(data):
            starts.append(place)
            place += 5 + int.from_bytes(data[place + 1:place + 5], 'big')
        there = sum(s <= at for s in starts) - 1
        if at in starts:
            continue
        found, err, _ = play(data[:at], 1)
        assert found == whole[:there] and 'ends within a message that begins at byte %d' % starts[there] in err, (at, err, len(found), there)
    place = starts[50]
    found, err, _ = play(data[:place] + b'\7' + data[place + 1:], 1)
    assert found == whole[:50] and 'no message of a trace port' in err and 'at byte %d' % place in err, err
    # Its length holds and its term does not; and messages that the port dropped, in both ways that they are told.
    length = int.from_bytes(data[place + 1:place + 5], 'big')
    found, err, summary = play(data[:place + 7] + b'\xff' * (length - 2) + data[place + 5 + length:], 0)
    assert summary['nodes'][0]['lost'] == 1 and [r for r in found if r['event'] != 'lost'] == whole[:50] + whole[51:]
    term = b'\x83h\x02d\x00\x04dropa\x05'
    dropped = b'\1\0\0\0\7' + b'\0' + len(term).to_bytes(4, 'big') + term
    found, err, summary = play(data[:place] + dropped + data[place:], 0)
    assert summary['nodes'][0]['lost'] == 12 and summary['nodes'][0]['produced'] == len(whole) + 12
    assert [r for r in found if r['event'] != 'lost'] == whole
    found, err, summary = play(dropped + data, 0)
    assert summary['nodes'][0]['lost'] == 12 and [r for r in found if r['event'] != 'lost'] == whole
    # Of seq_trace, and of ports.
    others = [b'\x83h\x04d\x00\x09seq_tracea\1a\2a\3', b'\x83h\x04d\x00\x05trace' + b'f' + b'd\0\3n@h' + b'\0\0\0\5\1' + b'd\0\6closeda\1']
    alien = b''.join(b'\0' + len(o).to_bytes(4, 'big') + o for o in others)
    found, err, summary = play(data[:place] + alien + data[place:], 0)
    assert found == whole and '2 messages that are not of processes' in err, (err, summary)
    for nothing in (b'', data[:40], b'\0\0\0\0\5abc', b'\1\0\0\0\7' * 3):
        with open(spoilt, 'wb') as f:
            f.write(nothing)
        done = subprocess.run([BEAMTAP, 'export', spoilt, '-o', 'none.csv'], cwd=folder, stderr=subprocess.PIPE)
        assert done.returncode == 1 and b'is not a recording' in done.stderr, (nothing, done)


def ttb_tells_names():
    path = inside('t.dbg')
    assert node('e2e_ports:ttb("%s", 5)' % path) == 'ok'
    found, err, _ = export(path, args=('--set', 'sink:csv.columns=ts,event,process,message,pid,node'))
    calls = [r for r in found if r['event'] == 'function_call']
    assert len(calls) == 5 and {r['process'] for r in calls} == {'e2e_ports_named'}, calls


def connected(number):
    """Is someone connected to this port of 127.0.0.1? Asked here, for a node may live where there is no /proc."""
    with open('/proc/net/tcp') as f:
        lines = [line.split() for line in f]
    return any(local.endswith(':%04X' % number) and state == '01' for _, local, _, state, *_ in lines[1:])


def ports_are_read_live():
    for flags, queue, clock in ((FULL, 50, None), (['c', 'm', 'monotonic_timestamp'], 5000, 'own clock alone')):
        number = int(node('e2e_ports:live([%s], %d)' % (','.join(flags), queue)))
        run = Run('[transport:port]\naddress = 127.0.0.1:%d\n[sink:csv]\npath = trace.csv\n' % number, '--json')
        wait_for(lambda: connected(number), 'a client at the port')
        node('dbg:trace_port_control(get_listen_port)')  # the VM accepts it before it answers
        assert node('e2e_ports:go(300)') == 'ok'
        node('e2e_ports:stop(0)')
        run.ended(0)
        summary, found = run.summary(), rows(run)
        invariant(summary)
        calls = [int(re.search(r'[0-9]+', r['message'])[0]) for r in found if r['event'] == 'function_call' and r['function'].strip("'") == 'f']
        lost = summary['nodes'][0]['lost']
        assert summary['nodes'][0]['node'] == node.name and summary['nodes'][0]['final'] and calls == sorted(calls, reverse=True)
        assert calls and (lost or calls == list(range(300, 0, -1))), (len(calls), lost)
        assert queue == 50 or not lost
        assert (clock in run.err()) if clock else not re.search('clock|times', run.err())
        # all that the node made was written or is told as dropped
        per_turn = {'function_call': 2, 'function_return': 1, 'message_receive': 1, 'message_send': 2}
        for kind, n in per_turn.items():
            assert lost or sum(r['event'] == kind for r in found) == 300 * n + (kind == 'message_receive'), kind


def a_port_that_is_not_there():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        done = subprocess.run([BEAMTAP, 'run', '/dev/stdin', '--set', 'transport:port.address=127.0.0.1:%d' % s.getsockname()[1]],
                              input=b'[sink:csv]\npath = none.csv\n', cwd=folder, stderr=subprocess.PIPE)
    assert done.returncode == 1 and b'cannot connect to the trace port 127.0.0.1' in done.stderr, done
    for wrong in ('localhost', ':1', 'localhost:0', 'localhost:70000', '::1', 'a:b'):
        done = subprocess.run([BEAMTAP, 'run', '/dev/stdin', '--set', 'transport:port.address=' + wrong],
                              input=b'[sink:csv]\npath = none.csv\n', cwd=folder, stderr=subprocess.PIPE)
        assert done.returncode == 2 and b'HOST:PORT' in done.stderr, (wrong, done)


def what_another_server_sends_is_refused():
    for sent, want in ((b'HTTP/1.1 400\r\n\r\n', 'no message of a trace port'), (b'\0\0\0\0\x20abc', 'ended within a message')):
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            s.listen(1)
            run = Run('[transport:port]\naddress = 127.0.0.1:%d\n[sink:csv]\npath = trace.csv\n' % s.getsockname()[1])
            peer = s.accept()[0]
            peer.sendall(sent)
            peer.close()
            assert want in run.ended(1).err(), run.err()


ALIEN = b'\0\0\0\0\x15\x83h\x04d\x00\x09seq_tracea\1a\2a\3'  # of seq_trace


def peer_that_sends(*chunks, args=(), host='127.0.0.1'):
    with socket.create_server((host, 0), family=socket.AF_INET6 if ':' in host else socket.AF_INET) as s:
        address = '%s:%d' % ('[%s]' % host if ':' in host else host, s.getsockname()[1])
        run = Run('[transport:port]\naddress = %s\n[sink:csv]\npath = trace.csv\n' % address, '--json', *args)
        peer = s.accept()[0]
        try:
            for chunk in chunks:
                peer.sendall(chunk)
        except OSError:
            pass  # it was refused meanwhile
        peer.close()
        return run


def a_port_is_read_over_ipv6():
    calls = b''.join(port_message(i, 10**18 + i * 1000) for i in range(20))
    run = peer_that_sends(calls, host='::1').ended(0)
    invariant(run.summary())
    assert sum(r['event'] == 'function_call' for r in rows(run)) == 20, run.err()


class Silent:
    """An address that answers nothing: the queue of its listener is full, so that the kernel drops whoever comes."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(('127.0.0.1', 0))
        self.socket.listen(0)
        self.number = self.socket.getsockname()[1]
        self.others = [socket.socket() for _ in range(3)]
        for s in self.others:
            s.setblocking(False)
            s.connect_ex(('127.0.0.1', self.number))
        self.before = self.waiting()

    def waiting(self):
        with open('/proc/net/tcp') as f:
            lines = [line.split() for line in f]
        return sum(to.endswith(':%04X' % self.number) and state == '02' for _, _, to, state, *_ in lines[1:])

    def tried(self):
        return self.waiting() > self.before

    def close(self):
        for s in (self.socket, *self.others):
            s.close()


def addresses_that_do_not_answer():
    """All are tried at the same time, within connect_timeout, and an interrupt ends that at once; none keeps another that does answer."""
    silent = [Silent() for _ in range(4)]
    ini = '[transport:port]\naddress = %s\nconnect_timeout = %s\n[sink:csv]\npath = trace.csv\n'
    addresses = ', '.join('127.0.0.1:%d' % s.number for s in silent)
    began = time.time()
    run = Run(ini % (addresses, '4s')).ended(1)
    assert 4 <= time.time() - began < 16, time.time() - began  # one after the other would be 16
    for s in silent:
        assert 'cannot connect to the trace port 127.0.0.1:%d: Connection timed out' % s.number in run.err(), run.err()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        run = Run(ini % (addresses, '10m'), '--json')
        wait_for(lambda: all(s.tried() for s in silent), 'all to be tried')
        began = time.time()
        run.process.send_signal(signal_number)
        run.wait()
        assert time.time() - began < 5 and run.code == 0, (time.time() - began, run.code, run.err())
    with socket.create_server(('127.0.0.1', 0)) as s:
        run = Run(ini % (addresses + ', 127.0.0.1:%d' % s.getsockname()[1], '10m'), '--json', '--set', 'session.order=arrival')
        peer = s.accept()[0]
        peer.sendall(b''.join(port_message(i, 10**18 + i * 1000) for i in range(20)))
        wait_for(lambda: run.read('trace.csv').count('function_call') == 20, 'what the one that answers tells')
        run.interrupt().ended(0)
        invariant(run.summary())
        peer.close()
    for s in silent:
        s.close()


def what_comes_before_the_first_message_of_a_process():
    """It takes no memory, and it is told how much it was: in the order left out, dropped, in a file as live."""
    calls = b''.join(port_message(i, 10**18 + i * 1000) for i in range(20))
    front = ALIEN * 30000 + b'\1\0\0\0\7' + ALIEN + b'\1\0\0\0\5'
    with open(inside('front.dbg'), 'wb') as f:
        f.write(front + calls)
    found, err, summary = export('front.dbg')
    assert '30001 messages that are not of processes' in err and summary['nodes'][0]['lost'] == 12, (err, summary)
    run = peer_that_sends(front, calls).ended(0)
    live = run.summary()
    assert '30001 messages that are not of processes' in run.err() and live['nodes'][0]['lost'] == 12, (run.err(), live)
    for summary, events in (summary, found), (live, rows(run)):
        invariant(summary)
        assert sum(r['event'] == 'function_call' for r in events) == 20
        assert [r['message'] for r in events if r['event'] == 'lost'] == ['{12,queue}'], [r for r in events if r['event'] == 'lost']
    for sent, code, want in (((b'\1\0\0\x13\x88',), 1, '5000 messages that the port dropped'), ((ALIEN,), 0, 'told nothing of any process'),
                             ((b'\0\0\0\4\0' + b'\xff' * 1024,) * 4000, 1, 'no message of a trace port')):
        run = peer_that_sends(*sent).ended(code)
        assert want in run.err(), run.err()


def what_several_ports_tell_is_told_apart():
    with socket.socket() as s, socket.socket() as t:
        for listener in s, t:
            listener.bind(('127.0.0.1', 0))
            listener.listen(1)
        addresses = ['127.0.0.1:%d' % listener.getsockname()[1] for listener in (s, t)]
        run = Run('[transport:port]\naddress = %s\n[sink:stdout]\npath = out.txt\n[sink:record]\npath = a.btf\n' % ', '.join(addresses))
        for listener, name in (s, b'n@h'), (t, b'm@h'):
            peer = listener.accept()[0]
            peer.sendall(b''.join(port_message(i, 10**18 + i * 1000) for i in range(20)).replace(b'n@h', name))
            peer.close()
    run.ended(0)
    lines = run.read('out.txt').splitlines()
    assert sum('n@h' in line for line in lines) >= 20 and sum('m@h' in line for line in lines) >= 20, lines
    again = Run(None, 'a.btf', '--sink', 'stdout:path=again.txt', command='export', cwd=run.dir).ended(0)
    assert again.read('again.txt') == run.read('out.txt')


def a_port_is_read_up_to_max_events():
    calls = [port_message(i, 10**18 + i * 1000) for i in range(200)]
    run = peer_that_sends(ALIEN + b'\1\0\0\0\7' + b''.join(calls), args=('--set', 'session.max_events=120')).ended(0)
    summary, found = run.summary(), rows(run)
    invariant(summary)
    assert sum(r['event'] == 'function_call' for r in found) == 120 and 'max_events was reached' in run.err(), run.err()
    lost = {m[1]: int(m[0]) for m in (r['message'].strip('{}').split(',') for r in found if r['event'] == 'lost')}
    assert lost['queue'] == 7 and lost['limit'] <= 80, lost
    done = subprocess.run([BEAMTAP, 'check', '/dev/stdin', '--set', 'transport:port.address=h:1'], input='[sink:stdout]\n', text=True,
                          stdout=subprocess.PIPE, check=True)
    assert not re.search('^lease', done.stdout, re.M) and 'to its end' in done.stdout, done.stdout
    assert re.search('^limits +1M events a node, then no more of it is read$', done.stdout, re.M), done.stdout


tests(what_several_ports_tell_is_told_apart, a_port_is_read_up_to_max_events, ports_are_read_live, a_port_that_is_not_there, a_port_is_read_over_ipv6, addresses_that_do_not_answer, what_another_server_sends_is_refused, what_comes_before_the_first_message_of_a_process,
      whole_files_are_what_dbg_reads, pieces_are_one_trace, any_sink_plays_it, torn_and_damaged_ones_say_so, ttb_tells_names)

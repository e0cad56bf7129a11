"""What recordings and trace ports' files may hold that is rare, large or odd, and what is played of it."""
import io
from lib import *
from recordings import *


def played(files, *args, code=0):
    """These files, by name, through sinks; the folder, stderr and the sums."""
    folder = tempfile.mkdtemp(dir=work)
    for name, data in files.items():
        with open(os.path.join(folder, name), 'wb') as f:
            f.write(data)
    names = [name for name in files if not name.endswith('.ti')]
    done = subprocess.run([BEAMTAP, 'export', *names, *args, '--json'], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=PATIENCE)
    assert done.returncode == code, (done.returncode, done.stderr)
    summary = json.loads(done.stdout) if done.stdout else None
    if summary:
        invariant(summary)
    return folder, done.stderr.decode(), summary


def table(folder, name='out.csv'):
    with open(os.path.join(folder, name), newline='', encoding='utf-8') as f:
        return only_events(csv.DictReader(f))


def many_functions_whose_returns_were_traced():
    """Each with wildcards: whether a call has an end is not asked of all of them for each call."""
    f = io.BytesIO()
    r = Recording(f)
    f.seek(0), f.truncate()
    r.number = r.reports = 0
    returns = [('m*', 'f', 9)] + [('x*y%d' % i, '_', -1) for i in range(65000)]
    r.block(REPORTS, report((Atom('session'), {Atom('run'): RUN, Atom('started'): STARTED, Atom('events'): [Atom('function_call')],
                                               Atom('returns'): [(m, Atom(f), a) if f == '_' else (m, f, a) for m, f, a in returns]}), own=True))
    r.block(REPORTS, report((Atom('node'), 'n@h'), own=True) + report((Atom('node_up'), {Atom('offset'): STARTED, Atom('monotonic'): 0})))
    for i in range(200):
        r.calls(i * 500, 500, i * 10**6)
    r.end(100000)
    began = time.time()
    folder, _, summary = played({'a.btf': f.getvalue()}, '--sink', 'stdout:path=out.txt', '-o', 'out.folded')
    assert time.time() - began < 15, time.time() - began
    assert [s['written'] for s in summary['sinks']] == [100000, 100000], summary


def a_trace_port_may_say_any_time():
    """And its file may have been written at any, where it says none."""
    def untimed(number):
        body = b'\x83' + term((Atom('trace'), pid(100), Atom('call'), (Atom('m'), Atom('f'), [number])))
        return b'\0' + struct.pack('>I', len(body)) + body
    outputs = ('-o', 'out.csv', '-o', 'a.json', '-o', 'a.btf', '-o', 'a.html', '-o', 'a.folded', '--sink', 'stdout:path=out.txt', '--sink', 'summary:path=sum.txt')
    for ns in (10**6, 10**9, 2**62, 9 * 10**18, 2**63 - 10**6):
        folder, _, _ = played({'a.dbg': b''.join(port_message(i, ns + i * 1000) for i in range(20))}, *outputs)
        most = 2**62 - 1  # the core's
        assert [int(r['ts']) for r in table(folder)] == [min((ns // 1000 + i) * 1000, most) for i in range(20)], ns
        folder, _, _ = played({'a.dbg': b''.join(port_message(i, ns + i * 1000) for i in range(20))}, '-o', 'out.csv', '--from', '0s', '--to', '1h')
        again = subprocess.run([BEAMTAP, 'export', 'a.dbg', '-o', 'b.btf', '--quiet'], cwd=folder)
        began = int.from_bytes(re.search(rb'started(?:n\x08\0(.{8})|(?=[ab]))', open(folder + '/b.btf', 'rb').read(), re.S)[1] or b'', 'little')
        assert again.returncode == 0 and began <= 2**62, (ns, began)
    for name in ('a.dbg', '-'):
        folder = tempfile.mkdtemp(dir=work)
        with open(folder + '/a.dbg', 'wb') as f:
            f.write(b''.join(map(untimed, range(20))))
        os.utime(folder + '/a.dbg', (12 * 10**9, 12 * 10**9))
        with open(folder + '/a.dbg', 'rb') as f:
            done = subprocess.run([BEAMTAP, 'export', name, '-o', 'out.csv', '--quiet'], cwd=folder, stdin=f, stderr=subprocess.PIPE)
        assert done.returncode == 0 and {0 < int(r['ts']) <= 2**62 for r in table(folder)} == {True}, (done, table(folder)[:1])


def a_piece_without_a_process_does_not_refuse_the_others():
    """As of a wrapped set: of ports or of seq_trace alone, drops alone, or the beginning of a message."""
    other = b'\0\0\0\0\x15\x83h\x04d\x00\x09seq_tracea\1a\2a\3'
    calls = [b''.join(port_message(10 * i + k, STARTED + (10 * i + k) * 1000) for k in range(10)) for i in range(2)]
    for middle, code, lost, want in (
            (other * 3, 0, 0, '3 messages of others, 0 that the port dropped, 0 that'), (b'\1\0\0\0\5' * 2, 0, 10, '0 messages of others, 10 that'),
            (b'\0\0\0\0\x0a\x83h\x03' + b'\xff' * 7, 0, 1, '1 that cannot be read'), (calls[1][:30], 1, 0, 'ends within a message that begins at byte 0'),
            (other + calls[1][:30], 1, 0, 'ends within a message that begins at byte %d' % len(other))):
        for files in ({'x.0': calls[0], 'x.1': middle, 'x.2': calls[1]}, {'x.1': middle, 'x.0': calls[0], 'x.2': calls[1]},
                      {'x.0': calls[0], 'x.2': calls[1], 'x.1': middle}):
            folder, err, summary = played(files, '-o', 'out.csv', code=code)
            assert len([r for r in table(folder) if r['event'] == 'function_call']) == 20 and 'x.1 holds no message of a process and is passed over' in err and want in err, err
            assert [(n['node'], n['produced'], n['lost'], n['lives']) for n in summary['nodes']] == [('n@h', 20 + lost, lost, 1)], summary
        _, err, _ = played({'x.0': middle, 'x.1': b'', 'x.2': other}, '-o', 'out.csv', code=1)
        assert 'there is nothing to play in x.0 and the other files' in err, err


def what_is_nearly_too_large_has_a_frame_of_its_own():
    """A message of a trace port may be as large as a frame may be; none is made that nobody can read. And ttb may know a million processes."""
    def call(number, size, ns):
        body = b'\x83' + term((Atom('trace_ts'), pid(100), Atom('call'), (Atom('m'), Atom('f'), [number, 'x' * size]), (ns // 10**15, 5, 6)))
        return b'\0' + struct.pack('>I', len(body)) + body
    most = (64 << 20) - 256 - len(call(0, 0, STARTED)) + 5
    sizes = [100000, most, 30000, most, 20, 100000]
    calls = b''.join(call(i, size, STARTED) for i, size in enumerate(sizes))
    folder, _, summary = played({'a.dbg': calls}, '--sink', 'record:path=a.btf,queue=1G', '--sink', 'folded:path=a.folded,queue=1G')
    assert summary['nodes'][0]['produced'] == 6 and [s['written'] for s in summary['sinks']] == [6, 6], summary
    done = subprocess.run([BEAMTAP, 'export', 'a.btf', '--sink', 'folded:path=b.folded,queue=1G', '--json'], cwd=folder, stdout=subprocess.PIPE, check=True)
    assert [s['written'] for s in json.loads(done.stdout)['sinks']] == [6], done.stdout
    subprocess.run(['rm', '-r', folder])
    known = b'\x83' + term((Atom('pid'), (pid(100), (Atom('m'), Atom('f'), 3))))
    known = struct.pack('>B', len(known)) + known
    last = b'\x83' + term((Atom('pid'), (pid(100), Atom('last_name'))))
    folder, _, summary = played({'a': call(0, 100, STARTED), 'a.ti': known * ((63 << 20) // len(known)) + struct.pack('>B', len(last)) + last},
                                '-o', 'out.csv', '--set', 'sink:csv.columns=event,process')
    assert [r['process'] for r in table(folder) if r['event'] == 'function_call'] == ['last_name'], table(folder)


def check_says_what_is_so_of_a_recording():
    """No node is asked for anything: none is spared or paid for, and what is no event of Erlang/OTP's was not left out here."""
    ini = '[transport:file]\npath = a.btf\n[sink:stdout]\n'
    spec = '[filter:match_spec]\ntrace = m:f(N) when N > 3 -> return\nspec = send [{[\'_\',{x,\'$1\'}],[{\'>\',\'$1\',3}],[]}]\n'
    for text in (ini, ini + '[filter:modules]\nmodules = m\n', ini + spec, ini + '[session]\nevents = function_call, function_return, message_send\n'):
        done = subprocess.run([BEAMTAP, 'check', '/dev/stdin'], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        told = done.stdout.split('\n\n')[0]
        assert done.returncode == 0 and re.search('^processes +all$', told, re.M) and re.search('^duration +to its end$', told, re.M), done
        for wrong in ('without those', 'those to come', 'note', 'limits', 'lease', 'arity alone', 'filtered after', 'const', 'beamtap'):
            assert wrong not in told, (wrong, told)
        assert (re.search('^functions +all$', told, re.M) is None) == (text != ini and '[session]' not in text), told
        assert "{'>','$1',3}" in told or text != ini + spec, told
    live = subprocess.run([BEAMTAP, 'check', '/dev/stdin'], input='[session]\nnodes = a@b\n[sink:stdout]\n', stdout=subprocess.PIPE, text=True).stdout
    assert 'without those' in live and 'note' in live and 'lease' in live, live


tests(check_says_what_is_so_of_a_recording, what_is_nearly_too_large_has_a_frame_of_its_own, a_piece_without_a_process_does_not_refuse_the_others, a_trace_port_may_say_any_time, many_functions_whose_returns_were_traced)

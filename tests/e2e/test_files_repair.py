"""beamtap repair: what is not ours stays as it is, and one bad byte costs the event that it is in."""
import gzip, io, stat, zlib
from lib import *
from recordings import BLOCK, EVENTS, BLOOM, REPORTS, Atom, Recording, blocks, calls, report

random.seed(os.environ.get('SEED', '7'))
NOBODY = 65534
FILES = ('trace.json', 'array.json', 'trace.jsonl', 'trace.csv', 'few.csv', 'trace.json.gz', 'trace.csv.gz', 'trace.btf')
INI = """[session]
nodes = %s
events = function_call, function_return, message_send, message_receive
duration = 300ms
max_rate = 0
[filter:modules]
modules = e2e_storm
[sink:chrome]
path = trace.json
[sink:array]
plugin = chrome
path = array.pipe
[sink:stdout]
path = trace.jsonl
format = json
[sink:csv]
path = trace.csv
[sink:few]
plugin = csv
path = few.csv
columns = message, event, pid
[sink:packed]
plugin = chrome
path = trace.json.gz
[sink:packed_csv]
plugin = csv
path = trace.csv.gz
[sink:record]
path = trace.btf
"""
made = {}


def originals():
    """One of each kind of output, as bytes."""
    if made:
        return made
    compile_erlang('e2e_storm.erl')
    node = Node()
    node('e2e_storm:start(1)')
    # A busy machine hands events over in fewer and larger pieces.
    while not made or any(len(pieces(made[name])) < 4 for name in FILES if name.endswith('.gz')):
        folder = tempfile.mkdtemp(dir=work)
        os.mkfifo(folder + '/array.pipe', 0o600)
        reader = subprocess.Popen('exec cat array.pipe > array.json', shell=True, cwd=folder)
        started.append(reader)
        run = Run(INI % node.name, '--json', cwd=folder).ended(0)
        reader.wait(PATIENCE)
        for name in FILES:
            with open(run.path(name), 'rb') as f:
                made[name] = f.read()
    node.stop()
    return made


def pieces(data):
    """Where each piece of a packed file ends: behind a flush."""
    return [m.end() for m in re.finditer(re.escape(b'\0\0\xff\xff'), data)]


def put(name, data):
    path = os.path.join(tempfile.mkdtemp(dir=work), name)
    with open(path, 'wb') as f:
        f.write(data)
    return path


def get(path):
    with open(path, 'rb') as f:
        return f.read()


def repair(path, code=0):
    done = subprocess.run([BEAMTAP, 'repair', path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == code, (path, done)
    return done


def refused(path):
    """With a sentence, and not a byte of it is another one; nothing is left beside it."""
    before, inode, beside = get(path), os.stat(path).st_ino, os.listdir(os.path.dirname(path))
    done = repair(path, 1)
    assert not done.stdout and done.stderr.startswith('beamtap: cannot repair %s: ' % path), done
    assert get(path) == before and os.stat(path).st_ino == inode and os.listdir(os.path.dirname(path)) == beside
    return done.stderr


def lines(name, text):
    return (gzip.decompress(text) if name.endswith('.gz') else text).split(b'\n')


def what_is_not_ours_is_refused():
    event = {'ph': 'X', 'pid': 1, 'tid': 1, 'ts': 1.5, 'name': 'f'}
    foreign = {
        'pretty.json': json.dumps({'a': [1, 2, {'b': 3}], 'c': None}, indent=2),
        'package.json': json.dumps({'name': 'x', 'version': '1.0.0'}, indent=2) + '\n',
        'one_line.json': json.dumps({'a': 1}) + '\n',
        'array.json': '[\n  1,\n  2\n]\n',
        'objects.json': '[{"a":1},\n{"b":2}]\n',
        'their_array.json': json.dumps([event, event]),
        'their_trace.json': json.dumps({'displayTimeUnit': 'ns', 'traceEvents': [event]}),
        'like_ours.json': '{"displayTimeUnit":"ns","traceEvents":[\n' +
                          ',\n'.join(json.dumps({'name': 'f', **event}, separators=(',', ':')) for _ in range(9)) + '\n]}\n',
        'pretty_inside.json': '{"displayTimeUnit":"ns","traceEvents":[\n  {\n    "name": "f"\n  }\n]}\n',
        'log.jsonl': '{"ts":"2026-01-01T00:00:00Z","level":"info"}\n' * 5,
        'other.jsonl': '{"ts":"1700000000000000000","event":"login"}\n' * 5,
        'their.csv': 'id,name,message\n1,a,b\n2,c,d\n',
        'near.csv': 'event,message\nlogin,hello\nlogout,bye\n',
        'near2.csv': 'ts,message\n2026-01-01,hello\n2026-01-02,bye\n',
        'names.csv': 'module,function\nlists,map\n',
        'empty.json': '', 'empty.csv': '', 'empty.json.gz': '',
        'binary.json': b'\x7fELF\x02\x01\x01' + bytes(range(256)) * 10,
        'zeros.json': b'\0' * 5000,
        'text': 'hello\n', 'page.html': '<html>\n</html>\n',
        'foreign.json.gz': gzip.compress(json.dumps({'a': 1}, indent=2).encode()),
        'binary.gz': gzip.compress(bytes(range(256)) * 10),
        'no.gz': b'\x1f\x8b\x08\x00garbage',
        'frame.btf': b'BTF1\x01\x08' + b'\0' * 200,
    }
    for name, content in foreign.items():
        refused(put(name, content.encode() if isinstance(content, str) else content))
    folder = tempfile.mkdtemp(dir=work)
    os.mkfifo(folder + '/pipe')
    for path in (folder, folder + '/pipe', '/dev/null', folder + '/none'):
        assert 'cannot repair' in repair(path, 1).stderr


def zeros_behind_packed_data_are_nobodys():
    """What a crash of the machine leaves: unpacked they would be records that nobody wrote."""
    events = originals()['trace.json'].split(b'\n')[1:3]
    ours = b'{"displayTimeUnit":"ns","traceEvents":[\n' + b'\n'.join(events) + b'\n'
    for text in (ours, ours + b'{"a":1},\n' * 5):
        packer = zlib.compressobj(wbits=31)
        torn = packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH)
        for data in (torn, torn + bytes(100000), gzip.compress(text)):
            path = put('torn.json.gz', data)
            if text == ours:
                assert 'is repaired: 2 events, 0 bytes' in repair(path).stdout, data[-20:]
            else:
                assert "not events of beamtap's" in refused(path)
    whole = gzip.compress(ours[:-2] + b'\n]}\n')
    assert 'is repaired: 2 events' in repair(put('zeros.json.gz', whole + bytes(5000))).stdout
    assert 'is whole: 2 events' in repair(put('whole.json.gz', whole)).stdout


def what_is_whole_stays():
    for name, data in originals().items():
        path = put(name, data)
        inode = os.stat(path).st_ino
        told = repair(path).stdout
        assert 'is whole: ' in told and get(path) == data and os.stat(path).st_ino == inode, (name, told)


def one_bad_byte_costs_its_event():
    for name in ('trace.json', 'array.json', 'trace.jsonl', 'trace.csv', 'few.csv'):
        data = originals()[name]
        was = data.split(b'\n')
        assert len(was) > 200, name
        for number in (3, 50, len(was) // 2, len(was) - 60):
            begin = sum(len(line) + 1 for line in was[:number - 1])
            damaged = bytearray(data)
            damaged[begin + len(was[number - 1]) // 3] = 0xff
            path = put(name, bytes(damaged))
            told = repair(path).stdout
            now = get(path).split(b'\n')
            assert now == was[:number - 1] + was[number:], (name, number, told)
            [place] = re.findall(r'^%s: line (\d+), byte (\d+): (\d+) bytes are not an event' % re.escape(path), told, re.M)
            assert int(place[0]) == number and int(place[1]) == begin, (place, number, begin)
            assert 'repaired' in told and '1 places before' in told, told
            assert 'is whole' in repair(path).stdout


def a_quote_or_line_end_that_is_gone():
    """What parts rows and events is damaged: no more than what it parts is lost."""
    for name, byte, lost in (('trace.csv', b'"', 2), ('trace.csv', b'\n', 2), ('few.csv', b'"', 2), ('trace.json', b'\n', 0),
                             ('trace.jsonl', b'\n', 0), ('trace.json', b',\n', 0), ('trace.jsonl', b'"', 1)):
        data = originals()[name]
        was = data.split(b'\n')
        at = data.index(byte, len(data) // 2)
        path = put(name, data[:at] + b'x' + data[at + 1:])
        told = repair(path).stdout
        now = get(path).split(b'\n')
        missing = set(was) - set(now)
        assert len(missing) <= lost and not set(now) - set(was), (name, byte, told, missing)
        assert 'repaired' in told and 'is whole' in repair(path).stdout, told


def a_torn_end_and_a_bad_byte():
    for name in ('trace.json', 'array.json', 'trace.jsonl', 'trace.csv'):
        data = originals()[name]
        was = data.split(b'\n')
        damaged = bytearray(data[:data.index(was[-20]) + 7])
        damaged[data.index(was[100]) + 5] = 0
        path = put(name, bytes(damaged) + b'\0' * 4096)
        told = repair(path).stdout
        now = [line.rstrip(b',') for line in get(path).split(b'\n')]
        assert now[:len(was) - 21] == [line.rstrip(b',') for line in was[:100] + was[101:-20]], (name, told)
        assert re.search(r'[1-9]\d* bytes behind them cut off, 1 places before', told), told
        assert 'is whole' in repair(path).stdout


def damage_in_a_packed_file_costs_its_piece():
    for name in ('trace.json.gz', 'trace.csv.gz'):
        data = originals()[name]
        was = [line.rstrip(b',') for line in lines(name, data)]
        marks = pieces(data)
        for piece in (1, len(marks) // 2):
            for at in (marks[piece - 1] + 3, (marks[piece - 1] + marks[piece]) // 2, marks[piece] - 3):
                damaged = bytearray(data)
                damaged[at] ^= 0x55
                path = put(name, bytes(damaged))
                told = repair(path).stdout
                now = [line.rstrip(b',') for line in lines(name, get(path))]
                # What is before the piece, and what is behind it; one more piece where it was its end that was damaged.
                before = gzip_text(data[:marks[piece - 1]]).rstrip(b'\n').split(b'\n')
                behind = gzip_text(data[:marks[min(piece + (at == marks[piece] - 3), len(marks) - 1)]]).count(b'\n')
                keep = [line.rstrip(b',') for line in before]
                assert now[:len(keep) - 1] == keep[:-1], (name, piece, told)
                rest = [line for line in was[behind + 1:] if line]
                tail = [line for line in now if line][-len(rest):]
                wrong = [i for i, pair in enumerate(zip(tail, rest)) if pair[0] != pair[1]]
                assert not wrong, (name, piece, at, marks[piece - 1], marks[piece], len(rest), wrong[:5], len(wrong), tail[wrong[0]], rest[wrong[0]], told)
                assert 'repaired' in told and 'is whole' in repair(path).stdout, told


def gzip_text(data):
    import zlib
    return zlib.decompressobj(31).decompress(data)


def a_recording():
    data = originals()['trace.btf']
    parts = blocks(data)
    assert len(parts) > 6
    cut = data[:parts[-3][1] + 50]
    path = put('trace.btf', cut)
    told = repair(path).stdout
    assert get(path)[:parts[-3][1]] == data[:parts[-3][1]] and '50 bytes behind them cut off' in told, told
    number = [i for i, part in enumerate(parts) if part[0] == EVENTS][-1]
    begin, end = parts[number][1:]
    for wrong in (b'\0\0\0\1', b'\3\xff\xff\xff'):  # its length says something else, that of its first frame
        for at in (begin + 63, begin + BLOCK + 36):
            path = put('trace.btf', data[:at] + wrong + data[at + 4:])
            told = repair(path).stdout
            kept = b''.join(data[b[1]:b[2]] for b in parts[:number] + parts[number + 1:-2] if b[0] != BLOOM or b[1] < begin)
            assert get(path)[:len(kept)] == kept, told
            assert BLOOM not in [b[0] for b in blocks(get(path)[len(kept):])], 'it told of a block that is gone'
            assert 'block %d, byte %d: ' % (number + 1, begin) in told, told
        out = path + '.csv'
        Run(None, path, '--sink', 'csv:path=' + out, command='export', cwd=os.path.dirname(path)).ended(0)
        with open(out) as f:
            assert any(',lost,' in line for line in f), 'the loss is not told'


def made_recording(run='0123456789abcdef'):
    """300 calls, and reports behind each hundred."""
    file = io.BytesIO()
    r = Recording(file, run=run)
    for i in range(3):
        r.calls(100 * i, 100, 1000000 * i)
        r.block(REPORTS, report((Atom('log'), Atom('info'), 'hello'), 100 * (i + 1)))
    r.end(300)
    return file.getvalue()


def whole_events_behind_damaged_reports_are_not_cut_off():
    """What is behind cannot be played; it is not for beamtap to throw it away."""
    data = made_recording()
    parts = blocks(data)
    reports = [i for i, part in enumerate(parts) if part[0] == REPORTS]
    for number, behind, before in ((reports[0], 300, 0), (reports[2], 200, 100), (reports[3], 100, 200)):
        begin, end = parts[number][1:]
        for damaged in (data[:end - 3] + b'???' + data[end:], data[:begin] + data[end:] if number else None,
                        data[:end - 3] + b'???' + data[end:parts[-3][1]]):  # its bytes; all of it; and the file is torn
            if not damaged:
                continue
            path = put('trace.btf', damaged)
            told = refused(path)
            assert 'block %d (byte %d)' % (number + 1, begin) in told and ' %d events would be cut off' % behind in told, told
            assert ('the %d events before' % before in told) == (before > 0), told
            if before:
                out = path + '.csv'
                Run(None, path, '--sink', 'csv:path=' + out, command='export', cwd=os.path.dirname(path)).ended(1)
                with open(out) as f:
                    assert f.read().count(',function_call,') == before
    begin, end = parts[reports[-1]][1:]  # that of the end: no event is behind it
    path = put('trace.btf', data[:end - 3] + b'???' + data[end:])
    assert 'is repaired: 300 events' in repair(path).stdout
    begin, end = parts[reports[2]][1:]  # of another run: these are nobody's
    path = put('trace.btf', data[:begin] + made_recording('fedcba9876543210')[end:])
    assert 'is repaired: 100 events' in repair(path).stdout


def a_damage_is_one_however_long_it_is():
    file = io.BytesIO()
    r = Recording(file)
    r.calls(0, 100, 0)
    r.block(EVENTS, calls(100, 20000, 1000000, 10), 20000, r.started, r.started)
    r.calls(20100, 100, 2000000)
    r.calls(20200, 100, 3000000)
    r.calls(20300, 100, 4000000)
    r.end(20400)
    data = bytearray(file.getvalue())
    parts = blocks(bytes(data))
    assert parts[3][2] - parts[3][1] > 1 << 20
    data[parts[3][2] - 9] ^= 0x55
    data[parts[5][2] - 9] ^= 0x55
    told = repair(put('trace.btf', bytes(data))).stdout
    assert re.findall(r'block (\d+), byte (\d+): ', told) == [(str(i + 1), str(parts[i][1])) for i in (3, 5)], told
    frames = [report((Atom('session'), {Atom('run'): '0123456789abcdef'}), own=True), report((Atom('node'), 'n@h'), own=True)]
    frames += [calls(0, 100, 0, 10), calls(100, 20000, 1000000, 10)] + [calls(20100 + i, 1, 2000000, 10) for i in range(8)]
    where = [sum(map(len, frames[:i])) for i in range(len(frames))]
    data = bytearray(b''.join(frames))
    data[where[3]] = data[where[7]] = ord('?')  # where a frame's mark is gone nobody knows the end of the one before it
    told = repair(put('trace.btf', bytes(data))).stdout
    assert re.findall(r'frame (\d+), byte (\d+): ', told) == [('3', str(where[2])), ('6', str(where[6]))], told


def owner_mode_and_name_stay():
    for name, owner, mode in (('trace.csv', 0, 0o600), ('trace.csv', 0, 0o640), ('trace.csv', NOBODY, 0o644),
                              ('trace.csv.gz', 0, 0o640), ('trace.csv.gz', NOBODY, 0o600)):
        data = originals()[name]
        path = put(name, data[:-5])
        os.chown(path, owner, owner)
        os.chmod(path, mode)
        link = path + '.link'
        os.symlink(path, link)
        repair(link)
        now = os.stat(path)
        assert (now.st_uid, now.st_gid, stat.S_IMODE(now.st_mode)) == (owner, owner, mode)
        assert os.path.islink(link) and sorted(os.listdir(os.path.dirname(path))) == [name, name + '.link']
        assert name != 'trace.csv' or get(path) == data[:data[:-5].rindex(b'\n') + 1]


def a_full_disk_leaves_the_old_one():
    data = originals()['trace.json']
    path = put('trace.json', data[:-100])
    for limit in (0, len(data) // 2048):  # of what it may write, in blocks of 1,024 bytes
        done = subprocess.run(['bash', '-c', 'ulimit -f %d; exec "$0" repair "$1"' % limit, BEAMTAP, path],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 1 and 'it is as it was' in done.stderr, done
        assert get(path) == data[:-100] and os.listdir(os.path.dirname(path)) == ['trace.json']


FSYNC = '''
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
int fsync(int fd)
{
    struct stat st;
    if (getenv("AT_FSYNC_SIGNAL"))
        kill(getpid(), atoi(getenv("AT_FSYNC_SIGNAL")));
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
        return errno = EIO, -1;
    return (int)syscall(SYS_fsync, fd);
}
'''


def what_happens_as_it_takes_the_name():
    """A signal before it leaves the old file, and nothing beside it; a folder that cannot be synced after it is no reason to say
    that all is as it was."""
    source = os.path.join(work, 'fsync.c')
    with open(source, 'w') as f:
        f.write(FSYNC)
    subprocess.run(['cc', '-shared', '-fPIC', '-o', work + '/fsync.so', source], check=True)
    data = b'ts,event,message\n' + b'1,function_call,x\n' * 9
    for name in ('trace.csv', 'trace.csv.gz'):
        torn = data[:-3] if name == 'trace.csv' else gzip.compress(data)[:-9]
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            path = put(name, torn)
            done = subprocess.run([BEAMTAP, 'repair', path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  env=dict(os.environ, LD_PRELOAD=work + '/fsync.so', AT_FSYNC_SIGNAL=str(int(number))),
                                  preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))  # a test may run under nohup
            assert done.returncode == -number and not done.stdout, done
            assert get(path) == torn and os.listdir(os.path.dirname(path)) == [name], os.listdir(os.path.dirname(path))
        path = put(name, torn)
        done = subprocess.run([BEAMTAP, 'repair', path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=dict(os.environ, LD_PRELOAD=work + '/fsync.so'))
        assert done.returncode == 1 and 'is repaired: ' in done.stdout and 'is as it was' not in done.stderr, done
        assert 'its folder cannot be synced (Input/output error)' in done.stderr and 'is whole' in repair(path).stdout, done


def damage_takes_no_longer_than_the_file():
    """A quote that opens a cell without an end; what looks like the end of a packed piece again and again."""
    rows = b'message,event,pid\n' + b'"(1, 2)",function_call,<0.1.0>\n' * 20
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(rows) + packer.flush(zlib.Z_FULL_FLUSH)
    for name, data, events in (('few.csv', rows + b'"' + (b'x' * 999 + b'\n') * 160000 + rows[18:], 40),
                               ('few.csv.gz', packed + b'\0\0\xff\xff' * 250000 + b'\xff' * 70000, 20)):
        path = put(name, data)
        done = subprocess.run(['bash', '-c', 'ulimit -t 20; exec "$0" repair "$1"', BEAMTAP, path], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0 and 'is repaired: %d events' % events in done.stdout, (name, done)


def strangers_links_are_not_followed():
    """In /tmp and the like somebody else's link leads to a file of ours."""
    data = originals()['trace.csv']
    path = put('trace.csv', data[:-5])
    shared = tempfile.mkdtemp(dir=work)
    os.chmod(shared, 0o1777)
    link = shared + '/theirs.csv'
    os.symlink(path, link)
    os.lchown(link, NOBODY, NOBODY)
    done = repair(link, 1)
    assert 'is a link that another user made' in done.stderr and get(path) == data[:-5], done


tests(what_is_not_ours_is_refused, zeros_behind_packed_data_are_nobodys, what_is_whole_stays,
      one_bad_byte_costs_its_event, a_quote_or_line_end_that_is_gone, a_torn_end_and_a_bad_byte, damage_in_a_packed_file_costs_its_piece, a_recording,
      whole_events_behind_damaged_reports_are_not_cut_off, a_damage_is_one_however_long_it_is, owner_mode_and_name_stay,
      a_full_disk_leaves_the_old_one, what_happens_as_it_takes_the_name, damage_takes_no_longer_than_the_file, strangers_links_are_not_followed)

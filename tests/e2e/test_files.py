"""Files: whole whenever no write is under way, mended when torn, cut into parts when long."""
import csv, gzip, io, zlib
from lib import *

random.seed(os.environ.get('SEED', '7'))
KILLS = 50
HEADER = '{"displayTimeUnit":"ns","traceEvents":['
INI = """[session]
nodes = %s
events = function_call, function_return, message_send, message_receive
max_rate = 0
[filter:modules]
modules = e2e_storm
[sink:chrome]
path = trace.json
[sink:packed]
plugin = chrome
path = trace.json.gz
limit = 100
[sink:csv]
path = trace.csv
[sink:stdout]
path = trace.jsonl
format = json
"""
FILES = ('trace.json', 'trace.json.gz', 'trace.csv', 'trace.jsonl')


def text_of(path):
    """All that can be read of a file, packed or not, as bytes."""
    with open(path, 'rb') as f:
        data = f.read()
    if not path.endswith('.gz'):
        return data
    unpack, text, step = zlib.decompressobj(31), b'', 512
    at = 0
    while at < len(data):
        before = unpack.copy()
        try:
            text += unpack.decompress(data[at:at + step])
            at += step
        except zlib.error:  # here it is torn: what comes before, byte by byte
            if step == 1:
                break
            unpack, step = before, 1
    return text


def whole_events(path, text):
    """The whole events of a file that may be torn, found by another way than beamtap's: the lines, up to the first
    one that a strict parser refuses."""
    if '.csv' in path:
        rows = text.split(b'\n')[1:-1]  # no cell of this workload holds a line end
        return [r for r in rows if r.count(b',') >= 9]
    lines = [line.rstrip(b'\0').rstrip(b',') for line in text.split(b'\n')]
    lines = [line for line in lines if not line.startswith(HEADER.encode()) and not line.startswith(b']')]
    n = 0
    for step in (1000, 1):  # up to the first that is none
        while n < len(lines) and all_parse(lines[n:n + step]):
            n += step
    return lines[:n]


def all_parse(lines):
    try:
        strict('[' + ','.join(line.decode('utf-8') for line in lines) + ']')
        return all(line.startswith(b'{') and line.endswith(b'}') for line in lines)
    except ValueError:
        return False


def strict(text):
    """A strict parser: no NaN, no second value."""
    def constant(name):
        raise ValueError(name)
    return json.loads(text, parse_constant=constant)


def loaded(path):
    """The events of a file that is whole, read as its readers do, as lines."""
    with (gzip.open(path, 'rb') if path.endswith('.gz') else open(path, 'rb')) as f:
        text = f.read().decode('utf-8')
    lines = text.encode().split(b'\n')
    if '.csv' in path:
        assert all(len(r) == 11 for r in csv.reader(io.StringIO(text, newline=''))), path
        assert text.endswith('\n') or not text, path
        return lines[1:-1]
    if 'jsonl' in path:
        assert text.endswith('\n') or not text, path
        assert len(strict('[' + ','.join(text.split('\n')[:-1]) + ']')) == len(lines) - 1, path
        return lines[:-1]
    events = strict(text)['traceEvents']
    lines = [line.rstrip(b',') for line in lines[1:1 + len(events)]]
    assert all(line.startswith(b'{') for line in lines), path
    return lines


def repaired(path):
    done = subprocess.run([BEAMTAP, 'repair', path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, (path, done.stderr)
    return done.stdout


def refused(path, *words):
    """Not repaired, with a sentence, and not a byte of it is another one."""
    def there():
        with open(path, 'rb') as f:
            return f.read(), os.fstat(f.fileno()).st_ino, os.fstat(f.fileno()).st_mtime_ns
    before = there()
    done = subprocess.run([BEAMTAP, 'repair', path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and not done.stdout and there() == before, (path, done)
    assert 'cannot repair ' + path in done.stderr and done.stderr.count('\n') == 1, done.stderr
    assert all(word in done.stderr for word in words), (words, done.stderr)


def judged(path, least=None):
    """At once or after a repair, and no whole event is gone. `least`: the file holds these, and then what nobody knows.
    What ends before it says whose it is, is refused and left alone."""
    text = text_of(path)
    there = whole_events(path, text)
    try:
        whole = loaded(path) == there
    except (ValueError, AssertionError, EOFError, OSError, zlib.error):
        whole = False
    if not text or (not there and not whole):
        refused(path)
        return False, 0
    try:
        events, told = loaded(path), None
    except (ValueError, AssertionError, EOFError, OSError, zlib.error):
        events = None
    told = repaired(path)
    if least is None and events is not None and 'is whole' in told:
        assert events == there, path
    events = loaded(path)
    if least is not None:
        there, events = least, events[:len(least)]
    assert len(events) == len(there), (path, told, len(events), len(there), there[-1:], events[-1:])
    assert events == there, (path, told)
    assert 'is whole: %d events' % len(loaded(path)) in repaired(path), told  # a second time there is nothing to do
    return 'repaired' in told, len(events)


def free(node):
    """The module alone may stay, when the run was killed before its agent began: `beamtap clean` takes it away."""
    wait_for(lambda: node('[R || R <- e2e_node:residue(), element(1, R) =/= module]') == '[]', 'no tracing')


def killed_at_any_moment():
    """On nodes in turn: each keeps the lease of the run before for a while."""
    compile_erlang('e2e_storm.erl')
    nodes = [Node() for _ in range(4)]
    for node in nodes:
        node('e2e_storm:start(1)')
    torn, seen = 0, []
    for i in range(KILLS):
        node = nodes[i % len(nodes)]
        free(node)
        run = Run(INI % node.name, '--set', 'session.lease=2s')  # a node whose run is killed is free after it
        size = lambda: os.path.exists(run.path('trace.json')) and os.path.getsize(run.path('trace.json')) or 0
        least = 1 if i % 5 == 0 else 20_000 if i % 2 else 1000
        wait_for(lambda: size() >= least or run.process.poll() is not None, 'the first bytes')
        time.sleep(random.random() * 0.05)
        assert run.process.poll() is None, run.err()
        run.process.kill()
        run.process.wait()
        for name in FILES:
            if os.path.exists(run.path(name)):
                was_torn, n = judged(run.path(name))
                torn += was_torn
                seen.append(n)
                assert oct(os.stat(run.path(name)).st_mode & 0o777) == '0o600'
        for name in FILES:
            if os.path.exists(run.path(name)):
                os.unlink(run.path(name))
    for node in nodes:
        free(node)
        node.stop()
    print('# %d files, %d torn, %d without an event, the largest with %d' %
          (len(seen), torn, seen.count(0), max(seen)))
    assert len(seen) > 3 * KILLS and sum(n > 50 for n in seen) > 2 * KILLS, seen


def killed_over_an_old_file():
    """Where files of an earlier run are, a kill at any moment, early ones above all, leaves those or new ones, never some of both."""
    compile_erlang('e2e_storm.erl')
    node = Node()
    node('e2e_storm:start(1)')
    folder, old, kept = tempfile.mkdtemp(dir=work), None, 0
    for i in range(8):
        began = time.time_ns()
        run = Run(INI % node.name, '--set', 'session.lease=2s', cwd=folder)
        if i == 0:  # the first makes them
            wait_for(lambda: all(os.path.getsize(run.path(n)) > 20_000 for n in FILES), 'files')
        else:
            time.sleep(random.random() ** 4 * 0.4)  # its first write is in here
        assert run.process.poll() is None, run.err()
        run.process.kill()
        run.process.wait()
        data = {name: open(run.path(name), 'rb').read() for name in FILES}
        same = [name for name in FILES if old and data[name] == old[name]]
        kept += len(same)
        for name in FILES:
            if name not in same:
                judged(run.path(name))
        times = {'trace.csv': [int(line.split(b',')[0]) for line in loaded(run.path('trace.csv'))],
                 'trace.jsonl': [int(json.loads(line)['ts']) for line in loaded(run.path('trace.jsonl'))]}
        for name in times.keys() - set(same):
            assert all(t >= began for t in times[name]), 'some of the old are in ' + name
        old = {name: open(run.path(name), 'rb').read() for name in FILES}
        free(node)
    node.stop()
    print('# %d of %d files were as they had been' % (kept, 7 * len(FILES)))


def traced(seconds='400ms', more=''):
    node = Node()
    compile_erlang('e2e_storm.erl')
    node('e2e_storm:start(2)')
    run = Run(INI % node.name + more, '--json', '--set', 'session.duration=' + seconds).ended(0)
    node.stop()
    invariant(run.summary())
    return run


def cut_anywhere():
    """What no kill brings about reliably: every kind of torn end."""
    run = traced('300ms')
    mended = 0
    for name in FILES:
        with open(run.path(name), 'rb') as f:
            data = f.read()[:20_000 if name.endswith('.gz') else 100_000]
        path = run.path('cut.' + name)
        lengths = [0, 1, 2, 10, 39, 40, 41, 42, len(data) - 1] + [random.randrange(len(data)) for _ in range(30)]
        for n in lengths:
            # Behind a torn end a crash of the machine leaves zeros, and a short write what was there: an older end.
            for tail in (b'', b'\0' * 4096, b'\n]}\n'):
                if tail and (n < 200 or '.csv' in name or tail[0] and name != 'trace.json'):
                    continue
                with open(path, 'wb') as f:
                    f.write(data[:n] + tail)
                if n < 41 and ('.csv' in name or 'jsonl' in name or (name.endswith('.gz') and n > 0)):
                    continue  # not even its kind can be told
                if not tail and n >= 41:
                    bare = whole_events(path, text_of(path))
                # Behind packed data any bytes may unpack to something: what, nobody can say.
                mended += judged(path, bare if tail and name.endswith('.gz') else None)[0]
    assert mended > 100, mended


def what_is_no_output_is_left_alone():
    for content in (b'hello\n', b'\x7fELF', b'<html>'):
        with open(work + '/other.json', 'wb') as f:
            f.write(content)
        done = subprocess.run([BEAMTAP, 'repair', work + '/other.json'], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True)
        assert done.returncode == 1 and 'cannot repair' in done.stderr and not done.stdout, done
        with open(work + '/other.json', 'rb') as f:
            assert f.read() == content
    assert subprocess.run([BEAMTAP, 'repair', work + '/none'], stderr=subprocess.DEVNULL).returncode == 1
    assert subprocess.run([BEAMTAP, 'repair'], stderr=subprocess.DEVNULL).returncode == 2


def a_file_in_work_is_left_alone():
    node = Node()
    run = Run(INI % node.name)
    node.traced()
    done = subprocess.run([BEAMTAP, 'repair', run.path('trace.json')], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True)
    assert done.returncode == 1 and 'a run is writing it' in done.stderr, done
    run.interrupt()
    assert run.code == 0
    node.stop()


def parts_of(run, name, stem, ending):
    """The files of one sink in order, each a whole timeline."""
    names = [name] + ['%s.%d%s' % (stem, i, ending) for i in range(2, 10000)]
    parts = []
    for part in names:
        if not os.path.exists(run.path(part)):
            break
        with (gzip.open(run.path(part), 'rt') if part.endswith('.gz') else open(run.path(part))) as f:
            parts.append(strict(f.read()))
    return parts


def long_runs_are_cut_into_files():
    node = Node()
    compile_erlang('e2e_storm.erl')
    node('e2e_storm:start(2)')
    ini = """[session]
nodes = %s
events = function_call, function_return, message_send, message_receive
duration = 600ms
[filter:modules]
modules = e2e_storm
[sink:chrome]
path = trace.json
[sink:by_size]
plugin = chrome
path = sized.json
rotate_size = 100k
[sink:by_time]
plugin = chrome
path = timed.json.gz
rotate_time = 100ms
"""
    run = Run(ini % node.name, '--json').ended(0)
    node.stop()
    invariant(run.summary())
    [whole] = parts_of(run, 'trace.json', 'trace', '.json')
    drawn = lambda parts: sorted((e['tid'], e['ts'], e['ph'], e['name'], e.get('dur', 0)) for p in parts
                                 for e in p['traceEvents'] if e['ph'] in 'XBi')
    sized, timed = parts_of(run, 'sized.json', 'sized', '.json'), parts_of(run, 'timed.json.gz', 'timed', '.json.gz')
    assert len(sized) > 2 and len(timed) >= 4, (len(sized), len(timed))
    for parts in (sized, timed):
        assert drawn(parts) == drawn([whole])
        for number, part in enumerate(parts, 1):
            events, other = part['traceEvents'], part['otherData']
            assert other.get('part', 1) == number
            slices = [e for e in events if e['ph'] == 'X']
            assert other['slices'] == len(slices) and other['nodes'][0]['name'] == node.name
            assert other['arrows'] == sum(e['ph'] == 's' for e in events) == sum(e['ph'] == 'f' for e in events)
            named = {e['tid'] for e in events if e['name'] == 'thread_name'}
            assert {e['tid'] for e in slices} <= named, 'a track without a name'
            assert [e['args']['name'] for e in events if e['name'] == 'process_name'] == [node.name]
            starts = {(e['tid'], e['ts']) for e in slices}
            assert all((e['tid'], e['ts']) in starts for e in events if e['ph'] in 'sf'), 'an arrow on no slice'
    sizes = [os.path.getsize(run.path('sized.%d.json' % i)) for i in range(2, len(sized))]
    assert all(100 * 1024 <= s < 100 * 1024 + 3_000_000 for s in sizes), sizes  # a batch more, at most


tests(killed_at_any_moment, killed_over_an_old_file, cut_anywhere, what_is_no_output_is_left_alone, a_file_in_work_is_left_alone,
      long_runs_are_cut_into_files)

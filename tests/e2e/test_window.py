"""A stretch of a recording, however large that is; and what a damaged, torn or repaired one still gives: never an event that was
not in it, and what is missing is said or counted."""
import io
from lib import *
from recordings import *


def made(path, make):
    with open(path, 'wb') as f:
        make(Recording(f))
    return path


def small(index=True):
    """60 blocks of 50 calls, a millisecond between two of them, and reports in between."""
    def make(r):
        for i in range(60):
            if i % 7 == 0:
                r.block(REPORTS, report((Atom('process_info'), [(pid(100), [(Atom('name'), Atom('n%d' % i))])]), i * 50))
            r.calls(i * 50, 50, i * 50 * 10**6, 10**6)
        r.end(3000, index)
    f = io.BytesIO()
    make(Recording(f))
    return f.getvalue()


def numbers(path):
    """The argument of each call in the table."""
    with open(path, newline='', encoding='utf-8') as f:
        return [int(re.sub(r'[^0-9]', '', row['message'])) for row in csv.DictReader(f) if row['event'] == 'function_call']


def lost(path):
    with open(path, newline='', encoding='utf-8') as f:
        return sum(int(re.search(r'[0-9]+', row['message'])[0]) for row in csv.DictReader(f) if row['event'] == 'lost')


folder = tempfile.mkdtemp(dir=work)


def export(data, *args, code=None):
    """Of these bytes, or this file, into out.csv; stderr."""
    path = data if isinstance(data, str) else os.path.join(folder, 'in.btf')
    if not isinstance(data, str):
        with open(path, 'wb') as f:
            f.write(data)
    if os.path.exists(folder + '/out.csv'):
        os.unlink(folder + '/out.csv')
    done = subprocess.run([BEAMTAP, 'export', path, '--sink', 'csv:path=out.csv', '--json', *args], cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE)
    assert done.returncode in ((0, 1) if code is None else (code,)), (done.returncode, done.stderr)
    if done.stdout:
        invariant(json.loads(done.stdout))
    return done.stderr.decode()


def a_window_of_ten_gigabytes_opens_at_once():
    size, hole = 10 * 10**9, (128 << 10) - BLOCK
    path = os.path.join(folder, 'large.btf')

    def make(r):
        n, at = 0, 0
        while r.file.tell() < size:
            inside = abs(at - 5 * 10**12) < 2 * 10**9
            if inside:
                r.calls(n, 500, at, 10**5)
            else:  # 500 calls that nobody must look at
                r.block(EVENTS, b'', 500, STARTED + at, STARTED + at + 49900000, hole=hole)
            n += 500
            at += 5 * 10**7 if inside else 13 * 10**7
            if r.number % 100 == 0:
                r.block(REPORTS, report((Atom('clock'), Atom('undefined'), at, STARTED), n))
        r.end(n)
    made(path, make)
    assert os.path.getsize(path) >= size
    # By a small process of its own: a child's peak is at least its parent's.
    measure = ('import os, resource, sys; code = os.waitpid(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ), 0)[1]; '
               'u = resource.getrusage(resource.RUSAGE_CHILDREN); print(code, u.ru_utime + u.ru_stime, u.ru_maxrss)')
    told = [subprocess.run([sys.executable, '-S', '-c', measure, BEAMTAP, 'export', path, '--sink', 'csv:path=out.csv', '--quiet', '--from',
                            '5000.1s', '--to', '5000.2s'], cwd=folder, stdout=subprocess.PIPE, check=True).stdout.split() for _ in range(3)]
    assert all(code == b'0' for code, _, _ in told), told
    seconds, peaks = [float(t[1]) for t in told], [int(t[2]) for t in told]
    got = numbers(folder + '/out.csv')
    assert len(got) == 1000 and got == list(range(got[0], got[0] + 1000)) and not lost(folder + '/out.csv'), len(got)
    print('# a window of 10 GB: %.0f ms of CPU, %d KiB' % (min(seconds) * 1000, max(peaks)))
    assert min(seconds) < 0.1 and max(peaks) < 64 << 10, (seconds, peaks)
    os.unlink(path)


def a_window_is_the_same_with_and_without_an_index():
    whole = small()
    export(whole, code=0)
    assert numbers(folder + '/out.csv') == list(range(3000))
    for data in (whole, small(index=False)):
        for args, want in ((('--from', '1s', '--to', '1500ms'), range(1000, 1500)), (('--to', '20ms'), range(20)),
                           (('--from', '2999ms'), range(2999, 3000)), (('--from', '2023-11-14T22:13:22', '--to', '2023-11-14T22:13:22.5'), range(2000, 2500))):
            export(data, *args, code=0)
            assert numbers(folder + '/out.csv') == list(want) and not lost(folder + '/out.csv'), args
    with subprocess.Popen(['cat', folder + '/in.btf'], stdout=subprocess.PIPE) as cat:  # a pipe cannot be sought in
        subprocess.run([BEAMTAP, 'export', '-', '--sink', 'csv:path=out.csv', '--from', '1s', '--to', '1500ms'], cwd=folder, stdin=cat.stdout,
                       stdout=subprocess.DEVNULL, check=True)
    assert numbers(folder + '/out.csv') == list(range(1000, 1500))


def any_bit_may_be_wrong():
    whole = small()
    spots = [rand.randrange(len(whole)) for _ in range(20)] + [b[1] + rand.randrange(BLOCK) for b in blocks(whole)[2::6]]
    for at in spots:
        spoilt = bytearray(whole)
        spoilt[at] ^= 1 << rand.randrange(8)
        err = export(bytes(spoilt))
        hurt = next(b for b in blocks(whole) if b[1] <= at < b[2])
        if 'is not a recording' in err:
            assert hurt[1] < blocks(whole)[1][1], at
            continue
        got = numbers(folder + '/out.csv')
        if hurt[0] == EVENTS:
            assert 'are damaged' in err and len(got) + lost(folder + '/out.csv') == 3000 and len(got) == 2950, (at, hurt, err, len(got))
        elif hurt[0] == REPORTS:
            assert 'damaged' in err and got == list(range(len(got))), (at, err)
        else:
            assert got == list(range(3000)), (at, err)


def it_may_end_anywhere():
    whole = small()
    for at in sorted(rand.randrange(len(whole)) for _ in range(10)) + [b[1] for b in blocks(whole)[3::9]]:
        err = export(whole[:at])
        if 'is not a recording' in err:
            continue
        got = numbers(folder + '/out.csv')
        there = sum(50 for b in blocks(whole) if b[0] == EVENTS and b[2] <= at)
        assert got == list(range(there)), (at, len(got), there, err)
        assert there == 3000 or 'not recorded to its end' in err or 'within a block' in err, (at, err)


def it_may_end_in_what_is_passed_over():
    """A pipe as a file; what was read last is not taken for what is not there."""
    whole = small()
    for b in [b for b in blocks(whole) if b[0] == EVENTS][:40:13]:
        for at in (b[1] + BLOCK, b[1] + BLOCK + 1, b[1] + BLOCK + 500, b[2] - 1):
            with open(folder + '/in.btf', 'wb') as f:
                f.write(whole[:at])
            for pipe in (True, False):
                with subprocess.Popen(['cat', folder + '/in.btf'], stdout=subprocess.PIPE) as cat:
                    done = subprocess.run([BEAMTAP, 'export', '-' if pipe else 'in.btf', '--sink', 'csv:path=out.csv', '--from', '9s', '--quiet'],
                                          cwd=folder, stdin=cat.stdout, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
                assert done.returncode == 1 and 'the file ends within a block that begins at byte %d' % b[1] in done.stderr, (at, b, pipe, done)
                assert not numbers(folder + '/out.csv')


def what_is_of_another_place_is_left_out():
    whole = small()
    a, b = [b for b in blocks(whole) if b[0] == EVENTS][10:30:19]
    twice = whole[:b[1]] + whole[a[1]:a[2]] + whole[b[1]:]
    err = export(twice, code=1)
    assert 'are damaged' in err and numbers(folder + '/out.csv') == list(range(3000)), err
    missing = whole[:a[1]] + whole[a[2]:]
    export(missing)
    assert len(numbers(folder + '/out.csv')) == 2950 and lost(folder + '/out.csv') == 50


def another_run_in_damage_hides_nothing():
    """A block's head of another recording, as of a process that reads one, in bytes that do not hold: it says how long it is."""
    whole = small()
    hurt = [b for b in blocks(whole) if b[0] == EVENTS][10]
    for length in (1 << 19, 64, 0):  # over good blocks, or over none
        foreign = io.BytesIO()
        Recording(foreign).block(EVENTS, bytes(length), run='fedcba9876543210')
        head = foreign.getvalue()[-length - BLOCK:][:BLOCK]
        spoilt = bytearray(whole)
        spoilt[hurt[1] + BLOCK + 40:hurt[1] + 2 * BLOCK + 40] = head
        err = export(bytes(spoilt), code=1)
        got = numbers(folder + '/out.csv')
        assert len(got) == 2950 and lost(folder + '/out.csv') == 50 and 'damaged in 1 places' in err, (length, len(got), err)
        spoilt[hurt[1] + 8] ^= 1  # and the block's own head with it
        err = export(bytes(spoilt), code=1)
        got = numbers(folder + '/out.csv')
        assert len(got) == 2950 and lost(folder + '/out.csv') == 50 and 'damaged in 1 places' in err, (length, len(got), err)
        mended, told = repair(bytes(spoilt))
        assert '2950 events' in told and '1 places before (%d bytes) left out' % (hurt[2] - hurt[1]) in told, told
    # Bytes that went missing: the next block is nearer than the head says.
    err = export(whole[:hurt[1] + BLOCK + 100] + whole[hurt[1] + BLOCK + 200:], code=1)
    assert len(numbers(folder + '/out.csv')) == 2950 and lost(folder + '/out.csv') == 50, err


def damage_costs_no_more_than_its_bytes():
    """Heads of blocks that say each a length that they do not have, one after the other; what holds behind a few of them is there."""
    whole = small()
    first = next(b for b in blocks(whole) if b[0] == EVENTS)
    lies = io.BytesIO()
    r = Recording(lies)
    r.number, r.reports = 1 << 20, 3
    body = bytes(16 << 20)
    r.block(EVENTS, body, 50, STARTED, STARTED)
    head = lies.getvalue()[-len(body) - BLOCK:][:BLOCK]
    for data, some in ((whole[:first[1]] + head * 100000 + whole[first[1]:] + body, False), (whole[:first[1]] + head * 20 + whole[first[1]:] + body, True)):
        began = time.time()
        err = export(data, code=1)
        got = numbers(folder + '/out.csv')
        assert time.time() - began < 20 and 'damaged in' in err and got == list(range(3000 if some else len(got))), (time.time() - began, len(got), err)
        began = time.time()
        kept = repair(data)[1]
        assert time.time() - began < 20 and 'events' in kept, (time.time() - began, kept)


def damage_behind_what_was_passed_over_is_lost():
    for index in (True, False):
        whole = small(index)
        events = [b for b in blocks(whole) if b[0] == EVENTS]
        for hurt, at, most in ((20, BLOCK + 30, 50), (20, 8, 1050), (0, BLOCK + 30, 0)):
            spoilt = bytearray(whole)
            spoilt[events[hurt][1] + at] ^= 1
            export(bytes(spoilt), '--from', '2s')
            assert numbers(folder + '/out.csv') == list(range(2000, 3000))
            gone = lost(folder + '/out.csv')
            assert gone >= min(most, 50) and gone <= most, (index, hurt, at, gone)


def repair(data, code=0):
    path = os.path.join(folder, 'torn.btf')
    with open(path, 'wb') as f:
        f.write(data)
    done = subprocess.run([BEAMTAP, 'repair', path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
    assert done.returncode == code, done.stdout
    with open(path, 'rb') as f:
        return f.read(), done.stdout.decode()


def repaired_it_has_an_index():
    whole = small()
    assert repair(whole)[1].endswith('is whole: 3000 events\n')
    mended, told = repair(small(index=False))
    parts = blocks(whole)
    at = parts[-2][1]
    assert mended[:at] == whole[:at] and [b[1:] for b in blocks(mended)] == [b[1:] for b in parts], told
    assert 'is repaired: 3000 events' in told and mended[at + BLOCK:parts[-2][2]] == whole[at + BLOCK:parts[-2][2]], told
    cut = parts[40]
    mended, told = repair(whole[:cut[1] + 77])
    assert [b[0] for b in blocks(mended)][-2:] == [INDEX, END] and mended[:cut[1]] == whole[:cut[1]], told
    assert repair(mended)[1].rstrip().endswith('events') and 'is whole' in repair(mended)[1]
    err = export(mended, '--from', '1s', '--to', '1010ms')
    assert numbers(folder + '/out.csv') == list(range(1000, 1010)), err
    hurt = next(b for b in parts[20:] if b[0] == EVENTS)
    mended, told = repair(whole[:hurt[1] + 200] + b'xx' + whole[hurt[1] + 202:])
    assert '1 places before (%d bytes) left out' % (hurt[2] - hurt[1]) in told, told
    export(mended, code=0)
    assert len(numbers(folder + '/out.csv')) == 2950 and lost(folder + '/out.csv') == 50


def packed_it_is_the_same():
    export(small(), '--sink', 'record:path=packed.btf,compress=zstd', code=0)
    assert os.path.getsize(folder + '/packed.btf') < len(small()) / 3
    export(folder + '/packed.btf', code=0)
    assert numbers(folder + '/out.csv') == list(range(3000))
    export(folder + '/packed.btf', '--from', '1s', '--to', '1500ms', code=0)
    assert numbers(folder + '/out.csv') == list(range(1000, 1500))
    with open(folder + '/packed.btf', 'rb') as f:
        data = f.read()
    done = repair(data)[1]
    assert 'is whole: 3000 events' in done, done
    for _ in range(10):
        spoilt = bytearray(data)
        spoilt[rand.randrange(len(data))] ^= 1 << rand.randrange(8)
        err = export(bytes(spoilt))
        if 'is not a recording' not in err:
            got = numbers(folder + '/out.csv')
            assert set(got) <= set(range(3000)) and (len(got) == 3000 or 'damaged' in err), err


def around_an_event():
    path = os.path.join(folder, 'in.btf')
    with open(path, 'wb') as f:
        f.write(small())
    export(path, '--around', 'm:f(1700)', code=0)
    assert numbers(folder + '/out.csv') == list(range(700, 2701))
    export(path, '--around', 'm:f(N) when N > 1700, N rem 7 =:= 0', '--from', '10ms', '--to', '20ms', code=0)
    assert numbers(folder + '/out.csv') == list(range(1691, 1722))
    export(path, '--around', ':m.f(n) when n in 1700..1800 and rem(n, 7) == 0', '--from', '10ms', '--to', '20ms', code=0)
    assert numbers(folder + '/out.csv') == list(range(1691, 1722))
    assert 'nothing is like m:f(5000)' in export(path, '--around', 'm:f(5000)', code=1)
    assert 'not bound' in export(path, '--around', 'm:f(N) when M > 1', code=2)
    assert 'must be a file' in export('-', '--around', 'm:f(1)', code=2)


def around_what_cannot_be_judged():
    """Calls by their arity alone, or too large, are not what is looked for, as they are none for start_on."""
    def call(n):
        cut = {500: 1, 501: (Atom('$beamtap_cut'), 90000, 1)}.get(n)
        return pid(100), Atom('call'), (Atom('m'), Atom('f'), cut or [n]), n * 10**6
    path = os.path.join(folder, 'cut.btf')
    with open(path, 'wb') as f:
        r = Recording(f)
        for i in range(60):
            r.block(EVENTS, messages(i * 50, [call(n) for n in range(i * 50, i * 50 + 50)]), 50,
                    STARTED + i * 50 * 10**6, STARTED + (i * 50 + 49) * 10**6)
        r.end(3000)
    err = export(path, '--around', 'm:f(1700)', code=0)
    assert numbers(folder + '/out.csv') == list(range(700, 2701)) and 'of 2 up to about there it cannot be told' in err, err
    err = export(path, '--around', 'm:f(5000)', code=1)
    assert 'nothing is like m:f(5000) for certain; of 2 events it cannot be told' in err, err
    export(path, '--around', 'm:f/1', '--from', '0s', '--to', '0s', code=0)
    assert numbers(folder + '/out.csv') == [0]


def at_its_own_pace():
    began = time.monotonic()
    export(small(), '--pace', 'real', '--from', '0s', '--to', '1s', code=0)
    took = time.monotonic() - began
    assert numbers(folder + '/out.csv') == list(range(1000)) and took > 0.9, took


seed = random.randrange(1 << 30)
rand = random.Random(seed)
print('# seed %d' % seed)
tests(a_window_of_ten_gigabytes_opens_at_once, a_window_is_the_same_with_and_without_an_index, any_bit_may_be_wrong, it_may_end_anywhere,
      it_may_end_in_what_is_passed_over,
      what_is_of_another_place_is_left_out, another_run_in_damage_hides_nothing,
      damage_costs_no_more_than_its_bytes, damage_behind_what_was_passed_over_is_lost, repaired_it_has_an_index, packed_it_is_the_same,
      around_an_event, around_what_cannot_be_judged, at_its_own_pace)

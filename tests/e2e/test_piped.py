"""Recordings that come through pipes: their writers take their time, and may never come."""
import io
from lib import *
from recordings import *


def recording():
    f = io.BytesIO()
    r = Recording(f)
    for i in range(40):
        r.calls(i * 50, 50, i * 10**8)
    r.end(2000)
    return f.getvalue()


WHOLE = recording()
PART = [b for b in blocks(WHOLE) if b[0] == EVENTS][20][2]  # 1050 calls
PORT = b''.join(port_message(i, STARTED + i * 10**7) for i in range(500))


def folder_with(*pipes):
    folder = tempfile.mkdtemp(dir=work)
    for name in pipes:
        os.mkfifo(os.path.join(folder, name), 0o600)
    return folder


def calls_in(run):
    return [int(re.sub('[^0-9]', '', r['message'])) for r in rows(run, 'out.csv')]


def interrupted(run, code):
    began = time.time()
    run.interrupt()
    assert time.time() - began < 5 and run.code == code, (time.time() - began, run.code, run.err())


def a_writer_that_does_not_come():
    """The first signal ends what waits for it; no output is emptied."""
    silent, theirs = os.pipe()
    for command, args in (('export', ('-o', 'out.csv')), ('export', ('-o', 'out.csv', '--from', '1s')), ('info', ())):
        for path in ('in', '-'):
            folder = folder_with('in')
            with open(folder + '/out.csv', 'w') as f:
                f.write('an earlier one\n')
            with subprocess.Popen([BEAMTAP, command, path, *args], cwd=folder, env=env, stdin=silent if path == '-' else subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
                started.append(process)
                try:
                    wait_for(lambda: waits(process, folder, path), 'it reads')
                    began = time.time()
                    process.send_signal(signal.SIGINT)
                    err = process.communicate(timeout=PATIENCE)[1]
                finally:
                    process.kill()
            assert time.time() - began < 5 and process.returncode == 1, (command, path, process.returncode, err)
            assert path + ': nobody wrote a recording to this pipe until the run was ended' in err, err
            with open(folder + '/out.csv') as f:
                assert f.read() == 'an earlier one\n'
    os.close(silent), os.close(theirs)


def waits(process, folder, path):
    """Signals are taken by who waits for them, and the pipe is open."""
    with open('/proc/%d/status' % process.pid) as f:
        blocked = int(re.search(r'SigBlk:\s*(\w+)', f.read())[1], 16)
    pipe = os.stat(os.path.join(folder, path)) if path != '-' else None  # by what it is: a folder may be in two places
    for fd in os.listdir('/proc/%d/fd' % process.pid):
        try:
            if not pipe or os.path.samestat(os.stat('/proc/%d/fd/%s' % (process.pid, fd)), pipe):
                return blocked & 1 << signal.SIGINT - 1
        except OSError:
            continue
    return False


def a_writer_that_falls_silent():
    """What came is written meanwhile; a signal ends the run at once and in peace, and more that comes is played."""
    for data, part, n, m in ((WHOLE, PART, 1050, 2000), (WHOLE, PART + 200, 1050, 2000), (PORT, len(PORT) // 2, 200, 500)):
        for goes_on in (False, True):
            run = Run(None, 'in', '-o', 'out.csv', command='export', cwd=folder_with('in'))
            with open(run.path('in'), 'wb', buffering=0) as pipe:
                pipe.write(data[:part])
                if data == PORT:  # the core keeps it for its order
                    time.sleep(1)
                else:
                    wait_for(lambda: len(calls_in(run)) >= n, 'what came')
                if goes_on:
                    pipe.write(data[part:])
                else:
                    interrupted(run, 0)
            run.ended(0)
            got = calls_in(run)
            assert got == list(range(len(got))) and n <= len(got) <= m and (len(got) == m) == goes_on, (len(got), goes_on, run.err())


def one_that_waits_does_not_hold_a_signal_from_others():
    """Of several, one of which is a pipe."""
    run = Run(None, 'in', 'file.btf', '-o', 'out.csv', command='export', cwd=folder_with('in'))
    with open(run.path('file.btf'), 'wb') as f:
        f.write(WHOLE.replace(b'n@h', b'm@h'))
    wait_for(lambda: waits(run.process, run.dir, 'in'), 'it reads')
    interrupted(run, 1)


def one_pipe_is_one_recording():
    """Given twice, each would get a part of what is in it. Nothing of it is read."""
    folder = folder_with('in')
    os.link(folder + '/in', folder + '/link')
    for files, source in ((('-', '-'), subprocess.PIPE), (('-', '/dev/stdin'), subprocess.PIPE), (('in', 'in'), subprocess.DEVNULL),
                          (('in', 'a.btf', './in'), subprocess.DEVNULL), (('in', 'link'), subprocess.DEVNULL)):
        with open(folder + '/a.btf', 'wb') as f:
            f.write(WHOLE)
        done = subprocess.run([BEAMTAP, 'export', *files, '-o', 'out.csv'], cwd=folder, stderr=subprocess.PIPE, text=True, timeout=PATIENCE,
                              **{'input': 'x'} if source == subprocess.PIPE else {'stdin': source})
        assert done.returncode == 2 and re.search('%s is given twice .as %s' % (re.escape(files[-1]), re.escape(files[0])), done.stderr), (files, done)
        assert not os.path.exists(folder + '/out.csv')


tests(one_pipe_is_one_recording, a_writer_that_does_not_come, a_writer_that_falls_silent, one_that_waits_does_not_hold_a_signal_from_others)

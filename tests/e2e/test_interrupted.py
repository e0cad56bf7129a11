"""What is interrupted while it reads a recording has seen a part of it, and says so: it is no answer."""
import threading
from lib import *
from recordings import *


class Stream:
    """A named pipe that somebody reads: what is written goes on and on."""

    def __init__(self, path):
        self.fd, self.at = os.open(path, os.O_WRONLY), 0

    def write(self, data):
        self.at += len(data)
        while data:
            data = data[os.write(self.fd, data):]

    def tell(self):
        return self.at


def feed(path, process, frames):
    """A recording without an end, into the pipe; in the midst of it beamtap gets a signal."""
    r = Recording(Stream(path))
    try:
        for i in range(100 * frames):
            r.calls(100 * i, 100, i * 10**6)
            if i == frames:
                process.send_signal(signal.SIGINT)
            if i >= frames:
                time.sleep(0.005)
    except BrokenPipeError:
        pass
    os.close(r.file.fd)


def interrupted(command, *args):
    folder = tempfile.mkdtemp(dir=work)
    os.mkfifo(folder + '/pipe')
    run = Run(None, 'pipe', *args, command=command, cwd=folder)
    writer = threading.Thread(target=feed, args=(folder + '/pipe', run.process, 300), daemon=True)
    writer.start()
    run.wait()
    return run


def info_says_that_it_is_a_part():
    run = interrupted('info', '--json')
    told = json.loads(run.out())
    assert run.code == 1 and told['interrupted'] and told['events']['function_call']['events'] >= 10000, (run.code, told, run.err())
    assert 'interrupted: only a part' in run.err() and not told['nodes'][0]['exact'], (run.err(), told)
    run = interrupted('info')
    assert run.code == 1 and run.out().startswith('interrupted    only a part was read') and ', as far as it was read' in run.out(), run.out()
    assert 'its end is not in the recording' not in run.out(), run.out()
    with open(os.path.join(work, 'whole.btf'), 'wb') as f:
        r = Recording(f)
        r.calls(0, 100, 0)
        r.end(100)
    told = json.loads(Run(None, os.path.join(work, 'whole.btf'), '--json', command='info').ended(0).out())
    assert told['interrupted'] is False and told['events']['function_call']['events'] == 100, told


def a_search_says_that_it_has_not_looked_at_all():
    run = interrupted('export', '--around', 'm:f(never)', '-o', 'out.csv')
    assert run.code == 1 and 'interrupted before pipe was looked through' in run.err(), (run.code, run.err())
    assert 'nothing is like' not in run.err() and not os.path.exists(run.path('out.csv')), run.err()


tests(info_says_that_it_is_a_part, a_search_says_that_it_has_not_looked_at_all)

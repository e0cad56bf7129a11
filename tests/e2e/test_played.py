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


tests(many_functions_whose_returns_were_traced)

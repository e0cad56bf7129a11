"""What a run told as lost, and of which life of a node, its recording tells too: the same rows and figures, of recordings made by
hand, frame for frame."""
from lib import *
from recordings import *

MS = 10**6


def said(t, seq=0, node=0, own=True):
    body = b'\x83' + term(t)
    return frame(CONTROL | OWN * own, struct.pack('>I', len(body)) + body, seq, node=node)


def call(seq, ns, module='m', node=0, size=0):
    body = b'\x83' + term((Atom('trace_ts'), pid(100), Atom('call'), (Atom('m' if size else module), Atom('f'), [seq] + ['x' * size] * bool(size)), ns))
    return frame(0, struct.pack('>I', len(body)) + body, seq, node=node)


def up(node=0):
    return said((Atom('node_up'), {Atom('release'): '25', Atom('offset'): STARTED, Atom('monotonic'): 0}), node=node, own=False)


def down(seq, node=0, reason=0):
    return said((Atom('node_down'), reason), seq, node)


def lost(seq, n, why):
    return frame(0, b'', seq, count=0, lost=n, why=why)


def recording(name, *nodes, frames):
    """Of these nodes, which are numbered in their order."""
    path = os.path.join(work, name)
    with open(path, 'wb') as f:
        f.write(said((Atom('session'), {Atom('version'): '0', Atom('run'): RUN, Atom('started'): STARTED, Atom('several_nodes'): Atom('true'),
                                        Atom('events'): [Atom('function_call')], Atom('config'): ''})))
        for index, node in enumerate(nodes):
            f.write(said((Atom('node'), node), node=index))
        for some in frames:
            f.write(some)
    return path


def played(path, more=''):
    run = Run('%s\n[transport:file]\npath = %s\n[sink:csv]\npath = trace.csv\n[sink:record]\npath = run.btf\n' % (more, path), '--json').ended(0)
    invariant(run.summary())
    return run


def told(run):
    """The rows, but for what the calls of others came to; and each node's figures."""
    return (run.read('trace.csv'), [{k: n[k] for k in ('node', 'state', 'lost')} for n in run.summary()['nodes']])


def losses_with_a_left_out_event_between_them_stay_two():
    path = recording('two_losses.btf', 'n@h', frames=[
        up(), call(0, MS), lost(4, 3, 2), call(4, 2 * MS, 'other'), lost(9, 4, 2), call(9, 3 * MS), down(10)])
    run = played(path, '[filter:modules]\nmodules = m')
    again = played(run.path('run.btf'))
    assert re.findall(r',lost,.*{(\d+),', run.read('trace.csv')) == ['3', '4'], run.read('trace.csv')
    assert run.read('trace.csv') == again.read('trace.csv'), (run.read('trace.csv'), again.read('trace.csv'))


tests(losses_with_a_left_out_event_between_them_stay_two)

"""What a run told as lost, and of which life of a node, its recording tells too: the same rows and figures, of recordings made by
hand, frame for frame."""
from lib import *
from recordings import *

MS = 10**6


def call(seq, ns, module='m', node=0, function='f', args=()):
    body = b'\x83' + term((Atom('trace_ts'), pid(100), Atom('call'), (Atom(module), Atom(function), [seq, *args]), ns))
    return frame(0, struct.pack('>I', len(body)) + body, seq, node=node)


def up(node=0, ms=0):
    return report((Atom('node_up'), {Atom('release'): '25', Atom('offset'): STARTED, Atom('monotonic'): ms * MS}), node=node)


def down(seq, node=0, reason=0):
    return report((Atom('node_down'), reason), seq, own=True, node=node)


def lost(seq, n, why):
    return frame(0, b'', seq, count=0, lost=n, why=why)


def recording(name, *nodes, frames):
    """Of these nodes, which are numbered in their order."""
    path = os.path.join(work, name)
    with open(path, 'wb') as f:
        f.write(report((Atom('session'), {Atom('version'): '0', Atom('run'): RUN, Atom('started'): STARTED, Atom('several_nodes'): Atom('true'),
                                          Atom('events'): [Atom('function_call')], Atom('config'): ''}), own=True))
        for index, node in enumerate(nodes):
            f.write(report((Atom('node'), node), own=True, node=index))
        for some in frames:
            f.write(some)
    return path


def played(path, more=''):
    run = Run('%s\n[transport:file]\npath = %s\n[sink:csv]\npath = trace.csv\n[sink:record]\npath = run.btf\n' % (more, path), '--json').ended(0)
    invariant(run.summary())
    return run


def same(run):
    """Its recording, with the same rows; those of losses: (node, number, reason)."""
    again = played(run.path('run.btf'))
    one, two = run.read('trace.csv'), again.read('trace.csv')
    assert one == two, [(a, b) for a, b in zip(one.splitlines(), two.splitlines()) if a != b][:3] or (len(one), len(two))
    return [(r['node'], *re.findall(r'\w+', r['message'])) for r in rows(run) if r['event'] == 'lost'], again


def losses_with_a_left_out_event_between_them_stay_two():
    path = recording('two_losses.btf', 'n@h', frames=[
        up(), call(0, MS), lost(4, 3, 2), call(4, 2 * MS, 'other'), lost(9, 4, 2), call(9, 3 * MS), down(10)])
    found, _ = same(played(path, '[filter:modules]\nmodules = m'))
    assert found == [('n@h', '3', 'queue'), ('n@h', '4', 'queue')], found


KEEP = '[session]\nstart_on = m:go/1\nkeep = 60s\nkeep_memory = 1M\n'


def many(count, node=0, ms=0, reports=True):
    """Calls of more bytes than fit into keep_memory, and reports in between, which go to the sinks at once; then a loss."""
    for i in range(count):
        yield call(i, (ms + i) * MS, node=node, args=['x' * 200])
        if reports and i % 500 == 0:
            yield report((Atom('process_info'), [(pid(k), [(Atom('name'), Atom('n%d_%d' % (i, k)))]) for k in range(100, 300)]), i + 1, node=node)


def what_keep_had_no_room_for_is_lost_in_the_recording_too():
    frames = [up(), *many(8000), lost(8005, 5, 2), *(call(n, n * MS) for n in range(8005, 16000)), call(16000, 16000 * MS, function='go'), down(16001)]
    run = played(recording('keep.btf', 'n@h', frames=frames), KEEP)
    found, again = same(run)
    assert [f[0::2] for f in found] == [('n@h', 'queue'), ('n@h', 'keep')] and int(found[1][1]) > 4000, found
    assert again.summary()['nodes'][0]['lost'] == 5 + int(found[1][1]), again.summary()


def a_node_that_was_never_traced_stays_one():
    frames = [up(), call(0, MS), report((Atom('at'), STARTED + 2 * MS), own=True, node=1), down(0, node=1, reason=1), down(1)]
    run = played(recording('never.btf', 'n@h', 'nowhere@h', frames=frames))
    same(run)
    assert re.search(r'nowhere@h: failed, never traced$', run.err(), re.M) and 'lost during' not in run.err(), run.err()
    assert [(n['node'], n['state'], n['lives']) for n in run.summary()['nodes']] == [('n@h', 'done', 1), ('nowhere@h', 'failed', 0)]


def of_a_node_that_is_only_named_nothing_is_said():
    """As in the recording of a run that had one node under two names: the second has its place among the nodes, and no end."""
    for names, own in ((('alias@h', 'n@h'), 1), (('n@h', 'alias@h'), 0)):
        run = played(recording('named.btf', *names, frames=[up(own), call(0, MS, node=own), down(1, own)]))
        same(run)
        assert 'alias@h' not in run.read('trace.csv') + run.err() + run.out(), (run.read('trace.csv'), run.err())
        assert [(n['node'], n['state'], n['lives']) for n in run.summary()['nodes']] == [('n@h', 'done', 1)], run.out()


def what_a_node_lost_that_has_ended_is_told_before_its_end():
    """There was no room for its last event either; and in its next life, or in another node's, the window opens."""
    for next_life in (False, True):
        node = 0 if next_life else 1
        frames = [up(), *many(8000), down(8000), up(node, 8000), *many(8000, node, 8000), call(8000, 16000 * MS, node=node, function='go'), down(8001, node)]
        run = played(recording('ended.btf', *['n@h', 'm@h'][:node + 1], frames=frames), KEEP)
        seen = [(r['node'], r['event']) for r in csv.DictReader(open(run.path('trace.csv'), encoding='utf-8'))]
        assert seen.index(('n@h', 'node_up')) < seen.index(('n@h', 'lost')) < seen.index(('n@h', 'node_down')), seen[:40]
        found, again = same(run)
        assert sum(int(f[1]) for f in found) == run.summary()['sinks'][0]['lost'] > 12000, (found, run.err())
        assert sum(n['lost'] for n in again.summary()['nodes']) == run.summary()['sinks'][0]['lost'], again.err()
        lives = [[(n['node'], n['state'], n['lives']) for n in r.summary()['nodes']] for r in (run, again)]
        assert lives[0] == lives[1], lives


tests(losses_with_a_left_out_event_between_them_stay_two, what_keep_had_no_room_for_is_lost_in_the_recording_too,
      a_node_that_was_never_traced_stays_one, of_a_node_that_is_only_named_nothing_is_said,
      what_a_node_lost_that_has_ended_is_told_before_its_end)

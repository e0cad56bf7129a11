"""Several recordings as one: in the order of their nodes' clocks, with nodes that are in more than one of them; the sums hold
for what comes of it, and what is wrong with one file does not stop the others."""
import shutil
from lib import *
from recordings import *

MS = 10**6
folder = tempfile.mkdtemp(dir=work)


def inside(name):
    return os.path.join(folder, name)


def make(name, node, count, begin=0, step=2 * MS, clock=0, end=True, run=None, blocks=slice(None)):
    """Calls number 0, 1, ... of this node, 50 a block, `begin` behind STARTED and so long after each other; or some of these blocks."""
    with open(inside(name), 'wb') as f:
        r = Recording(f, node, STARTED + begin, clock, run or '%016x' % (1 + sum(name.encode())))
        for i in range(0, count, 50)[blocks]:
            r.block(EVENTS, calls(i, 50, i * step - clock, step), 50, STARTED + begin + i * step,
                    STARTED + begin + (i + 49) * step)
        if end:
            r.end(count)
    return name


def export(*files, code=0, args=()):
    done = subprocess.run([BEAMTAP, 'export', *files, '-o', 'out.csv', '--json', *args], cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE)
    assert done.returncode == code, (done.returncode, done.stderr)
    summary = json.loads(done.stdout) if done.stdout else {}
    if summary:
        invariant(summary)
    with open(inside('out.csv'), newline='', encoding='utf-8') as f:
        return only_events(csv.DictReader(f)), done.stderr.decode(), summary


def by_node(found):
    nodes = {}
    for r in found:
        nodes.setdefault(r['node'], []).append(int(re.sub('[^0-9]', '', r['message'])))
    return nodes


def in_order(found):
    times = [int(r['ts']) for r in found]
    return times == sorted(times)


def nodes_are_brought_into_one_order():
    a = make('a.btf', 'a@h', 3000)
    for clock in (0, 5 * 10**9, 86400 * 10**9):  # how far the nodes' own clocks are from each other
        b = make('b.btf', 'b@h', 3000, begin=MS, clock=clock)
        c = make('c.btf', 'c@h', 50, begin=3 * 10**9 + 500000, step=100, clock=clock)
        found, _, summary = export(a, b, c)
        assert by_node(found) == {'a@h': list(range(3000)), 'b@h': list(range(3000)), 'c@h': list(range(50))} and in_order(found), clock
        assert [r['node'] for r in found if r['node'] != 'c@h'] == ['a@h', 'b@h'] * 3000, clock
        assert sum(n['produced'] for n in summary['nodes']) == 6050 and summary['sinks'][0]['written'] == 6050
        again, _, _ = export(c, b, a)
        assert [dict(r, flow='') for r in again] == [dict(r, flow='') for r in found]


def what_is_merged_is_a_recording_like_any_other():
    a, b = make('a.btf', 'a@h', 1000), make('b.btf', 'b@h', 1000, begin=MS)
    found, _, _ = export(a, b, args=('-o', 'both.btf', '-o', 'both.json', '-o', 'both.jsonl'))
    again, _, _ = export('both.btf')
    assert again == found
    for node in 'a@h', 'b@h':
        subprocess.run([BEAMTAP, 'export', 'both.btf', '-o', 'only_%s.btf' % node[0], '--node', node, '--quiet'], cwd=folder, check=True)
    split, _, _ = export('only_a.btf', 'only_b.btf')
    assert split == found, [x for x in zip(split, found) if x[0] != x[1]][:2]
    # By what they were asked for, as two sinks of one run; and one that has less besides.
    for name, spec in (('odd', 'm:f(N) when N rem 2 =:= 1'), ('even', 'm:f(N) when N rem 2 =:= 0'), ('few', 'm:f(N) when N rem 7 =:= 0')):
        subprocess.run([BEAMTAP, 'export', 'both.btf', '-o', name + '.btf', '--set', 'filter:match_spec.trace=' + spec, '--quiet'], cwd=folder, check=True)
    for files in (('odd.btf', 'even.btf'), ('few.btf', 'even.btf', 'odd.btf'), ('even.btf', 'both.btf')):
        joined, err, summary = export(*files)
        assert joined == found and not any(n['lost'] for n in summary['nodes']) and len(summary['nodes']) == 2, (files, err)
    some, _, summary = export('odd.btf', 'few.btf')
    assert by_node(some)['a@h'] == [n for n in range(1000) if n % 2 or n % 7 == 0] and not any(n['lost'] for n in summary['nodes'])
    part, _, _ = export(a, b, args=('--from', '1s', '--to', '1100ms'))
    assert part == [r for r in found if STARTED + 1000 * MS <= int(r['ts']) < STARTED + 1100 * MS] and len(part) == 100
    only, _, _ = export(a, b, args=('--node', 'b@h'))
    assert by_node(only) == {'b@h': list(range(1000))}
    around, _, _ = export(a, b, args=('--around', 'm:f(700)', '--from', '10ms', '--to', '10ms'))
    assert in_order(around) and set(by_node(around)) == {'a@h', 'b@h'} and 700 in by_node(around)['a@h']


def what_two_files_of_a_run_have_is_told_once_and_said():
    a, b = make('a.btf', 'a@h', 1000), make('b.btf', 'b@h', 1000, begin=MS)
    alone, err, _ = export(a, b)
    assert 'told once' not in err, err
    for copy in ('copy.btf', 'another.btf'):
        shutil.copy(inside(a), inside(copy))
    found, err, summary = export(a, 'copy.btf', b)
    assert found == alone and sum(n['produced'] for n in summary['nodes']) == summary['sinks'][0]['written'] == 2000
    assert err.count('told once') == 1 and re.search(r'copy\.btf is a copy of another of the files, .* all of its 1000 events', err), err
    _, err, _ = export(a, 'copy.btf', 'another.btf')
    assert err.count('is a copy of another') == 2, err
    subprocess.run([BEAMTAP, 'export', a, '-o', 'first.btf', '--to', '1200ms', '--quiet'], cwd=folder, check=True)
    found, err, _ = export(a, 'first.btf')
    assert [r['message'] for r in found] == [r['message'] for r in alone if r['node'] == 'a@h']
    assert err.count('told once') == 1 and '600 times an event came that another of the files had already' in err, err


def one_run_after_the_other_is_one_node():
    early, late = make('early.btf', 'n@h', 500), make('late.btf', 'n@h', 500, begin=60 * 10**9)
    for files in ((early, late), (late, early)):
        found, err, summary = export(*files)
        assert by_node(found) == {'n@h': list(range(500)) * 2} and in_order(found) and 'same time' not in err, err
        assert [n['lives'] for n in summary['nodes']] == [2] and summary['nodes'][0]['produced'] == 1000


def a_node_that_two_runs_saw_at_once_is_two():
    one, two = make('one.btf', 'n@h', 500), make('two.btf', 'n@h', 500, begin=MS)
    found, err, summary = export(one, two)
    assert by_node(found) == {'n@h': list(range(500)), 'n@h/2': list(range(500))} and in_order(found)
    assert 'n@h is in more than one of the files at the same time: as two.btf has it, it is called n@h/2' in err, err
    assert sorted((n['node'], n['produced']) for n in summary['nodes']) == [('n@h', 500), ('n@h/2', 500)]


def what_a_port_wrote_in_pieces_stays_one_node():
    """Beside a recording that has the node at the same time."""
    a, pieces = make('a.btf', 'n@h', 5000), ['p%d' % i for i in range(3)]
    for i, piece in enumerate(pieces):
        with open(inside(piece), 'wb') as f:
            f.write(b''.join(port_message(10 * i + k, STARTED + (1 + i) * 1000 * MS + k * MS) for k in range(10)))
    found, _, summary = export(a, *pieces)
    assert by_node(found) == {'n@h': list(range(5000)), 'n@h/2': list(range(30))} and in_order(found), {k: len(v) for k, v in by_node(found).items()}
    assert sorted((n['node'], n['produced']) for n in summary['nodes']) == [('n@h', 5000), ('n@h/2', 30)], summary


def pieces_of_a_port_that_overlap_are_one_node():
    """Schedulers write in turns: a piece begins a little before the one before it ends. And one that is torn or damaged has a next one."""
    def piece(name, first, times, tail=b''):
        with open(inside(name), 'wb') as f:
            f.write(b''.join(port_message(first + k, STARTED + t * MS) for k, t in enumerate(times)) + tail)
        return name
    times = [[t + (40 if k % 7 == 3 else 0) for k, t in enumerate(range(begin, begin + 100, 5))] for begin in range(0, 400, 80)]
    for tail, code in ((b'', 0), (b'\0\0\0\1', 1), (b'\7\0\0\0\1abc', 1)):
        pieces = [piece('o%d' % i, 100 * i, times[i], tail if i == 1 else b'') for i in range(len(times))]
        for files in (pieces, pieces[::-1], ('a.btf', *pieces)):
            make('a.btf', 'a@h', 500)
            found, err, summary = export(*files, code=code)
            numbers = [100 * i + k for i in range(len(times)) for k in range(20)]
            assert sorted(by_node(found)['n@h']) == numbers and 'same time' not in err, (files, err, {k: len(v) for k, v in by_node(found).items()})
            assert [(n['node'], n['produced'], n['lives']) for n in summary['nodes'] if n['node'] != 'a@h'] == [('n@h', 100, 1)], summary['nodes']
            assert ('o1: ' in err) == (code == 1), err
    # Pieces that are that long at the same time are of two traces.
    one, two = piece('one', 0, range(0, 6000, 10)), piece('two', 1000, range(2000, 8000, 10))
    for files in ((one, two), (two, one)):
        found, err, summary = export(*files)
        assert {k: sorted(v) for k, v in by_node(found).items()} == {'n@h': list(range(600)), 'n@h/2': list(range(1000, 1600))}, err


def real_pace_is_that_of_all_files():
    """What begins later in another file is played later; nothing is waited for twice."""
    a, b = make('a.btf', 'a@h', 50), make('b.btf', 'b@h', 50, begin=900 * MS)
    before = time.monotonic()
    found, _, _ = export(b, a, args=('--set', 'transport:file.pace=real'))
    assert by_node(found) == {'a@h': list(range(50)), 'b@h': list(range(50))} and in_order(found)
    assert time.monotonic() - before >= 0.9


def what_is_damaged_is_lost_though_another_file_is_of_the_same_run():
    """Each has what the other left out, and nobody has what was in the block that is damaged."""
    a = make('a.btf', 'n@h', 1000, run=RUN, blocks=slice(0, None, 2))
    b = make('b.btf', 'n@h', 1000, run=RUN, blocks=slice(1, None, 2))
    found, _, summary = export(a, b)
    assert by_node(found) == {'n@h': list(range(1000))} and summary['nodes'][0]['lost'] == 0
    with open(inside(b), 'rb') as f:
        data = f.read()
    hurt = [x for x in blocks(data) if x[0] == EVENTS][3]  # calls 350 to 399
    with open(inside('hurt.btf'), 'wb') as f:
        f.write(data[:hurt[1] + 200] + b'x' + data[hurt[1] + 201:])
    for files in ((a, 'hurt.btf'), ('hurt.btf', a)):
        found, err, summary = export(*files, code=1)
        got = by_node([r for r in found if r['event'] != 'lost'])
        assert got == {'n@h': [n for n in range(1000) if not 350 <= n < 400]}, (files, err)
        place = [i for i, r in enumerate(found) if r['event'] == 'lost']
        assert place == [350] and summary['nodes'][0]['lost'] == 50, (files, place, summary['nodes'])
    # What another file has of it is there, and what none has for other reasons is left out.
    found, _, summary = export(make('all.btf', 'n@h', 1000, run=RUN), 'hurt.btf', code=1)
    assert by_node(found) == {'n@h': list(range(1000))} and summary['nodes'][0]['lost'] == 0
    some = make('some.btf', 'n@h', 1000, run=RUN, blocks=slice(0, None, 4))
    found, _, summary = export(some, 'hurt.btf', code=1)
    assert summary['nodes'][0]['lost'] == 50 and len(found) == 250 + 450 + 1, (len(found), summary['nodes'])


def one_that_ends_early_does_not_take_what_the_others_tell():
    """A full disk: of what came then the other file has all, gaps, names and the clock of the node's next life with it."""
    with open(inside('whole.btf'), 'wb') as f:
        r = Recording(f, 'n@h')
        ends, up = [], None
        for i in range(20):
            if i % 5 == 4:
                gap = (Atom('gap'), i * 10**8 - 10**6, i * 10**8, 3, 'one'), (Atom('gap'), i * 10**8 - 10**5, i * 10**8, 3, 'two')
                r.block(REPORTS, report(gap[0], i * 50) + report(gap[1], i * 50))
                r.block(REPORTS, report((Atom('process_info'), [(pid(100), [(Atom('name'), Atom('name%d' % i))])]), i * 50))
                ends.append(f.tell())
            r.calls(i * 50, 50, i * 10**8)
            ends.append(f.tell())
        r.block(REPORTS, report((Atom('node_down'), 0), 1000, own=True))
        ends.append(f.tell())
        r.clock = 7 * 10**9
        r.block(REPORTS, report((Atom('node_up'), {Atom('release'): '26', Atom('offset'): STARTED + r.clock, Atom('monotonic'): 0})))
        for i in range(4):
            r.calls(i * 50, 50, 5 * 10**9 + i * 10**8)
            ends.append(f.tell())
        r.end(200)
    columns = ('--set', 'sink:csv.columns=ts,node,event,process,message')
    want, _, alone = export('whole.btf', args=columns)
    assert sum(r['event'] == 'gap' for r in want) == 8 and len({r['process'] for r in want}) > 4, len(want)
    with open(inside('whole.btf'), 'rb') as f:
        data = f.read()
    for end in ends[3::3]:
        with open(inside('early.btf'), 'wb') as f:
            f.write(data[:end])
        for files in (('early.btf', 'whole.btf'), ('whole.btf', 'early.btf'), ('early.btf', 'whole.btf', 'copy.btf')):
            shutil.copy(inside('whole.btf'), inside('copy.btf'))
            found, err, summary = export(*files, args=columns, code=1)
            assert found == want, (end, files, [x for x in zip(found, want) if x[0] != x[1]][:3], len(found), len(want))
            assert 'early.btf ends before the run of n@h did: it was not recorded to its end' in err and 'whole.btf ends' not in err, err
            assert [(n['produced'], n['lost'], n['gap_ns'], n['lives']) for n in summary['nodes']] == \
                [(n['produced'], n['lost'], n['gap_ns'], n['lives']) for n in alone['nodes']], summary['nodes']


def info_of_several():
    a, b = make('a.btf', 'a@h', 100), make('b.btf', 'b@h', 150, begin=MS)
    told = json.loads(subprocess.run([BEAMTAP, 'info', a, b, '--json'], cwd=folder, stdout=subprocess.PIPE, check=True).stdout)
    assert told['recordings'] == [a, b] and told['bytes'] == sum(os.path.getsize(inside(f)) for f in (a, b))
    assert {n['node']: n['produced'] for n in told['nodes']} == {'a@h': 100, 'b@h': 150} and told['events']['function_call']['events'] == 250
    text = subprocess.run([BEAMTAP, 'info', a, b], cwd=folder, stdout=subprocess.PIPE, check=True, text=True).stdout
    assert re.search(r'^recording +a.btf, \d+ bytes, run .*\nrecording +b.btf, \d+ bytes$', text, re.M), text


def what_is_wrong_with_one_does_not_stop_the_others():
    a, b = make('a.btf', 'a@h', 500), make('b.btf', 'b@h', 500, begin=MS)
    with open(inside(b), 'rb') as f:
        data = f.read()
    with open(inside('torn.btf'), 'wb') as f:
        f.write(data[:len(data) // 2])
    found, err, _ = export(a, 'torn.btf', code=1)
    assert by_node(found)['a@h'] == list(range(500)) and 0 < len(by_node(found)['b@h']) < 500 and 'torn.btf: the file ends within' in err, err
    hurt = next(x for x in blocks(data)[4:] if x[0] == EVENTS)
    with open(inside('hurt.btf'), 'wb') as f:
        f.write(data[:hurt[1] + 200] + b'x' + data[hurt[1] + 201:])
    found, err, summary = export(a, 'hurt.btf', code=1)
    assert len(by_node([r for r in found if r['event'] != 'lost'])['b@h']) == 450 and 'hurt.btf is damaged in 1 places' in err, err
    assert sum(n['lost'] for n in summary['nodes']) == 50
    for files, args, code, want in (((a, a), (), 2, 'given twice'), ((a, './a.btf'), (), 2, 'given twice'), ((a, 'none.btf'), (), 1, 'cannot open'),
                                    ((a, b), ('-o', b), 2, 'that is the file that transport:file plays')):
        done = subprocess.run([BEAMTAP, 'export', *files, '-o', 'out.csv', *args], cwd=folder, stderr=subprocess.PIPE, text=True)
        assert done.returncode == code and want in done.stderr, (files, done)
    with open(inside(b), 'rb') as f:
        assert f.read() == data
    # A frame that tells nonsense, though its block holds.
    for name, body, kind, events in (('named.btf', report((Atom('node'), 'b\x07@h'), own=True, node=1), REPORTS, 0),
                                     ('twice.btf', report((Atom('node'), 'b@h'), own=True), REPORTS, 0),
                                     ('down.btf', report((Atom('node_down'), 0), own=True, node=1), REPORTS, 0),
                                     ('index.btf', report((Atom('node'), 'c@h'), own=True, node=5000), REPORTS, 0),
                                     ('whose.btf', frame(ONE_LIST, calls(50, 1, 10**8, 0)[40:], 50, node=7), EVENTS, 1)):
        with open(inside(name), 'wb') as f:
            r = Recording(f, 'b@h', STARTED + MS, run='%016x' % (1 + sum(name.encode())))
            r.calls(0, 50, 0)
            r.block(kind, body, events, STARTED + 10**8, STARTED + 10**8)
            r.calls(50, 50, 2 * 10**8)
            r.end(100)
        for files in ((name,), (a, name), (name, a)):
            found, err, summary = export(*files, code=1)
            got = by_node(found)
            assert got['b@h'] == list(range(50)) and (len(files) == 1 or got['a@h'] == list(range(500))), (name, files, {k: len(v) for k, v in got.items()})
            assert err.count(name + ': what stands there is no frame of a recording') == 1, err
    # What a replay says itself stands in no file.
    with open(inside('passed.btf'), 'wb') as f:
        r = Recording(f, 'b@h')
        r.calls(0, 50, 0)
        r.block(EVENTS, frame(64, bytes(8), 60, 0, lost=10), 1, STARTED, STARTED)
        r.end(60)
    for files in (('passed.btf',), (a, 'passed.btf')):
        found, err, _ = export(*files, code=1)
        assert by_node([r for r in found if r['event'] != 'lost'])['b@h'] == list(range(50)) and 'is no frame of a recording' in err, err


tests(nodes_are_brought_into_one_order, what_is_merged_is_a_recording_like_any_other,
      what_two_files_of_a_run_have_is_told_once_and_said, one_run_after_the_other_is_one_node,
      a_node_that_two_runs_saw_at_once_is_two, what_a_port_wrote_in_pieces_stays_one_node,
      pieces_of_a_port_that_overlap_are_one_node, real_pace_is_that_of_all_files,
      what_is_damaged_is_lost_though_another_file_is_of_the_same_run,
      one_that_ends_early_does_not_take_what_the_others_tell, info_of_several, what_is_wrong_with_one_does_not_stop_the_others)

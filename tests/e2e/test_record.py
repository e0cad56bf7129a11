"""A recording played again gives what the live run gave: sink record, transport file, beamtap export."""
from lib import *
from recordings import BLOCK, EVENTS, blocks, struct

INI = """[session]
nodes = %s
events = function_call, function_return, function_exception, message_send, message_receive, process_spawn, process_start, process_exit
max_rate = %s
max_queue = 1M
[transport:%s]
[filter:pids]
pids = new
[filter:match_spec]
trace = e2e_work:target(_, _)
trace = e2e_work:outer(_)
trace = e2e_work:inner(_)
trace = e2e_work:thrower(_)
[sink:csv]
path = trace.csv
[sink:chrome]
path = trace.json
[sink:record]
path = trace.btf
[sink:stdout]
path = trace.txt
format = json
"""
SINKS = ('--sink', 'csv:path=again.csv', '--sink=chrome:path=again.json', '--sink', 'stdout:path=again.txt,format=json',
         '--sink', 'record:path=again.btf')


def frames(data):
    """(flags, why, seq, count, lost, node, offset, end) of each."""
    at = 0
    while at < len(data):
        magic, _, flags, _, _, why, seq, count, lost, node, length = struct.unpack_from('>4sBBHIIQIIII', data, at)
        assert magic == b'BTF1', at
        yield flags, why, seq, count, lost, node, at, at + 40 + length
        at += 40 + length


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def lines_of(path):
    """Without rows of nodes, which a cut recording has otherwise."""
    return [line for line in read(path).splitlines()
            if b',node_up,' not in line and b',node_down,' not in line and b'"event":"node_' not in line]


def same(run, again, names=('csv', 'json', 'txt')):
    for name in names:
        one, two = read(run.path('trace.' + name)), read(again.path('again.' + name))
        differ = [(a[:600], b[:600]) for a, b in zip(one.splitlines(), two.splitlines()) if a != b]
        assert one == two, (name, len(one), len(two), len(differ), differ[:4])


def export(run, *args, path='trace.btf'):
    return Run(None, run.path(path), *args, '--json', command='export')


def live(*nodes, transport='dist', rate='0', work='e2e_work:run(10, 200, 40)'):
    run = Run(INI % (', '.join(n.name for n in nodes), rate, transport), '--json')
    for node in nodes:
        node.traced()
    for node in nodes:
        assert node(work) == 'ok'
    run.interrupt()
    assert run.code == 0, run.err()
    invariant(run.summary())
    return run


def played_it_is_the_live_run():
    for transport in ('dist', 'tcp'):
        node = Node()
        run = live(node, transport=transport)
        again = export(run, *SINKS).ended(0)
        same(run, again)
        invariant(again.summary())
        mine, told = run.summary()['nodes'][0], again.summary()['nodes'][0]
        for key in ('node', 'release', 'state', 'produced', 'received', 'lost', 'final'):
            assert mine[key] == told[key], (key, mine, told)
        written = {s['sink']: s['written'] for s in run.summary()['sinks']}
        assert written == {s['sink']: s['written'] for s in again.summary()['sinks']}
        assert written['sink:record'] > 10000
        third = export(again, '--sink', 'csv:path=again.csv', path='again.btf').ended(0)  # a recording of a recording
        same(run, third, names=('csv',))
        node.clean()


def two_nodes_and_one_that_comes_back():
    one, two = Node('one'), Node('two')
    two.connect(one)
    run = Run(INI % ('all_nodes\nseed = ' + one.name, '0', 'dist'), '--json')
    one.traced(), two.traced()
    one('e2e_work:run(5, 50, 5)'), two('e2e_work:run(5, 50, 5)')
    two.stop()
    wait_for(lambda: two.name in run.err(), 'the node is missed')
    two = Node(two.name)
    two.connect(one)
    two.traced()
    one('e2e_work:run(5, 50, 5)'), two('e2e_work:run(5, 50, 5)')
    run.interrupt()
    again = export(run, *SINKS).ended(0)
    same(run, again)
    invariant(again.summary())
    assert 'was lost during the recording' in again.err(), again.err()
    figures = [({n['node']: (n['lost'], n['lives']) for n in r.summary()['nodes']}, {s['sink']: s['written'] for s in r.summary()['sinks']})
               for r in (run, again)]
    assert figures[0] == figures[1] and figures[0][0][two.name][1] == 2, figures
    one.clean(), two.clean()


def losses_and_gaps_are_in_it():
    """A stopped collector, then a rate limit: what was lost, and when tracing was off, is played as it was. (What comes then comes
    all at once, and no sink may have too little room for it: that would be its own loss.)"""
    node = Node()
    room = [w for sink in ('csv', 'chrome', 'stdout', 'record') for w in ('--set', 'sink:%s.on_full=block' % sink)]
    run = Run(INI % (node.name, '20k', 'dist'), '--json', '--set', 'session.lease=60s', '--set', 'session.max_events=0',
              '--set', 'session.overload=drop', '--set', 'session.max_queue=1000', *room)
    node.traced()
    os.kill(run.process.pid, signal.SIGSTOP)
    try:
        for _ in range(3):
            assert node('e2e_work:run(20, 400, 100)') == 'ok'
    finally:
        os.kill(run.process.pid, signal.SIGCONT)
    run.interrupt()
    assert run.code == 0, run.err()
    told = run.summary()['nodes'][0]
    assert told['lost'] > 0 or told['gap_ns'] > 0, told
    again = export(run, *SINKS).ended(0)
    same(run, again)
    for key in ('produced', 'received', 'lost', 'gap_ns', 'lost_by'):
        assert told.get(key) == again.summary()['nodes'][0].get(key), key
    node.clean()


def what_a_filter_left_out_is_no_loss():
    """One sink has everything, the recording only one function's calls; and a filter may be laid over a recording."""
    node = Node()
    ini = INI.replace('[filter:match_spec]', '[filter:match_spec]\ntrace = lists:reverse(_)') \
             .replace('path = trace.btf', 'path = trace.btf\nfilters = pids, mine').replace('[sink:csv]', '[sink:all]\nplugin = csv\nfilters = pids') \
             .replace('[sink:chrome]\npath = trace.json\n', '').replace('[sink:stdout]\npath = trace.txt\nformat = json\n', '') \
             .replace('[filter:match_spec]', '[filter:modules]')
    ini = re.sub(r'trace = .*\n', '', ini).replace('[filter:modules]\n', '[filter:mine]\nplugin = modules\nmodules = e2e_work\n')
    run = Run(ini % (node.name, '0', 'dist'), '--json', '--set', 'session.events=function_call, message_send, process_exit')
    node.traced()
    assert node('e2e_work:run(5, 100, 10)') == 'ok'
    run.interrupt()
    assert run.code == 0, run.err()
    invariant(run.summary())
    record = [s for s in run.summary()['sinks'] if s['sink'] == 'sink:record'][0]
    assert record['filtered'] > 0 and record['written'] > 0, record
    again = export(run, '--sink', 'csv:path=again.csv').ended(0)
    invariant(again.summary())
    told = again.summary()['nodes'][0]
    assert (told['produced'], told['lost']) == (record['written'], 0), (told, record)
    rows = [r.rsplit(b',', 1)[0] for r in lines_of(again.path('again.csv'))]
    assert set(rows) <= {r.rsplit(b',', 1)[0] for r in lines_of(run.path('trace.csv'))} and len(rows) == record['written'] + 1
    less = export(run, '--sink', 'csv:path=less.csv', '--set', 'filter:modules.modules=nothing_here').ended(0)
    invariant(less.summary())
    assert less.summary()['sinks'][0]['filtered'] > 0
    assert b'function_call' not in read(less.path('less.csv'))
    node.clean()


def an_ini_file_plays_it_too():
    node = Node()
    run = live(node)
    ini = '[transport:file]\npath = %s\n[sink:csv]\npath = again.csv\n' % run.path('trace.btf')
    same(run, Run(ini, '--json').ended(0), names=('csv',))
    some = Run('[session]\nevents = process_exit\n' + ini, '--json').ended(0)
    rows = [line.decode() for line in lines_of(some.path('again.csv'))[1:]]
    assert rows and all(row.split(',')[2] == 'process_exit' for row in rows), rows[:3]
    invariant(some.summary())
    node.clean()


def a_torn_or_wrong_file_says_so():
    node = Node()
    run = live(node, work='e2e_work:run(3, 20, 5)')
    data = read(run.path('trace.btf'))
    whole = lines_of(run.path('trace.csv'))
    all_frames = list(frames(data))

    def played(part, code, *words):
        with open(run.path('part.btf'), 'wb') as f:
            f.write(part)
        again = export(run, '--sink', 'csv:path=again.csv', path='part.btf').ended(code)
        for word in words:
            assert word in again.err(), (word, again.err())
        invariant(again.summary()) if 'sinks' in again.out() else None
        rows = lines_of(again.path('again.csv')) if os.path.exists(again.path('again.csv')) else []
        assert rows == whole[:len(rows)] or any(b',lost,' in row for row in rows), rows[-1]
        return rows

    parts = blocks(data)
    kind, begin, end = next(b for b in parts if b[0] == EVENTS)
    count = struct.unpack_from('>I', data, begin + 67)[0]
    assert len(played(data[:end - 3], 1, 'ends within a block')) == 1
    assert len(played(data[:end], 1, 'was not recorded to its end')) == 1 + count
    played(data[:begin] + b'x' + data[begin + 1:], 1, 'are damaged')
    played(data[:parts[0][2]], 0)
    played(b'', 1, 'not a recording')
    played(b'not a recording at all, but longer than a header of one', 1, 'not a recording')
    played(data[parts[0][2]:], 1, 'not a recording')
    bare = b''.join(data[f[6]:f[7]] for f in all_frames if f[7] - f[6] != BLOCK and f[6] < parts[-2][1])  # as before there were blocks
    assert len(played(bare, 0)) == len(whole)
    at = next(f for f in frames(bare) if f[3] > 20)  # the first frame of many events
    before = sum(f[3] for f in frames(bare) if f[7] <= at[6] and not f[0] & 1)  # 1: reports (beamtap/frame.h)
    assert len(played(bare[:at[7] - 3], 1, 'ends within a frame')) == 1 + before
    assert len(played(bare[:at[7]], 1, 'was not recorded to its end')) == 1 + before + at[3]
    played(bare[:at[6]] + b'x' + bare[at[6] + 1:], 1, 'no frame of a recording')
    for _ in range(60):  # any byte may be anything: it ends, and says nothing that was not so
        spoilt = bytearray(data[:20000])
        spoilt[random.randrange(len(spoilt))] ^= 1 << random.randrange(8)
        with open(run.path('part.btf'), 'wb') as f:
            f.write(spoilt)
        again = export(run, '--sink', 'csv:path=again.csv', path='part.btf').wait()
        assert again.code in (0, 1), again.err()
    node.clean()


def the_command_line_is_judged():
    for args, words in ((('x',), 'no sink is given'), (('--sink', 'csv:path=a'), 'argument is missing'),
                        (('x', '--sink', 'csv'), "key 'path' is missing"), (('x', '--sink', 'cvs:path=a'), "did you mean 'csv'?"),
                        (('x', '--sink', 'csv:pth=a'), "did you mean 'path'?"), (('x', '--sink', ':path=a'), 'NAME:KEY=VALUE'),
                        (('x', '--sink', 'csv:path'), 'is not KEY=VALUE')):
        run = Run(None, *args, command='export').ended(2)
        assert words in run.err(), (args, run.err())
    run = Run(None, 'not/there', '--sink', 'csv:path=a', command='export').ended(1)
    assert 'cannot open not/there' in run.err() and not os.path.exists(run.path('a')), run.err()
    assert "key 'nodes' is missing" in Run('[sink:csv]\npath = a\n').ended(2).err()


tests(played_it_is_the_live_run, two_nodes_and_one_that_comes_back, losses_and_gaps_are_in_it,
      what_a_filter_left_out_is_no_loss, an_ini_file_plays_it_too, a_torn_or_wrong_file_says_so, the_command_line_is_judged)

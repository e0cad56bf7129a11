"""Parts of a recording: what is asked of it is what a reader of the whole would have picked out."""
import collections, datetime, struct
from lib import *
from recordings import Recording

INI = """
[session]
nodes = %s, %s
events = function_call, message_send, message_receive, process_spawn, process_exit
duration = 0

[filter:modules]
modules = e2e_work

[sink:record]
path = all.btf

[sink:csv]
path = live.csv
"""
made = []


def recording():
    """One of two nodes at work: its Run, and all its rows."""
    if not made:
        nodes = [Node(), Node()]
        run = Run(INI % (nodes[0].name, nodes[1].name))
        for node in nodes:
            node.traced()
        for _ in range(8):
            for node in nodes:
                node('e2e_work:run(20, 10, 5), timer:sleep(100)')
        run.interrupt()
        assert run.code == 0, run.err()
        for node in nodes:
            node.clean()
            node.stop()
        made.extend((run, export(run, 'whole.csv'), nodes))
    return made


def export(run, name, *args, code=0, err=None):
    """The rows of a part; its sums are checked."""
    again = Run(None, run.path('all.btf'), '--sink', 'csv:path=' + name, '--json', *args, command='export', cwd=run.dir).ended(code)
    if code:
        assert re.search(err, again.err()), again.err()
        return None
    invariant(again.summary())
    found = rows(run, name)
    [sink] = again.summary()['sinks']
    assert sink['written'] == len([r for r in found if r['event'] not in ('lost', 'gap', 'node_up', 'node_down')]), sink
    return found


def counted(found):
    return [r for r in found if r['event'] not in ('lost', 'gap', 'node_up', 'node_down')]


def in_pairs(found):
    """The same rows with a number for each pair that has both ends here: flows are numbered from where the playing begins."""
    ends = collections.Counter(r['flow'] for r in found)
    numbers = {}
    return [dict(r, flow=numbers.setdefault(r['flow'], len(numbers)) if r['flow'] and ends[r['flow']] > 1 else '') for r in found]


def plain(found):
    """Flows are numbered as they come among the rows that there are."""
    return [dict(r, flow='') for r in found]


def a_stretch_of_time():
    run, whole, _ = recording()
    began = min(int(r['ts']) for r in whole)
    whole = counted(whole)
    times = [int(r['ts']) for r in whole]
    cut = times[len(times) // 3], times[2 * len(times) // 3]
    anywhere = [sorted(random.sample(times, 2)) for _ in range(10)]
    for first, last in [(cut[0], cut[1]), (None, cut[0]), (cut[1], None)] + [part for part in anywhere if part[0] < part[1]]:
        args = []
        stamp = lambda ns: datetime.datetime.fromtimestamp(ns // 10**9, datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%S') + \
            '.%09d' % (ns % 10**9)
        if first is not None:
            args += ['--from', stamp(first)]
        if last is not None:
            args += ['--to', stamp(last)]
        want = [r for r in whole if (first is None or int(r['ts']) >= first) and (last is None or int(r['ts']) < last)]
        found = counted(export(run, 'part.csv', *args))
        assert 0 < len(found) < len(whole) and in_pairs(found) == in_pairs(want), (args, len(found), len(want), run.dir)
    half, third = ('%dms' % ((times[len(times) // n] - began) // 10**6) for n in (2, 3))  # from its beginning
    early = plain(counted(export(run, 'part.csv', '--to', half)))
    late = plain(counted(export(run, 'part.csv', '--from', half)))
    assert early + late == plain(whole) and early and late, (len(early), len(late), len(whole), half)
    middle = plain(counted(export(run, 'part.csv', '--from', third, '--to', half)))
    assert [r for r in early if r in middle] == middle


def a_node():
    run, whole, nodes = recording()
    for node in nodes:
        found = counted(export(run, 'part.csv', '--node', node.name))
        assert in_pairs(found) == in_pairs([r for r in counted(whole) if r['node'] == node.name]) and found
    assert counted(export(run, 'part.csv', '--node', 'n_*')) == counted(whole)
    assert counted(export(run, 'part.csv', '--node', 'nobody@nowhere')) == []


def a_process_of_a_node_for_a_while():
    run, whole, nodes = recording()
    whole = counted(whole)
    mine = [r for r in whole if r['node'] == nodes[0].name and r['event'] == 'function_call']
    pid, cut = mine[0]['pid'], int(mine[0]['ts']) + 1
    found = counted(export(run, 'part.csv', '--node', nodes[0].name, '--pids', pid, '--set', 'filter:modules.modules=e2e_work'))
    assert found and {r['pid'] for r in found} == {pid} and {r['node'] for r in found} == {nodes[0].name}, found
    assert plain(r for r in whole if r['pid'] == pid and r['node'] == nodes[0].name) == plain(found)


def what_it_holds():
    """beamtap info: the same numbers as the rows have, and the file's own."""
    run, whole, nodes = recording()
    told = json.loads(Run(None, 'all.btf', '--json', command='info', cwd=run.dir).ended(0).out())
    kinds = collections.Counter(r['event'] for r in counted(whole))
    assert {k: told['events'][k]['events'] for k in kinds} == dict(kinds), (told['events'], kinds)
    assert all(told['events'][k]['bytes'] > 20 * n for k, n in kinds.items()), told['events']
    assert told['bytes'] == os.path.getsize(run.path('all.btf')) > sum(e['bytes'] for e in told['events'].values())
    times = [int(r['ts']) for r in counted(whole)]
    assert told['span_ns'] == max(times) - min(times), told
    per_node = collections.Counter(r['node'] for r in counted(whole))
    assert {n['node']: n['produced'] for n in told['nodes']} == dict(per_node) and all(n['exact'] for n in told['nodes']), told
    assert 'modules = e2e_work' in told['config'] and cookie not in told['config']
    text = Run(None, 'all.btf', command='info', cwd=run.dir).ended(0).out()
    for words in (nodes[0].name, r'function_call +%d ' % kinds['function_call'], 'modules = e2e_work', 'Busiest functions', 'UTC, and [0-9]'):
        assert re.search(words, text), (words, text)


def what_it_holds_of_a_torn_one():
    run, whole, _ = recording()
    data = open(run.path('all.btf'), 'rb').read()
    with open(run.path('torn.btf'), 'wb') as f:
        f.write(data[:len(data) * 2 // 3])
    torn = Run(None, 'torn.btf', '--json', command='info', cwd=run.dir).ended(1)
    assert 'torn.btf' in torn.err(), torn.err()
    told = json.loads(torn.out())
    events = sum(e['events'] for k, e in told['events'].items() if k in {r['event'] for r in counted(whole)})
    assert 0 < events < len(counted(whole)), told
    other = Run(None, __file__, command='info').ended(1)
    assert 'is not a recording' in other.err() and not other.out(), (other.err(), other.out())
    assert Run(None, 'nowhere.btf', command='info').wait().code in (1, 2)


def what_it_says_is_shown_as_text():
    """Whoever made it: nothing of it moves a terminal, and JSON is UTF-8."""
    config = b'[session]\nnodes = \xff\x1b[2Jx\n\nevents = a\n'
    name = os.path.join(work, 'odd\udcff.btf')
    with open(name, 'wb') as f:
        r = Recording(f, node='n\x9b2J@h', config=struct.pack('>BI', 109, len(config)) + config)
        r.calls(0, 10, 0)
        r.end(10)
    told = json.loads(Run(None, name, '--json', command='info').ended(0).out())
    assert told['config'].splitlines()[1:3] == ['nodes = ??[2Jx', ''] and told['recording'].endswith('odd?.btf'), told
    text = open(Run(None, name, command='info').ended(0).path('stdout'), 'rb').read()
    assert b'\x1b' not in text and b'\xc2\x9b' not in text and b'n??2J@' in text and b'  nodes = ??[2Jx\n' in text, text
    refused = Run(None, name, '--set', 'filter:match_spec.trace=m:f(', command='info').ended(2)
    assert 'expected' in refused.err() and not refused.out(), refused.err()


def a_plugin_is_tested_with_it():
    run, _, _ = recording()
    test = lambda *words: Run(None, '--test', *words, command='plugins', cwd=run.dir)
    for plugin in ('sink:csv', 'sink:chrome', 'sink:record', 'transport:file', 'filter:pids'):
        text = test(plugin, run.path('all.btf')).ended(0).out()
        assert re.search(r'ok +a recording', text) and text.endswith('nothing is wrong\n'), text
    assert 'nowhere.btf' in test('sink:csv', 'nowhere.btf').ended(2).err()


def what_is_wrong_is_told():
    run, _, _ = recording()
    for args, err in ((['--from', 'soon'], "invalid value 'soon' for 'from'"), (['--from', '2026-13-01T00:00:00'], 'is not a time'),
                      (['--to', '2026-02-30T00:00:00'], 'is not a time'), (['--from', '2s', '--to', '1s'], 'ends before it begins'),
                      (['--node', 'shop'], "'shop' is not a node name"), (['--from'], '--from needs a value')):
        export(run, 'part.csv', *args, code=2, err=err)


if __name__ == '__main__':
    tests(a_stretch_of_time, a_node, a_process_of_a_node_for_a_while, what_it_holds, what_it_holds_of_a_torn_one, what_it_says_is_shown_as_text,
          a_plugin_is_tested_with_it, what_is_wrong_is_told)

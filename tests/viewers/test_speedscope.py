"""The folded sink's files in speedscope: every stack is there, with the number that stands behind it, by time and by calls; and
these are the numbers of the csv of the same run. Names that are no plain words stay what they are.
"""
import collections, json, os, subprocess, sys
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'e2e'))
from lib import *
import npm, story, viewer

SPEEDSCOPE = os.environ.get('BEAMTAP_SPEEDSCOPE', os.path.join(os.path.dirname(BUILD), 'speedscope'))
PACKAGE = 'node_modules/speedscope'
ODD = r"""-module('e2e odd;names').
-export(['a;b c'/1, 'größe 12'/0]).
'a;b c'(N) -> lists:sum([N, 'größe 12'()]).
'größe 12'() -> lists:last([1, 2, 3]).
"""


def folded(run, name):
    """Of a file: each stack with its number."""
    lines = [line.rsplit(' ', 1) for line in run.read(name).splitlines()]
    found = {stack: int(weight) for stack, weight in lines}
    assert len(found) == len(lines), name
    return found


def in_speedscope(run, *names):
    """The same, as speedscope has it: frames that open and close along one axis. A stack that takes nothing is not drawn."""
    done = subprocess.run(['node', os.path.join(HERE, 'speedscope.mjs'), viewer.FOLDER, os.path.join(SPEEDSCOPE, PACKAGE), *map(run.path, names)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr[:2000]
    for seen in json.loads(done.stdout):
        assert seen['errors'] == [], seen['errors']
        stack, now, sums = [], 0, collections.Counter()
        for event in seen['events']:
            sums[';'.join(stack)] += event['at'] - now
            now = event['at']
            if event['type'] == 'O':
                stack.append(seen['frames'][event['frame']])
            else:
                assert stack.pop() == seen['frames'][event['frame']]
        assert stack == []
        yield {stack: weight for stack, weight in sums.items() if weight}


def the_shop_and_odd_names():
    compile_erlang(*[os.path.join(TOP, 'config/demo', f) for f in sorted(os.listdir(TOP + '/config/demo')) if f.endswith('.erl')])
    path = os.path.join(tempfile.mkdtemp(dir=work), 'e2e odd;names.erl')
    with open(path, 'w') as f:
        f.write(ODD)
    compile_erlang(path)
    node = Node()
    node('demo:start()')
    run = Run("""[session]
nodes = %s
events = function_call, function_return, function_exception
[filter:match_spec]
trace = 'shop_*' -> return
trace = 'e2e odd;names' -> return
trace = lists:last/1 -> return
[sink:csv]
path = trace.csv
[sink:record]
path = trace.btf
""" % node.name, '--json')
    node.traced()
    for n in range(50):
        node("'e2e odd;names':'a;b c'(%d)" % n)
    wait_for(lambda: len(rows(run)) > 2000, 'calls')
    run.interrupt()
    node.stop()
    for weight in ('time', 'calls'):
        done = subprocess.run([BEAMTAP, 'export', 'trace.btf', '-o', weight + '.folded', '--set', 'sink:folded.weight=' + weight, '--quiet'], cwd=run.dir)
        assert done.returncode == 0
    told = [folded(run, name) for name in ('time.folded', 'calls.folded')]
    for ours, theirs in zip(told, in_speedscope(run, 'time.folded', 'calls.folded'), strict=True):
        assert theirs == {stack: weight for stack, weight in ours.items() if weight}, set(theirs.items()) ^ set(ours.items())
    odd = "'e2e odd,names':'a,b c'/1;'e2e odd,names':'größe 12'/0;lists:last/1"
    assert told[1][odd] == 50 and told[1][odd.rsplit(';', 1)[0]] == 50, told[1]
    calls = story.Calls(list(story.read_csv(run.path('trace.csv'))))
    by_name = collections.Counter()
    for stack, weight in told[1].items():
        by_name[stack.rsplit(';', 1)[-1]] += weight
    by_name["shop_door:loop/1"] = calls.count['shop_door', 'loop', 1]  # turns of a loop stand in the first one's frame
    assert {name.replace("'", ''): n for name, n in by_name.items() if name.startswith('shop_')} == {
        '%s:%s/%d' % name: n for name, n in calls.count.items() if name[0].startswith('shop_')}, (by_name, calls.count)


why = viewer.why_not() or npm.why_not(SPEEDSCOPE, 'speedscope', PACKAGE, 'speedscope')
if why:
    print('# skipped: ' + why)
else:
    tests(the_shop_and_odd_names)

"""Bad input and broken surroundings: each with one clear line, the place, and the right exit code."""
import gzip, os, re, stat
from lib import *

GOOD = """[session]
nodes = %s
duration = 1s
[filter:modules]
modules = e2e_work
[sink:csv]
path = out.csv
"""


def refused(text, *words, args=()):
    """Exit 2, one line that holds all these words, no file made, and no node asked (there is none)."""
    run = Run(text, *args, recorded=False).ended(2)  # that none writes is a mistake, too
    lines = [line for line in run.err().splitlines() if line.strip()]
    assert any(all(word in line for word in words) for line in lines), 'no line with %s in: %s' % (words, run.err())
    assert not os.path.exists(run.path('out.csv')), 'a file was made'
    assert run.out() == ''


def bad_configurations():
    good = GOOD % 'a@localhost'
    Run('missing.ini').ended(2)
    assert 'missing.ini' in Run('missing.ini').ended(2).err()
    assert Run(work).ended(2).err().strip()
    refused(good.replace('[sink:csv]', '[sinc:csv]'), 'trace.ini:6', "sinc", 'sink')
    refused(good.replace('path =', 'pth ='), 'trace.ini:7', '[sink:csv]', "unknown key 'pth'", "did you mean 'path'?")
    refused(good.replace('[sink:csv]', '[sink:csw]'), 'trace.ini:6', 'csw', "csv")
    refused(good.replace('duration = 1s', 'duration = soon'), 'trace.ini:3', 'duration', 'soon')
    refused(good.replace('duration = 1s', 'events = function_cal'), 'trace.ini:3', 'function_cal', 'function_call')
    refused(good.replace('path = out.csv', ''), 'path', '[sink:csv]')
    refused(good.replace('duration = 1s', 'duration = 1s\nduration = 2s'), 'trace.ini:4', 'duration')
    refused(good + '[sink:csv]\npath = out.csv\n', 'trace.ini:8', 'sink:csv')
    refused(good.replace('e2e_work', 'x' * 70000), 'trace.ini:5', 'long')
    refused(good.replace('nodes = a@localhost', ''), 'nodes')
    refused(good.split('[sink')[0] + '\n', 'sink')
    refused(good, 'sink:csv.pth', args=('--set', 'sink:csv.pth=x'))
    refused(good, 'session', args=('--set', 'nonsense'))


def all_mistakes_in_one_pass():
    run = Run((GOOD % 'a@localhost').replace('path', 'pth').replace('modules =', 'moduls =').replace('1s', '1x')).ended(2)
    for word in ('pth', 'moduls', '1x'):
        assert word in run.err(), run.err()


def what_plugins_find_is_told_in_the_same_pass():
    """Also of a section with a key that is wrong, which has its default then; not of one that lacks a key it cannot be without."""
    ini = ("[session]\nnodes = a@localhost\nduration = 1x\n[filter:match_spec]\ntrace = shop:add(_, N) when M > 3\n"
           "[sink:chrome]\npath = -\nrotate_size = 1M\nargs = maybe\nsyntax = latin\n[sink:csv]\npath = out.csv\ncolums = ts\n[sink:html]\npth = out.html\n")
    for command in ('check', 'run'):
        run = Run(ini, command=command).ended(2)
        lines = run.err().splitlines()
        for words in (('trace.ini:3:', '1x'), ('trace.ini:5:', 'M'), ('trace.ini:9:', 'maybe'), ('trace.ini:10:', 'latin'), ('[sink:chrome]', 'rotate'),
                      ('trace.ini:13:', 'colums'), ('trace.ini:15:', 'pth'), ('trace.ini:14:', "'path' is missing")):
            assert sum(all(w in line for w in words) for line in lines) == 1, (command, words, run.err())
        assert len(lines) == 8 and run.out() == '', run.err()
    # The one key that is misspelt is not told to be missing as well.
    run = Run('[session]\nnodes = a@localhost\n[filter:match_spec]\ntarce = shop:add/2\n[filter:time]\nsince = gestern\nuntil = 2026\n'
              '[sink:csv]\npath = out.csv\n', command='check').ended(2)
    told = run.err().splitlines()
    assert len(told) == 3 and "'tarce' (did you mean 'trace'?)" in told[0] and 'since = gestern' in told[1] and 'until = 2026' in told[2], told


def bad_match_specs_have_a_place():
    spec = """[session]
nodes = a@localhost
[filter:match_spec]
trace = shop:add(_, N) when M > 3 -> return
[sink:csv]
path = out.csv
"""
    refused(spec, 'trace.ini:4:', 'M')
    refused(spec.replace('M > 3', 'N >'), 'trace.ini:4:')
    refused(spec.replace('M > 3', 'is_integr(N)'), 'trace.ini:4:', 'is_integr', 'is_integer')
    refused(spec.replace('M > 3 -> return', 'N > 3 -> retrun'), 'trace.ini:4:', 'retrun', 'return')
    refused(spec.replace('trace = shop:add(_, N) when M > 3 -> return', "spec = shop:add/2 [{['_','$1'],[{'>','$1'}],[]}]"),
            'trace.ini:4:')
    refused(spec.replace('trace = shop:add(_, N) when M > 3 -> return', "spec = shop:add/2 [{['_'],[],[]}"), 'trace.ini:4:')


def bad_plugins():
    folder = tempfile.mkdtemp(dir=work)
    ini = (GOOD % 'a@localhost').replace('duration = 1s', 'plugin_path = ' + folder).replace('sink:csv', 'sink:odd')
    with open(os.path.join(folder, 'beamtap_sink_odd.so'), 'w') as f:
        f.write('not a shared object')
    refused(ini, 'beamtap_sink_odd.so')
    source = os.path.join(folder, 'p.c')
    include = '-I' + os.path.join(TOP, 'core/include')
    def build(code):
        with open(source, 'w') as f:
            f.write(code)
        subprocess.run(['gcc', '-shared', '-fPIC', include, '-o', os.path.join(folder, 'beamtap_sink_odd.so'), source], check=True)
    build('int nothing;')
    refused(ini, 'beamtap_sink_odd.so', 'beamtap_plugin_v1')
    body = '''#include <beamtap/sink.h>
    static const struct tap_plugin p = {TAP_PLUGIN_HEADER, .kind = TAP_PLUGIN_SINK, .name = "odd"};
    static struct tap_plugin q;
    const struct tap_plugin *beamtap_plugin_v1(void) { q = p; %s; return &q; }'''
    build(body % 'q.abi_major = 9')
    refused(ini, 'beamtap_sink_odd.so', '9')
    build(body % 'q.word_size = 4')
    refused(ini, 'beamtap_sink_odd.so')
    build(body % 'q.struct_size = 8')
    refused(ini, 'beamtap_sink_odd.so')


def failed(text, *words, environment=None):
    run = Run(text, environment=environment).ended(1)
    lines = [line for line in run.err().splitlines() if line.strip()]
    assert any(all(word in line for word in words) for line in lines), 'no line with %s in: %s' % (words, run.err())
    return run


def nodes_that_cannot_be_reached():
    failed(GOOD % 'a@localhost', 'a@localhost', 'epmd', environment=dict(env, ERL_EPMD_PORT='19999'))
    node = Node()
    failed(GOOD % 'nobody@localhost', 'nobody@localhost', node.name.split('@')[0])
    failed(GOOD % node.name, node.name, 'cookie', environment=dict(env, BEAMTAP_COOKIE='wrong'))
    failed(GOOD % 'a@no-such-host', 'a@no-such-host')
    node.clean()


ALL_SINKS = GOOD + """[sink:chrome]
path = trace.json
rotate_size = 64k
[sink:packed]
plugin = chrome
path = trace.json.gz
[sink:record]
path = trace.btf
[sink:stdout]
path = trace.jsonl
format = json
[sink:summary]
path = summary.txt
"""
FILES = ('out.csv', 'trace.json', 'trace.2.json', 'trace.json.gz', 'trace.btf', 'trace.jsonl', 'summary.txt')


def a_start_that_fails_leaves_files_alone():
    """Yesterday's trace is worth more than a run that never was."""
    def state(folder):
        return {name: (open(os.path.join(folder, name), 'rb').read(), os.stat(os.path.join(folder, name)).st_ino)
                for name in FILES + ('empty.json',) if os.path.exists(os.path.join(folder, name))}
    node = Node()
    ini = (ALL_SINKS % node.name).replace('duration = 1s', 'duration = 20s')
    run = Run(ini)
    node.traced()
    node('e2e_work:run(5, 2000, 5)')
    run.interrupt()
    assert run.code == 0, run.err()
    kept, bare = run.dir, tempfile.mkdtemp(dir=work)
    with open(os.path.join(kept, 'empty.json'), 'w'):
        pass
    ini += '[sink:empty]\nplugin = chrome\npath = empty.json\n'
    before = state(kept)
    assert set(before) == set(FILES + ('empty.json',)), before.keys()
    os.rename(os.path.join(kept, 'trace.btf'), os.path.join(work, 'old.btf'))
    with open(os.path.join(work, 'old.btf'), 'rb') as old, open(os.path.join(kept, 'trace.btf'), 'wb') as new:
        new.write(old.read())
    with open(os.path.join(work, 'torn.btf'), 'wb') as f:
        f.write(b'no recording')
    before = state(kept)
    played = ini.replace('nodes = %s\n' % node.name, '').replace('duration = 20s\n', '') + '[transport:file]\npath = %s/torn.btf\n' % work
    for text, code, environment in (
            (ini, 1, dict(env, BEAMTAP_COOKIE='wrong')),
            (ini, 1, dict(env, ERL_EPMD_PORT='19999')),
            (ini.replace(node.name, 'nobody@localhost'), 1, env),
            (ini.replace(node.name, node.name + ', nobody@localhost') + '[transport:dist]\nname = x\n', 1,
             dict(env, BEAMTAP_COOKIE='wrong')),
            (ini.replace('duration', 'require = all\nduration').replace(node.name, node.name + ', nobody@localhost'), 1, env),
            (ini.replace('e2e_work', 'no_such_module').replace('duration', 'events = function_call\nduration'), 1, env),
            (ini.replace('rotate_size = 64k', 'rotate_size = 1k'), 2, env),
            (played, 1, env)):
        for folder in (kept, bare):
            run = Run(text, cwd=folder, environment=environment).ended(code)
            assert state(folder) == (before if folder == kept else {}), (text, run.err(), state(folder).keys())
    node.clean()
    # A run in which nothing happens has begun all the same: what was there is gone, and what is there is whole. (OTP's own
    # supervisors have timers since 29: so of new processes only.)
    run = Run(ini.replace('20s', '100ms') + '[filter:pids]\npids = new\n', cwd=kept).ended(0)
    assert 'trace.2.json is there from an earlier run; the last file of this one is trace.json' in run.err(), run.err()
    after = state(kept)
    for name in ('trace.json', 'trace.json.gz', 'empty.json'):
        text = after[name][0]
        drawn = json.loads(gzip.decompress(text) if name.endswith('.gz') else text)['traceEvents']
        assert {e['name'] for e in drawn if e['ph'] not in 'MC'} <= {'end of tracing'}, drawn
    assert [line.split(b',')[2] for line in after['out.csv'][0].splitlines()] == [b'event', b'node_up', b'node_down']
    assert after['trace.jsonl'][0].count(b'\n') == 2 and after['summary.txt'][0].startswith(b'0 events')
    assert len(after['trace.btf'][0]) < len(before['trace.btf'][0])
    assert all(after[name][1] == before[name][1] for name in after), 'the same files, for who has them open'
    node.clean()


def one_bad_node_does_not_stop_the_rest():
    node = Node()
    run = failed(GOOD % ('nobody@localhost, ' + node.name), 'nobody@localhost')
    assert os.path.getsize(run.path('out.csv')) > 0
    node.clean()


def outputs_that_cannot_be_written():
    node = Node()
    failed((GOOD % node.name).replace('out.csv', '/nonexistent/out.csv'), '/nonexistent/out.csv', 'No such file')
    # The first flush fails already: the run may be over before anyone can see that it began.
    run = Run((GOOD % node.name).replace('out.csv', '/dev/full').replace('1s', '20s'), recorded=False).ended(1)
    assert '/dev/full' in run.err() and 'No space left' in run.err(), run.err()
    node.clean()


def a_failing_sink_does_not_hurt_another():
    node = Node()
    run = Run((GOOD % node.name).replace('out.csv', '/dev/full').replace('1s', '20s') +
              '[sink:chrome]\npath = trace.json\nqueue = 256M\n', '--json')
    node.traced('self()')  # which works
    node('e2e_work:run(5, 2000, 5)')
    wait_for(lambda: 'No space left' in run.err(), 'the failing sink reported')
    run.interrupt()
    assert run.code == 1
    invariant(run.summary())
    sinks = {s['sink']: s for s in run.summary()['sinks']}
    assert sinks['sink:chrome']['lost'] == 0 and sinks['sink:chrome']['written'] > 0, (run.summary(), run.err())
    json.load(open(run.path('trace.json')))
    node.clean()


def an_empty_plan_is_an_error():
    node = Node()
    ini = (GOOD % node.name).replace('e2e_work', 'no_such_module').replace('duration = 1s', 'events = function_call')
    failed(ini, node.name, 'no_such_module')
    node.clean()


def what_is_not_there_is_said_by_name():
    node = Node()
    modules = ['e2e_work', 'no_such_module', 'e2e_w?rm'] + ['no_such_%02d' % i for i in range(30)]
    ini = (GOOD % node.name).replace('modules = e2e_work', 'modules = ' + ', '.join(modules))
    run = Run(ini, '--json').ended(0)
    said = [line.split(node.name + ': ', 1)[1] for line in run.err().splitlines()
            if node.name + ': ' in line and 'waiting for' not in line and ': left out: ' not in line]
    assert len(said) == 21 and re.match(r'\d+ more', said[-1]), said
    one = Run((GOOD % node.name).replace('modules = e2e_work', 'modules = e2e_work, no_such_module, e2e_w?rm') +
              '[filter:pids]\npids = nobody_here, <0.99999.0>, new\n').ended(0).err()
    for words in (r'no_such_module:\*/\* \(\S+:5\): there is no such module', r'e2e_w\?rm:.*matches no loaded function',
                  'nobody_here: ', '<0.99999.0>: '):
        assert re.search(words, one), (words, one)
    node.clean()


tests(bad_configurations, all_mistakes_in_one_pass, what_plugins_find_is_told_in_the_same_pass, bad_match_specs_have_a_place, bad_plugins,
      nodes_that_cannot_be_reached, a_start_that_fails_leaves_files_alone, one_bad_node_does_not_stop_the_rest, outputs_that_cannot_be_written, a_failing_sink_does_not_hurt_another,
      an_empty_plan_is_an_error, what_is_not_there_is_said_by_name)

"""The native tracer in nodes that are not as usual: where its library cannot be had, where schedulers come and go, with very many
processes, and with two runs at once.
"""
import glob, struct
from collections import Counter, defaultdict
from native_lib import *

LIBRARY = max(glob.glob(os.path.join(BUILD, 'native/beamtap_native_*.so')), key=os.path.getmtime)
PRIVATE = 'mount -t tmpfs -o noexec none %s'


def refused(node, library, why):
    """Insisted upon, a run does not begin; asked for where it can be had, a process takes its place, and it is said why."""
    text = config(node, STEPS).replace('collect', ('native_library = %s\ncollect' % library) if library else 'collect')
    run = Run(text, '--json').ended(1)
    assert 'the native tracer cannot be had' in run.err() and re.search(why, run.err()), run.err()
    assert len([line for line in run.err().splitlines() if 'cannot be had' in line]) == 1, run.err()
    run = Run(text.replace('= native\n', '= auto\n'), '--json')
    node.traced()
    assert not mapped(node)
    assert node('e2e_native:wander(2, 10)') == 'ok'
    run.interrupt().ended(0)
    assert 'taken by a process' in run.err() and re.search(why, run.err()), run.err()
    found = [r for r in rows(run) if r['event'] == 'function_call']
    assert len(found) == 20, (library, len(found), found[:3], run.err())
    node.clean()


def made(name, data):
    path = os.path.join(work, name)
    with open(path, 'wb') as f:
        f.write(data)
    return path


def compiled(name, *args, source='int here;'):
    path = os.path.join(work, name)
    subprocess.run(['gcc', '-shared', '-fPIC', '-o', path, '-x', 'c', '-', '-x', 'none', *args], input=source, text=True, check=True)
    return path


def libraries_that_are_not_for_the_node():
    node = node_of()
    with open(LIBRARY, 'rb') as f:
        ours = f.read()
    other = made('other_machine.so', ours[:18] + struct.pack('<H', 183) + ours[20:])  # e_machine: AArch64
    musl = compiled('libc.musl-x86_64.so.1', '-Wl,-soname,libc.musl-x86_64.so.1')
    needs = compiled('for_musl.so', '-Wl,--no-as-needed', musl, source='void *nif_init(void) { return 0; }')
    os.unlink(musl)
    for library, why in ((other, 'wrong ELF|cannot open shared|[Ii]nvalid ELF|architecture'), (needs, r'libc\.musl-x86_64\.so\.1'),
                         (compiled('no_nif.so'), "nif_init"), (made('no_library.so', b'hello\n'), 'invalid ELF|too short'), (work + '/none.so', 'none.so')):
        refused(node, library, why)
    node.stop()


def no_folder_may_hold_it():
    """Every folder that it would be put in is mounted so that nothing in it can be run."""
    if subprocess.run(['unshare', '-m', 'sh', '-c', PRIVATE % '/mnt'], stderr=subprocess.DEVNULL).returncode or ROOT:
        print('# skipped no_folder_may_hold_it: no private mounts can be made here')
        return
    there = tempfile.mkdtemp(dir='/run')
    atexit.register(os.rmdir, there)
    script = '; '.join(['set -e', 'mount --bind %s %s' % (work, there), *(PRIVATE % folder for folder in ('/tmp', '/dev/shm', '/var/tmp')),
                        'mkdir -p ' + work, 'mount --bind %s %s' % (there, work), 'exec "$@"'])
    node = Node(erl=['unshare', '-m', 'sh', '-c', script, 'sh', 'erl'])
    node('code:ensure_loaded(e2e_native)')
    refused(node, None, '/tmp is mounted noexec; /dev/shm is mounted noexec; /var/tmp is mounted noexec')
    assert node('[F || D <- ["/tmp", "/dev/shm", "/var/tmp"], F <- filelib:wildcard(D ++ "/beamtap*"), F =/= "%s"]' % work) == '[]'
    node.stop()


def schedulers_come_and_go():
    node = node_of()
    run = traced(node, STEPS)
    times = int(node('e2e_native:toggled(40, 2000)'))
    run.interrupt().ended(0)
    invariant(run.summary())
    found = Counter(r['message'] for r in rows(run))
    assert times > 3 and sum(found.values()) == 80000 and run.summary()['nodes'][0]['lost'] == 0, (times, sum(found.values()))
    steps = defaultdict(list)
    for r in rows(run):
        steps[r['pid']].append(int(re.search(r',(\d+)\]', r['message'])[1]))
    assert len(steps) == 40 and all(s == list(range(1, 2001)) for s in steps.values())
    gone(node)
    node.stop()


def three_hundred_thousand_processes():
    node = Node(args=('+P', '600000'))
    node('code:ensure_loaded(e2e_native)')
    run = Run(config(node, STEPS).replace('lease = 2s', 'lease = 20s'), '--json')  # it is no test of who comes first on a busy machine
    node.traced()
    assert node('e2e_native:crowd(300000)') == 'ok'
    run.interrupt().ended(0)
    summary = run.summary()
    invariant(summary)
    found = rows(run)
    assert len(found) == 300000 and len({r['pid'] for r in found}) == 300000 and summary['nodes'][0]['lost'] == 0, (len(found), summary['nodes'])
    gone(node)
    node.stop()


def two_runs_at_once():
    """Of processes and functions of their own, which before OTP 27 they have to be; the library goes with the second."""
    node = node_of()
    # Before OTP 27 patterns are everyone's: a process calls only what is traced for it.
    node('[register(N, spawn(fun() -> receive {go, From} -> [e2e_native:F({N, I}) || I <- lists:seq(1, 5000)], '
         'From ! done, receive stop -> ok end end end)) || {N, F} <- [{e2e_first, echo}, {e2e_second, bare}]], ok')
    pair = (('e2e_first', 'echo(_)'), ('e2e_second', 'bare(_)'))
    both = [Run(config(node, '%s[filter:pids]\npids = %s\n' % (STEPS.replace('step(_, _)', function), name)), '--json') for name, function in pair]
    tracers = 'length([T || N <- [e2e_first, e2e_second], {tracer, {T, _}} <- [erlang:trace_info(whereis(N), tracer)]])'
    if sessions(node):
        tracers = 'length([S || S <- trace:session_info(all), element(1, S) =/= legacy, trace:info(S, {e2e_native, echo, 1}, traced) =/= {traced, false} '
        tracers += 'orelse trace:info(S, {e2e_native, bare, 1}, traced) =/= {traced, false}])'
    wait_for(lambda: node(tracers) == '2', 'both runs')
    node('[begin N ! {go, self()}, receive done -> ok end end || N <- [e2e_first, e2e_second]]')
    both[0].interrupt().ended(0)
    assert mapped(node)
    both[1].interrupt().ended(0)
    for run, (name, function) in zip(both, pair):
        invariant(run.summary())
        found = Counter((r['function'], name in r['message']) for r in rows(run))
        assert found == {(function.split('(')[0], True): 5000}, (name, found)
    node('[exit(whereis(N), kill) || N <- [e2e_first, e2e_second]]')
    gone(node)
    node.stop()


def patterns_without_specs():
    """Before OTP 27 they bear no mark: what another tool put in their place stays, and where one traces already there are none."""
    node = node_of()
    if sessions(node):
        return node.stop()
    spec = lambda: node('element(2, erlang:trace_info({e2e_native, step, 2}, match_spec))')
    theirs = "erlang:trace_pattern({e2e_native, step, 2}, %s, [local])"
    node('e2e_native:hot()')
    hot = STEPS + '[filter:pids]\npids = e2e_hot\n'
    run = traced_one(node, hot)
    assert spec() == '[]', spec()
    node(theirs % "[{'_', [], [{return_trace}]}]")
    run.interrupt().ended(0)
    assert 'return_trace' in spec() and 'someone else traces' not in run.err(), (spec(), run.err())
    node(theirs % 'false')
    run = traced_one(node, hot)
    node('register(e2e_theirs, spawn(fun() -> receive stop -> ok end end)), erlang:trace(whereis(e2e_theirs), true, [call])')
    run.interrupt().ended(0)
    assert spec() == 'false' and 'someone else traces in this node by now' in run.err(), (spec(), run.err())
    run = traced_one(node, hot)
    assert 'beamtap' in spec(), spec()
    run.interrupt().ended(0)
    node('e2e_native:stop(), exit(whereis(e2e_theirs), kill)')
    gone(node)
    node.stop()


def the_start_stands_before_every_event():
    """Processes call already when the first of them gets its flags, and 20,000 more are to get theirs: what the run says of the node
    and of its plan comes first all the same. (With a process, whose messages wait behind it, it is its time that has to be.)"""
    settings = 'events = function_call, process_spawn\nmax_rate = 0\n[filter:match_spec]\ntrace = e2e_native:step(_, _)\n'
    for how in ('process', 'native'):
        node = node_of()
        node('[spawn(fun() -> receive stop -> ok end end) || _ <- lists:seq(1, 20000)], e2e_native:hot(), ok')
        run = Run(config(node, settings).replace('collect = native', 'collect = ' + how), '--json')
        wait_for(lambda: run.read('trace.csv').count('\n') > 1000, 'events')
        run.interrupt().ended(0)
        invariant(run.summary())
        with open(run.path('trace.csv'), newline='', encoding='utf-8') as f:
            kinds = [r['event'] for r in csv.DictReader(f)]
        assert kinds[0] == 'node_up' and kinds.count('node_up') == 1, (how, kinds[:3], kinds.index('node_up'))
        node('e2e_native:stop()')
        gone(node)
        node.stop()


def traced_one(node, settings):
    """A run of one process, which is not the node's that is asked."""
    run = Run(config(node, settings), '--json')
    wait_for(lambda: node('erlang:trace_info(whereis(e2e_hot), tracer)').count('beamtap'), 'tracing')
    return run


tests(libraries_that_are_not_for_the_node, no_folder_may_hold_it, schedulers_come_and_go, three_hundred_thousand_processes, two_runs_at_once,
      patterns_without_specs, the_start_stands_before_every_event)

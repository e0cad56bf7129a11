"""What a run wrote and what its recording gives, through the same sinks: the same bytes. On every configuration of config/, and on
random ones made of the option tables.

REPLAY_RUNS: how many random ones (a long run: 200); REPLAY_SEED: the first of them, which a failure tells.
"""
import glob, shutil
from lib import *

RUNS = int(os.environ.get('REPLAY_RUNS', 10))
SEED = int(os.environ.get('REPLAY_SEED', random.randrange(10**6)))
KINDS = ('function_call', 'function_return', 'function_exception', 'message_send', 'message_receive', 'process_spawn', 'process_start',
         'process_exit', 'process_link', 'process_unlink', 'process_register', 'process_unregister', 'schedule_in', 'schedule_out',
         'gc_start', 'gc_end')
SINKS = ('csv', 'stdout', 'chrome', 'summary', 'html', 'folded', 'perfetto')
OURS = {'path', 'queue', 'on_full', 'filters'}  # of a sink: set here, so that it loses nothing
TRACED = ('e2e_work:target(_, _)', 'e2e_work:target(_, N) when N rem 2 =:= 0', 'e2e_work:outer(_) -> return, caller', 'e2e_work:inner(_)',
          'e2e_work:thrower(_) -> exception', 'e2e_gen:handle_call(_, _, _) -> return', 'e2e_gen:handle_cast/2', 'send(_, {ball, _, N}) when N > 5',
          'receive(_, _, {ball, N, _}) when N =/= 2', 'send(_, {token, _})')
FIRES = ('e2e_work:target(_, 7)', 'e2e_work:thrower(_)', 'exit', 'send(_, {ball, _, 3})')


def tables():
    """A sink's name -> its options, as the plugins tell them."""
    told = subprocess.run([BEAMTAP, 'plugins', '--json'], stdout=subprocess.PIPE, check=True)
    return {p['name']: p['options'] for p in json.loads(told.stdout) if p['kind'] == 'sink'}


def files_of(folder):
    """What sinks wrote: name -> bytes."""
    own = ('trace.ini', 'stdout', 'stderr')
    return {name: open(os.path.join(folder, name), 'rb').read() for name in os.listdir(folder)
            if name not in own and not name.endswith('.btf')}


def first_difference(one, two):
    at = next((i for i, (a, b) in enumerate(zip(one, two)) if a != b), min(len(one), len(two)))
    return 'byte %d of %d and %d: %r / %r' % (at, len(one), len(two), one[max(0, at - 200):at + 200], two[max(0, at - 200):at + 200])


def compare(run, again, what):
    one, two = files_of(run.dir), files_of(again.dir)
    one['stdout'], two['stdout'] = run.out().encode(), again.out().encode()
    assert sorted(one) == sorted(two), (sorted(one), sorted(two), what)
    for name in sorted(one):
        assert one[name] == two[name], '%s differs at %s\n%s' % (name, first_difference(one[name], two[name]), what)


def sinks_of(ini):
    return ''.join(part for part in re.split(r'^(?=\[)', ini, flags=re.M) if part.startswith('[sink:'))


def replayed(run, sinks):
    """Another folder, the same sinks, and the recording as the transport."""
    again = Run('[transport:file]\npath = %s\n%s' % (run.path('run.btf'), sinks)).ended(0)
    assert 'lost' not in run.err() or not re.search(r'queue was full', run.err()), run.err()
    return again


def drop(run):
    shutil.rmtree(run.dir)


def every_file_of_config():
    compile_erlang(*glob.glob(os.path.join(TOP, 'config/demo/*.erl')))
    node = Node('demo')
    node('demo:start()')
    for path in sorted(glob.glob(os.path.join(TOP, 'config/*.ini'))):
        with open(path, encoding='utf-8') as f:
            ini = f.read().replace('beamtap_demo@localhost', node.name)
        for name in SINKS:
            ini += '\n[sink:besides_%s]\nplugin = %s\npath = besides.%s\n' % (name, name, name)
        run = Run(ini + '[sink:run]\nplugin = record\npath = run.btf\n', '--set', 'session.duration=1s').ended(0)
        assert os.path.getsize(run.path('run.btf')) > 3000, path
        compare(run, replayed(run, sinks_of(ini)), path)
    node.clean()


# ---- Random ones

def value(r, option):
    """Something that the option's row of the table allows."""
    kind = option['type']
    if kind == 'bool':
        return r.choice(['true', 'false'])
    if kind == 'choice':
        return r.choice(option['choices'])
    if kind == 'list':  # columns of csv
        columns = [c.strip() for c in option['default'].split(',')] + ['process']
        some = r.sample(columns, r.randint(1, len(columns)))
        return ', '.join(some + [c for c in ('ts', 'node') if c not in some])  # which the check of every run's order needs
    if kind == 'duration':
        return r.choice(['0', '1s'])
    if option['name'] == 'rotate_size':
        return r.choice(['0', '64k'])
    low, high = (int(re.match(r'\d+', str(option.get(end) or 0))[0]) for end in ('min', 'max'))
    return str(r.choice([n for n in (0, 3, 40, 100, 1000, 100000) if n >= low and (n <= high or not high or kind == 'size')]))


def sink(r, options, name, at, syntax):
    lines = ['[sink:s%d]' % at, 'plugin = ' + name, 'path = s%d.out' % at, 'queue = 256M', 'on_full = block']
    for option in options[name]:
        if option['name'] == 'syntax' or option['name'] not in OURS and r.random() < 0.4:
            lines.append('%s = %s' % (option['name'], syntax if option['name'] == 'syntax' else value(r, option)))
    return '\n'.join(lines) + '\n'


def session(r, nodes, native):
    events = r.sample(KINDS[:12], r.randint(1, 8)) if r.random() < 0.7 else list(KINDS[:12])
    events += r.sample(KINDS[12:], r.randint(1, 4)) if r.random() < 0.2 else []
    lines = ['[session]', 'nodes = ' + ', '.join(nodes), 'events = ' + ', '.join(events), 'max_queue = 1M', 'max_events = 0']
    maybe = {'order': ['time', 'arrival'], 'reorder': ['0', '1ms', '20ms', '1s'], 'names': ['true', 'false'], 'mailbox': ['20ms'],
             'max_term': ['256', '1k'], 'arguments': ['true', 'auto'], 'max_rate': ['0', '1k'], 'keep': ['0', '10ms', '10s'],
             'overload': ['pause', 'drop']}
    for key, values in maybe.items():
        if r.random() < 0.3 and (key != 'mailbox' or not any(e.startswith('schedule') for e in events)):
            lines.append('%s = %s' % (key, r.choice(values)))
    text = '\n'.join(lines)
    sends = 'message_send' in events
    fires = [f for f in FIRES if ('exit' in f and 'process_exit' in events) or ('send' in f and sends) or
             (f.startswith('e2e') and 'function_call' in events)]
    if fires and r.random() < 0.25:
        text += '\nstart_on = ' + r.choice(fires)
        if sends and 'message_receive' in events and 'arrival' not in text and r.random() < 0.5:
            text += '\nfollow = message'
    elif 'keep =' in text:
        text = re.sub('\nkeep = .*', '', text)
    if native:
        text += '\ncollect = native'
    return text + '\n', events


def filters(r, events):
    text = ''
    if r.random() < 0.7:
        text += '[filter:pids]\npids = %s\n' % r.choice(['new', 'new, served', 'served'])
    of_calls = [t for t in TRACED if ('send' in t) <= ('message_send' in events) and ('receive(' in t) <= ('message_receive' in events)
                and ('send' in t or 'receive(' in t or 'function_call' in events)]
    if of_calls and (r.random() < 0.6 or 'function_call' in events and not text):
        text += '[filter:match_spec]\n' + ''.join('trace = %s\n' % t for t in r.sample(of_calls, r.randint(1, len(of_calls))))
    elif 'function_call' in events:
        text += '[filter:modules]\nmodules = e2e_work, e2e_gen\n'
    return text or '[filter:pids]\npids = new\n'


def configuration(r, options, nodes):
    transport = r.choice(['dist', 'tcp'])
    native = transport == 'tcp' and r.random() < 0.4
    head, events = session(r, nodes, native)
    syntax = r.choice(['erlang', 'erlang', 'elixir'])  # one, for what they say of one run is compared besides
    sinks = ''.join(sink(r, options, r.choice(SINKS), at, syntax) for at in range(r.randint(2, 5)))
    head += '[transport:%s]\n' % transport + filters(r, events)
    return head, sinks


def work_of(nodes):
    for node in nodes:
        assert node('e2e_work:run(4, 15, 12)') == 'ok'
        node('e2e_gen:client(served, 5, 3)')
    if len(nodes) > 1:
        assert nodes[0]("e2e_ring:run([%s], 4, 40)" % ', '.join("'%s'" % n.name for n in nodes)) == 'ok'


def one_of_them(seed, options, one, two):
    r = random.Random(seed)
    nodes = [one, two] if r.random() < 0.5 else [one]
    head, sinks = configuration(r, options, [n.name for n in nodes])
    what = 'REPLAY_SEED=%d REPLAY_RUNS=1\n%s%s' % (seed, head, sinks)
    run = Run(head + sinks + '[sink:run]\nplugin = record\npath = run.btf\nqueue = 256M\non_full = block\ncompress = %s\n'
              % r.choice(['none', 'zstd']))
    wait_for(lambda: run.process.poll() is not None or all(n('e2e_node:traced()') == 'true' for n in nodes), 'tracing on\n' + what)
    assert run.process.poll() is None, run.wait().err() + what
    work_of(nodes)
    run.interrupt()
    assert run.code == 0, run.err() + what
    compare(run, replayed(run, sinks), what)
    drop(run)


def random_configurations():
    compile_erlang('e2e_ring.erl', 'e2e_gen.erl')
    options, one, two = tables(), Node('one'), Node('two')
    two.connect(one)
    for n in (one, two):
        n('e2e_gen:start(served)')
    wrong = []
    for seed in range(SEED, SEED + RUNS):
        try:
            one_of_them(seed, options, one, two)
        except AssertionError as why:
            wrong.append('REPLAY_SEED=%d: %s' % (seed, why))
    assert not wrong, '%d of %d\n%s' % (len(wrong), RUNS, '\n----\n'.join(wrong))
    for n in (one, two):
        n.clean()


tests(every_file_of_config, random_configurations)

#!/usr/bin/env python3
"""test_kit.py: a sink outside of the tree, made with the kit that is installed: plugins/template is built, tested and installed as
its README says. And the sink `folded`, which is made with it too: a flame graph's lines of a recording that is known.

    test_kit.py --write     makes plugins/template/one_call.btf anew
    test_kit.py --record    and shop.btf, of the demo shop, whose node it starts
"""
import glob, json, os, shutil, subprocess, sys, tempfile
from recording import *

TEMPLATE = os.path.join(TOP, 'plugins', 'template')
work = tempfile.mkdtemp(prefix='beamtap-kit-')
os.chdir(work)


def one_call():
    r = Recording(['function_call'])
    r.call(1, 100, 'add', integer(1), binary(b'tea'))
    return r.end()


EVENTS = ('function_call', 'function_return', 'function_exception', 'message_send', 'message_receive', 'process_spawn', 'process_start', 'process_exit',
          'process_link', 'process_unlink', 'process_register', 'process_unregister', 'gc_start', 'gc_end')
SHOP_INI = """[session]
nodes = shop@localhost
events = %s
duration = 2s
[filter:modules]
modules = shop_*
[filter:pids]
pids = tree:shop_sup, tree:shop_door, shop_till, shop_stock
[sink:record]
path = shop.btf
compress = zstd
""" % ', '.join(EVENTS)


def record_the_shop():
    """Two seconds of it."""
    env = dict(os.environ, BEAMTAP_COOKIE='kit%d' % os.getpid(), ERL_EPMD_PORT=str(20000 + os.getpid() % 10000))
    run('erlc', *glob.glob(os.path.join(TOP, 'config/demo/*.erl')))
    with open('shop.ini', 'w') as ini:
        ini.write(SHOP_INI)
    node = subprocess.Popen(['erl', '-noinput', '-sname', 'shop@localhost', '-setcookie', env['BEAMTAP_COOKIE'], '-kernel', 'logger_level', 'none', '-eval',
                             'demo:start(), io:put_chars("open\\n").'], env=env, stdout=subprocess.PIPE, text=True)
    try:
        assert node.stdout.readline() == 'open\n', 'the node did not start'
        print(run(BEAMTAP, 'run', 'shop.ini', env=env))
    finally:
        node.kill()
        node.wait()
        subprocess.run(['epmd', '-port', env['ERL_EPMD_PORT'], '-kill'], stdout=subprocess.DEVNULL)
    shutil.copy('shop.btf', TEMPLATE)
    os.chmod(os.path.join(TEMPLATE, 'shop.btf'), 0o644)


# ---- Tests

def the_templates_recording_is_the_one_that_is_made_here():
    with open(os.path.join(TEMPLATE, 'one_call.btf'), 'rb') as f:
        assert f.read() == one_call(), 'test_kit.py --write makes it anew'


def the_templates_real_run_is_one():
    """Thousands of events of nearly every kind, whole, and of nobody's machine."""
    told = json.loads(run(BEAMTAP, 'info', os.path.join(TEMPLATE, 'shop.btf'), '--json', out=False))
    kinds = {kind for kind, figures in told['events'].items() if figures['events']}
    assert sum(figures['events'] for figures in told['events'].values()) > 2000 and len(kinds & set(EVENTS)) >= 10, told['events']
    assert [(n['node'], n['lost']) for n in told['nodes']] == [('shop@localhost', 0)], told['nodes']
    run(BEAMTAP, 'export', os.path.join(TEMPLATE, 'shop.btf'), '-o', 'shop.jsonl', '--quiet')
    with open('shop.jsonl') as rows:
        text = rows.read()
    assert 'no_price' in text and '$gen_call' in text and '/home/' not in text and TOP not in text
    assert os.path.getsize(os.path.join(TEMPLATE, 'shop.btf')) < 150000


def a_sink_is_made_with_what_is_installed():
    root = os.path.join(work, 'root')
    variant = os.path.basename(BUILD)
    run('scons', '-Q', '-s', 'variant=' + variant, 'builddir=' + os.path.dirname(BUILD), 'install', 'prefix=/usr/local', 'destdir=' + root, cwd=TOP)
    folder = os.path.join(work, 'mine')
    shutil.copytree(root + '/usr/local/share/beamtap/template', folder)
    env = dict(os.environ, PKG_CONFIG_PATH=root + '/usr/local/lib/pkgconfig', PATH=root + '/usr/local/bin:' + os.environ['PATH'])
    where = ['KIT=--define-variable=prefix=%s/usr/local beamtap-sink' % root, 'DESTDIR=' + root]
    if variant in ('release', 'debug'):  # a sanitizer's functions are in no library that a plugin is linked with
        said = run('make', 'CFLAGS=-O2 -Wall -Wextra -Werror', *where, cwd=folder, env=env)
        assert 'warning' not in said, said
        tested = run('make', 'test', *where, cwd=folder, env=env)
        assert 'nothing is wrong' in tested and 'ok: it writes what it should' in tested, tested
        run('make', 'play', *where, cwd=folder, env=env)
        with open(folder + '/shop.out') as rows:
            assert sum(1 for _ in rows) > 300
        run('make', 'install', *where, cwd=folder, env=env)
        shown = run(root + '/usr/local/bin/beamtap', 'plugins', 'sink:lines', env=dict(env, BEAMTAP_PLUGIN_PATH=''))
        assert root in shown and 'a line for each call' in shown, shown
        needed = run('readelf', '-d', folder + '/beamtap_sink_lines.so')
        assert 'libbeamtap' not in needed, needed
    size = {p: sum(1 for _ in open(p)) for p in (folder + '/beamtap_sink_lines.c', os.path.join(TOP, 'plugins/sinks/folded/plugin.c'))}
    assert list(size.values())[0] <= 45 and list(size.values())[1] <= 80, size


def one_in_cpp(*flags):
    """Compiled against what is installed; the folder that it is in."""
    folder = tempfile.mkdtemp(dir=work)
    run('g++', '-std=c++17', '-Wall', '-Wextra', '-Werror', '-O1', '-shared', '-fPIC', '-fvisibility=hidden', '-I', work + '/root/usr/local/include', *flags,
        '-o', folder + '/beamtap_sink_calls.so', os.path.join(HERE, 'cpp', 'calls.cpp'))
    return dict(os.environ, BEAMTAP_PLUGIN_PATH=folder)


def a_sink_in_cpp_is_a_sink():
    env = one_in_cpp()
    if 'san' not in os.path.basename(BUILD):
        tested = run(BEAMTAP, 'plugins', '--test', 'sink:calls', env=env)
        assert 'nothing is wrong' in tested, tested
    with open('cpp.btf', 'wb') as f:
        f.write(many_calls())
    run(BEAMTAP, 'export', 'cpp.btf', '--sink', 'calls:path=cpp.txt', '--quiet', env=env)
    assert open('cpp.txt').read() == "a\nb\na\nc\nb\n'semi;colon'\na\na\na\n"
    said = run(BEAMTAP, 'export', 'cpp.btf', '--sink', 'calls:path=cpp.txt', '--quiet', env=env, code=1)
    assert 'cpp.txt: File exists' in said, said


def what_a_sink_in_cpp_throws_is_a_failure():
    for where, code, words in (('create', 1, 'thrown in create'), ('create invalid', 2, 'thrown as invalid'), ('start', 1, 'thrown in start'),
                               ('event', 1, 'thrown in event'), ('event odd', 1, 'no std::exception'), ('flush', 1, 'thrown in flush'),
                               ('stop', 1, 'thrown in stop')):
        said = run(BEAMTAP, 'export', 'cpp.btf', '--sink', 'calls:path=thrown.txt', '--sink', 'csv:path=beside.csv', '--quiet',
                   env=one_in_cpp('-DTHROWS="%s"' % where), code=code)
        assert words in said and 'crashed' not in said, (where, said)
        if os.path.exists('thrown.txt'):
            os.remove('thrown.txt')
        assert where in ('create', 'create invalid', 'start') or sum(',function_call,' in line for line in open('beside.csv')) == 9


def what_a_flush_in_cpp_did_not_write_is_lost():
    """The flush throws, and the stop behind it is fine: nobody knows what of it is in the file."""
    with open('cpp.btf', 'wb') as f:
        f.write(many_calls())
    told = json.loads(run(BEAMTAP, 'export', 'cpp.btf', '--sink', 'calls:path=flushed.txt', '--json', '--quiet', env=one_in_cpp('-DTHROWS="flush"'), code=1,
                          out=False))
    sink, = told['sinks']
    assert sink['failed'] and sink['written'] == 0 and sink['lost'] > 9, sink


def stacks_are_added_up():
    with open(os.path.join(work, 'calls.btf'), 'wb') as f:
        f.write(many_calls())
    want = {
        'time': {'shop_cart:a/0': 70 - 30 + 100 - 10 + 50, 'shop_cart:a/0;shop_cart:b/1': 20 + 10, 'shop_cart:a/0;shop_cart:b/1;shop_cart:c/0': 10,
                 "shop_cart:a/0;shop_cart:b/1;shop_cart:'semi,colon'/0": 30},
        'calls': {'shop_cart:a/0': 5, 'shop_cart:a/0;shop_cart:b/1': 2, 'shop_cart:a/0;shop_cart:b/1;shop_cart:c/0': 1,
                  "shop_cart:a/0;shop_cart:b/1;shop_cart:'semi,colon'/0": 1}}
    want['time']['shop_cart:a/0'] = (100 - 30 - 40) + 100 + 50  # a of 1 without b, a of 2, a of 3
    for weight, lines in want.items():
        run(BEAMTAP, 'export', 'calls.btf', '--sink', 'folded:path=%s.folded,weight=%s' % (weight, weight), '--quiet')
        with open(os.path.join(work, weight + '.folded')) as f:
            found = dict(line.rstrip('\n').rsplit(' ', 1) for line in f)
        assert {k: int(v) for k, v in found.items()} == lines, (weight, found)


def lines_of(data, *options):
    """What the sink writes of this recording, and what is said besides."""
    with open(os.path.join(work, 'some.btf'), 'wb') as f:
        f.write(data)
    said = run(BEAMTAP, 'export', 'some.btf', '--sink', ','.join(('folded:path=some.folded',) + options), '--quiet')
    with open(os.path.join(work, 'some.folded')) as f:
        lines = dict(line.rstrip('\n').rsplit(' ', 1) for line in f)
    os.remove('some.folded')
    return {k: int(v) for k, v in lines.items()}, said


def functions_of_a_profile_are_stacks_of_one():
    by_calls = {'shop_cart:add/2': 40, 'shop_cart:price/1': 5}
    assert lines_of(profile()) == ({'shop_cart:add/2': 700, 'shop_cart:price/1': 1500}, '')
    assert lines_of(profile(), 'weight=calls') == (by_calls, '')
    assert lines_of(profile(timed=False)) == lines_of(profile(timed=False, memory=False)) == (by_calls, '')


def without_a_length_of_any_call_it_says_what_to_do():
    r = Recording(['function_call'])
    r.call(1, 100, 'add', integer(1))
    r.call(2, 100, 'add', integer(1))
    calls_only = r.end()
    lines, said = lines_of(calls_only)
    assert not lines and said.count('\n') == 1 and 'some.folded is empty: returns were not traced' in said, said
    assert 'add function_return to events in [session] or -> return to the pattern' in said and 'weight = calls' in said, said
    assert lines_of(calls_only, 'weight=calls') == ({'shop_cart:add/1': 2}, '')
    r = Recording(['function_call', 'function_return'])
    r.call(1, 100, 'add', integer(1))
    lines, said = lines_of(r.end())
    assert not lines and 'some.folded is empty: no call was seen to end' in said and 'function_return' not in said, said
    r = Recording(['function_call', 'function_return'])
    r.call(1, 100, 'add', integer(1))
    r.leave(1, 100, 'add', 1)
    lines, said = lines_of(r.end())
    assert not lines and 'less than a microsecond' in said, said
    assert lines_of(Recording(['function_call']).end()) == ({}, '')  # nothing was called


def folded_names_its_ending():
    run(BEAMTAP, 'trace', 'shop@web1', 'shop_cart', '-o', 'x.folded', '--print-config')


def main():
    if '--write' in sys.argv:
        with open(os.path.join(TEMPLATE, 'one_call.btf'), 'wb') as f:
            f.write(one_call())
        return 0
    if '--record' in sys.argv:
        record_the_shop()
        return 0
    try:
        return 1 if tests('kit', (the_templates_recording_is_the_one_that_is_made_here, the_templates_real_run_is_one, a_sink_is_made_with_what_is_installed,
                                  a_sink_in_cpp_is_a_sink, what_a_sink_in_cpp_throws_is_a_failure,
                                  what_a_flush_in_cpp_did_not_write_is_lost, stacks_are_added_up, functions_of_a_profile_are_stacks_of_one,
                                  without_a_length_of_any_call_it_says_what_to_do, folded_names_its_ending)) else 0
    finally:
        shutil.rmtree(work)


sys.exit(main())

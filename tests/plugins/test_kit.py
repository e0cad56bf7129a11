#!/usr/bin/env python3
"""test_kit.py: a sink outside of the tree, made with the kit that is installed: plugins/template is built, tested and installed as
its README says. And the sink `folded`, which is made with it too: a flame graph's lines of a recording that is known.

    test_kit.py --write     makes plugins/template/one_call.btf anew
"""
import os, shutil, struct, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get('BEAMTAP_BUILD', os.path.join(TOP, 'build', 'release'))
BEAMTAP = os.path.join(BUILD, 'beamtap')
TEMPLATE = os.path.join(TOP, 'plugins', 'template')
STARTED = 1700000000000000000
work = tempfile.mkdtemp(prefix='beamtap-kit-')


# ---- A recording, term by term (beamtap/frame.h)

def atom(text):
    return b'w' + bytes([len(text)]) + text.encode()


def binary(data):
    return b'm' + struct.pack('>I', len(data)) + data


def integer(n):
    if 0 <= n < 256:
        return b'a' + bytes([n])
    if -2**31 <= n < 2**31:
        return b'b' + struct.pack('>i', n)
    digits = abs(n).to_bytes((abs(n).bit_length() + 7) // 8, 'little')
    return b'n' + bytes([len(digits), n < 0]) + digits


def tuple_of(*terms):
    return b'h' + bytes([len(terms)]) + b''.join(terms)


def list_of(*terms):
    return b'l' + struct.pack('>I', len(terms)) + b''.join(terms) + b'j' if terms else b'j'


def map_of(pairs):
    return b't' + struct.pack('>I', len(pairs)) + b''.join(atom(k) + v for k, v in pairs)


def pid(number):
    return b'X' + atom('shop@web1') + struct.pack('>III', number, 0, 1)


class Recording:
    def __init__(self, events):
        self.data, self.number, self.seq = b'', 0, 0
        session = [('version', binary(b'0')), ('run', binary(b'0123456789abcdef')), ('started', integer(STARTED)),
                   ('several_nodes', atom('false')), ('events', list_of(*map(atom, events))),
                   ('config', binary(b'[session]\nnodes = shop@web1\n'))]
        self.frame(8 | 1 | 2, [tuple_of(atom('session'), map_of(session))])
        self.frame(8 | 1 | 2, [tuple_of(atom('node'), binary(b'shop@web1'))])
        self.frame(8 | 1, [tuple_of(atom('node_up'), map_of([('release', binary(b'25')), ('offset', integer(STARTED)),
                                                            ('monotonic', integer(0))]))])

    def frame(self, flags, terms, lost=0, why=0):
        body = b''.join(struct.pack('>I', len(t) + 1) + b'\x83' + t for t in terms)
        self.seq += lost
        self.data += struct.pack('>4sBBHIIQIIII', b'BTF1', 1, flags, 0, self.number, why, self.seq, len(terms), lost, 0, len(body)) + body
        self.number += 1
        self.seq += 0 if flags & 1 else len(terms)

    def event(self, us, process, tag, *rest):
        self.frame(8, [tuple_of(atom('trace_ts'), pid(process), atom(tag), *rest, integer(us * 1000))])

    def call(self, us, process, function, *args):
        self.event(us, process, 'call', tuple_of(atom('shop_cart'), atom(function), list_of(*args)))

    def leave(self, us, process, function, arity, thrown=False):
        self.event(us, process, 'exception_from' if thrown else 'return_from',
                   tuple_of(atom('shop_cart'), atom(function), integer(arity)), tuple_of(atom('error'), atom('badarg')) if thrown else atom('ok'))

    def end(self):
        self.frame(8 | 1 | 2, [tuple_of(atom('node_down'), integer(0))])
        return self.data


def one_call():
    r = Recording(['function_call'])
    r.call(1, 100, 'add', integer(1), binary(b'tea'))
    return r.end()


def many_calls():
    r = Recording(['function_call', 'function_return', 'function_exception', 'process_exit'])
    r.call(0, 1, 'a')  # 0..100, of which b has 30 and c within it 10
    r.call(20, 1, 'b', integer(1))
    r.call(25, 2, 'a')  # another process, at the same time
    r.call(30, 1, 'c')
    r.leave(40, 1, 'c', 0)
    r.leave(50, 1, 'b', 1)
    r.call(60, 1, 'b', integer(2))  # left by an exception that is told only of a
    r.call(70, 1, 'semi;colon')
    r.leave(100, 1, 'a', 0, thrown=True)
    r.leave(125, 2, 'a', 0)
    r.leave(130, 2, 'a', 0)  # whose call was not seen
    r.call(200, 1, 'a')
    r.frame(8, [], lost=3, why=2)  # nobody knows when it ended
    r.leave(300, 1, 'a', 0)
    r.call(400, 3, 'a')
    r.event(450, 3, 'exit', atom('normal'))
    r.call(500, 3, 'a')  # never ends
    return r.end()


# ---- Tests

def run(*words, cwd=work, env=None, code=0):
    done = subprocess.run(words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == code, '%s: exit code %d: %s' % (' '.join(words), done.returncode, done.stdout)
    return done.stdout


def the_templates_recording_is_the_one_that_is_made_here():
    with open(os.path.join(TEMPLATE, 'one_call.btf'), 'rb') as f:
        assert f.read() == one_call(), 'test_kit.py --write makes it anew'


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
        run('make', 'install', *where, cwd=folder, env=env)
        shown = run(root + '/usr/local/bin/beamtap', 'plugins', 'sink:lines', env=dict(env, BEAMTAP_PLUGIN_PATH=''))
        assert root in shown and 'a line for each call' in shown, shown
        needed = run('readelf', '-d', folder + '/beamtap_sink_lines.so')
        assert 'libbeamtap' not in needed, needed
    size = {p: sum(1 for _ in open(p)) for p in (folder + '/beamtap_sink_lines.c', os.path.join(TOP, 'plugins/sinks/folded/plugin.c'))}
    assert list(size.values())[0] <= 45 and list(size.values())[1] <= 80, size


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


def folded_names_its_ending():
    run(BEAMTAP, 'trace', 'shop@web1', 'shop_cart', '-o', 'x.folded', '--print-config')


def main():
    if '--write' in sys.argv:
        with open(os.path.join(TEMPLATE, 'one_call.btf'), 'wb') as f:
            f.write(one_call())
        return 0
    failed = 0
    try:
        for test in (the_templates_recording_is_the_one_that_is_made_here, a_sink_is_made_with_what_is_installed, stacks_are_added_up,
                     folded_names_its_ending):
            try:
                test()
                print('ok kit.' + test.__name__, flush=True)
            except Exception as why:
                print('not ok kit.%s: %s' % (test.__name__, str(why).replace('\n', '\n    ')), flush=True)
                failed += 1
    finally:
        shutil.rmtree(work)
    return 1 if failed else 0


sys.exit(main())

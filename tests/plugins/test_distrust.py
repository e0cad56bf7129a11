#!/usr/bin/env python3
"""test_distrust.py: the host does not believe plugins: one that crashes, calls exit or hangs ends the command in order and is
named."""
import concurrent.futures, os, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get('BEAMTAP_BUILD', os.path.join(TOP, 'build', 'release'))
BEAMTAP = os.path.join(BUILD, 'beamtap')
INI = """
[session]
nodes = shop@web1
events = function_call
[transport:abi_c]
calls = 100
[filter:match_spec]
trace = shop_cart:add/2
[sink:csv]
path = good.csv
"""
TOLD = {'CRASH': ('crashed in %s of sink:%s (%s): SIGSEGV', True), 'ABORT': ('crashed in %s of sink:%s (%s): SIGABRT', True),
        'EXIT': ('exit was called in %s of sink:%s (%s)', True), 'HANG': ('%s', False)}
folder = None


def compiled(source, name, *flags):
    path = os.path.join(folder, name)
    subprocess.run(['cc', '-shared', '-fPIC', '-fvisibility=hidden', '-Wall', '-Werror', '-I%s/core/include' % TOP, *flags, '-o', path,
                    source], check=True)
    return path


def beamtap(where, *words, plugins=None, ini=None):
    if ini:
        with open(os.path.join(where, 'run.ini'), 'w') as out:
            out.write(ini)
    env = dict(os.environ, BEAMTAP_PLUGIN_PATH=plugins or folder)
    if os.path.basename(BUILD) in ('asan', 'tsan'):
        env['ASAN_OPTIONS'] = 'detect_leaks=0'
    done = subprocess.run([BEAMTAP, *words], cwd=where, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=120)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def fatal(operation, how):
    """The command ends with a failure that names the plugin; what the other sink wrote is whole, unless nothing was started."""
    name = 'fatal_%s_%s' % (operation, how.lower())
    so = compiled(os.path.join(HERE, 'fatal', 'fatal.c'), 'beamtap_sink_%s.so' % name, '-DNAME="%s"' % name, '-DWHERE="%s"' % operation,
                  '-DHOW=' + how)
    with tempfile.TemporaryDirectory() as where:
        code, out, err = beamtap(where, 'run', 'run.ini', ini=INI + '[sink:%s]\npath = bad.txt\n' % name)
        text, at_once = TOLD[how]
        want = text % (operation, name, so) if at_once else 'did not come back from %s within 10 s' % operation
        if code != 1 or want not in err:
            return 'exit code %d, and not told: %s; but %s' % (code, want, err)
        path = os.path.join(where, 'good.csv')
        if operation == 'create':
            return 'something was written' if os.path.exists(path) else None
        with open(path) as lines:
            rows = lines.read().splitlines()
        calls = [r for r in rows if ',function_call,' in r]
        if not rows[0].startswith('ts,node,') or len(calls) != 100 or any(r.count(',') < 10 for r in rows):
            return 'the other file is not whole: %d rows, %d calls; %s' % (len(rows), len(calls), err)
    return None


def main():
    global folder
    failed, jobs = 0, {}
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(4) as pool:
        compiled(os.path.join(TOP, 'tests/abi/1.0/transport.c'), 'beamtap_transport_abi_c.so')
        for operation, how in [('create', 'HANG'), ('start', 'HANG'), ('create', 'CRASH'), ('start', 'CRASH'), ('consume', 'CRASH'),
                               ('consume', 'ABORT'), ('consume', 'EXIT'), ('flush', 'CRASH'), ('stop', 'EXIT'), ('start', 'EXIT'),
                               ('destroy', 'CRASH'), ('destroy', 'EXIT')]:
            jobs['%s_in_%s_ends_the_command' % (how.lower(), operation)] = pool.submit(fatal, operation, how)
        for name, job in jobs.items():
            try:
                why = job.result()
            except Exception as error:
                why = repr(error)
            print('not ok %s: %s' % (name, why.replace('\n', '\n    ')) if why else 'ok %s' % name, flush=True)
            failed += bool(why)
    return 1 if failed else 0


sys.exit(main())

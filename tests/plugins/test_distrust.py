#!/usr/bin/env python3
"""test_distrust.py: the host does not believe plugins: one that crashes, calls exit or hangs ends the command in order and is
named; two that write one file are found before anything is opened; files that are never loaded are told."""
import concurrent.futures, os, re, subprocess, sys, tempfile, time

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
        began = time.monotonic()
        code, out, err = beamtap(where, 'run', 'run.ini', ini=INI + '[sink:%s]\npath = bad.txt\n' % name)
        if how == 'EXIT' and operation != 'destroy' and time.monotonic() - began > 20:  # the patience of crash.c
            return 'its exit waits for the one in the plugin: %d s' % (time.monotonic() - began)
        text, at_once = TOLD[how]
        want = text % (operation, name, so) if at_once else 'did not come back from %s within 10 s' % operation
        if code != 1 or want not in err:
            return 'exit code %d, and not told: %s; but %s' % (code, want, err)
        path = os.path.join(where, 'good.csv')
        if operation == 'create':
            return 'something was written' if os.path.exists(path) else None
        if operation == 'start' and how != 'HANG':  # nothing was traced
            return 'there are events' if os.path.exists(path) and ',function_call,' in open(path).read() else None
        with open(path) as lines:
            rows = lines.read().splitlines()
        calls = [r for r in rows if ',function_call,' in r]
        if not rows[0].startswith('ts,node,') or len(calls) != 100 or any(r.count(',') < 10 for r in rows):
            return 'the other file is not whole: %d rows, %d calls; %s' % (len(rows), len(calls), err)
    return None


def outputs():
    """Two sinks on one file, whatever it is called; a recording that is written while it is played."""
    compiled(os.path.join(HERE, 'bad', 'right.c'), 'beamtap_sink_foreign.so', '-DNAME="foreign"')
    with tempfile.TemporaryDirectory() as where:
        os.mkdir(where + '/sub')
        os.symlink('sub', where + '/link')
        open(where + '/there.txt', 'w').close()
        os.symlink('there.txt', where + '/again.txt')
        for first, second in (('x.txt', 'x.txt'), ('x.txt', './x.txt'), ('sub/x.txt', 'link/x.txt'), ('there.txt', 'again.txt'),
                              ('/dev/stdout', '-')):
            sinks = '[sink:csv]\npath = %s\n[sink:foreign]\npath = %s\n' % (first, second)
            for command in ('check', 'run'):
                code, out, err = beamtap(where, command, 'run.ini', ini=INI.split('[sink:csv]')[0] + sinks)
                if code != 2 or not re.search(r'\[sink:foreign\] path \S+: sink:csv writes (that file|standard output) already', err):
                    return '%s %s: exit code %d, %s' % (command, (first, second), code, err)
        for first, second in (('x.txt', 'y.txt'), ('sub/x.txt', 'x.txt'), ('/dev/null', '/dev/null')):
            sinks = '[sink:csv]\npath = %s\n[sink:foreign]\npath = %s\n' % (first, second)
            code, out, err = beamtap(where, 'check', 'run.ini', ini=INI.split('[sink:csv]')[0] + sinks)
            if code != 0:
                return '%s: exit code %d, %s' % ((first, second), code, err)
        with open(where + '/all.btf', 'w') as recording:
            recording.write('a recording')
        code, out, err = beamtap(where, 'export', 'all.btf', '--sink', 'record:path=sub/../all.btf')
        if code != 2 or 'that is the file that transport:file plays' not in err or open(where + '/all.btf').read() != 'a recording':
            return 'export: exit code %d, %s' % (code, err)
        left = sorted(os.listdir(where))
        if left != ['again.txt', 'all.btf', 'link', 'run.ini', 'sub', 'there.txt']:
            return 'left: %s' % left
    return None


NUMBERED = '''
#include "right.h"
static const struct tap_option own[] = {
    {.name = "path", .type = TAP_OPT_INT, .def = "4096", .offset = offsetof(struct settings, size), .help = "no file's"},
    {.name = "file", .type = TAP_OPT_PATH, .flags = TAP_OPT_REQUIRED, .offset = offsetof(struct settings, path), .help = "the file"}};
SINK_WITH(own, .destroy = right_destroy)
'''


def a_path_that_is_a_number():
    """What an option is called does not make it a text."""
    with tempfile.TemporaryDirectory() as where:
        with open(where + '/numbered.c', 'w') as out:
            out.write(NUMBERED)
        compiled(where + '/numbered.c', 'beamtap_sink_numbered.so', '-DNAME="numbered"', '-I' + os.path.join(HERE, 'bad'))
        code, out, err = beamtap(where, 'run', 'run.ini', ini=INI + '[sink:numbered]\nfile = lines.txt\n')
        if code != 0 or open(where + '/lines.txt').read().count('function_call') != 100:
            return 'exit code %d: %s' % (code, err)
    return None


def never_loaded():
    """Misnamed, shadowed and broken files are told, other libraries are not."""
    with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
        right = os.path.join(HERE, 'bad', 'right.c')
        so = compiled(right, 'beamtap_sink_seen.so', '-DNAME="seen"')
        for path in (a + '/beamtap_sink_seen.so', b + '/beamtap_sink_seen.so', a + '/libbeamtap_sink_mine.so', a + '/beamtap-sink-mine.so'):
            with open(so, 'rb') as source, open(path, 'wb') as out:
                out.write(source.read())
        with open(a + '/beamtap_sink_torn.so', 'wb') as out:
            out.write(b'\x7fELF, and no more')
        with open(a + '/other.so', 'wb') as out:
            out.write(b'some library')
        code, out, err = beamtap(a, 'plugins', plugins='%s:%s' % (a, b))
        wants = ('%s/beamtap_sink_seen.so is not used: %s/beamtap_sink_seen.so stands before it' % (b, a),
                 a + '/libbeamtap_sink_mine.so is not found as a plugin', a + '/beamtap-sink-mine.so is not found as a plugin',
                 a + '/beamtap_sink_torn.so cannot be loaded')
        missing = [w for w in wants if w not in err]
        if code != 2 or missing or 'other.so' in err or 'sink:seen' not in out or out.count('beamtap_sink_seen.so') != 1:
            return 'exit code %d, not told: %s; %s%s' % (code, missing, err, out)
        os.remove(a + '/beamtap_sink_torn.so')
        code, out, err = beamtap(a, 'plugins', plugins='%s:%s' % (a, a))
        if code != 0 or 'is not used' in err:
            return 'exit code %d: %s' % (code, err)
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
        jobs['two_sinks_on_one_file_are_found'] = pool.submit(outputs)
        jobs['an_option_path_may_be_a_number'] = pool.submit(a_path_that_is_a_number)
        jobs['files_that_are_never_loaded_are_told'] = pool.submit(never_loaded)
        for name, job in jobs.items():
            try:
                why = job.result()
            except Exception as error:
                why = repr(error)
            print('not ok %s: %s' % (name, why.replace('\n', '\n    ')) if why else 'ok %s' % name, flush=True)
            failed += bool(why)
    return 1 if failed else 0


sys.exit(main())

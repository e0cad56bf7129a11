#!/usr/bin/env python3
"""Runs the tests and counts them.

Every test program prints one line a test, "ok NAME" or "not ok NAME: why"; a program that prints none, crashes or runs
out of time is one failed test more. The last line is "N passed, M failed".

    runner.py --build build/release [--only unit,plugins,e2e,fuzz] [--jobs 2] [NAME...]

A NAME runs only the programs whose name contains it.
"""
import argparse, concurrent.futures, glob, os, re, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = os.environ.get('FUZZ_SECONDS', '3')  # of each fuzz target
LIMIT = 600 + int(float(SECONDS))  # seconds a program may take; each waits for conditions, none for time


def programs(build, kinds):
    found = []
    for kind in kinds:
        if kind in ('unit', 'plugins'):
            for source in sorted(glob.glob('%s/%s/test_*.c' % (HERE, kind))):
                name = os.path.splitext(os.path.basename(source))[0]
                found.append((kind + '/' + name, [os.path.join(build, 'tests', name)]))
        elif kind == 'fuzz':  # so many seconds each; the inputs are the same each time
            for source in sorted(glob.glob('%s/fuzz/fuzz_*.c' % HERE)):
                name = os.path.splitext(os.path.basename(source))[0]
                found.append((kind + '/' + name, [os.path.join(build, 'tests', name), '--seconds', SECONDS]))
        for path in sorted(glob.glob('%s/%s/test_*' % (HERE, kind))):
            if path.endswith('.py'):
                found.append((kind + '/' + os.path.basename(path), [sys.executable, path]))
            elif path.endswith('.sh'):
                found.append((kind + '/' + os.path.basename(path), ['sh', path]))
    return found


def run(program, env):
    name, command = program
    began = time.time()
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=env, timeout=LIMIT)
        output, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output, code = late.stdout or b'', 'none: stopped after %d s' % LIMIT
    except OSError as why:
        output, code = str(why).encode(), 'none: it cannot be started'
    text = output.decode('utf-8', 'replace')
    passed = len(re.findall(r'^ok \S', text, re.M))
    failed = len(re.findall(r'^not ok \S', text, re.M))
    if code != 0 and not failed:
        text += '\nnot ok %s: exit code %s' % (name, code)
        failed = 1
    elif not passed and not failed and '# skipped' not in text:
        text += '\nnot ok %s: it ran no test' % name
        failed = 1
    return name, passed, failed, text, time.time() - began


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--build', required=True)
    parser.add_argument('--only', default='unit,plugins,e2e')
    parser.add_argument('--jobs', type=int, default=os.cpu_count() or 1)
    parser.add_argument('names', nargs='*')
    args = parser.parse_args()
    build = os.path.abspath(args.build)
    env = dict(os.environ, BEAMTAP_BUILD=build)
    todo = [p for p in programs(build, args.only.split(',')) if not args.names or any(n in p[0] for n in args.names)]
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for name, good, bad, text, took in pool.map(lambda p: run(p, env), todo):
            passed, failed = passed + good, failed + bad
            print('%-40s %3d passed %3d failed %6.1f s' % (name, good, bad, took), flush=True)
            for line in text.splitlines():
                if bad and not line.startswith('ok ') or line.startswith('# skipped'):
                    print('    ' + line[:2000])
    print('%d passed, %d failed' % (passed, failed), flush=True)
    return 1 if failed or not passed else 0


sys.exit(main())

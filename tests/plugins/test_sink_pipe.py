#!/usr/bin/env python3
"""test_sink_pipe.py: what a command gets from the sink `pipe`, and what becomes of a run whose command dies, fails, has enough, reads
nothing, or does not end: beamtap comes to its end, says why, and the other sinks have everything."""
import json, os, shutil, subprocess, sys, tempfile, time
from recording import *

work = tempfile.mkdtemp(prefix='beamtap-pipe-')
os.chdir(work)


def many(n):
    r = Recording(['function_call'])
    for i in range(n):
        r.call(i * 10, 1 + i % 100, 'f%d' % (i % 50), integer(i), binary(b'x' * 100))
    return r.end()


MANY = 20000  # far more than a pipe and two buffers hold


def export(recording, command, *more, options='', beside=()):
    with open('in.btf', 'wb') as f:
        f.write(recording)
    with open('trace.ini', 'w') as f:
        f.write('[transport:file]\npath = in.btf\n[sink:pipe]\ncommand = %s\n%s\n%s\n' % (command, options, '\n'.join(beside)))
    done = subprocess.run([BEAMTAP, 'run', 'trace.ini', '--json', *more], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=120)
    at = done.stdout.find('{')
    summary = json.loads(done.stdout[at:]) if at >= 0 else None
    for sink in summary['sinks'] if summary else ():
        assert sink['written'] + sink['lost'] - sink['lost_before'] + sink['filtered'] == summary['nodes'][0]['received'], (sink, summary['nodes'])
    return done.returncode, done.stderr, summary and summary['sinks'], done.stdout[:at]


CSV = ('[sink:csv]', 'path = beside.csv')


def beside():
    with open('beside.csv') as f:
        return sum(',function_call,' in line for line in f)


def gone(file):
    """The process whose number stands in this file is no more."""
    with open(file) as f:
        number = int(f.read())
    return not os.path.exists('/proc/%d' % number) or ' Z ' in open('/proc/%d/stat' % number).read()


def lines_are_those_of_the_other_sinks():
    for recording in (shop(), many_calls(), many(MANY)):
        code, err, sinks, _ = export(recording, 'cat > lines.json', beside=['[sink:stdout]', 'path = want.json', 'format = json'])
        assert code == 0 and open('lines.json').read() == open('want.json').read(), (code, err)
        assert sinks[0]['written'] == sinks[1]['written'] > 10 and sinks[0]['bytes'] == os.path.getsize('lines.json'), sinks
        code, err, sinks, _ = export(recording, 'cat > rows.csv', options='format = csv', beside=CSV)
        assert code == 0 and open('rows.csv').read() == open('beside.csv').read(), (code, err)
        assert sinks[0]['written'] == sinks[1]['written'] > 10 and sinks[0]['bytes'] == os.path.getsize('rows.csv'), sinks


def its_words_are_seen():
    code, err, _, out = export(shop(), 'cat > /dev/null; echo said; echo told >&2')
    assert code == 0 and out == 'said\n' and 'told' in err, (code, out, err)


def the_cookie_is_not_for_it():
    os.environ.update(BEAMTAP_COOKIE='secret', BEAMTAP_OTHER='seen')
    code, err, _, _ = export(shop(), 'cat > /dev/null; env > environment')
    got = open('environment').read()
    assert code == 0 and 'BEAMTAP_OTHER=seen' in got and 'COOKIE' not in got, (code, err, got)


def a_command_that_fails_is_told():
    for command, why in (('read line; exit 3', 'exit code 3'), ('read line; kill -9 $$', 'signal 9'), ('none-such-command', 'no such command'),
                         ('cat > /dev/null; exit 4', 'exit code 4')):
        code, err, sinks, _ = export(many(MANY), command, beside=CSV)
        assert code == 1 and why in err and beside() == MANY and sinks[0]['failed'], (command, code, err, sinks)
        assert sinks[1]['written'] == MANY and not sinks[1]['failed'], sinks
    assert sinks[0]['written'] == MANY, sinks  # the last one took everything


def one_that_has_enough_is_no_failure():
    code, err, sinks, _ = export(many(MANY), 'head -n 5 > five.json', beside=CSV)
    assert code == 0 and not sinks[0]['failed'] and 0 < sinks[0]['written'] < MANY and beside() == MANY, (code, err, sinks)
    assert [json.loads(line)['event'] for line in open('five.json')] == ['node_up'] + 4 * ['function_call']


def one_that_reads_nothing_is_stopped():
    began = time.time()
    code, err, sinks, _ = export(many(MANY), 'echo $$ > pid; exec sleep 1000', options='timeout = 300ms', beside=CSV)
    assert code == 1 and 'nothing was taken' in err and beside() == MANY and gone('pid'), (code, err)
    assert sinks[0]['written'] < MANY and sinks[1]['written'] == MANY, sinks
    assert time.time() - began < 60, time.time() - began


def one_that_does_not_end_is_stopped():
    for command in ('cat > /dev/null; echo $$ > pid; exec sleep 1000', 'trap "" TERM; cat > /dev/null; echo $$ > pid; while :; do sleep 1; done',
                    'cat > /dev/null; (echo $(exec sh -c "echo \\$PPID") > pid; sleep 1000); true',
                    # the shell dies of SIGTERM, what it has started does not
                    """sh -c 'trap "" TERM; echo $$ > pid; while :; do sleep 1; done' < /dev/null & cat > /dev/null; sleep 1000"""):
        if os.path.exists('pid'):
            os.remove('pid')
        code, err, sinks, _ = export(shop(), command, options='timeout = 300ms', beside=CSV)
        assert code == 1 and 'still running' in err and gone('pid'), (command, code, err)
        assert sinks[0]['written'] == sinks[1]['written'] and not sinks[1]['failed'], sinks


def slow_ones_get_everything():
    code, err, sinks, _ = export(many(MANY), 'while read -r line && [ "$((n = n + 1))" -lt 200 ]; do sleep 0.005; done; cat > rest.json')
    assert code == 0 and sinks[0]['written'] == MANY, (code, err, sinks)


def a_slow_one_is_not_a_dead_one():
    # less than a page in the time that it has, for many times that time
    with open('slow.py', 'w') as f:
        f.write('import os, time\nfor i in range(24):\n    os.read(0, 256)\n    time.sleep(0.05)\nwhile os.read(0, 65536):\n    pass\n')
    code, err, sinks, _ = export(many(1500), 'exec python3 slow.py', options='timeout = 300ms')
    assert code == 0 and sinks[0]['written'] == 1500, (code, err, sinks)


def what_is_wrong_is_told_before():
    for options in ('timeout = 0', 'timeout = 5s', 'format = xml', 'max_message = -1'):
        code, err, _, _ = export(shop(), 'touch begun', options=options)
        assert code == 2 and not os.path.exists('begun'), (options, code, err)
    assert export(shop(), '')[0] == 2


def main():
    try:
        return 1 if tests('pipe', (lines_are_those_of_the_other_sinks, its_words_are_seen, the_cookie_is_not_for_it, a_command_that_fails_is_told,
                                   one_that_has_enough_is_no_failure, one_that_reads_nothing_is_stopped, one_that_does_not_end_is_stopped,
                                   slow_ones_get_everything, a_slow_one_is_not_a_dead_one, what_is_wrong_is_told_before)) else 0
    finally:
        shutil.rmtree(work)


sys.exit(main())

"""What tests of the sink `otlp` share: recordings played into it, at once or piece by piece, and what is said of them."""
import json, os, shutil, subprocess, sys, tempfile, time
from recording import *
sys.path.insert(0, os.path.join(TOP, 'tests', 'e2e'))
from otlp_collector import Collector, why_not

work = tempfile.mkdtemp(prefix='beamtap-otlp-')
os.chdir(work)
os.environ.pop('OTEL_EXPORTER_OTLP_ENDPOINT', None)
os.environ.pop('OTEL_EXPORTER_OTLP_HEADERS', None)
SANITIZED = os.path.basename(BUILD) in ('asan', 'tsan')  # which take memory of their own
BESIDE = ['[sink:csv]', 'path = beside.csv']


def many(n, size=100, apart=10):
    """Calls so many microseconds apart; far apart they are not held for one that might come earlier."""
    r = Recording(['function_call', 'function_return'])
    for i in range(n):
        r.call(i * apart, 1 + i % 100, 'f%d' % (i % 50), integer(i), binary(b'x' * size))
        r.leave(i * apart + 5, 1 + i % 100, 'f%d' % (i % 50), 2)
    return r.end()


def config(endpoint, options='', beside=()):
    with open('trace.ini', 'w') as f:
        f.write('[transport:file]\npath = in.btf\n[sink:otlp]\nendpoint = %s\n%s\n%s\n' % (endpoint, options, '\n'.join(beside)))


def judged(code, out, err):
    """The exit code, what was said, and the figures of the sinks, in which nothing is missing."""
    summary = json.loads(out) if out else None
    for sink in summary['sinks'] if summary and summary['nodes'] else ():
        assert sink['written'] + sink['lost'] - sink['lost_before'] + sink['filtered'] == summary['nodes'][0]['received'], (sink, summary['nodes'])
    return code, err, summary and summary['sinks']


def export(recording, endpoint, options='', beside=()):
    with open('in.btf', 'wb') as f:
        f.write(recording)
    config(endpoint, options, beside)
    done = subprocess.run([BEAMTAP, 'run', 'trace.ini', '--json'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          errors='replace', timeout=120)
    return judged(done.returncode, done.stdout, done.stderr)


class Piped:
    """An export whose recording comes by a pipe, so that what happens meanwhile is at a place in it."""
    def __init__(self, recording, endpoint, options=''):
        self.recording, self.at = recording, 0
        self.process = subprocess.Popen([BEAMTAP, 'export', '-', '--sink', 'otlp:endpoint=%s%s' % (endpoint, options), '--json'], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=open('piped.err', 'wb+'))

    def give(self, share):
        end = self.recording.find(b'BTF1', int(len(self.recording) * share))  # where a frame begins
        end = end if end >= 0 else len(self.recording)
        self.process.stdin.write(self.recording[self.at:end])
        self.process.stdin.flush()
        self.at = end

    def said(self):
        with open('piped.err') as f:
            return f.read()

    def end(self):
        out, _ = self.process.communicate(timeout=120)
        return judged(self.process.returncode, out.decode(), self.said())


def until(condition, what):
    end = time.time() + 60
    while not condition():
        assert time.time() < end, 'waited in vain for ' + what
        time.sleep(0.02)


def run_all(name, *functions):
    """Runs them where they can be run, in a folder that is gone afterwards; the exit code."""
    try:
        why = why_not()
        if why:
            print('# skipped: ' + why)
            return 0
        return 1 if tests(name, functions) else 0
    finally:
        shutil.rmtree(work)

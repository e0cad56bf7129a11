"""A collector for tests of the sink `otlp`: otlp_collector.js, which reads spans with OpenTelemetry's own npm package."""
import json, os, random, subprocess, urllib.request
import npm

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get('BEAMTAP_BUILD', os.path.join(TOP, 'build/release')))
FOLDER = os.environ.get('BEAMTAP_OTLP', os.path.join(os.path.dirname(BUILD), 'otlp'))
READER = '@opentelemetry/otlp-transformer'
VERSION = '0.203.0'  # of those that read requests, too, and not only write them


def why_not():
    """Why the sink or the collector cannot be had here, for a line `# skipped: ...`; None: they can."""
    if not os.path.exists(os.path.join(BUILD, 'plugins/beamtap_sink_otlp.so')):
        return 'there is no sink otlp in this build, for libcurl is missing'
    return npm.why_not(FOLDER, '%s@%s' % (READER, VERSION), 'node_modules/%s/build/src/generated/root.js' % READER, "OpenTelemetry's package")


class Span:
    """One as it was taken: its fields, with times as numbers."""
    def __init__(self, told):
        span = told['span']
        self.resource, self.scope = told['resource'], told['scope']
        self.trace, self.id, self.parent = span['traceId'], span['spanId'], span['parentSpanId']
        self.name, self.kind = span['name'], ['', 'internal', 'server', 'client', 'producer', 'consumer'][span['kind']]
        self.start, self.end = int(span['startTimeUnixNano']), int(span['endTimeUnixNano'])
        self.attributes, self.events = span['attributes'], span['events']
        self.links = [(l['traceId'], l['spanId'], l['attributes']['beam.link']) for l in span['links']]
        self.status = span.get('status', {})
        assert len(self.trace) == 32 and len(self.id) == 16 and len(self.parent) in (0, 16) and self.start <= self.end, span
        assert int(self.trace, 16) and int(self.id, 16), span

    @property
    def node(self):
        return self.resource['service.instance.id']

    def __repr__(self):
        return '%s %s %s<%s %s %s' % (self.kind, self.name, self.id, self.parent, self.node, self.attributes)


class Collector:
    """On a port that stays its own when it is away for a while: connections take none of these by themselves."""
    def __init__(self, port=None):
        for _ in range(20):
            asked = port or random.randint(20000, 31999)
            self.process = subprocess.Popen(['node', os.path.join(HERE, 'otlp_collector.js'), FOLDER, str(asked)], stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=None if port else subprocess.DEVNULL, text=True)
            said = self.process.stdout.readline()
            if said:
                break
            self.stop()
        self.port = int(said)
        self.url = 'http://127.0.0.1:%d' % self.port

    def ask(self, path, data=None):
        body = None if data is None else json.dumps(data).encode()
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self.url + path, body) as answer:
            return json.load(answer)

    def answers(self, *following, usual=None):
        """The next ones, and that of all others; a number is a status."""
        full = [a if isinstance(a, dict) else {'status': a} for a in following]
        self.ask('/answers', {'next': full, **({'usual': usual} if usual else {})})

    def requests(self):
        found = self.ask('/requests')
        assert not [r for r in found if 'wrong' in r], [r for r in found if 'wrong' in r]
        return found

    def spans(self):
        return [Span(s) for r in self.requests() for s in r['spans']]

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

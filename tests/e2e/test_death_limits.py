"""Each limit from both sides: just below it a run goes on and holds everything; from it on the run ends, or pauses and says
so. Either way the node is as it was before, another tool that traces in it sees all of its own, and the files are complete.
"""
from death_rig import *

Run.recorded = False  # each limit of a run is what is tested: nothing may add to it

RELAY = AGENT % 'relay_'


def ini(**settings):
    """One process's calls are traced, with only the limit that is meant in the way."""
    settings = {'overload': 'stop', 'max_events': 0, 'max_rate': 0, 'max_queue': '1M', 'max_memory': '1G', **settings}
    lines = ''.join('%s = %s\n' % each for each in settings.items())
    return ONE_PROCESS.replace('duration = 0\n', lines if 'duration' in settings else 'duration = 0\n' + lines)


class Limited(Case):
    def __init__(self, **settings):
        super().__init__(True, ini(**settings))
        wait_for(self.on, 'e2e_busy traced')

    def on(self):
        assert self.run.process.poll() is None, self.run.err()
        return self.node('e2e_node:traced(whereis(e2e_busy))') == 'true'

    def rows(self):
        return self.run.read('trace.csv').count('function_call') if self.size('trace.csv') else 0

    def reached(self, text, written=None):
        """The run ends by itself, says why, and has written this many events."""
        self.run.wait()
        since = time.time()
        assert text in self.run.err(), self.run.err()
        summary = self.run.summary()
        invariant(summary)
        if written is not None:
            assert summary['sinks'][0]['written'] == written, summary
        self.as_before(since)
        self.over()
        return summary

    def below(self, written):
        """The run still goes on, to the test's own end, and nothing is lost."""
        wait_for(lambda: self.rows() == written, '%d rows, not %d' % (written, self.rows()))
        assert self.run.process.poll() is None, self.run.err()
        self.run.interrupt()
        since = time.time()
        self.ended(0, written)
        summary = self.run.summary()
        assert summary['sinks'][0]['written'] == written and not any(n['lost'] for n in summary['nodes']), summary
        self.as_before(since)
        self.over()


@guarded
def max_events_below():
    case = Limited(max_events=1000)
    case.node('e2e_tool:busy(999)')
    case.below(999)


@guarded
def max_events_reached():
    case = Limited(max_events=1000)
    case.node('e2e_tool:busy(1000)')
    case.reached('max_events (1000) was reached', 1000)


@guarded
def max_queue_below():
    case = Limited(max_queue=5000)
    case.node('e2e_tool:flood(%s, 4900)' % RELAY)
    case.below(4900)


@guarded
def max_queue_reached():
    case = Limited(max_queue=5000)
    case.node('e2e_tool:flood(%s, 5600)' % RELAY) # the queue is read each 256 events
    case.reached('longer than max_queue')


@guarded
def max_memory_below():
    case = Limited(max_memory='16M')
    case.node('e2e_tool:flood(%s, 10000)' % RELAY)
    case.below(10000)


@guarded
def max_memory_reached():
    case = Limited(max_memory='16M')
    if NATIVE:  # its rings are emptied all the time, unless the collector does not read
        case.run.process.send_signal(signal.SIGSTOP)
        case.node('e2e_tool:busy(600000)')
        case.run.process.send_signal(signal.SIGCONT)
        case.reached('overload = stop')
    else:
        case.node('e2e_tool:flood(%s, 400000)' % RELAY)
        case.reached('max_memory')


@guarded
def max_rate_below():
    case = Limited(max_rate=1000)
    case.node('e2e_tool:busy(999)')
    case.below(999)


@guarded
def max_rate_reached():
    """Beyond it tracing is off until the next window, and then on again."""
    case = Limited(max_rate=1000)
    case.node('e2e_tool:busy(5000)')
    wait_for(lambda: 'gap' in case.run.read('trace.csv'), 'the gap in the file')
    rows = case.rows()
    wait_for(lambda: case.work() and case.rows() > rows, 'events after the pause')
    case.run.interrupt()
    assert case.run.code == 0, case.run.err()
    case.reached('')
    assert ',rate}' in case.run.read('trace.csv') and 'not tracing for' in case.run.err(), case.run.err()
    assert 'a higher limit lets more through: max_rate' in case.run.err(), case.run.err()
    told = case.run.summary()['nodes'][0]
    assert told['limited_by'] == ['max_rate'] and told['gap_by'] == {'rate': told['gap_ns']}, told


@guarded
def max_term_below():
    case = Limited(max_term='4k')
    case.node('e2e_tool:big(3500)')
    case.node('e2e_tool:big(10)')
    case.below(2)
    assert case.run.read('trace.csv').count('x' * 3500) == 1 and 'x' * 10 in case.run.read('trace.csv').splitlines()[-2]  # before node_down


@guarded
def max_term_reached():
    """The first larger term is left out, and no payload comes after it; the events do. Natively each is cut on its own."""
    case = Limited(max_term='4k')
    case.node('e2e_tool:big(5000)')
    wait_for(lambda: case.rows() == 1, 'the first event')
    case.node('e2e_tool:big(10)')
    case.below(2)
    text = case.run.read('trace.csv')
    assert ('x' * 10 in text) == NATIVE and 'x' * 20 not in text, text
    assert 'truncated=50' in text and ('a term above max_term' in case.run.err()) != NATIVE, case.run.err()


@guarded
def duration_below():
    case = Limited(duration='30s')
    case.node('e2e_tool:busy(100)')
    case.below(100)


@guarded
def duration_reached():
    case = Limited(duration='1500ms')
    case.node('e2e_tool:busy(100)')
    case.reached('', 100)


@guarded
def what_still_comes_is_waited_for():
    """A slow line brings the rest after the interrupt, for longer than a silent node is waited for (its lease and 5 s)."""
    case = Limited()
    case.proxy.rate = 250000
    assert case.node('e2e_tool:busy(%d)' % 30000) == 'ok'
    since = time.time()
    case.run.interrupt()
    assert time.time() - since > LEASE + 5, 'it took %.1f s alone: %s' % (time.time() - since, case.run.err())
    case.ended(0, 30000)
    node, = case.run.summary()['nodes']
    assert (node['produced'], node['lost']) == (30000, 0), node
    case.as_before(time.time())
    case.over()


tests(what_still_comes_is_waited_for, max_events_below, max_events_reached, *([] if NATIVE else [max_queue_below, max_queue_reached]), max_memory_below, max_memory_reached,
      max_rate_below, max_rate_reached, max_term_below, max_term_reached, duration_below, duration_reached)

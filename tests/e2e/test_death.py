"""Whatever dies, within the lease the node is as it was before: no flags, no patterns, no process, port or module of
beamtap; another tool's trace goes on untouched; and every output file is complete.

Each case runs with every kind of event on every process, and once with another tool tracing in the node (before OTP 27 with
one process only, since messages cannot be shared there).
"""
import signal
from death_rig import *


def in_both(body):
    """A case as two tests: alone, and with another tool in the node."""
    @guarded
    def run(tool):
        case = Case(tool)
        case.events_in_every_file()
        body(case)
        case.over()

    def alone():
        run(False)

    def with_a_tool():
        run(True)
    alone.__name__, with_a_tool.__name__ = body.__name__, body.__name__ + '_beside_another_tool'
    return [alone, with_a_tool]


def collector_killed(case):
    case.run.process.kill()
    since = time.time()
    case.run.process.wait()
    case.as_before(since, leases=2)
    case.complete()


def collector_stopped(case):
    case.run.process.send_signal(signal.SIGSTOP)
    case.as_before(time.time())
    case.run.process.send_signal(signal.SIGCONT)
    case.ended(1)
    assert 'lease' in case.run.err(), case.run.err()


def collector_stopped_for_less_than_the_lease(case):
    case.run.process.send_signal(signal.SIGSTOP)
    time.sleep(LEASE / 4)
    case.run.process.send_signal(signal.SIGCONT)
    rows = case.size('trace.csv')
    wait_for(lambda: case.work() and case.size('trace.csv') > rows, 'events after the pause')
    case.run.interrupt()
    case.ended(0)
    case.as_before(time.time())


def connection_cut_inside_a_frame(case):
    case.proxy.listener.close()
    case.proxy.cut_at = 60  # behind its header, inside its first event
    since = time.time()
    wait_for(lambda: case.work() and case.proxy.cut.wait(0.01), 'the cut')
    case.as_before(since, leases=2)
    case.ended(1)
    assert 'never came' in case.run.err(), case.run.err()


def connection_cut_inside_a_header(case):
    case.proxy.listener.close()
    case.proxy.cut_at = 10
    since = time.time()
    wait_for(lambda: case.work() and case.proxy.cut.wait(0.01), 'the cut')
    case.as_before(since, leases=2)
    case.ended(1)


def connection_silent(case):
    case.proxy.silent = True
    case.as_before(time.time(), leases=2)
    case.ended(1)


def relay_killed(case):
    case.node('exit(%s, kill)' % (AGENT % 'relay_'))
    case.as_before(time.time())
    case.ended(1)
    assert 'the relay was ended: killed' in case.run.err(), case.run.err()


def first_guardian_killed(case):
    case.node('exit(%s, kill)' % (AGENT % 'guardian_'))
    case.as_before(time.time())
    case.ended(1)
    assert 'a guardian was ended: killed' in case.run.err(), case.run.err()


def second_guardian_killed(case):
    case.node('exit(%s, kill)' % (AGENT % 'peer_'))
    case.as_before(time.time())
    case.ended(1)
    assert 'a guardian was ended: killed' in case.run.err(), case.run.err()


def interrupted(case):
    case.run.interrupt()
    case.ended(0)
    case.as_before(time.time())


def node_killed(case):
    case.node.stop()
    case.ended(1)
    assert case.node.name in case.run.err(), case.run.err()
    case.proxy.stop()
    Case.node = None
    case.node = None


@guarded
def node_killed_alone():
    case = Case(False)
    case.events_in_every_file()
    node_killed(case)


@guarded
def node_stopped_for_longer_than_the_lease():
    """The collector renewed all the while: a node that stood still itself does not take that for silence."""
    case = Case(False)
    case.events_in_every_file()
    case.node.process.send_signal(signal.SIGSTOP)
    time.sleep(LEASE * 1.5)
    case.node.process.send_signal(signal.SIGCONT)
    rows = case.size('trace.csv')
    wait_for(lambda: case.work() and case.size('trace.csv') > rows, 'events after the pause')
    case.run.interrupt()
    case.ended(0)
    case.as_before(time.time())
    case.over()


CASES = [collector_killed, collector_stopped, collector_stopped_for_less_than_the_lease, connection_cut_inside_a_frame,
         connection_cut_inside_a_header, connection_silent, relay_killed, first_guardian_killed, second_guardian_killed,
         interrupted]
if NATIVE:  # no frame goes over the connection that is cut there
    CASES = [case for case in CASES if case not in (connection_cut_inside_a_frame, connection_cut_inside_a_header)]
tests(*[test for case in CASES for test in in_both(case)], node_stopped_for_longer_than_the_lease, node_killed_alone)

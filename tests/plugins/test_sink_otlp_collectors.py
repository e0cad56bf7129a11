#!/usr/bin/env python3
"""test_sink_otlp_collectors.py: what becomes of a run whose collector is away, slow, overloaded, refuses, or never was there: beamtap comes
to its end, everything is either taken or counted as lost, and the other sinks have everything."""
import signal, socket, threading
from otlp_runs import *


def what_comes_later_is_tried_again():
    """429 with Retry-After, 503, and no answer at all, each time the same request."""
    with Collector() as collector:
        collector.answers({'status': 429, 'headers': {'Retry-After': '2'}}, 503, 502, 504, {'hang': True})
        code, err, sinks = export(many(300), collector.url, 'timeout = 8s\nbatch = 1000', BESIDE)
        requests = collector.requests()
    statuses = [r['status'] for r in requests]  # of a slow machine 8 s are over before the last
    assert statuses == [429, 503, 502, 504, 0][:len(statuses)] and len(statuses) > 2, (err, statuses)
    assert requests[1]['at'] - requests[0]['at'] >= 2000 and requests[2]['at'] - requests[1]['at'] >= 300, requests
    assert code == 1 and 'took nothing: ' in err and sinks[0]['lost'] == 600 and sinks[1]['written'] == 600, (code, err, sinks)
    with Collector() as collector:
        collector.answers({'status': 429, 'headers': {'Retry-After': '1'}}, 503)
        code, err, sinks = export(many(300), collector.url, 'timeout = 8s\nbatch = 100')
        requests = collector.requests()
    assert [r['status'] for r in requests] == [429, 503, 200, 200, 200] and len({r['bytes'] for r in requests[:3]}) == 1, requests
    assert requests[1]['at'] - requests[0]['at'] >= 1000, requests
    assert code == 0 and sinks[0]['written'] == 600 and 'takes nothing (HTTP status 429): spans wait' in err and 'takes spans again' in err, (code, err, sinks)


def one_that_asks_for_too_long_is_not_waited_for():
    with Collector() as collector:
        collector.answers(usual={'status': 429, 'headers': {'Retry-After': '3600'}})
        began = time.time()
        code, err, sinks = export(shop(), collector.url, 'timeout = 8s')
        assert code == 1 and sinks[0]['lost'] > 10 and time.time() - began < 7 and len(collector.requests()) == 1, (code, err, sinks)


def one_that_refuses_from_the_start_fails_at_once():
    for status in (400, 401, 404, 500, 302):
        with Collector() as collector:
            collector.answers(usual={'status': status, 'headers': {'Location': collector.url + '/elsewhere'}})
            code, err, sinks = export(many(2000), collector.url, 'batch = 100', BESIDE)
            assert len(collector.requests()) == 1, collector.requests()
        assert code == 1 and 'refuses spans: HTTP status %d' % status in err and sinks[0]['failed'], (status, code, err, sinks)
        assert sinks[0]['written'] == 0 and sinks[0]['lost'] == 4000 and sinks[1]['written'] == 4000 and not sinks[1]['failed'], sinks


def what_is_refused_later_is_lost():
    with Collector() as collector:
        collector.answers(200, 400, 200, 413)
        code, err, sinks = export(many(500), collector.url, 'batch = 100')
        assert [r['status'] for r in collector.requests()] == [200, 400, 200, 413, 200], collector.requests()
    assert code == 0 and sinks[0]['written'] == 600 and sinks[0]['lost'] == 400 and not sinks[0]['failed'], (code, err, sinks)
    assert '200 spans are lost: it refused 200' in err and err.count('it refuses them (HTTP status 400)') == 1, err


def what_is_rejected_is_lost():
    with Collector() as collector:
        collector.answers(200, {'status': 200, 'rejected': 30, 'message': 'too\x1b[2J old' + 10000 * '!'})
        code, err, sinks = export(many(300), collector.url, 'batch = 100')
        assert len(collector.spans()) == 270
    assert code == 0 and sinks[0]['written'] == 540 and sinks[0]['lost'] == 60, (code, err, sinks)
    assert '30 spans are lost: it refused 30' in err and 'it said: too?[2J old' in err, err


def one_that_was_never_there_is_told():
    for options in ('timeout = 1s', 'timeout = 1s\nbuffer = 1M'):
        began = time.time()
        code, err, sinks = export(many(20000), 'http://127.0.0.1:1', options, BESIDE)
        assert code == 1 and 'took nothing' in err and sinks[0]['failed'] and time.time() - began < 60, (code, err, sinks)
        assert sinks[0]['written'] == 0 and sinks[0]['lost'] == 40000 and sinks[1]['written'] == 40000, sinks
    # with nothing to send nobody is asked
    code, err, sinks = export(Recording(['function_call']).end(), 'http://127.0.0.1:1')
    assert code == 0, (code, err)


def one_that_hangs_is_not_waited_for():
    with Collector() as collector:
        collector.answers(usual={'hang': True})
        began = time.time()
        code, err, sinks = export(many(5000), collector.url, 'timeout = 1s', BESIDE)
    assert code == 1 and time.time() - began < 60 and sinks[0]['lost'] == 10000 and sinks[1]['written'] == 10000, (code, err, sinks, time.time() - began)


def a_full_buffer_waits_once():
    """For 8 s, and at the end as long again. The longest timeout is near what a sink may hang."""
    r = Recording(['function_call'])
    mfa = tuple_of(atom('shop_cart'), atom('f'), list_of(binary(b'x' * 900)))
    for n in range(0, 16000, 4000):  # several requests come of one batch
        r.frame(8, [tuple_of(atom('trace_ts'), pid(1), atom('call'), mfa, integer(n + i)) for i in range(4000)])
    with Collector() as collector:
        collector.answers(usual={'hang': True})
        began = time.time()
        code, err, sinks = export(r.end(), collector.url, 'timeout = 8s\nbuffer = 1M\nbatch = 100', BESIDE)
    assert time.time() - began < 22, (time.time() - began, err)
    assert code == 1 and 'took nothing: ' in err and sinks[0]['lost'] == 16000 and sinks[1]['written'] == 16000, (code, err, sinks)


def an_answer_without_end_is_an_answer():
    """Its status says what became of the spans; nobody reads on for ever."""
    with socket.create_server(('127.0.0.1', 0)) as listener:
        def answer():
            client, _ = listener.accept()
            with client:
                client.recv(65536)
                try:
                    client.sendall(b'HTTP/1.1 200 OK\r\n\r\n')
                    while True:
                        client.sendall(bytes(65536))
                except OSError:
                    pass

        threading.Thread(target=answer, daemon=True).start()
        code, err, sinks = export(shop(), 'http://127.0.0.1:%d' % listener.getsockname()[1], 'timeout = 8s')
    assert code == 0 and sinks[0]['written'] and not sinks[0]['lost'], (code, err, sinks)


def a_slow_one_gets_everything():
    """With a buffer that holds but one request, or two: who is waited for loses nothing."""
    with Collector() as collector:
        collector.answers(usual={'status': 200, 'delay': 300})
        code, err, sinks = export(many(12000, 500), collector.url, 'timeout = 8s\nbuffer = 1M')
        assert code == 0 and sinks[0]['written'] == 24000 and len(collector.requests()) > 5 and len(collector.spans()) == 12000, (code, err, sinks)


def one_that_takes_a_second_gets_full_requests():
    """What is there each second goes with more while a request is on its way."""
    with Collector() as collector:
        collector.answers(usual={'status': 200, 'delay': 1000})
        code, err, sinks = export(many(4000, 1000), collector.url, 'timeout = 8s')
        requests = [len(r['spans']) for r in collector.requests()]
    assert code == 0 and sinks[0]['written'] == 8000 and sum(requests) == 4000 and len(requests) <= 10, (code, err, sinks, requests)


def what_waited_through_an_outage_is_taken():
    collector = Collector()
    run = Piped(many(20000, apart=1000), collector.url)
    try:
        run.give(0.3)
        until(collector.spans, 'the first spans')
        before = {s.id for s in collector.spans()}
        collector.stop()
        run.give(0.6)
        until(lambda: 'spans wait' in run.said(), 'the outage to be seen')
        collector = Collector(collector.port)
        run.give(1)
        code, err, sinks = run.end()
        after = {s.id for s in collector.spans()}
    finally:
        collector.stop()
        run.process.kill()
    assert code == 0 and sinks[0]['written'] == 40000 and sinks[0]['lost'] == 0 and 'takes spans again' in err, (code, err, sinks)
    # what was given before the outage may have been taken by the one that died behind our asking
    assert before and len(after) >= 20000 - 6200, (len(before), len(after))


def an_outage_takes_no_more_memory_than_the_buffer():
    collector = Collector()
    run = Piped(many(80000, 1000, 1000), collector.url, ',buffer=2M')
    try:
        run.give(0.01)
        until(collector.spans, 'the first spans')
        port = collector.port
        collector.stop()
        run.give(0.2)
        until(lambda: 'no more room' in run.said(), 'the buffer to be full')
        grown = []
        for share in (0.4, 0.6, 0.8, 0.98):
            run.give(share)
            with open('/proc/%d/status' % run.process.pid) as f:
                grown.append(int(f.read().split('VmRSS:')[1].split()[0]))
        collector = Collector(port)
        until(lambda: 'takes spans again' in run.said(), 'spans to be taken again')
        run.give(1)
        code, err, sinks = run.end()
        spans = len(collector.spans())
    finally:
        collector.stop()
        run.process.kill()
    sink, = sinks
    assert code == 0 and sink['lost'] > 20000 and sink['written'] + sink['lost'] == 160000 and spans > 0, (code, err, sink, spans)
    assert SANITIZED or max(grown) < 120000 and grown[-1] < grown[0] + 20000, grown
    assert 'there was no room for' in err, err


def a_run_that_is_ended_sends_what_it_has():
    """^C while the collector is slow; and kill, after which what was taken is whole."""
    with Collector() as collector:
        run = Piped(many(20000, apart=1000), collector.url)
        run.give(0.5)
        until(collector.spans, 'the first spans')
        run.process.send_signal(signal.SIGINT)
        run.process.wait(60)  # its input has not ended
        code, err, sinks = run.end()
        assert code == 0 and sinks[0]['lost'] == 0 and not sinks[0]['failed'], (code, err, sinks)
        assert (sinks[0]['written'] + 1) // 2 == len(collector.spans()) > 0, (sinks, len(collector.spans()))
    with Collector() as collector:
        run = Piped(many(20000, apart=1000), collector.url)
        run.give(0.5)
        until(collector.spans, 'the first spans')
        run.process.kill()
        run.process.wait()
        assert collector.spans()


def after_an_order_the_timeout_is_for_all():
    """Also for what had no room yet: it is lost then, and counted."""
    with Collector() as collector:
        collector.answers(usual={'status': 200, 'delay': 1500})
        with open('in.btf', 'wb') as f:
            f.write(many(10000, 1000))
        config(collector.url, 'timeout = 2s\nbuffer = 1M\nbatch = 100')
        run = subprocess.Popen([BEAMTAP, 'run', 'trace.ini', '--json'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until(lambda: len(collector.requests()) > 1, 'something to be taken')
        run.send_signal(signal.SIGINT)
        began = time.time()
        out, err = run.communicate(timeout=120)
        took = time.time() - began
        code, err, sinks = judged(run.returncode, out, err)
        assert took < 15 and sinks[0]['written'] and sinks[0]['lost'] and not sinks[0]['failed'], (took, code, err, sinks)


def a_run_that_stop_on_ends_gives_each_request_its_time():
    """Nobody wants it to end at once: it is over."""
    with Collector() as collector:
        collector.answers(usual={'status': 200, 'delay': 1200})
        with open('in.btf', 'wb') as f:
            f.write(many(4000, 1000))
        config(collector.url, 'timeout = 2s\nbuffer = 1M', ['[session]', 'stop_on = shop_cart:f0(3950, _)'])
        done = subprocess.run([BEAMTAP, 'run', 'trace.ini', '--json'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=120)
        summary = json.loads(done.stdout)
        sink, = summary['sinks']
        assert done.returncode == 0 and 'the run ends' in done.stderr, (done.returncode, done.stderr)
        assert sink['lost'] - sink['lost_before'] == 0 and sink['written'] > 7000 and len(collector.requests()) > 3, (sink, done.stderr)


sys.exit(run_all('otlp_collectors', what_comes_later_is_tried_again, one_that_asks_for_too_long_is_not_waited_for,
                 one_that_refuses_from_the_start_fails_at_once, what_is_refused_later_is_lost, what_is_rejected_is_lost, one_that_was_never_there_is_told,
                 one_that_hangs_is_not_waited_for, a_full_buffer_waits_once, an_answer_without_end_is_an_answer,
                 a_slow_one_gets_everything, one_that_takes_a_second_gets_full_requests,
                 what_waited_through_an_outage_is_taken,
                 an_outage_takes_no_more_memory_than_the_buffer, a_run_that_is_ended_sends_what_it_has,
                 after_an_order_the_timeout_is_for_all, a_run_that_stop_on_ends_gives_each_request_its_time))

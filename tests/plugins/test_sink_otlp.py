#!/usr/bin/env python3
"""test_sink_otlp.py: the spans that the sink `otlp` makes of recordings that are known, as a collector takes them that reads with
OpenTelemetry's own package; and its settings."""
import socket, sys, threading
from otlp_runs import *


def table(spans):
    """Each with its times in microseconds, its parent and its links by their names."""
    by_id = {s.id: s for s in spans}
    assert len(by_id) == len(spans)
    for s in spans:
        assert not s.parent or by_id[s.parent].trace == s.trace, s
        assert all(by_id[span].trace == trace and trace != s.trace for trace, span, _ in s.links), s
    return sorted(((s.start - STARTED) // 1000, (s.end - s.start) // 1000, s.kind, s.name, s.attributes.get('beam.pid'),
                   by_id[s.parent].name if s.parent else '', [(by_id[span].name, why) for _, span, why in s.links]) for s in spans)


# ---- What they are

P1, P2, P3 = '<0.1.0>', '<0.2.0>', '<0.3.0>'
SHOP = [(2000, 0, 'producer', 'cast stock', P1, '', []), (2050, 0, 'consumer', 'handle stock', P2, '', [('cast stock', 'message')]),
        (2100, 0, 'internal', 'spawn shop_cart:loop/0', P1, '', []), (2120, 80, 'internal', 'shop_cart:loop/0', P3, '', [('spawn shop_cart:loop/0', 'spawn')])]
for began in (100, 1000):
    SHOP += [(began, 150, 'internal', 'shop_cart:buy/1', P1, '', []), (began + 10, 110, 'client', 'call price', P1, 'shop_cart:buy/1', []),
             (began + 30, 70, 'server', 'handle price', P2, 'call price', []), (began + 40, 50, 'internal', 'shop_cart:price/1', P2, 'handle price', [])]


def a_shop_in_traces():
    with Collector() as collector:
        code, err, sinks = export(shop(), collector.url)
        request, = collector.requests()
        spans = collector.spans()
    assert code == 0 and table(spans) == sorted(SHOP), (code, err, table(spans))
    assert sinks[0]['lost'] == 0 and sinks[0]['bytes'] == request['bytes'] and request['path'] == '/v1/traces', (sinks, request)
    assert request['headers']['content-type'] == 'application/x-protobuf' and request['headers']['user-agent'].startswith('beamtap/'), request
    said = {s.name: s.attributes for s in spans if s.start < STARTED + 900000 or s.start > STARTED + 1900000}
    assert said['shop_cart:buy/1'] == {'beam.pid': P1, 'beam.arguments': '[0]', 'beam.result': 'ok'}, said
    assert said['call price'] == {'beam.pid': P1, 'beam.to': P2, 'beam.message': '{price,0}', 'beam.reply': '42'}, said
    assert said['handle price'] == {'beam.pid': P2, 'beam.from': P1, 'beam.message': '{price,0}', 'beam.reply': '42'}, said
    assert said['shop_cart:loop/0'] == {'beam.pid': P3, 'beam.process': 'shop_cart:loop/0', 'beam.arguments': '[]', 'beam.end': 'process exit'}, said
    assert len({s.trace for s in spans}) == 6, spans
    for s in spans:
        assert s.resource == {**s.resource, 'service.name': 'shop', 'service.instance.id': 'shop@web1', 'host.name': 'web1', 'process.runtime.name': 'BEAM',
                              'process.runtime.description': 'Erlang/OTP 25', 'telemetry.sdk.language': 'erlang', 'beamtap.run': '0123456789abcdef'}, s.resource
        assert s.scope['name'] == 'beamtap', s.scope


def calls_end_as_they_did():
    with Collector() as collector:
        code, err, _ = export(many_calls(), collector.url)
        spans = collector.spans()
    by_id = {s.id: s for s in spans}
    got = sorted(((s.start - STARTED) // 1000, (s.end - s.start) // 1000, s.name, s.attributes.get('beam.end', s.attributes.get('beam.result')),
                  by_id[s.parent].name if s.parent else '', s.status.get('message'), [e['attributes'] for e in s.events]) for s in spans)
    left, a, b = 'left by an exception', 'shop_cart:a/0', 'shop_cart:b/1'
    assert code == 0 and got == [
        (0, 100, a, None, '', 'error', [{'exception.type': 'error', 'exception.message': 'badarg'}]), (20, 30, b, 'ok', a, None, []),
        (25, 100, a, 'ok', '', None, []), (30, 10, 'shop_cart:c/0', 'ok', b, None, []), (60, 40, b, 'unwound', a, left, []),
        (70, 30, "shop_cart:'semi;colon'/0", 'unwound', b, left, []), (200, 0, 'events lost', None, '', None, []), (200, 0, a, 'unknown', '', None, []),
        (400, 50, a, 'process exit', '', None, []), (500, 0, a, 'unknown', '', None, [])], (code, err, got)
    assert all((s.status.get('code') == 2) == bool(s.status) for s in spans), spans
    lost, = (s for s in spans if s.name == 'events lost')
    assert lost.attributes == {'beam.events': '3', 'beam.reason': 'queue'}, lost


def call_of(us, number, request):
    return tuple_of(atom('$gen_call'), tuple_of(pid(1), reference(number)), request)


def a_chain_of_servers():
    """1 calls 2, which asks 3 and handles what 4 has cast meanwhile only then; a call without a reply; one that is passed on."""
    r = Recording(['function_call', 'function_return', 'message_send', 'message_receive', 'process_exit'])
    cast = tuple_of(atom('$gen_cast'), atom('note'))
    order, stock = call_of(0, 1, atom('order')), tuple_of(atom('$gen_call'), tuple_of(pid(2), reference(2)), tuple_of(atom('stock'), integer(1)))
    r.send(10, 1, 2, order)
    r.receive(20, 2, 1, order)
    r.send(25, 4, 2, cast)
    r.send(30, 2, 3, stock)
    r.receive(40, 3, 2, stock)
    r.call(45, 3, 'look')
    r.leave(50, 3, 'look', 0)
    r.send(60, 3, 2, tuple_of(reference(2), integer(7)))
    r.receive(70, 2, 3, tuple_of(reference(2), integer(7)))
    r.call(72, 2, 'pack')  # still for the order
    r.leave(75, 2, 'pack', 0)
    r.send(80, 2, 1, tuple_of(reference(1), atom('packed')))
    r.receive(90, 1, 2, tuple_of(reference(1), atom('packed')))
    r.receive(100, 2, 4, cast)
    r.call(110, 2, 'note')
    r.leave(120, 2, 'note', 0)
    r.receive(130, 2, 4, atom('hello'))  # nobody's
    r.call(135, 2, 'idle')
    r.leave(138, 2, 'idle', 0)
    never, passed = call_of(0, 3, atom('never')), call_of(0, 4, atom('passed'))
    r.send(200, 1, 2, never)
    r.receive(210, 2, 1, never)
    r.event(230, 2, 'exit', atom('normal'))
    r.send(300, 1, 3, passed)
    r.receive(310, 3, 1, passed)
    r.send(320, 3, 5, passed)
    r.receive(330, 5, 3, passed)
    r.send(340, 5, 1, tuple_of(reference(4), atom('ok')))
    r.receive(350, 1, 5, tuple_of(reference(4), atom('ok')))
    r.event(400, 1, 'exit', atom('normal'))
    with Collector() as collector:
        code, err, sinks = export(r.end(), collector.url)
        spans = collector.spans()
    p4, p5 = '<0.4.0>', '<0.5.0>'
    assert code == 0 and sinks[0]['lost'] == 0 and table(spans) == [
        (10, 80, 'client', 'call order', P1, '', []), (20, 60, 'server', 'handle order', P2, 'call order', []), (25, 0, 'producer', 'cast note', p4, '', []),
        (30, 40, 'client', 'call stock', P2, 'handle order', []), (40, 20, 'server', 'handle stock', P3, 'call stock', []),
        (45, 5, 'internal', 'shop_cart:look/0', P3, 'handle stock', []), (72, 3, 'internal', 'shop_cart:pack/0', P2, 'handle order', []),
        (100, 20, 'consumer', 'handle note', P2, '', [('cast note', 'message')]), (110, 10, 'internal', 'shop_cart:note/0', P2, 'handle note', []),
        (135, 3, 'internal', 'shop_cart:idle/0', P2, '', []), (200, 0, 'client', 'call never', P1, '', []),
        (210, 20, 'server', 'handle never', P2, 'call never', []), (300, 50, 'client', 'call passed', P1, '', []),
        (310, 20, 'server', 'handle passed', P3, 'call passed', []), (330, 10, 'server', 'handle passed', p5, 'call passed', [])], (code, err, table(spans))
    ends = {(s.name, s.attributes['beam.pid']): s.attributes['beam.end'] for s in spans if 'beam.end' in s.attributes}
    assert ends == {('call never', P1): 'unanswered', ('handle never', P2): 'process exit', ('handle passed', P3): 'passed on'}, ends
    failed = {s.name: s.status['code'] for s in spans if s.status}
    assert failed == {'handle never': 2}, failed


def a_call_that_is_given_up_is_over():
    """What is fetched later is no answer that it waits for."""
    r = Recording(['function_call', 'function_return', 'message_send', 'message_receive'])
    casts = [tuple_of(atom('$gen_cast'), tuple_of(atom('note'), integer(n))) for n in (1, 2)]
    for at, cast in zip((0, 100), casts):
        r.send(at + 10, 1, 2, cast)
        r.receive(at + 20, 2, 1, cast)
        if not at:
            r.send(30, 2, 3, tuple_of(atom('$gen_call'), tuple_of(pid(2), reference(2)), atom('stock')))
        r.call(at + 60, 2, 'f%d' % at)
        r.leave(at + 70, 2, 'f%d' % at, 0)
    with Collector() as collector:
        code, err, _ = export(r.end(), collector.url)
        spans = collector.spans()
    by_id = {s.id: s for s in spans}
    assert code == 0 and {s.name: by_id[s.parent].attributes['beam.message'] for s in spans if s.parent} == {
        'call stock': '{note,1}', 'shop_cart:f0/0': '{note,1}', 'shop_cart:f100/0': '{note,2}'}, (code, err, spans)
    assert [(s.start - STARTED) // 1000 for s in spans if s.kind == 'consumer'] == [20, 120], spans


def messages_that_were_fetched_together():
    """The machine fetches all that are there. Whose handling it is tells a callback with the message as its argument, or the reply; else
    it is said to be nobody's."""
    r = Recording(['function_call', 'function_return', 'message_send', 'message_receive'])
    casts = [tuple_of(atom('$gen_cast'), tuple_of(atom('note'), integer(n))) for n in (1, 2, 3)]
    order = call_of(0, 1, atom('order'))

    def fetched(at):
        for n, message in enumerate((casts[0], casts[1], order, casts[2])):
            r.send(at + n, 1, 2, message)
        for n, message in enumerate((casts[0], casts[1], order, casts[2])):
            r.receive(at + 10 + n, 2, 1, message)

    def reply(at):
        r.send(at, 2, 1, tuple_of(reference(1), atom('ok')))
        r.receive(at + 5, 1, 2, tuple_of(reference(1), atom('ok')))

    def inner(at):
        r.call(at, 2, 'inner')
        r.leave(at + 1, 2, 'inner', 0)

    fetched(100)
    inner(120)  # of which of them?
    reply(130)
    inner(140)  # the only one that is left
    r.send(145, 1, 2, atom('hello'))
    r.receive(150, 2, 1, atom('hello'))
    inner(160)
    order = call_of(0, 1, atom('again'))
    fetched(200)
    state = integer(0)
    for at, function, args in ((220, 'handle_cast', [tuple_of(atom('note'), integer(2)), state]), (240, 'handle_call', [atom('again'), tuple_of(pid(1), reference(1)), state]),
                               (260, 'handle_cast', [tuple_of(atom('note'), integer(3)), state])):
        r.call(at, 2, function, *args)
        inner(at + 2)
        if function == 'handle_call':
            reply(at + 5)
            inner(at + 8)
        r.leave(at + 10, 2, function, len(args))
    inner(280)
    with Collector() as collector:
        code, err, sinks = export(r.end(), collector.url)
        spans = collector.spans()
    by_id = {s.id: s for s in spans}
    got = [((s.start - STARTED) // 1000, (s.end - s.start) // 1000, s.name.replace('shop_cart:', ''),
            by_id[s.parent].attributes.get('beam.message', by_id[s.parent].name.replace('shop_cart:', '')) if s.parent else '')
           for s in sorted(spans, key=lambda s: (s.start, s.id)) if s.attributes['beam.pid'] == P2 and s.kind == 'internal']
    assert code == 0 and sinks[0]['lost'] == 0 and got == [
        (120, 1, 'inner/0', ''), (140, 1, 'inner/0', '{note,3}'), (160, 1, 'inner/0', ''), (220, 10, 'handle_cast/2', '{note,2}'),
        (222, 1, 'inner/0', 'handle_cast/2'), (240, 10, 'handle_call/3', 'again'), (242, 1, 'inner/0', 'handle_call/3'), (248, 1, 'inner/0', 'handle_call/3'),
        (260, 10, 'handle_cast/2', '{note,3}'), (262, 1, 'inner/0', 'handle_cast/2'), (280, 1, 'inner/0', '')], (code, err, got)
    handled = [((s.start - STARTED) // 1000, (s.end - s.start) // 1000, s.attributes['beam.message']) for s in sorted(spans, key=lambda s: s.start)
               if s.kind in ('server', 'consumer')]
    assert handled == [(110, 0, '{note,1}'), (111, 0, '{note,2}'), (112, 18, 'order'), (130, 11, '{note,3}'),
                       (210, 0, '{note,1}'), (220, 10, '{note,2}'), (240, 5, 'again'), (260, 10, '{note,3}')], handled


def a_message_lasts_as_long_as_what_is_in_it():
    """Also where it is not known any more, when others were fetched, which of them is handled."""
    r = Recording(['function_call', 'function_return', 'message_receive'])
    casts = [tuple_of(atom('$gen_cast'), tuple_of(atom('note'), integer(n))) for n in range(3)]
    r.receive(10, 2, 1, casts[0])
    r.call(20, 2, 'work')
    r.receive(30, 2, 1, casts[1])
    r.leave(40, 2, 'work', 0)
    r.receive(100, 2, 1, casts[2])
    with Collector() as collector:
        code, err, _ = export(r.end(), collector.url)
        spans = table(collector.spans())
    assert code == 0 and spans[:2] == [(10, 30, 'consumer', 'handle note', P2, '', []), (20, 20, 'internal', 'shop_cart:work/0', P2, 'handle note', [])] and \
        [s[:4] for s in spans[2:]] == [(30, 10, 'consumer', 'handle note'), (100, 0, 'consumer', 'handle note')], (code, err, spans)


def every_text_is_utf8():
    """Names of nodes, the run's, and what should be the class of an exception, in a recording that is damaged."""
    damaged = many_calls().replace(b'shop@web1', b'sh\xffp@w\xfeb1').replace(b'0123456789abcdef', b'01\xff3456789abcdef').replace(b'w\x05error', b'w\x05\xfferr\xfe')
    with Collector() as collector:
        code, err, _ = export(damaged, collector.url)
        spans = collector.spans()
    assert code == 0 and spans, (code, err)
    for s in spans:
        assert s.resource == {**s.resource, 'service.name': 'sh?p', 'service.instance.id': 'sh?p@w?b1', 'host.name': 'w?b1',
                              'beamtap.run': '01\ufffd3456789abcdef'}, s.resource
    thrown, = (s for s in spans if s.events)
    assert thrown.status['message'] == 'an exception' and thrown.events[0]['attributes'] == {}, thrown.status


def what_has_no_room_is_lost_and_told():
    """Calls inside 512 others; and spans, where those that are open have taken what they may."""
    at = lambda us, process, *rest: tuple_of(atom('trace_ts'), pid(process), *rest, integer(us * 1000))
    r = Recording(['function_call', 'function_return'])
    for n in range(600):
        r.call(n, 1, 'deep', integer(n))
    for n in range(600):
        r.leave(1000 + n, 1, 'deep', 1)
    with Collector() as collector:
        code, err, sinks = export(r.end(), collector.url)
        spans = len(collector.spans())
    assert code == 0 and spans == 512 and sinks[0]['written'] == 1200 and sinks[0]['lost'] == 0, (code, err, sinks, spans)
    assert err.count('inside 512 calls') == 1 and '88 spans are missing: 0 began while open ones took 32 MiB, 88 were calls inside 512 others' in err, err
    r = Recording(['function_call', 'function_return'])
    mfa = tuple_of(atom('shop_cart'), atom('f'), list_of(binary(b'x' * 900)))
    for n in range(0, 40000, 4000):
        r.frame(8, [at(n + i, 1 + n + i, atom('call'), mfa) for i in range(4000)])
    with Collector() as collector:
        code, err, sinks = export(r.end(), collector.url, 'timeout = 8s')
        spans = len(collector.spans())
    assert code == 0 and 20000 < spans < 40000 and sinks[0]['written'] == spans and sinks[0]['lost'] == 40000 - spans, (code, err, sinks, spans)
    assert err.count('spans that are open take 32 MiB') == 1 and '%d spans are missing: %d began' % (40000 - spans, 40000 - spans) in err, err


def a_long_queue_is_not_searched_for_each_callback():
    """A process with messages that its callbacks are given none of: each looks at the first ones alone."""
    r = Recording(['function_call', 'function_return', 'message_receive'])
    sender = tuple_of(atom('$beamtap_from'), atom('shop@web1'), pid(9))
    at = lambda us, *rest: tuple_of(atom('trace_ts'), pid(1), *rest, integer(us * 1000))
    mfa = lambda last: tuple_of(atom('shop_cart'), atom('handle_info'), last)
    for n in range(0, 100000, 2000):
        r.frame(8, [at(n + i, atom('receive'), integer(n + i), sender) for i in range(2000)])
    for n in range(0, 20000, 1000):
        terms = []
        for us in range(100000 + n, 101000 + n):
            terms += [at(us, atom('call'), mfa(list_of(tuple_of(integer(us)), atom('s')))), at(us, atom('return_from'), mfa(integer(2)), atom('ok'))]
        r.frame(8, terms)
    with Collector() as collector:
        began = time.time()
        code, err, sinks = export(r.end(), collector.url, 'timeout = 8s')
        took = time.time() - began
    assert code == 0 and sinks[0]['written'] == 140000 and took < 30, (code, err, sinks, took)


def other_messages_where_they_are_asked_for():
    r = Recording(['function_call', 'function_return', 'message_send', 'message_receive'])
    r.call(0, 1, 'main')
    r.send(10, 1, 2, tuple_of(atom('tick'), integer(1)))
    r.receive(20, 2, 1, tuple_of(atom('tick'), integer(1)))
    r.call(30, 2, 'tick')
    r.leave(40, 2, 'tick', 0)
    r.send(50, 2, 1, atom('tock'))
    r.receive(60, 1, 2, atom('tock'))
    r.leave(70, 1, 'main', 0)
    recording = r.end()
    with Collector() as collector:
        code, err, sinks = export(recording, collector.url)
        assert code == 0 and sinks[0]['written'] == 8 and [row[3] for row in table(collector.spans())] == ['shop_cart:main/0', 'shop_cart:tick/0']
    with Collector() as collector:
        code, err, sinks = export(recording, collector.url, 'messages = all')
        got = table(collector.spans())
    assert code == 0 and sinks[0]['written'] == 8 and got == [
        (0, 70, 'internal', 'shop_cart:main/0', P1, '', []), (10, 0, 'producer', 'send tick', P1, 'shop_cart:main/0', []),
        (20, 30, 'consumer', 'receive tick', P2, '', [('send tick', 'message')]), (30, 10, 'internal', 'shop_cart:tick/0', P2, 'receive tick', []),
        (50, 0, 'producer', 'send tock', P2, 'receive tick', []),
        (60, 0, 'consumer', 'receive tock', P1, 'shop_cart:main/0', [('send tock', 'message')])], (code, err, got)


def the_same_recording_has_the_same_spans():
    found = []
    for options in ('', 'compression = gzip\nbatch = 100'):
        with Collector() as collector:
            code, err, sinks = export(many(500), collector.url, options)
            requests = collector.requests()
            assert code == 0 and sinks[0]['written'] == 1000 and sinks[0]['bytes'] == sum(r['bytes'] for r in requests), (code, err, sinks)
            assert len(requests) == (5 if options else 1) and all(r['headers'].get('content-encoding') == ('gzip' if options else None) for r in requests)
            found.append({(s.trace, s.id, s.parent, s.name, s.start, s.end) for s in collector.spans()})
    assert found[0] == found[1] and len(found[0]) == len({s[1] for s in found[0]}) == len({s[0] for s in found[0]}) == 500


def what_is_told_can_be_chosen():
    with Collector() as collector:
        export(shop(), collector.url, 'args = false\nservice = fleet')
        spans = collector.spans()
        assert {s.resource['service.name'] for s in spans} == {'fleet'} and {s.name for s in spans} >= {'call', 'handle', 'cast'}, spans
        assert not {k for s in spans for k in s.attributes} & {'beam.arguments', 'beam.result', 'beam.message', 'beam.reply', 'beam.function'}, spans
    with Collector() as collector:
        export(shop(), collector.url, 'syntax = elixir')
        assert {s.attributes['beam.message'] for s in collector.spans() if s.kind == 'client'} == {'{:price, 0}', '{:price, 1}'}
    with Collector() as collector:
        export(many(1, 5000), collector.url, 'limit = 100')
        text = collector.spans()[0].attributes['beam.arguments']
        assert 80 < len(text) < 140 and text.endswith('...]'), text


# ---- Settings

def headers_are_sent_and_never_told():
    with open('headers', 'w') as f:
        f.write('# for the collector\nAuthorization: Bearer s3cret-one\n\nX-Team: shop\n')
    os.chmod('headers', 0o600)
    os.environ['OTEL_EXPORTER_OTLP_HEADERS'] = 'api-key=s3cret%20two, other=s3cret-three'
    try:
        with Collector() as collector:
            code, err, _ = export(shop(), collector.url, 'headers_file = headers', ['[sink:record]', 'path = out.btf'])
            assert code == 0, err
            headers = collector.requests()[0]['headers']
        assert (headers['authorization'], headers['x-team'], headers['api-key'], headers['other']) == (
            'Bearer s3cret-one', 'shop', 's3cret two', 's3cret-three'), (err, headers)
        said = err + run(BEAMTAP, 'check', 'trace.ini') + open('out.btf', 'rb').read().decode('latin1')
        with Collector() as collector:
            collector.answers(usual={'status': 401})
            said += export(shop(), collector.url, 'headers_file = headers')[1]
        os.environ['OTEL_EXPORTER_OTLP_HEADERS'] = 'api-key s3cret-four'
        code, err, _ = export(shop(), 'http://127.0.0.1:1')
        assert code == 1 and "OTEL_EXPORTER_OTLP_HEADERS: entry 1 is not 'name=value'" in err, (code, err)
        assert 's3cret' not in said + err, said + err
    finally:
        del os.environ['OTEL_EXPORTER_OTLP_HEADERS']
    for text, mode, why in (('A: s3cret\n', 0o644, 'chmod 600'), ('A: x\ns3cret\n', 0o600, "line 2 is not 'Name: value'"), ('A:\n', 0o600, 'line 1 has no value'),
                            ('A: \x01s3cret\n', 0o600, 'line 1 has a control character'), (None, 0, 'No such file')):
        os.remove('headers') if os.path.exists('headers') else None
        if text:
            with open('headers', 'w') as f:
                f.write(text)
            os.chmod('headers', mode)
        code, err, _ = export(shop(), 'http://127.0.0.1:1', 'headers_file = headers')
        assert code == 1 and why in err and 's3cret' not in err, (text, code, err)


def addresses():
    for endpoint in ('localhost:4318', 'ftp://x', 'http://me:s3cret@x', 'http://x?key=s3cret', 'http://', 'http://x y'):
        code, err, _ = export(shop(), endpoint)
        assert code == 2 and 'endpoint' in err and 's3cret' not in err.replace('[sink:otlp]', ''), (endpoint, code, err)
    with Collector() as collector:
        for endpoint in ('/', '/v1/traces', '/v1/traces/', '/here', '/here/v1/traces'):
            code, err, _ = export(shop(), collector.url + endpoint)
            assert code == 0, (endpoint, code, err)
        assert [r['path'] for r in collector.requests()] == ['/v1/traces', '/v1/traces', '/v1/traces', '/here/v1/traces', '/here/v1/traces']
        os.environ['OTEL_EXPORTER_OTLP_ENDPOINT'] = collector.url + '/fleet'
        try:
            assert export(shop(), '')[0] == 0 and collector.requests()[-1]['path'] == '/fleet/v1/traces'
        finally:
            del os.environ['OTEL_EXPORTER_OTLP_ENDPOINT']


def a_certificate_is_judged():
    """The request goes through TLS when the certificate is the one that is given, and not at all when it is not."""
    import ssl
    if subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'key.pem', '-out', 'cert.pem', '-days', '2', '-subj', '/CN=localhost',
                       '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
        print('# skipped: there is no openssl to make a certificate')
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain('cert.pem', 'key.pem')
    with Collector() as collector, socket.create_server(('127.0.0.1', 0)) as listener:
        def pass_on():
            while True:
                try:
                    client = context.wrap_socket(listener.accept()[0], server_side=True)
                except ssl.SSLError:
                    continue
                except OSError:
                    return
                with client, socket.create_connection(('127.0.0.1', collector.port)) as there:
                    back = threading.Thread(target=copy, args=(there, client))
                    back.start()
                    copy(client, there)
                    back.join()

        threading.Thread(target=pass_on, daemon=True).start()
        address = 'https://127.0.0.1:%d' % listener.getsockname()[1]
        code, err, _ = export(shop(), address, 'timeout = 8s')
        assert code == 1 and 'refuses spans: SSL' in err and not collector.requests(), (code, err)
        code, err, sinks = export(shop(), address, 'ca_file = cert.pem')
        assert code == 0 and sinks[0]['lost'] == 0 and len(collector.spans()) == len(SHOP), (code, err, sinks)


def copy(from_, to):
    try:
        while data := from_.recv(65536):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)
    except OSError:
        pass


sys.exit(run_all('otlp', a_shop_in_traces, calls_end_as_they_did, a_chain_of_servers, a_call_that_is_given_up_is_over, messages_that_were_fetched_together,
                 a_message_lasts_as_long_as_what_is_in_it, every_text_is_utf8, what_has_no_room_is_lost_and_told, a_long_queue_is_not_searched_for_each_callback, other_messages_where_they_are_asked_for, the_same_recording_has_the_same_spans, what_is_told_can_be_chosen,
                 headers_are_sent_and_never_told, addresses, a_certificate_is_judged))

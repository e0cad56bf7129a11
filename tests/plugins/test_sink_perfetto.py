#!/usr/bin/env python3
"""test_sink_perfetto.py: what stands in the trace that the sink `perfetto` makes of recordings that are known. protoc reads it back by
perfetto.proto, and what it means is told here as Perfetto itself tells it: names by their numbers, times by the sequence's clock, slices by
their track's stack, arrows by their ends."""
import ast, collections, json, os, random, re, resource, shutil, subprocess, sys, tempfile
from recording import *

LOSSES = 30000
work = tempfile.mkdtemp(prefix='beamtap-perfetto-')
os.chdir(work)
CALLS = ['function_call', 'function_return', 'function_exception']
Slice = collections.namedtuple('Slice', 'track name start end depth args')


# ---- Reading

def fields(text):
    """protoc's text: of each message a dict of lists."""
    top = collections.defaultdict(list)
    stack = [top]
    for line in text.splitlines():
        line = line.strip()
        if line.endswith('{'):
            inner = collections.defaultdict(list)
            stack[-1][line[:-2]].append(inner)
            stack.append(inner)
        elif line == '}':
            stack.pop()
        else:
            key, value = line.split(': ', 1)
            assert not key.isdigit(), 'a field that perfetto.proto has not: ' + line
            if value[0] == '"':
                value = ast.literal_eval('b' + value).decode()
            stack[-1][key].append(int(value) if re.fullmatch(r'-?\d+', str(value)) and line[-1] != '"' else value)
    return top


class Trace:
    def __init__(self, data):
        text = subprocess.run(['protoc', '-I', os.path.join(TOP, 'plugins/sinks/perfetto'), '--decode=perfetto.protos.Trace', 'perfetto.proto'], input=data, stdout=subprocess.PIPE, check=True).stdout
        self.tracks, self.parents, self.slices, self.instants, self.counters, self.flows = {}, {}, [], [], [], []
        self.packets = fields(text.decode())['packet']
        self.events = []
        self.cleared = 0
        sequences = {}
        for packet in self.packets:
            self.packet(packet, sequences)
        self.run()

    def packet(self, packet, sequences):
        number, = packet['trusted_packet_sequence_id']
        flags = sum(packet['sequence_flags'])
        if flags & 1:
            self.cleared += 1
            clocks = {c['clock_id'][0]: c['timestamp'][0] for c in packet['clock_snapshot'][0]['clocks']}
            assert set(clocks.values()) == {STARTED} and set(clocks) == {1, 6, 64} and packet['trace_packet_defaults'][0]['timestamp_clock_id'] == [64]
            sequences[number] = {'now': STARTED, 'event_categories': {}, 'event_names': {}, 'debug_annotation_names': {}}
        sequence = sequences[number]
        for interned in packet['interned_data']:
            for kind, names in interned.items():
                for one in names:
                    assert one['iid'][0] not in sequence[kind], 'told twice'
                    sequence[kind][one['iid'][0]] = one['name'][0]
        for d in packet['track_descriptor']:
            uuid, = d['uuid']
            self.parents[uuid] = d['parent_uuid'][0] if d['parent_uuid'] else None
            self.tracks[uuid] = (d['name'] + [t for p in d['process'] for t in p['process_name']] + [t for p in d['thread'] for t in p['thread_name']])[0]
        for event in packet['track_event']:
            assert flags == 2 and event['track_uuid'][0] in self.tracks
            ts = packet['timestamp'][0]
            if packet['timestamp_clock_id'] != [6]:
                sequence['now'] += ts
                ts = sequence['now']
            name = sequence['event_names'][event['name_iid'][0]] if event['name_iid'] else None
            args = {sequence['debug_annotation_names'][a['name_iid'][0]]: (a['string_value'] + a['int_value'])[0] for a in event['debug_annotations']}
            category = [sequence['event_categories'][c] for c in event['category_iids']]
            self.events.append((ts - STARTED, event, name, category, args))

    def run(self):
        stacks, flows = collections.defaultdict(list), {}
        for ts, event, name, category, args in sorted(self.events, key=lambda e: e[0]):
            uuid, stack, kind = event['track_uuid'][0], stacks[event['track_uuid'][0]], event['type'][0]
            if kind == 'TYPE_SLICE_BEGIN':
                stack.append((name, ts, args))
            elif kind == 'TYPE_SLICE_END':
                began = stack.pop()  # none: an end that is misplaced
                self.slices.append(Slice(uuid, began[0], began[1], ts, len(stack) + 1, {**began[2], **args}))
            elif kind == 'TYPE_INSTANT':
                self.instants.append((self.tracks[uuid], name, ts, args))
            else:
                self.counters.append((self.tracks[uuid], ts, event['counter_value'][0]))
            for flow in event['flow_ids'] + event['terminating_flow_ids']:
                if flow in flows:
                    self.flows.append((self.tracks[flows[flow]], self.tracks[uuid]))
                else:
                    assert not event['terminating_flow_ids'], 'an arrow that ends, and has not begun'
                flows[flow] = uuid
        self.open = [Slice(uuid, name, ts, None, i + 1, args) for uuid, stack in stacks.items() for i, (name, ts, args) in enumerate(stack)]
        self.slices.sort(key=lambda s: (s.start, s.depth))

    def told(self):
        return [(self.tracks[s.track], s.name, s.start // 1000, (s.end - s.start) // 1000, s.depth) for s in self.slices]


def export(recording, *more, path='out.pftrace', code=0):
    with open('in.btf', 'wb') as f:
        f.write(recording)
    return run(BEAMTAP, 'export', 'in.btf', '--sink', 'perfetto:path=' + path, '--json', '--quiet', *more, code=code, out=False)


def read(path='out.pftrace'):
    with open(path, 'rb') as f:
        return Trace(f.read())


def trace(recording, *more):
    export(recording, *more)
    return read()


# ---- Recordings

def control(r, *terms):
    r.frame(8 | 1, [tuple_of(*terms)])


def many(n, functions=50):
    r = Recording(CALLS)
    for i in range(n):
        r.call(i * 10, 1 + i % 100, 'f%d' % (i % functions), integer(i))
        r.leave(i * 10 + 5, 1 + i % 100, 'f%d' % (i % functions), 1)
    return r.end()


def loop():
    """Two functions that call each other last, again and again, and all their returns at the end."""
    r = Recording(CALLS)
    for i in range(200):
        caller = tuple_of(atom('shop_cart'), atom('outside'), integer(0))
        r.event(i, 1, 'call', tuple_of(atom('shop_cart'), atom('ab'[i % 2]), list_of()), tuple_of(atom('$beamtap_tail'), caller))
    for i in reversed(range(200)):
        r.leave(1000, 1, 'ab'[i % 2], 0)
    return r.end()


def deep():
    """Deeper than Perfetto draws, of functions that are no loop."""
    r = Recording(CALLS)
    for i in range(700):
        r.call(i, 1, 'f%d' % i)
    for i in reversed(range(700)):
        r.leave(2000 - i, 1, 'f%d' % i, 0)
    r.call(3000, 1, 'last')
    r.leave(3010, 1, 'last', 0)
    return r.end()


# ---- Tests

def calls_have_their_times():
    t = trace(many_calls())
    p1, p2, p3 = '<0.1.0>', '<0.2.0>', '<0.3.0>'
    a, b, c = 'shop_cart:a/0', 'shop_cart:b/1', 'shop_cart:c/0'
    assert t.told()[:7] == [(p1, a, 0, 100, 1), (p1, b, 20, 30, 2), (p2, a, 25, 100, 1), (p1, c, 30, 10, 3), (p1, b, 60, 40, 2),
                            (p1, "shop_cart:'semi;colon'/0", 70, 30, 3), (p1, a, 200, 0, 1)], t.told()
    assert t.told()[7] == (p3, a, 400, 50, 1) and t.told()[8][:3] == (p3, a, 500) and len(t.slices) == 9 and not t.open, t.told()
    assert [s.args for s in t.slices] == [
        {'args': '[]', 'exception': '{error,badarg}'}, {'args': '[1]', 'result': 'ok'}, {'args': '[]', 'result': 'ok'}, {'args': '[]', 'result': 'ok'},
        {'args': '[2]', 'end': 'unwound'}, {'args': '[]', 'end': 'unwound'}, {'args': '[]', 'end': 'unknown'}, {'args': '[]', 'end': 'process exit'},
        {'args': '[]', 'end': 'unknown'}], [s.args for s in t.slices]
    assert t.slices[8].track != t.slices[7].track  # its pid lives again
    told = [(track, name, args) for track, name, ts, args in t.instants]
    assert told == [(p2, 'return', {'function': a, 'result': 'ok'}), ('shop@web1', 'events lost', {'events': 3, 'reason': 'queue'}),
                    (p1, 'return', {'function': a, 'result': 'ok'}), (p3, 'exit', {'exit': 'normal'}), ('shop@web1', 'end of tracing', {})], told


def messages_are_joined():
    t = trace(shop())
    p1, p2, p3 = '<0.1.0>', '<0.2.0>', 'shop_cart:loop/0 <0.3.0>'
    assert t.told() == [(p1, 'shop_cart:buy/1', 100, 150, 1), (p2, 'shop_cart:price/1', 140, 50, 1), (p1, 'shop_cart:buy/1', 1000, 150, 1),
                        (p2, 'shop_cart:price/1', 1040, 50, 1), (p3, 'shop_cart:loop/0', 2120, 80, 1)], t.told()
    assert t.flows == [(p1, p2), (p2, p1)] * 2 + [(p1, p2), (p1, p3)], t.flows
    assert [i[:3] for i in t.instants if i[2] > 1900000][:5] == [
        (p1, 'send', 2000000), (p2, 'receive', 2050000), (p1, 'spawn', 2100000), (p3, 'start', 2110000), (p3, 'exit', 2200000)], t.instants
    reply = [i[3] for i in t.instants if i[3].get('gen') == 'reply'][0]
    assert reply == {'to': p1, 'message': '{#Ref<0.0.0.7>,42}', 'gen': 'reply', 'took_ns': 90000}, reply
    node = [uuid for uuid, name in t.tracks.items() if name == 'shop@web1']
    assert len(node) == 1 and [t.parents[u] for u in t.tracks if u not in node] == node * 3, t.parents
    bare = trace(shop(), '--set', 'sink:perfetto.args=false')
    assert bare.told() == t.told() and not any('args' in s.args or 'result' in s.args for s in bare.slices)


def chromes_slices_and_arrows_are_the_same():
    for recording in (many_calls(), shop(), many(500), loop(), deep()):
        t = trace(recording, '--sink', 'chrome:path=out.json')
        with open('out.json') as f:
            events = json.load(f)['traceEvents']
        calls = {'gen', 'message', 'process', 'lost', 'tracing'}
        there = sorted((round(e['ts']), e['name']) for e in events if e['ph'] in 'XB' and e['cat'] not in calls)
        got = sorted((s.start // 1000, s.name) for s in t.slices)
        assert got == there != [] and not t.open, (got, there)
        length = sorted((round(e['ts']), e['name'], round(e['dur'])) for e in events if e['ph'] == 'X' and e['cat'] not in calls and 'end' not in e['args'])
        assert length == sorted((s.start // 1000, s.name, (s.end - s.start) // 1000) for s in t.slices if s.args.get('end') is None), length
        assert len(t.flows) == sum(e['ph'] == 's' for e in events) == sum(e['ph'] == 'f' for e in events)
        messages = sum(e['ph'] == 'X' and e['cat'] == 'message' for e in events)
        assert messages == sum(i[1] in ('send', 'receive') for i in t.instants)


def a_third_of_chromes_size():
    """Of calls and returns alone, and with what they carry, which is as long in both."""
    r = Recording(CALLS)
    for i in range(20000):
        r.call(i * 10, 1 + i % 100, 'handle_update_%d' % (i % 50), integer(i))
        r.leave(i * 10 + 5, 1 + i % 100, 'handle_update_%d' % (i % 50), 1)
    for args, most in (('false', 1 / 3), ('true', 0.4)):
        export(r.end(), '--sink', 'chrome:path=out.json', *('--set', 'sink:perfetto.args=' + args, '--set', 'sink:chrome.args=' + args))
        small, large = os.path.getsize('out.pftrace'), os.path.getsize('out.json')
        print('# args=%s: perfetto %d bytes, %.1f an event; chrome %d, %.1f; %.3f' % (args, small, small / 40000, large, large / 40000, small / large))
        assert small < most * large, (args, small, large)


def loops_and_depths_are_closed():
    t = trace(loop())
    assert not t.open and 2 <= len(t.slices) < 20 and max(s.end for s in t.slices) == 1000000, t.told()
    t = trace(deep())
    assert not t.open and max(s.depth for s in t.slices) == 500 and len(t.slices) == 501, len(t.slices)
    assert t.told()[0][1:] == ('shop_cart:f0/0', 0, 2000, 1) and t.told()[-1][1:] == ('shop_cart:last/0', 3000, 10, 1)
    assert [i[1] for i in t.instants] == ['end of tracing'], t.instants


def what_breaks_stacks_closes_slices():
    def lost(r):
        r.frame(8, [], lost=3, why=2)

    def gap(r):
        control(r, atom('gap'), integer(40000), integer(70000), integer(3), binary(b'too fast'))

    def down(r):
        r.frame(8 | 1 | 2, [tuple_of(atom('node_down'), integer(0))])

    for breaks, instant in ((lost, ('events lost', {'events': 3, 'reason': 'queue'})), (gap, ('tracing off', {'ns': 30000, 'reason': 'rate', 'what': '<<"too fast">>'})),
                            (down, ('end of tracing', {}))):
        r = Recording(CALLS + ['schedule_in', 'schedule_out'])
        for n in (1, 2):
            r.call(10 + n, n, 'outer')
            r.call(20 + n, n, 'inner')
            r.event(30 + n, n, 'out', tuple_of(atom('shop_cart'), atom('inner'), integer(0)))
        breaks(r)
        t = trace(bytes(r.data) if breaks == down else r.end())
        assert not t.open and [s.name for s in t.slices] == ['shop_cart:outer/0'] * 2 + ['shop_cart:inner/0'] * 2 + ['waiting'] * 2, (instant, t.told())
        assert all(s.args['end'] == 'unknown' for s in t.slices if s.name != 'waiting'), t.slices
        assert ('shop@web1',) + instant in [(track, name, args) for track, name, ts, args in t.instants], (instant, t.instants)
    # only a part was left out: nothing has ended unseen
    r = Recording(CALLS)
    r.call(10, 1, 'outer')
    control(r, atom('gap'), integer(20000), integer(30000), integer(5), binary(b'arguments'), pid(1))
    r.leave(50, 1, 'outer', 0)
    t = trace(r.end())
    assert t.told() == [('<0.1.0>', 'shop_cart:outer/0', 10, 40, 1)] and t.slices[0].args['result'] == 'ok', t.told()
    assert 'left out' in ' '.join(i[1] for i in t.instants), t.instants


def what_tracing_says_is_told_without_args():
    """args = false leaves out what the node's terms hold, and no word of the tracing itself."""
    r = Recording(CALLS)
    r.call(10, 1, 'pay', integer(4711))
    r.leave(20, 1, 'pay', 1)
    control(r, atom('gap'), integer(40000), integer(70000), integer(5), binary(b'arguments'), pid(1))
    control(r, atom('returns_off'), tuple_of(atom('shop_cart'), atom('pay'), integer(1)), binary(b'it piled up'))
    control(r, atom('mark'), binary(b'stop_on: shop_cart:pay(_)'), pid(1))
    t = trace(r.end(), '--sink', 'chrome:path=out.json', '--set', 'sink:perfetto.args=false', '--set', 'sink:chrome.args=false')
    said = {value for _, _, _, args in t.instants for value in args.values()}
    words = ['<<"arguments">>', '<<"it piled up">>', '<<"stop_on: shop_cart:pay(_)">>']
    assert said >= set(words) and not any('args' in s.args or 'result' in s.args for s in t.slices), (t.instants, t.slices)
    with open('out.json') as f:
        events = json.load(f)['traceEvents']
    told = {e['args'].get(key) for e in events if 'args' in e for key in ('what', 'why')}
    assert told >= set(words) and '4711' not in json.dumps(events), told


def what_ends_together_ends_in_the_order_in_which_it_began():
    """Whatever the numbers of the processes are: a run and its replay give the same file."""
    began = random.Random(1).sample(range(1, 5000), 200)
    r = Recording(CALLS)
    for i, n in enumerate(began):
        r.call(10 + i, n, 'outer')
    r.leave(300, began[0], 'outer', 0)
    r.call(310, began[0], 'outer')
    r.frame(8, [], lost=3, why=2)
    for i, n in enumerate(reversed(began)):
        r.call(400 + i, n, 'again')
    t = trace(r.end())
    ends = [t.tracks[event['track_uuid'][0]] for ts, event, *_ in t.events if event['type'][0] == 'TYPE_SLICE_END']
    names = ['<0.%d.0>' % n for n in began]
    assert ends == names[:1] + names[1:] + names[:1] + names[::-1], [e for e in zip(ends, names) if e[0] != e[1]][:5]


def waiting_and_garbage_nest():
    r = Recording(CALLS + ['schedule_in', 'schedule_out', 'gc_start', 'gc_end'])
    where, facts = tuple_of(atom('shop_cart'), atom('a'), integer(0)), list_of(tuple_of(atom('heap_size'), integer(9)))
    r.call(10, 1, 'a')
    r.event(20, 1, 'out', where)
    r.event(40, 1, 'in', where)
    r.event(50, 1, 'gc_major_start', facts)
    r.event(52, 1, 'out', where)
    r.event(55, 1, 'in', where)
    r.event(60, 1, 'gc_major_end', facts)
    r.event(70, 1, 'gc_minor_start', facts)  # whose end is not told
    r.leave(80, 1, 'a', 0)
    r.event(90, 1, 'in', where)
    r.event(95, 1, 'gc_minor_end', facts)
    t = trace(r.end())
    assert [s[1:] for s in t.told()] == [('shop_cart:a/0', 10, 70, 1), ('waiting', 20, 20, 2), ('major gc', 50, 10, 2), ('waiting', 52, 3, 3),
                                         ('minor gc', 70, 10, 2)] and not t.open, t.told()
    assert t.slices[1].args['at'] == 'shop_cart:a/0' and t.slices[2].args == {'before': '[{heap_size,9}]', 'after': '[{heap_size,9}]'}, t.slices
    assert [i[1:3] for i in t.instants] == [('scheduled in', 90000), ('gc end', 95000), ('end of tracing', t.instants[-1][2])], t.instants


def mailboxes_are_counters_and_names_are_learned():
    r = Recording(CALLS)
    r.call(10, 1, 'a')
    control(r, atom('mailboxes'), integer(20000), list_of(tuple_of(pid(1), integer(7)), tuple_of(pid(9), integer(1))))  # 9: never seen
    control(r, atom('process_info'), list_of(tuple_of(pid(1), list_of(tuple_of(atom('registered_name'), atom('shop_door'))))))
    control(r, atom('mailboxes'), integer(30000), list_of(tuple_of(pid(1), integer(300))))
    r.leave(40, 1, 'a', 0)
    t = trace(r.end())
    assert t.counters == [('mailbox <0.1.0>', 20000, 7), ('mailbox <0.1.0>', 30000, 300)], t.counters
    assert t.told() == [('shop_door <0.1.0>', 'shop_cart:a/0', 10, 30, 1)], t.told()


def marks_are_instants():
    r = Recording(CALLS)
    r.call(10, 1, 'a')
    control(r, atom('mark'), binary(b'start_on: shop_cart:a/0'))
    r.leave(40, 1, 'a', 0)
    t = trace(r.end())
    assert t.told() == [('<0.1.0>', 'shop_cart:a/0', 10, 30, 1)], t.told()
    assert t.instants[0] == ('shop@web1', 'mark', 10000, {'what': '<<"start_on: shop_cart:a/0">>'}), t.instants


def times_that_go_back_are_told():
    r = Recording(CALLS)
    r.call(1000, 1, 'a')
    r.call(400, 2, 'b')
    r.leave(500, 2, 'b', 0)
    r.leave(1100, 1, 'a', 0)
    t = trace(r.end())
    assert [s[1:4] for s in t.told()] == [('shop_cart:b/0', 400, 100), ('shop_cart:a/0', 1000, 100)], t.told()


def calls_without_returns_are_points():
    r = Recording(['function_call'])
    r.call(10, 1, 'a')
    r.call(20, 1, 'b')
    t = trace(r.end())
    assert [(s.name, s.start, s.end - s.start, s.depth) for s in t.slices] == [('shop_cart:a/0', 10000, 1, 1), ('shop_cart:b/0', 20000, 1, 1)], t.slices


def a_sequence_of_many_names_begins_anew():
    n = 66000
    r = Recording(CALLS)
    for i in range(n):
        r.call(i * 10, 1, 'f%d' % i)
        r.leave(i * 10 + 5, 1, 'f%d' % i, 0)
    t = trace(r.end(), '--set', 'sink:perfetto.args=false')
    assert t.cleared == 2 and [(s.name, s.start, s.end) for s in t.slices] == [
        ('shop_cart:f%d/0' % i, i * 10000, i * 10000 + 5000) for i in range(n)], (t.cleared, len(t.slices))


def written_is_what_is_in_it():
    for recording in (many_calls(), shop(), many(300)):
        summary = json.loads(export(recording))
        sink = summary['sinks'][0]
        assert sink['written'] == summary['nodes'][0]['received'] and sink['lost'] == sink['lost_before'], sink
        assert sink['bytes'] == os.path.getsize('out.pftrace') and os.stat('out.pftrace').st_mode & 0o777 == 0o600, sink
    with open('in.btf', 'wb') as f:
        f.write(many(40000))
    done = subprocess.run(['sh', '-c', 'ulimit -f 2000; exec "$@"', 'sh', BEAMTAP, 'export', 'in.btf', '--sink', 'perfetto:path=full.pftrace', '--json', '--quiet'],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    sink = json.loads(done.stdout)['sinks'][0]
    t = read('full.pftrace')  # whole packets: each is one event, or tells a name
    assert done.returncode == 1 and 0 < sink['written'] == len(t.events) < 80000 and 'cannot write full.pftrace' in done.stderr, (sink, len(t.events))


def whatever_is_cut_loads():
    export(shop())
    with open('out.pftrace', 'rb') as f:
        data = f.read()
    ends, at = [0], 0
    while at < len(data):
        assert data[at] == 0x0a
        at, size, shift = at + 1, 0, 0
        while True:
            size |= (data[at] & 0x7f) << shift
            shift, at = shift + 7, at + 1
            if data[at - 1] < 0x80:
                break
        at += size
        ends.append(at)
    assert at == len(data) and len(ends) > 30
    for end in ends[2::7]:
        Trace(data[:end])
    piped = subprocess.run([BEAMTAP, 'export', 'in.btf', '--sink', 'perfetto:path=-', '--quiet'], stdout=subprocess.PIPE, check=True).stdout
    assert piped == data


def a_loss_costs_no_look_at_every_process():
    """CPU of the same many losses with many processes, of which few have anything open, beside that with few."""
    def cpu(processes):
        r = Recording(['schedule_out'])
        at = tuple_of(atom('m'), atom('f'), integer(0))
        for n in range(LOSSES):
            r.event(n, 100 + n % processes, 'out', at)
        for n in range(LOSSES):
            r.frame(8, [], lost=1, why=1)
            r.event(LOSSES + n, 100 + n % 7, 'out', at)
        with open(os.path.join(work, 'losses.btf'), 'wb') as f:
            f.write(r.end())
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run(BEAMTAP, 'export', os.path.join(work, 'losses.btf'), '--quiet', '-o', os.path.join(work, 'losses.pftrace'))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    few = min(cpu(7) for _ in range(3))
    many = min(cpu(LOSSES) for _ in range(3))
    assert many < 5 * few, (few, many)


def its_trial_finds_nothing():
    said = run(BEAMTAP, 'plugins', '--test', 'sink:perfetto')
    assert 'nothing is wrong' in said, said


def main():
    try:
        if not shutil.which('protoc'):
            print('# skipped: there is no protoc (apt-get install protobuf-compiler)')
            return 0
        return 1 if tests('perfetto', (
            calls_have_their_times, messages_are_joined, chromes_slices_and_arrows_are_the_same, a_third_of_chromes_size, loops_and_depths_are_closed,
            what_breaks_stacks_closes_slices, what_tracing_says_is_told_without_args, what_ends_together_ends_in_the_order_in_which_it_began, waiting_and_garbage_nest, mailboxes_are_counters_and_names_are_learned, marks_are_instants, times_that_go_back_are_told,
            calls_without_returns_are_points, a_sequence_of_many_names_begins_anew, written_is_what_is_in_it, whatever_is_cut_loads,
            a_loss_costs_no_look_at_every_process, its_trial_finds_nothing)) else 0
    finally:
        shutil.rmtree(work)


sys.exit(main())

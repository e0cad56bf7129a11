"""Recordings made by hand, block for block as frame.h describes them, and taken apart again."""
import struct

MASK = (1 << 64) - 1
REPORTS, EVENTS, INDEX, END, BLOOM = range(5)
CONTROL, OWN, ONE_LIST, RECORDED, NUMBERED = 1, 2, 4, 8, 32
BLOCK = 131  # bytes of a block's frame
STARTED = 1700000000 * 10**9
RUN = '0123456789abcdef'


class Atom(str):
    """An atom, where a str is a binary."""


def term(t):
    if isinstance(t, Atom):
        return struct.pack('>BB', 119, len(t)) + t.encode()
    if isinstance(t, str):
        return struct.pack('>BI', 109, len(t)) + t.encode()
    if isinstance(t, bytes):  # a pid of the node n@h
        return t
    if isinstance(t, int):
        if 0 <= t < 256:
            return struct.pack('>BB', 97, t)
        return struct.pack('>BBBQ', 110, 8, t < 0, abs(t)).replace(struct.pack('>Q', abs(t)), struct.pack('<Q', abs(t)))
    if isinstance(t, tuple):
        return struct.pack('>BB', 104, len(t)) + b''.join(map(term, t))
    if isinstance(t, list):
        return (struct.pack('>BI', 108, len(t)) + b''.join(map(term, t)) if t else b'') + b'j'
    return struct.pack('>BI', 116, len(t)) + b''.join(term(k) + term(v) for k, v in t.items())


def pid(number):
    return struct.pack('>BBB3sIII', 88, 119, 3, b'n@h', number, 0, 1)


def checksum(data):
    h = 0x9e3779b97f4a7c15 ^ len(data)
    whole = len(data) // 8 * 8
    words = list(struct.unpack('>%dQ' % (whole // 8), data[:whole])) + [int.from_bytes(data[whole:], 'big')]
    for word in words:
        h = (h ^ word) * 0xd6e8feb86659fd93 & MASK
        h ^= h >> 32
    return h


def frame(flags, body, seq=0, count=1, lost=0, why=0, node=0):
    return struct.pack('>4sBBHIIQIIII', b'BTF1', 1, flags | RECORDED, 0, 0, why, seq, count, lost, node, len(body)) + body


def report(t, seq=0, own=False, node=0):
    body = b'\x83' + term(t)
    return frame(CONTROL | (OWN if own else 0), struct.pack('>I', len(body)) + body, seq, node=node)


def calls(first, n, ts, step):
    """A frame of calls m:f(Number), Number from `first` on; times are ns behind the start."""
    items = b''.join(term((Atom('trace_ts'), pid(100), Atom('call'), (Atom('m'), Atom('f'), [first + i]), ts + i * step))
                     for i in range(n))
    return frame(ONE_LIST, b'\x83' + struct.pack('>BI', 108, n) + items + b'j', first, n)


def messages(first, items):
    """A frame of trace messages, each {trace_ts, *items}."""
    return frame(ONE_LIST, b'\x83' + struct.pack('>BI', 108, len(items)) +
                 b''.join(term((Atom('trace_ts'), *item)) for item in items) + b'j', first, len(items))


class Items:
    """The same as the native tracer's items, whose names are numbers of the frame's own; a message is as those of messages()."""

    KINDS = {'call': 3, 'return_from': 4, 'exception_from': 5}

    def __init__(self):
        self.known, self.body, self.count = ({}, {}), b'', 0

    def number(self, which, key, definition):
        if key not in self.known[which]:
            self.body += struct.pack('>BI', which, len(self.known[which])) + definition
            self.known[which][key] = len(self.known[which])
        return struct.pack('>I', self.known[which][key])

    def add(self, who, tag, what, *more):
        *more, ts = more
        self.count += 1
        if tag not in self.KINDS:
            whole = term((Atom('trace_ts'), who, tag, what, *more, 0))
            self.body += b'\2' + whole[:-2] + struct.pack('>q', ts)
            return
        m, f, a = what
        process, function = self.number(0, who, who), self.number(1, (m, f), term(m) + term(f))
        call = tag == 'call'
        value = term(a) if call else struct.pack('>B', a) + term(more.pop(0))
        self.body += (struct.pack('>B', self.KINDS[tag] + 16 * len(more)) + process + function + value +
                      b''.join(map(term, more)) + struct.pack('>q', ts))

    def frame(self, first, count=None):
        return frame(NUMBERED, self.body, first, self.count if count is None else count)


def items(first, found):
    made = Items()
    for item in found:
        made.add(*item)
    return made.frame(first)


class Recording:
    """A file in the making: the run began at STARTED, the node's clock is the time since then, or since `clock` later."""

    def __init__(self, file, node='n@h', started=STARTED, clock=0, run=RUN, events=('function_call',), config=''):
        self.file, self.number, self.reports, self.entries = file, 0, 0, []
        self.started, self.clock, self.run = started, clock, run
        self.block(REPORTS, report((Atom('session'), {Atom('version'): '0', Atom('run'): run, Atom('started'): started,
                                                      Atom('several_nodes'): Atom('false'), Atom('events'): list(map(Atom, events)),
                                                      Atom('config'): config}), own=True))
        self.block(REPORTS, report((Atom('node'), node), own=True) +
                   report((Atom('node_up'), {Atom('release'): '25', Atom('offset'): started + clock, Atom('monotonic'): -clock})))

    def block(self, kind, body, events=0, first=(1 << 63) - 1, last=-(1 << 63), hole=0, run=None):
        """`hole`: of so many bytes, which nobody wrote: only the index knows of them."""
        if kind <= EVENTS:
            self.entries.append(struct.pack('>QqqQII', self.file.tell(), first, last, 1, kind, events))
        if hole:
            self.file.seek(BLOCK + hole, 1)
            self.number += 1
            return
        inner = struct.pack('>BBBBIIIIIQqqQQ', 1, kind, 0, 0, len(body), events, self.number, self.reports, len(body),
                            int(run or self.run, 16), first, last, 1, checksum(body))
        head = frame(CONTROL | OWN, struct.pack('>I', 87) + b'\x83h\x02w\x05blockm' + struct.pack('>I', 72) + inner + bytes(8))[:-8]
        self.file.write(head + struct.pack('>Q', checksum(head)))
        self.file.write(body)
        self.number += 1
        self.reports += kind == REPORTS

    def calls(self, first, n, ts, step=1000):
        self.block(EVENTS, calls(first, n, ts - self.clock, step), n, self.started + ts, self.started + ts + (n - 1) * step)

    def end(self, seq, index=True):
        self.block(REPORTS, report((Atom('node_down'), 0), seq, own=True))
        at = self.file.tell()
        entries = b''.join(self.entries)
        body = b'\x83h\x02w\x05indexm' + struct.pack('>I', len(entries)) + entries
        if index:
            self.block(INDEX, frame(CONTROL | OWN, struct.pack('>I', len(body)) + body))
            self.block(END, b'', first=at)


def blocks(data):
    """(type, where it begins, where it ends) of each; damage is none of its business."""
    at, found = 0, []
    while at + BLOCK <= len(data):
        kind, length = data[at + 60], struct.unpack_from('>I', data, at + 63)[0]
        found.append((kind, at, at + BLOCK + length))
        at += BLOCK + length
    return found


def port_message(number, ns):
    """A call as a trace port writes it, with the time of the flag `timestamp`."""
    us = ns // 1000
    body = b'\x83' + term((Atom('trace_ts'), pid(100), Atom('call'), (Atom('m'), Atom('f'), [number]),
                           (us // 10**12, us // 10**6 % 10**6, us % 10**6)))
    return b'\0' + len(body).to_bytes(4, 'big') + body

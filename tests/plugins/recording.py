"""A recording made term by term (beamtap/frame.h), for tests that know what must come of it, and what such tests need."""
import os, struct, subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get('BEAMTAP_BUILD', os.path.join(TOP, 'build', 'release')))
BEAMTAP = os.path.join(BUILD, 'beamtap')
STARTED = 1700000000000000000


def atom(text):
    data = text.encode()
    return b'w' + bytes([len(data)]) + data


def binary(data):
    return b'm' + struct.pack('>I', len(data)) + data


def integer(n):
    if 0 <= n < 256:
        return b'a' + bytes([n])
    if -2**31 <= n < 2**31:
        return b'b' + struct.pack('>i', n)
    digits = abs(n).to_bytes((abs(n).bit_length() + 7) // 8, 'little')
    return b'n' + bytes([len(digits), n < 0]) + digits


def tuple_of(*terms):
    return b'h' + bytes([len(terms)]) + b''.join(terms)


def list_of(*terms):
    return b'l' + struct.pack('>I', len(terms)) + b''.join(terms) + b'j' if terms else b'j'


def map_of(pairs):
    return b't' + struct.pack('>I', len(pairs)) + b''.join(atom(k) + v for k, v in pairs)


def pid(number):
    return b'X' + atom('shop@web1') + struct.pack('>III', number, 0, 1)


def reference(number):
    return b'Z' + struct.pack('>H', 3) + atom('shop@web1') + struct.pack('>IIII', 1, number, 0, 0)


class Recording:
    def __init__(self, events):
        self.data, self.number, self.seq = bytearray(), 0, 0
        session = [('version', binary(b'0')), ('run', binary(b'0123456789abcdef')), ('started', integer(STARTED)),
                   ('several_nodes', atom('false')), ('events', list_of(*map(atom, events))),
                   ('config', binary(b'[session]\nnodes = shop@web1\n'))]
        self.frame(8 | 1 | 2, [tuple_of(atom('session'), map_of(session))])
        self.frame(8 | 1 | 2, [tuple_of(atom('node'), binary(b'shop@web1'))])
        self.frame(8 | 1, [tuple_of(atom('node_up'), map_of([('release', binary(b'25')), ('offset', integer(STARTED)),
                                                            ('monotonic', integer(0))]))])

    def frame(self, flags, terms, lost=0, why=0):
        body = b''.join(struct.pack('>I', len(t) + 1) + b'\x83' + t for t in terms)
        self.seq += lost
        self.data += struct.pack('>4sBBHIIQIIII', b'BTF1', 1, flags, 0, self.number, why, self.seq, len(terms), lost, 0, len(body)) + body
        self.number += 1
        self.seq += 0 if flags & 1 else len(terms)

    def event(self, us, process, tag, *rest):
        self.frame(8, [tuple_of(atom('trace_ts'), pid(process), atom(tag), *rest, integer(us * 1000))])

    def call(self, us, process, function, *args):
        self.event(us, process, 'call', tuple_of(atom('shop_cart'), atom(function), list_of(*args)))

    def leave(self, us, process, function, arity, thrown=False):
        self.event(us, process, 'exception_from' if thrown else 'return_from',
                   tuple_of(atom('shop_cart'), atom(function), integer(arity)), tuple_of(atom('error'), atom('badarg')) if thrown else atom('ok'))

    def counted(self, us, process, function, arity, calls, ns=None, size=None):
        """A row of a profile; process 0: of all together."""
        said = tuple_of(*[atom('none') if n is None else integer(n) for n in (calls, ns, size)])
        self.frame(8, [tuple_of(atom('trace_ts'), pid(process) if process else atom('all'), atom('counted'),
                                tuple_of(atom('shop_cart'), atom(function), integer(arity)), said, integer(us * 1000))])

    def send(self, us, process, to, message):
        self.event(us, process, 'send', message, pid(to))

    def receive(self, us, process, sender, message):
        self.event(us, process, 'receive', message, tuple_of(atom('$beamtap_from'), atom('shop@web1'), pid(sender)))

    def end(self):
        self.frame(8 | 1 | 2, [tuple_of(atom('node_down'), integer(0))])
        return bytes(self.data)


def many_calls():
    """Of what is known how long each call took: test_kit.py says what comes of it."""
    r = Recording(['function_call', 'function_return', 'function_exception', 'process_exit'])
    r.call(0, 1, 'a')  # 0..100, of which b has 30 and c within it 10
    r.call(20, 1, 'b', integer(1))
    r.call(25, 2, 'a')  # another process, at the same time
    r.call(30, 1, 'c')
    r.leave(40, 1, 'c', 0)
    r.leave(50, 1, 'b', 1)
    r.call(60, 1, 'b', integer(2))  # left by an exception that is told only of a
    r.call(70, 1, 'semi;colon')
    r.leave(100, 1, 'a', 0, thrown=True)
    r.leave(125, 2, 'a', 0)
    r.leave(130, 2, 'a', 0)  # whose call was not seen
    r.call(200, 1, 'a')
    r.frame(8, [], lost=3, why=2)  # nobody knows when it ended
    r.leave(300, 1, 'a', 0)
    r.call(400, 3, 'a')
    r.event(450, 3, 'exit', atom('normal'))
    r.call(500, 3, 'a')  # never ends
    return r.end()


def profile(timed=True, memory=True):
    """Two readings of the counters: add/2 was called 30 times in (1) and 10 times in (2), price/1 5 times in (2)."""
    r = Recording(['function_counters'])
    for us, process, function, arity, calls, ns, size in ((1000, 1, 'add', 2, 20, 400000, 8000), (1000, 2, 'add', 2, 10, 100000, 800),
                                                          (1000, 2, 'price', 1, 5, 1500000, 0), (2000, 1, 'add', 2, 10, 200000, 1200)):
        r.counted(us, process if timed or memory else 0, function, arity, calls, ns if timed else None, size if memory else None)
    return r.end()


def shop():
    """A client (1) calls a server (2) twice, casts to it and spawns (3), which ends; in the server's calls there are others."""
    r = Recording(['function_call', 'function_return', 'message_send', 'message_receive', 'process_spawn', 'process_start', 'process_exit'])
    mfa = tuple_of(atom('shop_cart'), atom('loop'), list_of())
    for n, began in enumerate((100, 1000)):
        tag = reference(7 + n)
        request = tuple_of(atom('$gen_call'), tuple_of(pid(1), tag), tuple_of(atom('price'), integer(n)))
        reply = tuple_of(tag, integer(42 + n))
        r.call(began, 1, 'buy', integer(n))
        r.send(began + 10, 1, 2, request)
        r.receive(began + 30, 2, 1, request)
        r.call(began + 40, 2, 'price', integer(n))
        r.leave(began + 90, 2, 'price', 1)
        r.send(began + 100, 2, 1, reply)
        r.receive(began + 120, 1, 2, reply)
        r.leave(began + 150, 1, 'buy', 1)
    cast = tuple_of(atom('$gen_cast'), atom('stock'))
    r.send(2000, 1, 2, cast)
    r.receive(2050, 2, 1, cast)
    r.event(2100, 1, 'spawn', pid(3), mfa)
    r.event(2110, 3, 'spawned', pid(1), mfa)
    r.call(2120, 3, 'loop')
    r.event(2200, 3, 'exit', atom('normal'))
    return r.end()


def run(*words, cwd=None, env=None, code=0, out=True):
    """What it says; with out=False only what is on standard output."""
    done = subprocess.run(words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT if out else subprocess.DEVNULL)
    assert done.returncode == code, '%s: exit code %d: %s' % (' '.join(words), done.returncode, done.stdout)
    return done.stdout


def tests(name, functions):
    """Runs them, a line each; how many failed."""
    failed = 0
    for test in functions:
        try:
            test()
            print('ok %s.%s' % (name, test.__name__), flush=True)
        except Exception as why:
            print('not ok %s.%s: %s' % (name, test.__name__, (str(why) or repr(why)).replace('\n', '\n    ')), flush=True)
            failed += 1
    return failed

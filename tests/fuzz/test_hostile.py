"""beamtap against an epmd, a node and a network that say anything. Whatever they say: it ends, by itself or when it is asked
to, with a sentence; no sanitizer has a word; no output is torn; and the node is as it was.

FUZZ_SECONDS: how long each of them goes on (each does something at least). What is said is the same each time."""
import os, random, socket, struct, sys, threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'e2e'))
from lib import *
from proxy import Proxy

SECONDS = float(os.environ.get('FUZZ_SECONDS', '3'))
INI = """[session]
nodes = %s
events = function_call, function_return, message_send, message_receive
duration = 10s
lease = 2s
%s
[transport:%s]
[filter:match_spec]
trace = e2e_work:target(_, _)
[filter:pids]
pids = new
[sink:csv]
path = trace.csv
[sink:chrome]
path = trace.json
[sink:stdout]
path = trace.txt
format = json
[sink:record]
path = trace.btf
"""


def rounds(least):
    """At least so many, and more as long as there is time."""
    end, n = time.time() + SECONDS, 0
    while n < least or time.time() < end:
        yield n
        n += 1


def harmless(run):
    run.wait()
    text = run.err()
    assert run.code in (0, 1, 3), 'exit code %s: %s' % (run.code, text[-3000:])
    assert 'Sanitizer' not in text and 'runtime error' not in text, text[-3000:]
    assert run.code == 0 or 'beamtap: ' in text, 'not a word: ' + text
    assert not re.search('[\x00-\x09\x0b-\x1f\x7f-\x9f]', text), 'it moves the terminal: %r' % text
    return run


class Mutating(Proxy):
    """What the node says is changed behind the handshake, each so many bytes on average."""

    def __init__(self, name, node_port, seed, distance):
        self.random, self.distance, self.changed = random.Random(seed), distance, 0
        super().__init__(name, node_port)

    def forward(self, source, sink, frames):
        passed = 0  # a handshake is a few hundred bytes
        try:
            while data := source.recv(65536):
                if frames:
                    data = bytearray(data)
                    at = max(600 - passed, 0) + self.random.randint(0, self.distance)
                    while at < len(data):
                        self.change(data, at)
                        at += 1 + self.random.randint(0, 2 * self.distance)
                    passed += len(data)
                sink.sendall(data)
        except OSError:
            pass
        self.close(source, sink)

    def change(self, data, at):
        self.changed += 1
        what = self.random.randrange(4)
        if what == 0:
            data[at] ^= 1 << self.random.randrange(8)
        elif what == 1:
            data[at] = self.random.choice((0, 1, 0x7f, 0x80, 0xff, 97, 104, 108, 109, 116))
        elif what == 2:
            del data[at:at + self.random.randrange(1, 40)]
        else:
            data[at:at] = data[at // 2:at // 2 + self.random.randrange(1, 40)]


def a_network_that_changes_bytes():
    """Between a real node and the collector, over the distribution."""
    node = Node()
    changed = 0
    for n in rounds(3):
        proxy = Mutating(node.name.split('@')[0], int(node('element(2, erl_epmd:port_please("%s", "127.0.0.1"))' % node.name.split('@')[0])),
                         n, (300, 3000, 30000)[n % 3])
        run = Run(INI % (node.name, '', 'dist'), '--json', environment=dict(env, ERL_EPMD_PORT=proxy.epmd_port))
        end = time.time() + 10
        while run.process.poll() is None and time.time() < end and not (proxy.changed > 5 and n % 2):
            node('e2e_work:run(5, 50, 5)')
        if run.process.poll() is None:
            run.process.send_signal(signal.SIGINT)
        harmless(run)
        for name in ('trace.csv', 'trace.json', 'trace.txt', 'trace.btf'):
            if os.path.exists(run.path(name)) and os.path.getsize(run.path(name)):
                repaired = subprocess.run([BEAMTAP, 'repair', run.path(name)], env=env, stdin=subprocess.DEVNULL,
                                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                assert ' is whole' in repaired.stdout, (name, repaired.stdout)
        changed += proxy.changed
        proxy.stop()
        node.clean()
    assert changed > 5, 'nothing was changed'


class Stranger:
    """Listens, and says to each who comes the next of what it was given; then it closes, or holds on silently."""

    def __init__(self, says, silent=False):
        self.says, self.silent, self.open = list(says), silent, []
        self.listener = socket.socket()
        self.listener.bind(('127.0.0.1', 0))
        self.listener.listen(16)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            piece = self.says.pop(0) if len(self.says) > 1 else self.says[0]
            try:
                peer.recv(4096)
                peer.sendall(piece)
            except OSError:
                pass
            if self.silent:
                self.open.append(peer)
            else:
                peer.close()

    def stop(self):
        for s in (self.listener, *self.open):
            s.close()


def found(port, name=b'shop', tail=b'\0\0'):
    """What epmd says of a node that it knows."""
    return struct.pack('>BBHBBHHH', 119, 0, port, 77, 0, 6, 5, len(name)) + name + tail


def mutated(piece, chance):
    data = bytearray(piece)
    for _ in range(chance.randrange(5)):
        if data:
            at = chance.randrange(len(data))
            data[at:at + chance.randrange(3)] = bytes(chance.randrange(256) for _ in range(chance.randrange(4)))
    return bytes(data)


def asks(epmd_port):
    """`nodes` and `run`, both of a node that this epmd is asked for."""
    environment = dict(env, ERL_EPMD_PORT=str(epmd_port))
    short = '--set', 'transport:dist.connect_timeout=1s'
    for run in (Run(None, 'shop@localhost', *short, command='nodes', environment=environment),
                Run(INI % ('shop@localhost', '', 'dist'), *short, environment=environment)):
        harmless(run)
        assert run.code == 1, run.err()


def an_epmd_that_says_anything():
    chance = random.Random(1)
    answers = [b'', b'\x77', b'\x77\1', found(1), found(65535, b'x' * 300), found(0), b'\0' * 70000, bytes(range(256)) * 100,
               b'\0\0\x11\x11' + b'name %s at port 1\n' % (b'y' * 500) * 100, b'\0\0\x11\x11name ', b'HTTP/1.1 400 Bad Request\r\n\r\n']
    for n in rounds(len(answers)):
        piece = answers[n] if n < len(answers) else mutated(chance.choice(answers), chance)
        stranger = Stranger([piece], silent=n % 4 == 3)
        asks(stranger.port)
        stranger.stop()


def packet(*parts):
    body = b''.join(parts)
    return struct.pack('>H', len(body)) + body


def a_node_that_says_anything():
    """A handshake up to any point, and then packets that are none."""
    chance = random.Random(2)
    name = b'shop@localhost'
    challenge = packet(b'N', struct.pack('>QIIH', 0xd07df7fbd, 1, 1, len(name)), name)
    ok, ack = packet(b'sok'), packet(b'a', bytes(16))
    says = [b'', packet(b'snok'), packet(b'snot_allowed'), packet(b'salive'), ok, ok + challenge, ok + challenge + ack,
            ok + packet(b'n', bytes(500)), packet(b's' + b'o' * 60000), b'\xff\xff' + bytes(70000), ok + packet(b''),
            ok + challenge + ack + struct.pack('>I', 0xffffffff) + b'p' * 1000,
            packet(b's\xec\x1b[2Jno\xc2\x9b'), ok + challenge.replace(b'shop', b'\xec\x1b[2') + ack]
    for n in rounds(len(says)):
        piece = says[n] if n < len(says) else mutated(chance.choice(says), chance)
        node = Stranger([piece], silent=n % 5 == 4)
        epmd = Stranger([found(node.port)])
        asks(epmd.port)
        epmd.stop()
        node.stop()


tests(a_network_that_changes_bytes, an_epmd_that_says_anything, a_node_that_says_anything)

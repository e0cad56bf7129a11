"""A node behind a proxy: its distribution port, as an epmd of our own tells it, so that a connection can be cut where a
test wants it, or fall silent."""
import socket, struct, threading, time


class Proxy:
    def __init__(self, name, node_port):
        self.name, self.node_port = name.encode(), node_port
        self.cut_at = None        # bytes behind the beginning of the next frame: there it is cut
        self.cut = threading.Event()
        self.silent = False
        self.rate = None          # bytes a second that come out of the node
        self.connections = []
        self.listener, self.epmd = self.listen(), self.listen()
        self.epmd_port = str(self.epmd.getsockname()[1])
        for target, listener in ((self.serve_epmd, self.epmd), (self.serve, self.listener)):
            threading.Thread(target=self.accept, args=(listener, target), daemon=True).start()

    @staticmethod
    def listen():
        s = socket.socket()
        s.bind(('127.0.0.1', 0))
        s.listen(16)
        return s

    @staticmethod
    def accept(listener, target):
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=target, args=(peer,), daemon=True).start()

    def serve_epmd(self, peer):
        """PORT_PLEASE2_REQ: every name that is ours is at our listener."""
        length = struct.unpack('>H', peer.recv(2, socket.MSG_WAITALL))[0]
        request = peer.recv(length, socket.MSG_WAITALL)
        if request[:1] == b'z' and request[1:] == self.name:
            peer.sendall(struct.pack('>BBHBBHHH', 119, 0, self.listener.getsockname()[1], 77, 0, 6, 5, len(self.name)) +
                         self.name + b'\0\0')
        elif request[:1] == b'z':
            peer.sendall(b'\x77\x01')
        peer.close()

    def serve(self, peer):
        node = socket.create_connection(('127.0.0.1', self.node_port))
        self.connections += [peer, node]
        threading.Thread(target=self.forward, args=(peer, node, False), daemon=True).start()
        self.forward(node, peer, True)

    def forward(self, source, sink, frames):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                if self.silent:
                    continue
                at = data.find(b'BTF1') if frames and self.cut_at is not None else -1
                if at >= 0:
                    sink.sendall(data[:at + self.cut_at])
                    self.cut.set()
                    break
                if frames and self.rate:
                    time.sleep(len(data) / self.rate)
                sink.sendall(data)
        except OSError:
            pass
        self.close(source, sink)

    @staticmethod
    def close(*sockets):
        for s in sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def stop(self):
        self.close(self.listener, self.epmd, *self.connections)

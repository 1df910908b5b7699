"""Backends that a test drives itself, byte by byte, or that answer on threads of their own."""
import socket
import threading

from support.wait import DEADLINE_SECONDS, is_readable, until
from support.wire import Broken, Ended, Peer, response_bytes


def listening_socket(backlog=128, receive_buffer_bytes=None, family=socket.AF_INET):
    """On a port of loopback that the kernel chooses."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    if receive_buffer_bytes:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
    sock.bind(('::1' if family == socket.AF_INET6 else '127.0.0.1', 0))
    sock.listen(backlog)
    return sock


def text_of(sock):
    """IP:PORT or unix:PATH as it stands in weir's configuration."""
    name = sock.getsockname()
    if isinstance(name, str):
        return f'unix:{name}'
    return f'[{name[0]}]:{name[1]}' if ':' in name[0] else f'{name[0]}:{name[1]}'


class ManualBackend:
    """A listening socket whose connections the test itself accepts, reads and answers."""

    def __init__(self, **options):
        self.listener = listening_socket(**options)
        self.listener.settimeout(DEADLINE_SECONDS)
        self.address = text_of(self.listener)
        self.peers = []

    def accept(self):
        try:
            peer = Peer(self.listener.accept()[0])
        except socket.timeout as error:
            raise AssertionError('weir opened no connection to the backend') from error
        self.peers.append(peer)
        return peer

    def has_waiting(self, seconds=0.0):
        """Whether weir opened a connection that nobody accepted yet."""
        return is_readable(self.listener, seconds)

    def close(self):
        self.listener.close()
        for peer in self.peers:
            peer.close()


class AutoBackend:
    """Answers on threads. `answer(request, peer)` returns the bytes to send, or None when it dealt with
    the connection itself. Every connection's bytes are kept."""

    def __init__(self, answer=None, listener=None):
        self.listener = listener or listening_socket()
        self.address = text_of(self.listener)
        self.peers, self.requests, self.errors = [], [], []
        self._answer = answer or (lambda request, peer: response_bytes())
        self._lock = threading.Lock()
        self._is_open = True
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def heard_so_far(self):
        """A mark for heard_since()."""
        with self._lock:
            return {peer: len(peer.received) for peer in self.peers}

    def heard_since(self, mark):
        """All bytes of all connections since then."""
        with self._lock:
            return b''.join(bytes(peer.received[mark.get(peer, 0):]) for peer in self.peers)

    @property
    def connection_count(self):
        with self._lock:
            return len(self.peers)

    def open_peers_since(self, mark):
        """Connections of which something came since then and that are open still, with those bytes."""
        with self._lock:
            heard = [(peer, bytes(peer.received[mark.get(peer, 0):])) for peer in self.peers]
        return [(peer, new) for peer, new in heard if new and peer.socket.fileno() >= 0]

    def targets(self):
        with self._lock:
            return [request.target for request in self.requests]

    def wait_for_requests(self, count):
        return until(lambda: len(self.requests) >= count and self.requests, f'{count} requests at the backend')

    def _accept(self):
        while self._is_open:
            try:
                peer = Peer(self.listener.accept()[0])
            except OSError:
                return
            peer.socket.settimeout(None)
            with self._lock:
                self.peers.append(peer)
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        try:
            while True:
                request = peer.read_request()
                with self._lock:
                    self.requests.append(request)
                answer = self._answer(request, peer)
                if answer is None:
                    return
                peer.send(answer)
                if 'close' in (request.head.get('Connection') or ''):
                    peer.close()
                    return
        except (Ended, OSError):
            pass
        except Broken as error:
            self.errors.append(error)
        finally:
            peer.close()

    def close_connections(self):
        with self._lock:
            for peer in self.peers:
                try:
                    peer.socket.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        self._is_open = False
        try:
            # Wakes the accepting thread, which close() alone would not.
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.close_connections()
        self._thread.join(DEADLINE_SECONDS)


def refused_address():
    """An address of loopback where nobody listens. The port stays bound, so nobody else gets it."""
    sock = socket.socket()
    sock.bind(('127.0.0.1', 0))
    return text_of(sock), sock


class FullBackend:
    """A listening socket whose queue is full: the kernel drops every further SYN, a connect hangs."""

    def __init__(self):
        self.listener = listening_socket(backlog=0)
        self.address = text_of(self.listener)
        self._fillers = []
        while self._fill():
            pass

    def _fill(self):
        filler = socket.socket()
        filler.settimeout(0.3)
        self._fillers.append(filler)
        try:
            filler.connect(self.listener.getsockname())
            return True
        except TimeoutError:
            return False

    def close(self):
        for sock in [self.listener, *self._fillers]:
            sock.close()

"""HTTP/1.1 byte by byte: one end of a connection, either side, that says and reads exactly what a test
wants. The reader is strict; what weir sends has to be right to the letter."""
import re
import select
import socket
import struct
from typing import NamedTuple

from support.wait import DEADLINE_SECONDS, is_readable, ready_of

_NO_BODY = {204, 304}


class Ended(AssertionError):
    """The peer closed before the message was complete."""


class Broken(AssertionError):
    """What came is not HTTP/1.1 as weir has to send it."""


class Head(NamedTuple):
    start_line: str
    fields: list  # (name, value) as received, in order
    raw: bytes

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name, default=None):
        """The one value of a field; two of them are an error."""
        values = self.all(name)
        assert len(values) <= 1, f'{name} {len(values)} times: {values}'
        return values[0] if values else default

    def has(self, name):
        return bool(self.all(name))


class Request(NamedTuple):
    head: Head
    body: bytes
    trailers: list

    @property
    def method(self):
        return self.head.start_line.split(' ')[0]

    @property
    def target(self):
        return self.head.start_line.split(' ')[1]


class Response(NamedTuple):
    head: Head
    body: bytes
    trailers: list
    informational: list  # heads of 1xx before it

    @property
    def status(self):
        return status_of(self.head)

    @property
    def text(self):
        return self.body.decode()

    def get(self, name, default=None):
        return self.head.get(name, default)

    def has(self, name):
        return self.head.has(name)


def status_of(head):
    return int(head.start_line.split(' ', 2)[1])


_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*\r\n")


def parse_head(raw):
    """`raw` with its empty line. Refuses bare CR or LF, folding, bad names."""
    start, rest = raw.split(b'\r\n', 1)
    if b'\r' in start or b'\n' in start or not start:
        raise Broken(f'start line {start!r}')
    return Head(start.decode('latin-1'), parse_fields(rest), raw)


def parse_fields(rest):
    fields, position = [], 0
    while rest[position:] != b'\r\n':
        match = _FIELD.match(rest, position)
        if not match or b'\r' in match[2] or b'\n' in match[2]:
            raise Broken(f'field {rest[position:position + 80]!r}')
        fields.append((match[1].decode(), match[2].decode('latin-1')))
        position = match.end()
    return fields


class Peer:
    """One end of a connection. Every byte received is kept in `received`."""

    def __init__(self, sock):
        self.socket = sock
        self.socket.settimeout(DEADLINE_SECONDS)
        self.received = bytearray()
        self._taken = 0

    @classmethod
    def connect(cls, address, receive_buffer_bytes=None):
        """To (ip, port) or a Unix socket's path."""
        family = socket.AF_UNIX if isinstance(address, str) else (
            socket.AF_INET6 if ':' in address[0] else socket.AF_INET)
        sock = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        sock.settimeout(DEADLINE_SECONDS)
        sock.connect(address)
        if family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def address(self):
        return self.socket.getsockname()

    # --- sending ---

    def send(self, data):
        self.socket.sendall(data.encode('latin-1') if isinstance(data, str) else data)
        return self

    def send_until_stuck(self, piece, most_bytes=1 << 26):
        """Sends `piece` again and again until the other side takes no more for a while, ends the
        connection, or has taken `most_bytes`. Returns the bytes sent."""
        sent = 0
        self.socket.setblocking(False)
        try:
            while sent < most_bytes:
                try:
                    sent += self.socket.send(piece)
                except BlockingIOError:
                    if not self._is_writable(0.3):
                        break
        except ConnectionError:
            pass
        finally:
            self.socket.settimeout(DEADLINE_SECONDS)
        return sent

    def _is_writable(self, seconds):
        return bool(ready_of([self.socket], select.POLLOUT, seconds))

    def end_writing(self):
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.socket.close()

    # --- receiving ---

    def _receive(self):
        """Appends what came to `received`; False at the end of the stream."""
        try:
            data = self.socket.recv(1 << 16)
        except socket.timeout as error:
            raise AssertionError(f'nothing came; so far: {bytes(self.received[-400:])!r}') from error
        self.received += data
        return bool(data)

    def _take(self, end):
        piece = bytes(self.received[self._taken:end])
        self._taken = end
        return piece

    def read_until(self, mark):
        """Everything up to and including `mark`."""
        while True:
            at = self.received.find(mark, self._taken)
            if at >= 0:
                return self._take(at + len(mark))
            if not self._receive():
                raise Ended(f'end before {mark!r}; came: {bytes(self.received[self._taken:])[-400:]!r}')

    def read_exactly(self, count):
        while len(self.received) - self._taken < count:
            if not self._receive():
                raise Ended(f'end {count - (len(self.received) - self._taken)} bytes too early')
        return self._take(self._taken + count)

    def read_to_end(self):
        """Everything until the orderly end of the stream; ConnectionResetError on a reset."""
        while self._receive():
            pass
        return self._take(len(self.received))

    def read_head(self):
        return parse_head(self.read_until(b'\r\n\r\n'))

    def unread(self):
        """All that came is to be read once more."""
        self._taken = 0

    def take_rest(self):
        """What came and is not read yet; nothing of the past is kept."""
        rest = bytes(self.received[self._taken:])
        self.received, self._taken = bytearray(), 0
        return rest

    def read_chunked(self):
        """A chunked body: (bytes, trailers)."""
        body = bytearray()
        while True:
            line = self.read_until(b'\r\n')
            if not re.fullmatch(rb'[0-9a-fA-F]{1,16}\r\n', line):
                raise Broken(f'chunk line {line!r}')
            size = int(line, 16)
            if size == 0:
                break
            body += self.read_exactly(size)
            if self.read_exactly(2) != b'\r\n':
                raise Broken('no CR LF behind a chunk')
        section = bytearray()
        while not section.endswith(b'\r\n\r\n') and bytes(section) != b'\r\n':
            section += self.read_until(b'\r\n')
        return bytes(body), parse_fields(bytes(section))

    def _read_body(self, head):
        """Body by Transfer-Encoding or Content-Length; None when the head has neither."""
        codings, lengths = head.all('Transfer-Encoding'), head.all('Content-Length')
        if len(codings) + len(lengths) > 1:
            raise Broken(f'framed twice: {head.fields}')
        if codings:
            if codings != ['chunked']:
                raise Broken(f'Transfer-Encoding: {codings[0]}')
            return self.read_chunked()
        if lengths:
            return self.read_exactly(int(lengths[0])), []
        return None

    def read_request(self):
        head = self.read_head()
        if not re.fullmatch(r'\S+ \S+ HTTP/1\.1', head.start_line):
            raise Broken(f'request line {head.start_line!r}')
        body, trailers = self._read_body(head) or (b'', [])
        return Request(head, body, trailers)

    def read_response(self, method='GET'):
        """The next final response and the 1xx before it."""
        informational = []
        while True:
            head = self.read_head()
            if not re.fullmatch(r'HTTP/1\.1 [1-5]\d\d .*', head.start_line):
                raise Broken(f'status line {head.start_line!r}')
            if status_of(head) >= 200 or status_of(head) == 101:
                break
            informational.append(head)
        if method == 'HEAD' or status_of(head) in _NO_BODY or status_of(head) == 101:
            return Response(head, b'', [], informational)
        framed = self._read_body(head)
        if framed is None:
            if 'close' not in (head.get('Connection') or ''):
                raise Broken(f'no framing and no close: {head.fields}')
            framed = (self.read_to_end(), [])
        return Response(head, *framed, informational)

    # --- how it ended ---

    def expect_end(self):
        """The peer closes without another byte."""
        rest = self.read_to_end()
        assert rest == b'', f'bytes before the end: {rest[:400]!r}'

    def expect_cut(self):
        """The connection ends, by an end of stream or a reset; returns the bytes before it."""
        try:
            return self.read_to_end()
        except ConnectionResetError:
            return self._take(len(self.received))

    def expect_reset(self):
        try:
            rest = self.read_to_end()
        except ConnectionResetError:
            return
        raise AssertionError(f'an orderly end, not a reset, after {rest[:400]!r}')

    def expect_silence(self, seconds=0.15):
        """Nothing is there to be read now. A healthy run decides nothing by `seconds`: a late byte is
        caught by the strict reading that follows."""
        assert not is_readable(self.socket, seconds), f'came: {self.socket.recv(4096)!r}'


def request_bytes(method='GET', target='/', host='a.example', fields=(), body=None, version='1.1'):
    """A well-formed request; `fields` are (name, value) pairs or a dict."""
    pairs = list(fields.items()) if isinstance(fields, dict) else list(fields)
    if host is not None:
        pairs.insert(0, ('Host', host))
    if body is not None:
        pairs.append(('Content-Length', str(len(body))))
    head = f'{method} {target} HTTP/{version}\r\n' + ''.join(f'{name}: {value}\r\n' for name, value in pairs)
    return head.encode('latin-1') + b'\r\n' + (body or b'')


def response_bytes(body=b'ok', status='200 OK', fields=()):
    """A well-formed response with Content-Length."""
    pairs = list(fields.items()) if isinstance(fields, dict) else list(fields)
    pairs.append(('Content-Length', str(len(body))))
    head = f'HTTP/1.1 {status}\r\n' + ''.join(f'{name}: {value}\r\n' for name, value in pairs)
    return head.encode('latin-1') + b'\r\n' + body


def chunked(*pieces, trailers=''):
    """A chunked body of these pieces."""
    return b''.join(b'%x\r\n%s\r\n' % (len(piece), piece) for piece in pieces) + b'0\r\n' + trailers.encode() + b'\r\n'

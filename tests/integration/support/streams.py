"""Long bodies whose every byte is known, without holding them."""
import os
import random
import threading

PIECE_BYTES = 1 << 18
# Not a multiple of any buffer's size, so that a piece that is lost or doubled shows.
_PERIOD = (1 << 20) - 3
_BLOCK = memoryview(random.Random(7).randbytes(_PERIOD) * 3)
# Of tests whose bodies only have to be longer than every buffer on their way.
INSTRUMENTED = 'asan' in os.environ.get('WEIR_BIN', '')


def content(offset, count):
    """The bytes of every such body from `offset` on; at most 1 MiB at a time."""
    begin = offset % _PERIOD
    return _BLOCK[begin:begin + count]


def send_body(peer, total, framing='length', ends=True):
    """Sends the first `total` bytes, framed; not what ends an until-close body."""
    for offset in range(0, total, PIECE_BYTES):
        piece = content(offset, min(PIECE_BYTES, total - offset))
        if framing == 'chunked':
            peer.socket.sendall(b'%x\r\n' % len(piece) + piece.tobytes() + b'\r\n')
        else:
            peer.socket.sendall(piece)
    if framing == 'chunked' and ends:
        peer.socket.sendall(b'0\r\n\r\n')


class BodyReader:
    """Reads and compares a body as it comes, keeping nothing."""

    def __init__(self, peer):
        self._peer = peer
        self._buffer = bytearray(PIECE_BYTES)
        # What the head's reader already has.
        self._left = peer.take_rest()
        self.count = 0

    def _more(self):
        self._left = self._peer.socket.recv(PIECE_BYTES)
        return bool(self._left)

    def _check(self, most):
        piece, self._left = self._left[:most], self._left[most:]
        for at in range(0, len(piece), PIECE_BYTES):
            part = piece[at:at + PIECE_BYTES]
            assert part == content(self.count, len(part)), f'wrong bytes near {self.count}'
            self.count += len(part)
        return len(piece)

    def length(self, total):
        """A body of `total` bytes, or what is next of it."""
        while total > 0:
            if not self._left and not self._more():
                raise AssertionError(f'the end came after {self.count} bytes')
            total -= self._check(total)

    def until_close(self):
        while self._left or self._more():
            self._check(len(self._left))

    def _line(self):
        while b'\n' not in self._left:
            piece = self._left
            if not self._more():
                raise AssertionError(f'the end came after {self.count} bytes')
            self._left = piece + self._left
        line, _, self._left = self._left.partition(b'\n')
        return line

    def chunk(self):
        """False: that was the last one."""
        size = int(self._line(), 16)
        self.length(size)
        assert self._line() == b'\r'
        return size > 0

    def chunked(self):
        while self.chunk():
            pass

    def read(self, framing, total):
        {'length': lambda: self.length(total), 'chunked': self.chunked, 'close': self.until_close}[framing]()
        assert self.count == total, f'{self.count} bytes, not {total}'


class Job(threading.Thread):
    """Runs `work` beside the test; finish() tells what it met."""

    def __init__(self, work, *arguments):
        super().__init__(daemon=True)
        self._work, self._arguments, self._problem, self.result = work, arguments, None, None
        self.start()

    def run(self):
        try:
            self.result = self._work(*self._arguments)
        except BaseException as problem:  # whatever it is, the test's thread shall fail of it
            self._problem = problem

    def finish(self):
        self.join(120)
        assert not self.is_alive(), 'it did not end'
        if self._problem is not None:
            raise self._problem
        return self.result

"""Messages around the borders of what is legal, from a seed: each is put together from parts that are written in
legal or slightly illegal ways, and some are damaged by a byte afterwards. Where every part is legal, what the message
means is known beside its bytes."""
import random
from typing import NamedTuple, Optional

TOKEN = b"!#$%&'*+-.^_`|~09AZaz"
# Names that weir only passes on; none is one that it or a gateway would read (R13 to R17).
NAMES = [b'X-A', b'x-b', b'X-C-', b'Accept', b'Accept-Language', b'Cookie', b'User-Agent', b'X-Under_score', b'Range',
         b"X!#$%&'*+.^`|~", b'Referer', b'0', b'X-Content-Length', b'Proxy-Authorization', b'If-None-Match', b'Origin']
# Every trailer passes but those that frame, route or change how a message is processed.
TRAILERS = [b'X-A', b'x-b', b'X-C-', b'X-Checksum', b'0', b'X-Hop']
VALUE_BYTES = bytes(range(0x21, 0x7f)) + bytes(range(0x80, 0x100))
# What may stand where a line ends or anywhere else, to damage a message.
BREAKS = [b'\n', b'\r', b'\r\r\n', b'\n\r\n', b' \r\n', b'\t\r\n', b'\x0b\r\n', b'\x00\r\n', b'\r\n ', b'\r\n\t', b'',
          b'\r\n\r\n']
BYTES = [bytes([code]) for code in (0, 1, 8, 9, 10, 11, 12, 13, 32, 34, 44, 58, 59, 127, 128, 133, 160, 255)]


class Meaning(NamedTuple):
    """A request as its sender meant it. `fields`: those that pass, in order, without framing and Host."""
    method: bytes
    target: bytes
    host: Optional[bytes]
    fields: list
    body: bytes
    trailers: list


class Case(NamedTuple):
    data: bytes
    meaning: object  # None: not all of it is legal, or it was damaged
    method: bytes = b'GET'


class Writer:
    """Draws one message. `legal` becomes False with the first part that is not."""

    def __init__(self, rng, may_be_illegal):
        self.rng, self.may_be_illegal, self.legal = rng, may_be_illegal, True

    def pick(self, legal, illegal=(), chance=0.12):
        """One of the legal parts or, seldom, of the illegal ones."""
        if illegal and self.may_be_illegal and self.rng.random() < chance / 5:
            self.legal = False
            return self.rng.choice(illegal)
        return self.rng.choice(legal)

    def often(self, common, others, illegal=(), share=0.8):
        """`common` mostly, so that most of a message is plain."""
        return self.pick([common], illegal) if self.rng.random() < share else self.pick(others, illegal)

    def blanks(self):
        return self.often(b' ', [b'', b'  ', b'\t', b' \t ', b'\t\t'], [b'\x0b', b'\x0c', b'\xa0', b'\x00'])

    def value(self):
        kind = self.rng.random()
        if kind < 0.1:
            return b''
        size = self.rng.choice([1, 2, 5, 12, 40]) if kind < 0.95 else self.rng.choice([200, 1000, 4000])
        value = bytes(self.rng.choice(VALUE_BYTES) for _ in range(min(size, 40)))
        value = (value * (size // len(value) + 1))[:size]
        if size > 4 and self.rng.random() < 0.3:
            cut = self.rng.randrange(1, size - 1)
            value = value[:cut] + self.pick([b' ', b'\t', b'  ', b', '],
                                            [b'\x00', b'\x7f', b'\x01', b'\r', b'\n']) + value[cut:]
        return value

    def line(self, name, value):
        """A field line; `value` is what it means."""
        colon = self.pick([b':'], [b' :', b'\t:', b'', b'::', b'\x00:'], 0.03)
        start = self.pick([b''], [b' ', b'\t', b'\r'], 0.01)
        end = self.pick([b'\r\n'], [b'\n', b'\r\n ', b'\r\n\t', b'\r\r\n', b'\r', b'\x00\r\n'], 0.03)
        return start + name + colon + self.blanks() + value + self.often(b'', [b' ', b'\t', b'  \t '], [b'\x0b']) + end

    def some_fields(self, count, names=NAMES):
        fields = []
        for _ in range(count):
            name = self.rng.choice(names)
            if self.rng.random() < 0.2:
                name = self.rng.choice([name.upper(), name.lower()])
            name = self.often(name, [name], [b'', name + b' ', name[:1] + b'\xe9', name + b'/', b'(' + name, b'"a"',
                                             b'\t' + name], 0.97)
            fields.append((name, self.value()))
        return fields

    def chunked(self, body, trailers):
        out, rest = b'', body
        while rest:
            size = self.rng.randint(1, len(rest))
            number = self.often(b'%x' % size, [b'%X' % size, b'0%x' % size, b'000%x' % size],
                                [b'0x%x' % size, b'+%x' % size, b' %x' % size, b'%x ' % size, b'%x\t' % size,
                                 b'-%x' % size,
                                 b'%x,' % size, b'%x_0' % size, b'%x' % (size + 1), b'%x' % (size - 1),
                                 b'%017x' % size, b''])
            extension = self.often(b'', [b';a', b';a=b', b';a="b c"', b';a;b=1'],
                                   [b';', b';a\n', b';\x00', b' ;a\r', b';a="'], 0.9)
            end = self.pick([b'\r\n'], [b'\n', b'\r', b'\r\n\r\n', b''], 0.03)
            after = self.pick([b'\r\n'], [b'\n', b'', b'\r', b'x\r\n', b'\r\n\r\n'], 0.03)
            out += number + extension + end + rest[:size] + after
            rest = rest[size:]
        out += self.often(b'0', [b'00', b'0000'], [b'', b'0x0', b'-0', b' 0', b'0 '], 0.9)
        out += self.often(b'', [b';last'], [], 0.95) + self.pick([b'\r\n'], [b'\n', b'\r'], 0.02)
        return out + b''.join(self.line(*field) for field in trailers) + self.pick([b'\r\n'], [b'\n', b'', b'\r'], 0.02)


def damaged(rng, data):
    """The same with one to three bytes or line ends that are others."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        ends = [at for at in range(len(data)) if data.startswith(b'\r\n', at)]
        kind = rng.random()
        at = rng.randrange(len(data)) if data else 0
        if ends and kind < 0.4:
            at = rng.choice(ends[:40])
            data = data[:at] + rng.choice(BREAKS) + data[at + 2:]
        elif kind < 0.6:
            data = data[:at] + rng.choice(BYTES) + data[at:]
        elif kind < 0.8:
            data = data[:at] + rng.choice(BYTES) + data[at + 1:]
        elif kind < 0.9:
            data = data[:at] + data[at + 1:]
        else:
            lines = data.split(b'\r\n')
            line = rng.choice(lines)
            lines.insert(rng.randrange(len(lines)), line)
            data = b'\r\n'.join(lines)
    return data


def request_target(w):
    """The target as written, what reaches the backend, and its authority if it has one."""
    path = w.often(b'/', [b'/a', b'/a/b?c=d&e', b'//a', b'/a//', b'/%41%2f%zz', b'/?', b'/a?b?c', b'/a;b=c', b'/:80',
                          b'/a:b@c',
                          b"/!$&'()*+,-._~", b'/' + b'a' * 3000, b'/[]', b'/a|b', b'/{}', b'/a\\b', b'/"', b'/<>',
                          b'/../a', b'/./'],
                   [b'a', b'', b'/a#b', b'/\x00', b'/\xc3\xa9', b'/a\tb', b'/a b', b'\\a', b'*', b'?a', b'/\x7f',
                    b'/\x0b'], 0.4)
    if w.rng.random() < 0.12:
        authority = w.pick([b'b.example', b'B.Example:8080', b'b.example.', b'127.0.0.1', b'[::1]:80'],
                           [b'', b'u@b.example', b'b.example:x', b'b example', b'b.example:99999', b'b.example:',
                            b'[::1'])
        scheme = w.pick([b'http://', b'HTTP://', b'https://'], [b'http:/', b'ftp://', b'://', b'http//', b'http:\\\\'])
        rest = w.pick([path, path, b'']) if path.startswith((b'/', b'?')) else path
        return scheme + authority + rest, rest if rest.startswith(b'/') else b'/' + rest, authority
    return path, path, None


def write_request(rng, may_be_illegal=True):
    is_damaged = may_be_illegal and rng.random() < 0.5
    w = Writer(rng, may_be_illegal and not is_damaged)
    method = w.often(b'GET', [b'POST', b'PUT', b'DELETE', b'OPTIONS', b'PATCH', b'get', b'PROPFIND',
                              b"M!#$%&'*+-.^_`|~1"],
                     [b'', b'G ET', b'GE\x00T', b'(GET)', b'G\xc9T', b'CONNECT'], 0.4)
    written, target, authority = request_target(w)
    if method == b'OPTIONS' and authority is None and rng.random() < 0.3:
        written = target = b'*'
    if method == b'OPTIONS' and authority is not None and written.endswith(b'//' + authority):
        target = b'*'  # RFC 9112 §3.2.4
    version = w.often(b'HTTP/1.1', [b'HTTP/1.1', b'HTTP/1.0', b'HTTP/1.2', b'HTTP/1.9'],
                      [b'', b'HTTP/2.0', b'HTTP/1.', b'HTTP/1', b'http/1.1', b'HTTP/11', b'HTTP/1.10', b'HTTP/01.1',
                       b'HTTP /1.1',
                       b'HTTP/0.9', b'HTTP/1.1 '], 0.9)
    line = w.often(b'', [b'\r\n'], [b'\n', b'\r\n\r\n', b' '], 0.95) + method + w.pick([b' '], [b'  ', b'\t', b''],
                                                                                       0.02)
    line += written + w.pick([b' '], [b'  ', b'\t', b' \t', b''], 0.02) + version + w.pick([b'\r\n'],
                                                                                           [b'\n', b'\r', b' \r\n'],
                                                                                           0.02)

    host = w.often(b'a.example', [b'A.example:80', b'a.example.', b'_a.example', b'[::1]:8080', b'192.0.2.1'],
                   [b'', b'a b', b'a.example:x', b'u@a.example', b'a/b', b'a,b', b'[::1', b'a\x80'], 0.6)
    fields = w.some_fields(rng.choice([0, 1, 2, 3, 5, 8]))
    lines = [(w.line(*field), field) for field in fields]
    named = None
    if rng.random() < 0.1:
        named = w.pick([b'X-Hop', b'x-hop , keep-alive', b'X-Hop,, '], [b'content-length', b'Host', b'x-\x00'])
        lines.insert(rng.randint(0, len(lines)), (w.line(b'Connection', named), None))
        lines.insert(rng.randint(0, len(lines)), (w.line(b'X-Hop', b'1'), None))
    is_1_0 = version == b'HTTP/1.0'
    body, trailers, tail = b'', [], b''
    framing = w.often('none', ['length', 'length', 'chunked', 'chunked'], ['both', 'odd'], 0.35)
    if is_1_0 and framing == 'chunked':
        w.legal = False
    if framing != 'none':
        body = bytes(rng.choice(b'GET /\r\n: 0Hx\x00\xff') for _ in range(rng.choice([0, 1, 5, 30, 300])))
    if framing in ('length', 'both'):
        length = b'%d' % len(body)
        length = w.pick([length], [b'+' + length, b'0x' + length, length + b',' + length, length + b' 1',
                                   length + b'x', b'-' + length,
                                   b'%d' % (len(body) + 1), b'%d' % max(0, len(body) - 1), b'9' * 20, b'',
                                   length + b'\x0b', b'"5"'])
        add = [(b'Content-Length', length)] + w.pick([[]], [[(b'content-length', length)],
                                                            [(b'Content-Length', b'0')]], 0.05)
        for field in add:
            lines.insert(rng.randint(0, len(lines)), (w.line(*field), None))
        tail = body
    if framing in ('chunked', 'both', 'odd'):
        coding = w.often(b'chunked', [b'Chunked', b'CHUNKED'], [b'xchunked', b'chunked, chunked', b'chunked;q=1',
                                                                b'identity', b'', b'chunk',
                                                              b'gzip, chunked', b'chunked, identity', b'"chunked"',
                                                                b'chunked\x0b'], 0.8)
        if framing == 'odd':
            coding = rng.choice([b'identity', b'gzip', b'deflate', b'chunked, gzip', b'\x0bchunked', b'chunked,',
                                 b', chunked'])
        lines.insert(rng.randint(0, len(lines)), (w.line(rng.choice([b'Transfer-Encoding', b'transfer-encoding']),
                                                         coding), None))
        if rng.random() < 0.3:
            trailers = w.some_fields(rng.choice([1, 2]), TRAILERS)
        tail = w.chunked(body, trailers)
    has_host = not (is_1_0 and rng.random() < 0.5)
    if has_host or authority is not None:
        has_host = True
        lines.insert(rng.randint(0, len(lines)), (w.line(w.pick([b'Host', b'host', b'HOST']), host), None))
    if w.may_be_illegal and rng.random() < 0.02:
        w.legal = False
        extra = rng.choice([(b'Host', b'c.example'), (b'Host', host), (b'Transfer-Encoding', b'chunked'),
                            (b'Content-Length', b'3')])
        lines.insert(rng.randint(0, len(lines)), (w.line(*extra), None))
    end = w.pick([b'\r\n'], [b'\n', b'\r', b' \r\n'], 0.01)
    data = line + b''.join(text for text, _ in lines) + end + tail
    if is_damaged:
        return Case(damaged(rng, data), None, method)
    if not w.legal:
        return Case(data, None, method)
    passing = [field for _, field in lines if field is not None]
    meant_host = authority if authority is not None else host if has_host else None
    # What Connection names does not pass as a trailer either.
    trailers = [trailer for trailer in trailers if not named or trailer[0] != b'X-Hop']
    return Case(data, Meaning(method, target, meant_host, passing, body, trailers), method)


class Answer(NamedTuple):
    """A final response as the backend meant it."""
    status: int
    fields: list
    body: bytes


class Reply(NamedTuple):
    data: bytes
    answer: object  # None: not all of it is legal, or it was damaged
    closes: bool  # the backend closes behind it


def write_response(rng, method, may_be_illegal=True):
    is_damaged = may_be_illegal and rng.random() < 0.5
    w = Writer(rng, may_be_illegal and not is_damaged)
    status = w.often(200, [201, 204, 206, 304, 404, 500, 503, 299, 599], [0, 99, 600, 1000], 0.6)
    reason = w.often(b' OK', [b' ', b' Not OK at all', b' \xe9t\xe9', b' a\tb'], [b'', b'  \x00', b' a\rb', b' \x7f'],
                     0.8)
    version = w.often(b'HTTP/1.1', [b'HTTP/1.1', b'HTTP/1.0'], [b'HTTP/2.0', b'http/1.1', b'HTTP/1.', b'ICY',
                                                                b' HTTP/1.1'], 0.85)
    line = b'%s %03d%s' % (version, status, reason) + w.pick([b'\r\n'], [b'\n', b'\r', b'\r\n\r\n'], 0.02)
    fields = w.some_fields(rng.choice([0, 1, 2, 5, 8]))
    lines = [(w.line(*field), field) for field in fields]
    body = bytes(rng.choice(b'HTTP/1 200\r\n: 0x\x00\xff') for _ in range(rng.choice([0, 1, 5, 30, 300, 5000])))
    has_body = method != b'HEAD' and status not in (204, 304)
    framing = w.often('length', ['chunked', 'close'], ['both', 'odd'], 0.5)
    if not has_body:
        body, framing = b'', w.pick(['length', 'none']) if status == 304 or method == b'HEAD' else 'none'
    tail = body
    if version == b'HTTP/1.0' and framing == 'chunked':
        w.legal = False
    if framing in ('length', 'both'):
        length = b'%d' % len(body)
        length = w.pick([length], [b'+' + length, length + b',' + length, b'%d' % (len(body) + 1),
                                   b'%d' % max(0, len(body) - 1), b'',
                                   b'9' * 20, length + b'\x0b'])
        for field in [(b'Content-Length', length)] + w.pick([[]], [[(b'Content-Length', length)]], 0.05):
            lines.insert(rng.randint(0, len(lines)), (w.line(*field), None))
    if framing in ('chunked', 'both', 'odd'):
        coding = w.often(b'chunked', [b'Chunked'], [b'xchunked', b'chunked, chunked', b'identity', b'',
                                                    b'gzip, chunked'], 0.9)
        if framing == 'odd':
            coding = rng.choice([b'identity', b'gzip', b'chunked, gzip', b'\x0bchunked', b'chunked;'])
        lines.insert(rng.randint(0, len(lines)), (w.line(b'Transfer-Encoding', coding), None))
        tail = w.chunked(body, [])
    before = w.often(b'', [b'HTTP/1.1 103 Early Hints\r\nX-A: b\r\n\r\n', b'HTTP/1.1 100 Continue\r\n\r\n'],
                     [b'\r\n', b'HTTP/1.1 103 Early\r\nX A: b\r\n\r\n', b'HTTP/1.1 101 Switching\r\n\r\n'], 0.9)
    data = before + line + b''.join(text for text, _ in lines) + w.pick([b'\r\n'], [b'\n', b'\r'], 0.01) + tail
    if is_damaged:
        data, w.legal = damaged(rng, data), False
    closes = framing == 'close' or version == b'HTTP/1.0' or not w.legal
    if not w.legal:
        return Reply(data, None, closes)
    return Reply(data, Answer(status, [field for _, field in lines if field is not None], body), closes)


def requests(seed, count):
    """Two of three may hold what is not legal."""
    return [write_request(random.Random(f'{seed}-{index}'), index % 3 != 0) for index in range(count)]


def responses(seed, count):
    """(request's method, HTTP version, reply) triples."""
    found = []
    for index in range(count):
        rng = random.Random(f'{seed}-{index}')
        method = rng.choice([b'GET', b'GET', b'GET', b'OPTIONS', b'HEAD'])
        version = rng.choice([b'1.1', b'1.1', b'1.1', b'1.0'])
        found.append((method, version, write_response(rng, method, index % 3 != 0)))
    return found

"""Probes for the rules of requests: framing (R01 to R08), target and Host (R09 to R12). What two parsers could
read in two ways reaches no backend, is refused with the right status, and nothing more of that connection is
interpreted; what is right reaches the backend in one form."""
import pytest

from support.backends import AutoBackend
from support.probes import CHUNKED, GET, HOST, POST, Prober, seen

# Control bytes that end no line, and DEL.
CONTROLS = [chr(number) for number in [*range(0x00, 0x09), 0x0b, 0x0c, *range(0x0e, 0x20), 0x7f]]
NO_TOKEN_CHARS = '"(),/;<=>?@[\\]{}\x80\xa0\xe9\xff'


@pytest.fixture(scope='module')
def prober(run_shared_weir):
    backend = AutoBackend()
    routes = [('*', 'web'), ('strict.example/x', 'web')]
    yield Prober(run_shared_weir({'web': [backend.address]}, routes), backend)
    backend.close()


@pytest.fixture
def refused(prober):
    return prober.refuse


@pytest.fixture
def refused_in_body(prober):
    return prober.refuse_in_body


@pytest.fixture
def accepted(prober):
    return prober.pass_on


@pytest.fixture
def exactly(prober):
    return prober.pass_on_exactly


@pytest.fixture
def weir(prober):
    return prober.weir


class TestR01TransferEncoding:
    @pytest.mark.parametrize('fields', [
        'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n',
        'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
        'Content-Length: 0\r\nTransfer-Encoding: chunked\r\n',
        'Content-Length: 0\r\nX: y\r\ntransfer-encoding:chunked\r\n',
        'Content-Length: 5\r\nTransfer-Encoding: gzip, chunked\r\n',
        'Content-Length: 5\r\nTransfer-Encoding: identity\r\n',
        'Content-Length: 5\r\nTransfer-Encoding:\r\n',
        'Transfer-Encoding: chunked\r\nContent-Length:\r\n',
        'Transfer-Encoding: chunked\r\nContent-Length: x\r\n',
    ])
    def test_r01_beside_content_length(self, refused, fields):
        """R01: never both, whatever they say."""
        refused(POST + fields + '\r\n0\r\n\r\n')

    @pytest.mark.parametrize('fields', [
        'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
        'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n',
        'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n',
        'Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n',
        'Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n',
        'Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n',
        'Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n',
        'Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n',
        'Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n',
        'Transfer-Encoding: chunked\r\nX: y\r\ntransfer-encoding: cow\r\n',
        'Transfer-Encoding:\r\n chunked\r\n',
        'Transfer-Encoding: gzip,\r\n chunked\r\n',
        'Transfer-Encoding: chunked\r\n , gzip\r\n',
        'Transfer-Encoding : chunked\r\n',
        'Transfer-Encoding\t: chunked\r\n',
        'Transfer-Encoding\r\n: chunked\r\n',
        'Transfer-Encoding\x00: chunked\r\n',
        'Transfer-Encoding\x0b: chunked\r\n',
        'Transfer-Encoding\xa0: chunked\r\n',
        'Transfer Encoding: chunked\r\n',
        ' Transfer-Encoding: chunked\r\n',
        '\x0bTransfer-Encoding: chunked\r\n',
        'X: y\rTransfer-Encoding: chunked\r\n',
        'X: y\nTransfer-Encoding: chunked\r\n',
        'Transfer-Encoding: chunked\nX: y\r\n',
        'Transfer-Encoding: chunked\rX: y\r\n',
    ])
    def test_r01_fields(self, refused, fields):
        """R01: one field, on one line, with its plain name."""
        refused(POST + fields + '\r\n0\r\n\r\n')

    @pytest.mark.parametrize('value', [
        '', ' ', '\t', ',', 'chunked, chunked', 'chunked,chunked', 'chunked chunked', 'chunked;chunked',
        'chunked, identity', 'identity', 'identity, chunked', 'chunked, gzip', 'chunked, gzip, chunked', 'gzip',
        'x-gzip', 'deflate', 'compress', 'br', 'br, chunked', 'gzip, chunked, gzip', 'gzip, chunked, chunked',
        'x, chunked', 'gzip, x, chunked', 'trailers', 'xchunked', 'chunkedx', 'chunke', 'chunked1', 'chun ked',
        'chun,ked', 'x chunked', '"chunked"', "'chunked'", '(chunked)', 'chunked;q=1', 'chunked; q=1', 'chunked;a=b',
        'chunked;', ';chunked', 'chunked=1', 'chunked:', '=chunked', '"chunked', ',chunked', 'chunked,', ', chunked',
        'chunked ,', ',,chunked', 'chunked,,', 'chunked/1', 'chunked\\', '%63hunked', '\x0bchunked', '\x0cchunked',
        'chunked\x0b', 'chunked\x0c', 'chunked\x00', '\x00chunked', 'chu\x00nked', 'chunked\x7f', '\xa0chunked',
        'chunked\xa0', '\x85chunked', 'chunked\xff', 'c\xc4\xa5unked', 'chunked\x01', '\x1fchunked',
        '\xe2\x80\x8bchunked',
    ])
    def test_r01_values(self, refused, value):
        """R01: any spelling but chunked is refused, and known codings that are not in front of it."""
        refused(f'{POST}Transfer-Encoding: {value}\r\n\r\n0\r\n\r\n')

    @pytest.mark.parametrize('coding', ['gzip, chunked', 'deflate, chunked', 'compress,chunked', 'x-gzip, chunked',
                                        'x-compress, chunked', 'GZIP\t,\tCHUNKED', 'gzip, deflate, chunked'])
    def test_r01_known_coding_before_chunked(self, refused, coding):
        """R01: a known coding that weir does not do is 501."""
        refused(POST + f'Transfer-Encoding: {coding}\r\n\r\n0\r\n\r\n', 'not_implemented')

    @pytest.mark.parametrize('fields', [
        'Transfer-Encoding: chunked\r\n',
        'Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n',
        'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n',
        'Transfer-Encoding: gzip, chunked\r\n',
        'Transfer-Encoding: identity\r\n',
        'Transfer-Encoding:\r\n',
    ])
    def test_r01_in_http_10(self, refused, fields):
        """R01: 1.0 has no transfer codings."""
        refused('POST / HTTP/1.0\r\n' + HOST + fields + '\r\n0\r\n\r\n')

    @pytest.mark.parametrize('name', ['Transfer-Encoding', 'transfer-encoding', 'TRANSFER-ENCODING', 'tRANSFER-eNCODING'])
    @pytest.mark.parametrize('value', ['chunked', 'Chunked', 'CHUNKED', ' \tchunked', 'chunked\t ', '\tcHuNkEd\t'])
    def test_r01_accepted(self, exactly, name, value):
        """R01: case and white space around it are fine; it is written anew."""
        exactly(f'{POST}{name}:{value}\r\n\r\n3\r\nabc\r\n0\r\n\r\n', seen('POST / HTTP/1.1', framing=CHUNKED), b'abc')

    @pytest.mark.parametrize('method', ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'PURGE'])
    def test_r01_whatever_the_method(self, exactly, method):
        """R01: the method does not say whether there is a body."""
        line = f'{method} / HTTP/1.1'
        exactly(f'{line}\r\n{HOST}{CHUNKED}\r\n1\r\nx\r\n0\r\n\r\n', seen(line, framing=CHUNKED), b'x', method=method)


class TestR02ContentLength:
    @pytest.mark.parametrize('fields', [
        'Content-Length: 5\r\nContent-Length: 5\r\n',
        'Content-Length: 5\r\nContent-Length: 6\r\n',
        'Content-Length: 5\r\nX: y\r\nCONTENT-LENGTH: 5\r\n',
        'Content-Length: 5\r\nContent-Length:\r\n',
        'Content-Length:\r\nContent-Length: 5\r\n',
        'Content-Length: 0\r\nContent-Length: 5\r\n',
        'Content-Length: 5\r\ncontent-length: 5\r\n',
        'Content-Length\t: 5\r\n',
        'Content-Length : 5\r\n',
        'Content-Length\x00: 5\r\n',
        'Content-Length 5\r\n',
        'Content Length: 5\r\n',
        ' Content-Length: 5\r\n',
        'Content-Length:\r\n 5\r\n',
        'Content-Length: 1\r\n 5\r\n',
        'Content-Length: 5\rX: y\r\n',
        'Content-Length: 5\nX: y\r\n',
        'X: y\rContent-Length: 5\r\n',
    ])
    def test_r02_fields(self, refused, fields):
        """R02: one field, on one line, with its plain name."""
        refused(POST + fields + '\r\nhello')

    @pytest.mark.parametrize('value', [
        '', ' ', '\t', '5, 5', '5,5', '5,', ',5', '5, 6', '0, 5', ', 5', '5 5', '5\t5', '+5', '-5', '-0', '--5', '0x5',
        '0X5', '5h', '0b1', '0o5', 'x5', '5x', '5.0', '5.', '.5', '5e0', '5E0', '1e1', '"5"', "'5'", '5;', '5;a=b',
        '(5)', '5%', '%35', '5_0', '1_000', "1'000", '1 000', 'five', 'NaN', 'inf', '5L', '5u', '\xb2', '\xb5',
        '\xd9\xa5', '\xef\xbc\x95', '5\x00', '\x005', '5\x0b', '\x0b5', '5\x0c', '5\x7f', '\xa05', '5\xa0',
        '9223372036854775808', '18446744073709551615', '18446744073709551616', '18446744073709551621',
        '99999999999999999999999999', '4294967301x', '5\\', '#5', '=5', ':5', '5/1',
    ])
    def test_r02_values(self, refused, value):
        """R02: digits only, one value, at most 2^63-1."""
        refused(f'{POST}Content-Length: {value}\r\n\r\nhello')

    @pytest.mark.parametrize('version', ['1.0', '1.1', '1.2'])
    @pytest.mark.parametrize('value', ['5', '\t5\t', ' 5 ', '\t \t5 \t', '05', '0000000000000000000000005'])
    def test_r02_accepted(self, exactly, version, value):
        """R02: white space around it, HTAB included, is legal; so are leading zeros. It is written anew."""
        exactly(f'POST / HTTP/{version}\r\n{HOST}Content-Length:{value}\r\n\r\nhello',
                seen('POST / HTTP/1.1', 'Content-Length: 5\r\n', via='1.0 weir' if version == '1.0' else '1.1 weir'), b'hello')

    @pytest.mark.parametrize('method', ['GET', 'HEAD', 'OPTIONS', 'DELETE', 'X'])
    @pytest.mark.parametrize('body', ['', 'hello'])
    def test_r02_whatever_the_method(self, exactly, method, body):
        """R02: a length of nothing is one, too."""
        line = f'{method} / HTTP/1.1'
        exactly(f'{line}\r\n{HOST}Content-Length: {len(body)}\r\n\r\n{body}', seen(line, f'Content-Length: {len(body)}\r\n'),
                body.encode(), method=method)

    def test_r02_largest_value(self, weir):
        """R02: 2^63-1 is a length like any other; the client may go away before it has sent that much."""
        with weir.connect() as client:
            client.send(POST + 'Content-Length: 9223372036854775807\r\n\r\nhello')
        assert weir.get('/alive').status == 200


class TestR03Chunks:
    @pytest.mark.parametrize('line', [
        '', ' ', ';', ';x', 'G', 'g', 'x', '0x3', '0X3', 'x3', '+3', '-3', '--3', ' 3', '\t3', '  3', '3 ', '3\t',
        '3  ', '3 ;x', '3\t;x', '3h', '3,3', '3,', ',3', '3.', '3.0', '3_', '3_0', '1_0', "3'", '"3"', '3=', '3:', '3/',
        '3&', '3 3', '3\t3', '3#', '%33', '\\3', '3\x00', '\x003', '3\x01', '3\x0b', '\x0b3', '3\x0c', '3\x7f', '3\x80',
        '\xa03', '3\xa0', '\xef\xbc\x93', '\xb3', '3\xff', '00000000000000003', '00000000000000000',
        '10000000000000003', 'fffffffffffffffff', 'ffffffffffffffffff', '0' * 100 + '3', '3;\x00', '3;a\x01',
        '3;a=\x7f', '3;a\x0bb', '3;\x1b', '3;a="', '3;a="b', '3;a="b\\"', '3;"',
    ])
    def test_r03_size_lines(self, refused_in_body, line):
        """R03: hex digits only, at most 16, nothing before or after but an extension."""
        refused_in_body(f'{POST}{CHUNKED}\r\n{line}\r\nabc\r\n0\r\n\r\n')

    @pytest.mark.parametrize('body', [
        '3\nabc\r\n0\r\n\r\n',
        '3\rabc\r\n0\r\n\r\n',
        '3\r\rabc\r\n0\r\n\r\n',
        '3\r\r\nabc\r\n0\r\n\r\n',
        '3\n\r\nabc\r\n0\r\n\r\n',
        '\r\n3\r\nabc\r\n0\r\n\r\n',
        '3;a\nb\r\nabc\r\n0\r\n\r\n',
        '3;a\rb\r\nabc\r\n0\r\n\r\n',
        '3;a\r\r\nabc\r\n0\r\n\r\n',
        '3;a="\r\n"\r\nabc\r\n0\r\n\r\n',
        '3\r\nabc\n0\r\n\r\n',
        '3\r\nabc\r0\r\n\r\n',
        '3\r\nabc\r\r\n0\r\n\r\n',
        '3\r\nabc\n\r\n0\r\n\r\n',
        '3\r\nabc0\r\n\r\n',
        '3\r\nabcd\r\n0\r\n\r\n',
        '3\r\nabc \r\n0\r\n\r\n',
        '3\r\nabc\t\r\n0\r\n\r\n',
        '3\r\nabc\x00\r\n0\r\n\r\n',
        '3\r\nab\r\n0\r\n\r\n',
        '2\r\nabc\r\n0\r\n\r\n',
        '3\r\nabc\r\n\r\n0\r\n\r\n',
        '3\r\nabc\r\n0\n\r\n',
        '3\r\nabc\r\n0\r\n\n',
        '3\r\nabc\r\n0\n\n',
        '3\r\nabc\r\n0\r\r\n',
        '3\r\nabc\r\n0\r\n\r\r\n',
        '3\r\nabc\r\n0\r\n\rX',
        '3\r\nabc\r\n0 \r\n\r\n',
        '3\r\nabc\r\n-0\r\n\r\n',
    ])
    def test_r03_line_ends(self, refused_in_body, body):
        """R03: every line ends in CR LF, a chunk's data too."""
        refused_in_body(f'{POST}{CHUNKED}\r\n{body}')

    @pytest.mark.parametrize('trailers', [
        'Transfer-Encoding : x\r\n', 'Content-Length\t: 5\r\n', 'X: 1\r\n folded\r\n', 'X: 1\r\n\tfolded\r\n',
        'X: 1\r\n \r\n', ' X: 1\r\n', '\tX: 1\r\n', 'X: a\nb\r\n', 'X: a\n', 'X: a\rb\r\n', 'X: a\r\r\n', ': empty\r\n',
        ':\r\n', 'X\r\n', 'X y: z\r\n', 'X(: z\r\n', 'X: \x00\r\n', 'X: \x7f\r\n', 'X\xe9: z\r\n',
        'X: a\r\nGET / HTTP/1.1\r\n', '\x00: a\r\n',
    ])
    def test_r03_r04_trailers(self, refused_in_body, trailers):
        """R03, R04: trailers are fields like those of a head."""
        refused_in_body(f'{POST}{CHUNKED}\r\n3\r\nabc\r\n0\r\n{trailers}\r\n')

    @pytest.mark.parametrize('data', [
        POST + CHUNKED + '\r\n1\r\nx\r\nzz\r\n',
        POST + CHUNKED + '\r\n8000\r\n' + 'x' * 0x8000 + '\r\n-1\r\n',
        POST + CHUNKED + '\r\n1\r\nx\r\n0\r\n: y\r\n\r\n',
    ])
    def test_r08_fault_in_the_body_cuts_the_backend(self, run_weir, manual_backend, data):
        """R08: what a backend got before the fault never becomes a whole request: its connection is cut."""
        weir = run_weir({'web': [manual_backend.address]})
        split = data.index('x', data.index('\r\n\r\n')) + 1
        begun, fault = data[:split], data[split:]
        with weir.connect() as client:
            client.send(begun)
            peer = manual_backend.accept()
            peer.read_until(b'x')
            client.send(fault + GET.replace('/', '/smuggled', 1) + '\r\n')
            assert client.read_response().status == 400
            client.expect_cut()
            rest = peer.expect_cut()
        assert not rest.endswith(b'0\r\n\r\n') and b'smuggled' not in rest
        assert not manual_backend.has_waiting()

    @pytest.mark.parametrize('piece, count', [(1000, 100), (16385, 1), (1, 20_000)])
    def test_r03_extensions_are_bounded(self, weir, piece, count):
        """R03: extensions are bounded in all, per body, in one line and over many."""
        with weir.connect() as client:
            client.send(POST + CHUNKED + '\r\n')
            try:
                for _ in range(0, count, 100):
                    client.send(f'1;{"x" * piece}\r\na\r\n' * min(count, 100))
            except ConnectionError:
                pass
            assert client.read_response().status == 400

    @pytest.mark.parametrize('body', [
        '5;name=value\r\nhello\r\n0006\r\n world\r\n0;last\r\n\r\n',
        '5;a;b;c\r\nhello\r\n6;a="b;c, d\\"e"\r\n world\r\n0\r\n\r\n',
        '5;\r\nhello\r\n6;;\r\n world\r\n0;;;\r\n\r\n',
        '5; a = b\r\nhello\r\n6;\ta\r\n world\r\n0\r\n\r\n',
        '5;a=\xe9\r\nhello\r\n6;(x)\r\n world\r\n0\r\n\r\n',
    ])
    def test_r03_extensions_are_dropped_and_chunks_framed_anew(self, exactly, body):
        """R03: the backend sees the same body, and no extension."""
        exactly(f'{POST}{CHUNKED}\r\n{body}', seen('POST / HTTP/1.1', framing=CHUNKED), b'hello world')

    def test_r03_chunks_hold_any_bytes(self, accepted):
        """R03: a chunk's data is not looked at."""
        data = bytes(range(256)) + b'\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n'
        assert accepted((POST + CHUNKED + '\r\n').encode() + b'%x\r\n%s\r\n0\r\n\r\n' % (len(data), data)).body == data

    def test_r03_hex_digits_of_both_cases(self, accepted):
        """R03: sixteen digits at most, any case, leading zeros within them."""
        body = b'x' * 0xab
        request = accepted((POST + CHUNKED + '\r\n').encode() + b'aB\r\n' + body +
                           b'\r\n00000000000000Ab\r\n' + body + b'\r\n0\r\n\r\n')
        assert request.body == body * 2

    @pytest.mark.parametrize('last', ['0', '00', '0000000000000000', '0;x'])
    def test_r03_the_last_chunk(self, accepted, last):
        """R03: zero is zero in up to 16 digits."""
        assert accepted(f'{POST}{CHUNKED}\r\n3\r\nabc\r\n{last}\r\n\r\n').body == b'abc'


class TestR04Lines:
    @pytest.mark.parametrize('lines', [
        'X: a\rb\r\n', 'X: a\nb: c\r\n', 'X: a\n', 'X: a\r\r\n', 'X: a\r\n\rb: c\r\n', 'X: a\n\n', 'X: \r\r\n', 'X:\n',
        '\n', '\r', '\r\r\n', 'X: a\n\r\n', 'X : a\r\n', 'X\t: a\r\n', 'X  : a\r\n', ': a\r\n', ':\r\n', ' : a\r\n',
        'X Y: a\r\n', 'X\tY: a\r\n', 'no colon\r\n', 'X\r\n', 'X \r\n', 'X=a\r\n', '"X": a\r\n', 'X: a\r\n folded\r\n',
        'X: a\r\n\tfolded\r\n', 'X: a\r\n \r\n', 'X:\r\n a\r\n', 'X:\r\n\ta\r\n', 'X: a\r\n Y: b\r\n', 'X\r\n : a\r\n',
        'GET / HTTP/1.1\r\n',
    ])
    def test_r04_refused(self, refused, lines):
        """R04: bare CR or LF, bad names, white space before the colon, folding."""
        refused(GET + lines + '\r\n')

    @pytest.mark.parametrize('control', CONTROLS)
    @pytest.mark.parametrize('line', ['X: a{}b', 'X: {}', 'X:a{}', 'X{}: a', '{}X: a', 'Host{}: a.example'])
    def test_r04_control_bytes(self, refused, line, control):
        """R04: no control byte in a name or a value."""
        refused(GET + line.format(control) + '\r\n\r\n')

    @pytest.mark.parametrize('char', NO_TOKEN_CHARS)
    def test_r04_names_are_tokens(self, refused, char):
        """R04: nothing else is in a name."""
        refused(GET + f'X{char}Y: a\r\n\r\n')

    @pytest.mark.parametrize('first', [' X: a\r\n', '\tX: a\r\n', ' \r\n', '\t\r\n', ' Host: b.example\r\n'])
    def test_r04_white_space_before_the_first_field(self, refused, first):
        """R04: no white space between request line and fields."""
        refused('GET / HTTP/1.1\r\n' + first + HOST + '\r\n')

    @pytest.mark.parametrize('data', [
        'GET / HTTP/1.1\nHost: a.example\n\n', 'GET / HTTP/1.1\nHost: a.example\r\n\r\n',
        'GET / HTTP/1.1\r\nHost: a.example\n\r\n', 'GET / HTTP/1.1\r\nHost: a.example\r\n\n',
        'GET / HTTP/1.1\rHost: a.example\r\r', 'GET / HTTP/1.1\r\r\nHost: a.example\r\n\r\n',
        'GET / HTTP/1.1\n\rHost: a.example\n\r\n\r', 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\r\n',
        'GET / HTTP/1.1\r\nHost: a.example\r\r\n\r\n', 'GET / HTTP/1.1\r\n\nHost: a.example\r\n\r\n',
    ])
    def test_r04_line_ends(self, refused, data):
        """R04: each line of a head ends in CR LF, the empty one too."""
        refused(data)

    @pytest.mark.parametrize('line, forwarded', [
        ('X: a\tb \xe9', 'X: a\tb \xe9'), ('X:a', 'X: a'), ('X:\ta\t', 'X: a'), ('X: \t a b \t', 'X: a b'),
        ('X:', 'X: '), ('X: \t', 'X: '), ('X: :a:', 'X: :a:'), ('X: \x80\xff', 'X: \x80\xff'),
        ("!#$%&'*+-.^_`|~0aZ: x", "!#$%&'*+-.^_`|~0aZ: x"), ('X:Y: a', 'X: Y: a'), ('X: "a, (b) \\', 'X: "a, (b) \\'),
    ])
    def test_r04_legal_lines_pass(self, exactly, line, forwarded):
        """R04: HTAB inside a value and bytes above 0x7f are legal, every token character in a name; the line
        is written anew."""
        exactly(f'{GET}{line}\r\n\r\n', seen(fields=forwarded + '\r\n'))


class TestR05RequestLine:
    @pytest.mark.parametrize('line', [
        'GET  / HTTP/1.1', 'GET /  HTTP/1.1', ' GET / HTTP/1.1', 'GET / HTTP/1.1 ', 'GET\t/ HTTP/1.1',
        'GET /\tHTTP/1.1', '\tGET / HTTP/1.1', 'GET / HTTP/1.1\t', 'GET \t/ HTTP/1.1', 'GET / \tHTTP/1.1',
        'GET\x0b/ HTTP/1.1', 'GET\x0c/ HTTP/1.1', 'GET\xa0/ HTTP/1.1', 'GET /\x0bHTTP/1.1', 'GET /\xa0HTTP/1.1',
        'GET/ HTTP/1.1', 'GET / HTTP/1.1 extra', 'GET /a b HTTP/1.1', 'GET / HTTP/1.1 HTTP/1.1', 'GET / / HTTP/1.1',
        'GET / HTTP/1', 'GET / HTTP/1.', 'GET / HTTP/.1', 'GET / HTTP/11', 'GET / HTTP/1.11', 'GET / HTTP/1.10',
        'GET / HTTP/01.1', 'GET / HTTP/1.01', 'GET / HTTP/10.1', 'GET / HTTP/1.1.1', 'GET / HTTP/1,1', 'GET / HTTP/1 1',
        'GET / HTTP/ 1.1', 'GET / HTTP /1.1', 'GET / HTTP/1. 1', 'GET / HTTP/+1.1', 'GET / HTTP/-1.1',
        'GET / HTTP/1.-1', 'GET / HTTP/0x1.1', 'GET / HTTP/1.1x', 'GET / HTTP/1.x', 'GET / HTTP/x.1', 'GET / HTTP/a',
        'GET / HTTP//1.1', 'GET / HTTP', 'GET / HTTP/', 'GET / H', 'GET / 1.1', 'GET / /1.1', 'GET / http/1.1',
        'GET / Http/1.1', 'GET / HTTPS/1.1', 'GET / XHTTP/1.1', 'GET / HTTPX/1.1', 'GET / RTSP/1.0', 'GET / ICE/1.0',
        'GET / SIP/2.0', 'GET / "HTTP/1.1"', 'GET / HTTP/1.1;', 'GET / HTTP/1.1\x00', 'GET / HTTP/\xb9.1', '/ HTTP/1.1',
        'GET', 'GET ', ' ', 'HTTP/1.1', 'HTTP/1.1 200 OK', 'GET / ', '\x00GET / HTTP/1.1', 'GET / HTTP/1.1\r',
        'G\xcbT / HTTP/1.1', '\x16\x03\x01 / HTTP/1.1', '"GET" / HTTP/1.1', '\xef\xbb\xbfGET / HTTP/1.1',
    ])
    def test_r05_refused(self, refused, line):
        """R05: token SP target SP HTTP-version, single spaces, nothing else."""
        refused(line + '\r\n' + HOST + '\r\n')

    @pytest.mark.parametrize('char', [*NO_TOKEN_CHARS, ':', *CONTROLS])
    def test_r05_methods_are_tokens(self, refused, char):
        """R05: nothing else is in a method."""
        refused(f'G{char}T / HTTP/1.1\r\n{HOST}\r\n')

    @pytest.mark.parametrize('prefix', [
        '\r\n\r\n', '\n', '\n\n', '\r', '\r\r\n', '\r\n\n', '\n\r\n', ' \r\n', '\r\n ', '\t\r\n', '\r\n\r\n\r\n',
        '\x00\r\n',
    ])
    def test_r05_more_than_one_empty_line(self, refused, prefix):
        """R05: one CR LF before a request is skipped, no more and nothing else."""
        refused(prefix + 'GET / HTTP/1.1\r\n' + HOST + '\r\n')

    def test_r05_one_empty_line(self, exactly):
        """R05: one is skipped."""
        exactly('\r\n' + GET + '\r\n', seen())


class TestR06Version:
    @pytest.mark.parametrize('version', ['HTTP/0.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/2.1', 'HTTP/3.0', 'HTTP/4.2', 'HTTP/9.9'])
    def test_r06_refused(self, refused, version):
        """R06: another major version is 505."""
        refused(f'GET / {version}\r\n{HOST}\r\n', 'version_not_supported')

    @pytest.mark.parametrize('line', ['GET /', 'GET HTTP/1.1', 'GET /a?b', 'POST /', 'GET http://a.example/'])
    def test_r06_http_09(self, refused, line):
        """R06: a request line without version is HTTP/0.9."""
        refused(line + '\r\n', 'version_not_supported')

    def test_r06_http2_preface(self, weir):
        """R06: the preface of HTTP/2 is not answered by silence."""
        assert weir.raw('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n').status == 505

    @pytest.mark.parametrize('minor', range(10))
    def test_r06_minor_versions(self, exactly, minor):
        """R06: 1.2 and above are read as 1.1, and weir always sends HTTP/1.1."""
        exactly(f'GET / HTTP/1.{minor}\r\n{HOST}\r\n', seen(via='1.0 weir' if minor == 0 else '1.1 weir'))


class TestR07Methods:
    @pytest.mark.parametrize('line', [
        'CONNECT a.example:443 HTTP/1.1', 'CONNECT / HTTP/1.1', 'CONNECT http://a.example/ HTTP/1.1',
        'CONNECT a.example:443 HTTP/1.0', 'CONNECT * HTTP/1.1',
    ])
    def test_r07_connect(self, refused, line):
        """R07: CONNECT is 501, whatever its target."""
        refused(line + '\r\n' + HOST + '\r\n', 'not_implemented')

    @pytest.mark.parametrize('method', [
        'GET', 'PATCH', 'PROPFIND', 'M-SEARCH', 'get', 'Get', 'X', '0', 'connect', 'trace', 'head', 'PRI', 'QUERY',
        "!#$%&'*+-.^_`|~", 'METHOD-OF-A-HUNDRED-' * 5, 'HTTP',
    ])
    def test_r07_any_token_is_a_method(self, exactly, method):
        """R07: passed on, case and all."""
        exactly(f'{method} / HTTP/1.1\r\n{HOST}\r\n', seen(f'{method} / HTTP/1.1'))

    @pytest.mark.parametrize('fields', ['Content-Length: 1\r\n', CHUNKED])
    def test_r07_trace_with_a_body(self, refused, fields):
        """R07."""
        refused('TRACE / HTTP/1.1\r\n' + HOST + fields + '\r\n1\r\nx\r\n0\r\n\r\n')

    @pytest.mark.parametrize('method', ['OPTIONS', 'TRACE'])
    @pytest.mark.parametrize('value, left', [
        ('1', '0'), ('3', '2'), ('10', '9'), ('007', '6'), ('9223372036854775807', '9223372036854775806'),
    ])
    def test_r07_max_forwards_is_counted_down(self, exactly, method, value, left):
        """R07: on OPTIONS and TRACE."""
        line = f'{method} /t HTTP/1.1'
        exactly(f'{line}\r\n{HOST}Max-Forwards:{value}\r\n\r\n', seen(line, f'Max-Forwards: {left}\r\n'))

    @pytest.mark.parametrize('method', ['OPTIONS', 'TRACE'])
    @pytest.mark.parametrize('value', [
        '', 'x', '-1', '+1', '1.5', '0x1', '1, 2', '1 2', '"1"', '1\r\nMax-Forwards: 1', '9223372036854775808',
    ])
    def test_r07_max_forwards_is_a_number(self, refused, method, value):
        """R07: one number, on OPTIONS and TRACE."""
        refused(f'{method} / HTTP/1.1\r\n{HOST}Max-Forwards: {value}\r\n\r\n')

    @pytest.mark.parametrize('method', ['GET', 'POST', 'HEAD', 'options', 'trace', 'X'])
    @pytest.mark.parametrize('value', ['0', '3', 'x', '-1'])
    def test_r07_max_forwards_elsewhere(self, exactly, method, value):
        """R07: it means nothing there and is a field like any other."""
        line = f'{method} / HTTP/1.1'
        exactly(f'{line}\r\n{HOST}Max-Forwards: {value}\r\n\r\n', seen(line, f'Max-Forwards: {value}\r\n'), method=method)

    @pytest.mark.parametrize('target', ['*', '/', '/x?y', 'http://a.example', 'http://a.example/x'])
    @pytest.mark.parametrize('value', ['0', '000'])
    def test_r07_last_hop_of_options(self, prober, target, value):
        """R07: at 0 weir answers itself."""
        response = prober.answer_itself(f'OPTIONS {target} HTTP/1.1\r\n{HOST}Max-Forwards: {value}\r\n\r\n')
        assert (response.status, response.body) == (200, b'')

    def test_r07_last_hop_of_trace(self, prober):
        """R07: what came is sent back, without what a third party must not learn, and without fields of ours,
        which tell of the hops in front."""
        kept = 'X-One: 1\r\nAccept: a\r\nx-one: 2\r\nMax-Forwards: 0\r\nVia: 1.0 front\r\n'
        secret = ('Cookie: a=secret\r\ncookie: b=secret\r\nAuthorization: Basic secret\r\n'
                  'Proxy-Authorization: Basic secret\r\n'
                  'X-Forwarded-For: 192.0.2.99\r\nx-forwarded-host: secret\r\nX-Forwarded-Proto: secret\r\n'
                  'X-Forwarded-Port: 99\r\n'
                  'X-Forwarded-Secret: 1\r\nX_Forwarded_For: secret\r\nForwarded: for=192.0.2.99\r\nX-Request-Id: secret\r\n')
        response = prober.answer_itself(f'TRACE /t?q HTTP/1.1\r\n{HOST}{kept}{secret}\r\n')
        assert response.status == 200 and response.get('Content-Type') == 'message/http'
        assert response.text == f'TRACE /t?q HTTP/1.1\r\n{HOST}{kept}\r\n'


class TestR09Host:
    @pytest.mark.parametrize('version', ['1.0', '1.1'])
    @pytest.mark.parametrize('value', [
        'user@a.example', 'user:pw@a.example', '@a.example', 'a.example@', 'a.example:x', 'a.example:', 'a.example:0',
        'a.example:65536', 'a.example:99999', 'a.example:-1', 'a.example:+80', 'a.example:8 0', 'a.example: 80',
        'a.example :80', 'a.example:0x50', 'a.example:80:80', 'a.example:80x', 'a.example:000080', 'a example',
        'a\texample', 'a.example b.example', 'a.example/x', 'a.example/', '/a.example', 'a.example?', 'a.example?x',
        'a.example#', 'a.example#x', '[::1', '::1', '::1]', '[zz]', '[]', '[::1]x', '[::1]:', '[::1]:x', '[::1]80',
        '[[::1]]', '[127.0.0.1]', '[::1%25eth0]', '[::1%eth0]', '[v1.x]', 'a[::1]', '[:]', 'a\\example', '"a.example"',
        "'a.example'", 'a\xe9.example', '\xc3\xa9.example', 'http://a.example', '//a.example', 'a.example, b.example',
        'a.example,', ',a.example', 'a.example;b', ':80', ':', '.', '..', '.a.example', 'a..example', 'a.example..',
        'a%2eexample', '%61.example', 'a%00', '<a>', 'a!', '$a', '(a)', '*', '*.example', 'a|b', 'a^b', 'a`b', '{a}',
        'a=b', 'a+b', 'a&b', 'a~b', 'a\x00', '\x01a', 'a\x7f', 'a\x0bb', '\xa0a.example', 'a.example\xa0', 'a' * 256,
        '.'.join(['a' * 60] * 5),
    ])
    def test_r09_values(self, refused, version, value):
        """R09: exactly one Host, and a valid one, in 1.0 too."""
        refused(f'GET / HTTP/{version}\r\nHost: {value}\r\n\r\n')

    @pytest.mark.parametrize('fields', [
        '', 'X: y\r\n', HOST + HOST, HOST + 'host: a.example\r\n', HOST + 'Host: b.example\r\n',
        HOST + 'X: y\r\nHOST: a.example\r\n', 'Host:\r\n', 'Host: \r\n', 'Host:\t\r\n', 'Host:\r\n' + HOST,
        HOST + 'Host:\r\n', 'Host : a.example\r\n', 'Host\t: a.example\r\n', ' Host: a.example\r\n',
        'Host:\r\n a.example\r\n', 'Host a.example\r\n', 'X-Host: a.example\r\n', 'Host\x00: a.example\r\n',
        'X: y\rHost: a.example\r\n', 'Hos: a.example\r\n',
    ])
    def test_r09_fields(self, refused, fields):
        """R09: none, several, empty."""
        refused('GET / HTTP/1.1\r\n' + fields + '\r\n')

    @pytest.mark.parametrize('fields', ['', HOST + HOST, 'Host: u@a.example\r\n', 'Host: a.example:x\r\n', 'Host: a b\r\n'])
    def test_r09_absolute_form_needs_host_too(self, refused, fields):
        """R09: 1.1 has exactly one valid Host, whatever the target's form."""
        refused('GET http://a.example/ HTTP/1.1\r\n' + fields + '\r\n')

    @pytest.mark.parametrize('fields', [HOST + HOST, 'Host: a.example\r\nHost:\r\n'])
    def test_r09_several_in_http_10(self, refused, fields):
        """R09: two are refused in 1.0 as well."""
        refused('GET / HTTP/1.0\r\n' + fields + '\r\n')

    def test_r09_asterisk_needs_an_authority(self, refused):
        """R09: an empty Host names nobody."""
        refused('OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n')

    @pytest.mark.parametrize('host', [
        'a.example.', 'A.EXAMPLE', 'a_b.example', '_dmarc.a', '1', '127.0.0.1', 'xn--bcher-kva.example', '-a-',
        'a' * 255,
    ])
    def test_r09_names(self, exactly, host):
        """R09: passed as received."""
        exactly(f'GET / HTTP/1.1\r\nHost:\t{host} \r\n\r\n', seen(host=host))

    @pytest.mark.parametrize('host', [
        'a.example:1', 'A.example:80', 'a.example:00080', 'a.example:65535', '[::1]', '[::1]:8080', '[2001:DB8::1]',
        '[::ffff:1.2.3.4]:1',
    ])
    def test_r09_ports_and_literals(self, exactly, host):
        """R09, R15: passed as received, and quoted in Forwarded."""
        exactly(f'GET / HTTP/1.1\r\nHost: {host}\r\n\r\n', seen(host=host))

    @pytest.mark.parametrize('fields', ['', 'Host:\r\n', 'Host: \t\r\n'])
    def test_r09_http_10_without_host(self, exactly, fields):
        """R09: takes the `*` route."""
        exactly(f'GET / HTTP/1.0\r\n{fields}\r\n', seen(host='', via='1.0 weir'))


class TestR10Target:
    @pytest.mark.parametrize('line', [
        'GET * HTTP/1.1', 'POST * HTTP/1.1', 'X * HTTP/1.1', 'options * HTTP/1.1', 'TRACE * HTTP/1.1',
        'OPTIONS *x HTTP/1.1', 'OPTIONS ** HTTP/1.1', 'OPTIONS *?x HTTP/1.1', 'OPTIONS */ HTTP/1.1',
        'GET a.example HTTP/1.1', 'GET a.example:80 HTTP/1.1', 'GET a.example/x HTTP/1.1', 'GET x/y HTTP/1.1',
        'GET ?x HTTP/1.1', 'GET .. HTTP/1.1', 'GET \\x HTTP/1.1', 'GET %2f HTTP/1.1', 'GET :80 HTTP/1.1',
        'GET @a.example HTTP/1.1', 'GET http HTTP/1.1', 'GET http: HTTP/1.1', 'GET http:/x HTTP/1.1',
        'GET http:// HTTP/1.1', 'GET http:///x HTTP/1.1', 'GET http://?x HTTP/1.1', 'GET http://u@a.example/ HTTP/1.1',
        'GET http://u:p@a.example/ HTTP/1.1', 'GET http://@a.example/ HTTP/1.1', 'GET http://a.example@/ HTTP/1.1',
        'GET http://a.example:x/ HTTP/1.1', 'GET http://a.example:/ HTTP/1.1', 'GET http://a.example:0/ HTTP/1.1',
        'GET http://a.example:99999/ HTTP/1.1', 'GET http://:80/ HTTP/1.1', 'GET http://a..b/ HTTP/1.1',
        'GET http://a%2eexample/ HTTP/1.1', 'GET http://a\\b/ HTTP/1.1', 'GET http://[::1/ HTTP/1.1',
        'GET http://::1/ HTTP/1.1', 'GET http://a.example#x HTTP/1.1', 'GET http://a.example/#x HTTP/1.1',
        'GET http://a.example/\xe9 HTTP/1.1', 'GET http://a\xe9.example/ HTTP/1.1', 'GET ftp://a.example/ HTTP/1.1',
        'GET ws://a.example/ HTTP/1.1', 'GET file:///etc/passwd HTTP/1.1', 'GET javascript:1 HTTP/1.1',
        'GET ://a.example/ HTTP/1.1', 'GET //a.example@/#x HTTP/1.1', 'GET httpx://a.example/ HTTP/1.1',
        'GET http//a.example/ HTTP/1.1', 'GET http:\\\\a.example/ HTTP/1.1', 'GET "http://a.example/" HTTP/1.1',
        'GET <http://a.example/> HTTP/1.1', 'GET http://a.example,b.example/ HTTP/1.1',
        'GET http://' + 'a' * 256 + '/ HTTP/1.1',
    ])
    def test_r10_refused(self, refused, line):
        """R10: origin form, absolute form with a valid authority, `OPTIONS *`; nothing else."""
        refused(line + '\r\n' + HOST + '\r\n')

    @pytest.mark.parametrize('target, origin, authority', [
        ('http://a.example', '/', 'a.example'), ('http://b.example:81/x?y', '/x?y', 'b.example:81'),
        ('HTTP://B.Example/', '/', 'B.Example'), ('https://b.example/x', '/x', 'b.example'),
        ('http://b.example?q', '/?q', 'b.example'), ('http://b.example//x', '//x', 'b.example'),
        ('http://[::1]:8/x', '/x', '[::1]:8'), ('http://b.example/?http://c/', '/?http://c/', 'b.example'),
        ('http://b.example/@c', '/@c', 'b.example'), ('http://b.example./', '/', 'b.example.'),
    ])
    @pytest.mark.parametrize('host', ['a.example', 'b.example:99', ''])
    def test_r10_absolute_form(self, exactly, target, origin, authority, host):
        """R10: becomes origin form; its authority replaces Host."""
        exactly(f'GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n', seen(f'GET {origin} HTTP/1.1', host=authority))

    @pytest.mark.parametrize('fields', ['', 'Host:\r\n', 'Host: a.example\r\n'])
    def test_r10_r09_absolute_form_in_10(self, exactly, fields):
        """R10, R09: there it needs no Host."""
        exactly(f'GET http://b.example/x HTTP/1.0\r\n{fields}\r\n',
                seen('GET /x HTTP/1.1', host='b.example', via='1.0 weir'))

    def test_r10_absolute_form_routes(self, prober):
        """R10: its authority replaces Host for routing, too."""
        assert prober.weir.get('http://strict.example/y', 'a.example').status == 404
        assert prober.weir.get('http://a.example/y', 'strict.example').status == 200

    @pytest.mark.parametrize('target', ['*', 'http://a.example', 'HTTPS://a.example'])
    def test_r10_asterisk(self, exactly, target):
        """R10: `OPTIONS *` passes; a URL without path means the same (RFC 9112 §3.2.4)."""
        exactly(f'OPTIONS {target} HTTP/1.1\r\n{HOST}\r\n', seen('OPTIONS * HTTP/1.1'))

    @pytest.mark.parametrize('target', [
        '//evil.example/x', '///', '/http://b.example/', '/*', '/@', '/a:80', '/?', '/??', '/.', '/..', '/../../x',
    ])
    def test_r10_origin_form(self, exactly, target):
        """R10, R11: begins with a slash; the rest is path and query, byte for byte."""
        exactly(f'GET {target} HTTP/1.1\r\n{HOST}\r\n', seen(f'GET {target} HTTP/1.1'))


class TestR11TargetBytes:
    @pytest.mark.parametrize('target', ['/a#b', '/#', '/?a#', '/#/x', '/\xc3\xa9', '/\xff', '/?\x80', '/a\rb', '/a\nb'])
    def test_r11_refused(self, refused, target):
        """R11: fragment, line ends, raw bytes above 0x7f."""
        refused(f'GET {target} HTTP/1.1\r\n{HOST}\r\n')

    @pytest.mark.parametrize('control', CONTROLS)
    def test_r11_control_bytes(self, refused, control):
        """R11."""
        refused(f'GET /a{control}b HTTP/1.1\r\n{HOST}\r\n')

    @pytest.mark.parametrize('target', [
        '/%zz', '/%', '/a%0', '/%00', '/a%0d%0aX:%20y', "/!$&'()*+,;=:@~_.-", '/"<>\\^`{|}', '/?a=[b]&c=|',
        '/%2e%2e/%2E%2e/', '/a/../b', '/%C3%A9', '/a//b///c', '/a/./b', '/%61%2F', '/;a=b;c', '/?a?b', '/%25%32%65',
    ])
    def test_r11_passes_byte_for_byte(self, exactly, target):
        """R11: the rest is the backend's to judge."""
        exactly(f'GET {target} HTTP/1.1\r\n{HOST}\r\n', seen(f'GET {target} HTTP/1.1'))

    @pytest.mark.parametrize('target', [
        '/x/..', '/x/../', '/x/../y', '/x/y/..', '/x/y/../z', '/x/..?q', '/x//..', '/x/./../y', '/x/%2e%2e',
        '/x/%2e%2e/y', '/x/%2E%2E/y', '/x/.%2e/y', '/x/%2e./y', '/x/%2E./y', '/x/..%2fy', '/x/..%2Fy', '/x/y%2f..',
        '/x/y%2F..%2Fz', '/x/%2f..', '/x/..%5cy', '/x/..%5Cy', '/x/..\\y', '/x/y\\..\\z', '/x\\/../y', '/x/..;/y',
        '/x/..;a=b/y', '/x/..;', '/x/..%3b/y', '/x/%2e%2e;a/y', '/x/%252e%252e/y', '/x/%252e%252e%252fy', '/x/.%252e/y',
        '/x/%25252e%25252e/y', '/x/..%252fy', '/x/..%255cy', '/x/%2525252525252e', '/x/%2%65%2e/y',
        '/x/%%32%65%%32%65/y', '/%78/../y', '/x/../x/', '/x/../../../etc/passwd',
    ])
    def test_r11_no_way_up_under_a_path(self, refused, target):
        """R11: a `..` segment, however encoded, under a route with a path."""
        refused(f'GET {target} HTTP/1.1\r\nHost: strict.example\r\n\r\n')

    @pytest.mark.parametrize('target', [
        '/x', '/x/', '/x?..', '/x/?/../..', '/x/.', '/x/./y', '/x/...', '/x/..a', '/x/a..', '/x/a../b', '/x/..a/b',
        '/x/%2e', '/x/%2e%2e%2e', '/x/..%20/y', '/x/..%00', '/x/.%20./y', '/x/a;../y', '/x/%2', '/x/%zz/..a', '/%78/y',
        '/x/%252f', '/x/%25', '/x/..,/y',
    ])
    def test_r11_other_dots_pass(self, exactly, target):
        """R11: what is no `..` segment in any reading passes, byte for byte."""
        exactly(f'GET {target} HTTP/1.1\r\nHost: strict.example\r\n\r\n',
                seen(f'GET {target} HTTP/1.1', host='strict.example'))

    @pytest.mark.parametrize('target', ['/', '/y', '/X', '/xy', '/x%2fy', '/x;y', '/x%20', '/.%2fx', '//x', '/%2fx', '*'])
    def test_r11_paths_match_on_segment_borders(self, prober, target):
        """R11: only unreserved characters are decoded before a path is compared."""
        method = 'OPTIONS' if target == '*' else 'GET'
        assert prober.weir.get(target, 'strict.example', method).status == 404


class TestR12Limits:
    @pytest.mark.parametrize('line', [
        'GET /' + 'x' * 8192 + ' HTTP/1.1', 'x' * 8300 + ' / HTTP/1.1',
        'GET http://a.example/' + 'x' * 8192 + ' HTTP/1.1', 'GET /?' + 'x' * 30_000 + ' HTTP/1.1', 'GET /' + 'x' * 8192,
    ])
    def test_r12_request_line(self, refused, line):
        """R12: over request_line_bytes (8 KiB): 414."""
        refused(f'{line}\r\n{HOST}\r\n', 'uri_too_long')

    @pytest.mark.parametrize('begun', ['GET /' + 'x' * 9000, 'x' * 9000, 'GET / ' + 'x' * 9000, '\r\nGET /' + 'x' * 9000])
    def test_r12_endless_request_line(self, weir, begun):
        """R12: refused before its end was seen."""
        assert weir.raw(begun).status == 414

    @pytest.mark.parametrize('fields', [
        f'X: {"x" * 32768}\r\n', f'{"x" * 32768}: x\r\n', f'X: {"x" * 16000}\r\n' * 3, f'X:{" " * 32768}x\r\n',
    ])
    def test_r12_head(self, refused, fields):
        """R12: over head_bytes (32 KiB): 431."""
        refused(GET + fields + '\r\n', 'head_too_large')

    def test_r12_endless_head(self, weir):
        """R12: refused before its end was seen."""
        assert weir.raw(f'{GET}X: {"x" * 33000}').status == 431

    @pytest.mark.parametrize('line', ['X: y\r\n', 'X:\r\n', 'a: b\r\n'])
    def test_r12_number_of_fields(self, refused, line):
        """R12: more than `headers` fields (100): 431."""
        refused(GET + line * 100 + '\r\n', 'head_too_large')

    def test_r12_just_within(self, accepted):
        """R12: up to the limits everything passes whole."""
        path = '/' + 'x' * (8192 - len('GET / HTTP/1.1\r\n'))
        request = accepted(f'GET {path} HTTP/1.1\r\n' + HOST + 'X: y\r\n' * 99 + '\r\n')
        assert request.target == path and len(request.head.all('X')) == 99

    def test_r12_a_head_just_within(self, accepted):
        """R12: of exactly head_bytes."""
        value = 'x' * (32 * 1024 - len(GET + 'X: \r\n\r\n'))
        assert accepted(f'{GET}X: {value}\r\n\r\n').head.get('X') == value

    @pytest.mark.parametrize('trailers', ['X: y\r\n' * 101, f'X: {"x" * 32768}\r\n', f'{"x" * 32768}: y\r\n'])
    def test_r12_r08_trailers_have_limits(self, refused_in_body, trailers):
        """R12, R08: the same ones; it is a fault in the body, then."""
        refused_in_body(f'{POST}{CHUNKED}\r\n0\r\n{trailers}\r\n')


def test_garbage_is_no_http(weir):
    """R04, R05: a TLS hello, SSH and binary rubbish are 400 at once, without waiting for more."""
    for garbage in (b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', b'SSH-2.0-OpenSSH_9.2\r\n', b'\x00' * 64,
                    b'\xff\xfe\xfd\r\n\r\n', b'{"json": true}\n'):
        assert weir.raw(garbage).status == 400, garbage

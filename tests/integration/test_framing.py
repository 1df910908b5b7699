"""Probes for the framing rules R01 to R12 (requests) and R20 to R24 (responses), through the real binary:
what two parsers could read in two ways reaches no backend, is refused with the right status, and nothing
more of that connection is interpreted."""
import pytest

from support.backends import AutoBackend
from support.wait import is_readable, until
from support.weir import expect_failure
from support.wire import chunked, request_bytes, response_bytes

HOST = 'Host: a.example\r\n'
POST = 'POST / HTTP/1.1\r\n' + HOST
SMUGGLED = 'GET /smuggled HTTP/1.1\r\n' + HOST + '\r\n'


@pytest.fixture(scope='module')
def backend():
    backend = AutoBackend()
    yield backend
    backend.close()


@pytest.fixture(scope='module')
def weir(run_shared_weir, backend):
    return run_shared_weir({'web': [backend.address]}, [('*', 'web'), ('strict.example/x', 'web')])


@pytest.fixture
def refused(weir, backend):
    """refused(bytes, reason): the answer is `reason`, the connection ends, and the backend heard nothing:
    not of the request, nor of a second one behind it."""
    def probe(data, reason='bad_request', behind=SMUGGLED):
        before = backend.heard_so_far()
        with weir.connect() as client:
            client.send(data if isinstance(data, bytes) else data.encode('latin-1'))
            try:
                client.send(behind)
            except ConnectionError:
                pass  # It is closed already.
            response = client.read_response()
            expect_failure(response, reason)
            assert response.get('Connection') == 'close'
            client.expect_cut()
        # Had anything been on its way, it would be there before the answer to a later request.
        assert weir.get('/marker').status == 200
        heard = backend.heard_since(before)
        assert heard.startswith(b'GET /marker HTTP/1.1\r\n') and heard.count(b'HTTP/1.1\r\n') == 1, heard
    return probe


@pytest.fixture
def accepted(weir, backend):
    """accepted(bytes) → the request as the backend got it."""
    def probe(data):
        with weir.connect() as client:
            client.send(data if isinstance(data, bytes) else data.encode('latin-1'))
            assert client.read_response().status == 200
        return backend.requests[-1]
    return probe


class TestR01TransferEncoding:
    @pytest.mark.parametrize('fields', [
        'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n',
        'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
        'Content-Length: 0\r\nTransfer-Encoding: chunked\r\n',
        'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
        'Transfer-Encoding: chunked, chunked\r\n',
        'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n',
        'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n',
        'Transfer-Encoding: identity\r\n',
        'Transfer-Encoding: chunked, identity\r\n',
        'Transfer-Encoding: chunked, gzip\r\n',
        'Transfer-Encoding: xchunked\r\n',
        'Transfer-Encoding: chunkedx\r\n',
        'Transfer-Encoding: "chunked"\r\n',
        'Transfer-Encoding: chunked;q=1\r\n',
        'Transfer-Encoding: ,chunked\r\n',
        'Transfer-Encoding: chunked,\r\n',
        'Transfer-Encoding:\r\n',
        'Transfer-Encoding: \r\n',
        'Transfer-Encoding: \x0bchunked\r\n',
        'Transfer-Encoding: \x0cchunked\r\n',
        'Transfer-Encoding:\r\n chunked\r\n',
        'Transfer-Encoding : chunked\r\n',
    ])
    def test_r01_refused(self, refused, fields):
        """R01: beside Content-Length, doubled, empty, or any spelling but chunked."""
        refused(POST + fields + '\r\n0\r\n\r\n')

    @pytest.mark.parametrize('coding', ['gzip, chunked', 'deflate, chunked', 'compress,chunked', 'x-gzip, chunked'])
    def test_r01_known_coding_before_chunked(self, refused, coding):
        """R01: a known coding that weir does not do is 501."""
        refused(POST + f'Transfer-Encoding: {coding}\r\n\r\n0\r\n\r\n', 'not_implemented')

    def test_r01_in_http_10(self, refused):
        """R01: 1.0 has no transfer codings."""
        refused('POST / HTTP/1.0\r\n' + HOST + 'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n')

    @pytest.mark.parametrize('value', ['chunked', 'Chunked', 'CHUNKED', ' \tchunked', 'chunked\t '])
    def test_r01_accepted(self, accepted, value):
        """R01: case and white space around it are fine; it is written anew."""
        request = accepted(POST + f'Transfer-Encoding:{value}\r\n\r\n3\r\nabc\r\n0\r\n\r\n')
        assert request.body == b'abc' and request.head.get('Transfer-Encoding') == 'chunked'


class TestR02ContentLength:
    @pytest.mark.parametrize('fields', [
        'Content-Length: 5\r\nContent-Length: 5\r\n',
        'Content-Length: 5\r\nContent-Length: 6\r\n',
        'Content-Length: 5, 5\r\n',
        'Content-Length: 5,\r\n',
        'Content-Length:\r\n',
        'Content-Length: +5\r\n',
        'Content-Length: -5\r\n',
        'Content-Length: 0x5\r\n',
        'Content-Length: 5 5\r\n',
        'Content-Length: 5.0\r\n',
        'Content-Length: 5e0\r\n',
        'Content-Length: "5"\r\n',
        'Content-Length: five\r\n',
        'Content-Length: \xb2\r\n',
        'Content-Length: 9223372036854775808\r\n',
        'Content-Length: 18446744073709551621\r\n',
        'Content-Length: 99999999999999999999999999\r\n',
        'Content-Length\t: 5\r\n',
        'Content-Length: 5\r\ncontent-length: 5\r\n',
    ])
    def test_r02_refused(self, refused, fields):
        """R02: digits only, one field, one value, at most 2^63-1."""
        refused(POST + fields + '\r\nhello')

    @pytest.mark.parametrize('value', ['5', '\t5\t', ' 5 '])
    def test_r02_accepted(self, accepted, value):
        """R02: white space around it, HTAB included, is legal."""
        assert accepted(POST + f'Content-Length:{value}\r\n\r\nhello').body == b'hello'

    def test_r02_largest_value(self, weir, backend):
        """R02: 2^63-1 is a length like any other; the client may go away before it has sent that much."""
        with weir.connect() as client:
            client.send(POST + 'Content-Length: 9223372036854775807\r\n\r\nhello')
        assert weir.get('/alive').status == 200


class TestR03Chunks:
    @pytest.mark.parametrize('body', [
        'G\r\nx\r\n0\r\n\r\n',
        '0x3\r\nabc\r\n0\r\n\r\n',
        '+3\r\nabc\r\n0\r\n\r\n',
        '-3\r\nabc\r\n0\r\n\r\n',
        ' 3\r\nabc\r\n0\r\n\r\n',
        '3 \r\nabc\r\n0\r\n\r\n',
        '3\t;x\r\nabc\r\n0\r\n\r\n',
        '\r\nabc\r\n0\r\n\r\n',
        '3\nabc\r\n0\r\n\r\n',
        '3\r\nabc\n0\r\n\r\n',
        '3\r\nabc0\r\n\r\n',
        '3\r\nabcd\r\n0\r\n\r\n',
        '3\rabc\r\n0\r\n\r\n',
        '3;a\nb\r\nabc\r\n0\r\n\r\n',
        '3;a\rb\r\nabc\r\n0\r\n\r\n',
        '3;\x00\r\nabc\r\n0\r\n\r\n',
        '00000000000000003\r\nabc\r\n0\r\n\r\n',
        'ffffffffffffffffff\r\nabc\r\n0\r\n\r\n',
        '10000000000000000\r\nabc\r\n0\r\n\r\n',
        '3\r\nabc\r\n0\r\nTransfer-Encoding : x\r\n\r\n',
        '3\r\nabc\r\n0\r\nX: 1\r\n folded\r\n\r\n',
        '3\r\nabc\r\n0\r\nX: a\nb\r\n\r\n',
        '3\r\nabc\r\n0\r\n: empty\r\n\r\n',
    ])
    def test_r03_r08_fault_in_the_body_cuts_the_backend(self, run_weir, manual_backend, body):
        """R03, R08: a broken chunk never becomes a whole request at the backend: its connection is cut
        unfinished, the client gets 400 and the end."""
        weir = run_weir({'web': [manual_backend.address]})
        with weir.connect() as client:
            client.send(POST + 'Transfer-Encoding: chunked\r\n\r\n' + body + SMUGGLED)
            response = client.read_response()
            expect_failure(response, 'bad_request')
            client.expect_cut()
        if manual_backend.has_waiting():
            with pytest.raises((AssertionError, ConnectionError)):
                manual_backend.accept().read_request()
            assert b'smuggled' not in manual_backend.peers[0].received

    def test_r03_extensions_are_bounded(self, weir):
        """R03: extensions in all are bounded per body."""
        with weir.connect() as client:
            client.send(POST + 'Transfer-Encoding: chunked\r\n\r\n')
            try:
                for _ in range(100):
                    client.send(f'1;{"x" * 1000}\r\na\r\n')
            except ConnectionError:
                pass
            assert client.read_response().status == 400

    def test_r03_extensions_are_dropped_and_chunks_framed_anew(self, accepted):
        """R03: the backend sees the same body, and no extension."""
        request = accepted(POST + 'Transfer-Encoding: chunked\r\n\r\n5;name=value\r\nhello\r\n0006\r\n world\r\n0;last\r\n\r\n')
        assert request.body == b'hello world'

    def test_r03_hex_digits_of_both_cases(self, accepted):
        """R03: sixteen digits at most, any case, leading zeros within them."""
        body = b'x' * 0xab
        request = accepted((POST + 'Transfer-Encoding: chunked\r\n\r\n').encode() + b'aB\r\n' + body +
                           b'\r\n00000000000000Ab\r\n' + body + b'\r\n0\r\n\r\n')
        assert request.body == body * 2


class TestR04Lines:
    @pytest.mark.parametrize('lines', [
        'X: a\rb\r\n', 'X: a\nb: c\r\n', 'X: a\n', 'X: a\r\r\n', 'X: a\x00b\r\n', 'X: a\x01b\r\n', 'X: a\x7fb\r\n', 'X: a\x0bb\r\n',
        'X : a\r\n', 'X\t: a\r\n', ': a\r\n', 'X Y: a\r\n', 'X(: a\r\n', 'X\xe9: a\r\n', 'X\x00: a\r\n', 'no colon\r\n',
        'X: a\r\n folded\r\n', 'X: a\r\n\tfolded\r\n', 'X: a\r\n \r\n',
    ])
    def test_r04_refused(self, refused, lines):
        """R04: bare CR or LF, control bytes, bad names, white space before the colon, folding."""
        refused('GET / HTTP/1.1\r\n' + HOST + lines + '\r\n')

    @pytest.mark.parametrize('first', [' X: a\r\n', '\tX: a\r\n', ' \r\n'])
    def test_r04_white_space_before_the_first_field(self, refused, first):
        """R04: no white space between request line and fields."""
        refused('GET / HTTP/1.1\r\n' + first + HOST + '\r\n')

    def test_r04_bare_line_feeds_everywhere(self, refused):
        """R04: a request with LF alone is none."""
        refused('GET / HTTP/1.1\nHost: a.example\n\n')

    def test_r04_bare_line_feed_as_the_last_line(self, refused):
        """R04: the empty line is CR LF, too."""
        refused('GET / HTTP/1.1\r\n' + HOST + '\n')

    def test_r04_legal_bytes_pass(self, accepted):
        """R04: HTAB inside a value and bytes above 0x7f are legal."""
        assert accepted('GET / HTTP/1.1\r\n' + HOST + 'X: a\tb \xe9\r\n\r\n').head.get('X') == 'a\tb \xe9'


class TestR05RequestLine:
    @pytest.mark.parametrize('line', [
        'GET  / HTTP/1.1', 'GET /  HTTP/1.1', ' GET / HTTP/1.1', 'GET / HTTP/1.1 ', 'GET\t/ HTTP/1.1', 'GET /\tHTTP/1.1',
        'GET / HTTP/1.1 extra', 'G(T / HTTP/1.1', 'GET / HTTP/1', 'GET / HTTP/1.', 'GET / HTTP/11', 'GET / HTTP/1.11', 'GET / http/1.1',
        'GET / HTTPS/1.1', 'GET / RTSP/1.0', 'GET / ICE/1.0', '/ HTTP/1.1', 'GET', '\x00GET / HTTP/1.1', 'G\xcbT / HTTP/1.1',
        'GET / HTTP/1.1\r',
    ])
    def test_r05_refused(self, refused, line):
        """R05: token SP target SP HTTP-version, single spaces, nothing else."""
        refused(line + '\r\n' + HOST + '\r\n')

    @pytest.mark.parametrize('prefix', ['\r\n\r\n', '\n', '\r', '\r\n\n', ' \r\n'])
    def test_r05_more_than_one_empty_line(self, refused, prefix):
        """R05: one CR LF before a request is skipped, no more and nothing else."""
        refused(prefix + 'GET / HTTP/1.1\r\n' + HOST + '\r\n')


class TestR06Version:
    @pytest.mark.parametrize('version', ['HTTP/2.0', 'HTTP/0.9', 'HTTP/3.0', 'HTTP/9.9'])
    def test_r06_refused(self, refused, version):
        """R06: another major version is 505."""
        refused(f'GET / {version}\r\n{HOST}\r\n', 'version_not_supported')

    @pytest.mark.parametrize('line', ['GET /', 'GET HTTP/1.1'])
    def test_r06_http_09(self, refused, line):
        """R06: a request line without version is HTTP/0.9."""
        refused(line + '\r\n', 'version_not_supported')

    def test_r06_http2_preface(self, weir):
        """R06: the preface of HTTP/2 is not answered by silence."""
        assert weir.raw('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n').status in (400, 505)


class TestR07Methods:
    def test_r07_connect(self, refused):
        """R07: CONNECT is 501."""
        refused('CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n', 'not_implemented')

    def test_r07_trace_with_a_body(self, refused):
        """R07."""
        refused('TRACE / HTTP/1.1\r\n' + HOST + 'Content-Length: 1\r\n\r\nx')


class TestR09Host:
    @pytest.mark.parametrize('fields', [
        '', HOST + HOST, HOST + 'Host: b.example\r\n', 'Host:\r\n', 'Host: \r\n', 'Host: user@a.example\r\n',
        'Host: user:pw@a.example\r\n', 'Host: a.example:x\r\n', 'Host: a.example:65536\r\n',
        'Host: a.example:-1\r\n', 'Host: a.example:80:80\r\n', 'Host: a example\r\n', 'Host: a.example/x\r\n', 'Host: a.example?\r\n',
        'Host: a.example#\r\n', 'Host: [::1\r\n', 'Host: ::1\r\n', 'Host: [zz]\r\n',
        'Host: a\\example\r\n', 'Host: "a.example"\r\n', 'Host: a\xe9.example\r\n', 'Host: http://a.example\r\n', 'Host: a.example, b.example\r\n',
        'Host: :80\r\n',
    ])
    def test_r09_refused(self, refused, fields):
        """R09: exactly one Host, and a valid one."""
        refused('GET / HTTP/1.1\r\n' + fields + '\r\n')

    def test_r09_absolute_form_needs_host_too(self, refused):
        """R09: 1.1 has exactly one Host, whatever the target's form."""
        refused('GET http://a.example/ HTTP/1.1\r\n\r\n')

    def test_r09_host_longer_than_a_name(self, refused):
        """R09: no host name has more than 255 bytes."""
        refused(f'GET / HTTP/1.1\r\nHost: {"a" * 60 + ("." + "a" * 60) * 5}\r\n\r\n')


class TestR10Target:
    @pytest.mark.parametrize('line', [
        'GET * HTTP/1.1', 'POST * HTTP/1.1', 'GET a.example HTTP/1.1', 'GET ?x HTTP/1.1', 'GET http:///x HTTP/1.1', 'GET http://u@a.example/ HTTP/1.1',
        'GET http://a.example:x/ HTTP/1.1', 'GET ftp://a.example/ HTTP/1.1', 'OPTIONS *x HTTP/1.1', 'GET http:/x HTTP/1.1',
    ])
    def test_r10_refused(self, refused, line):
        """R10: origin form, absolute form, `OPTIONS *`; nothing else."""
        refused(line + '\r\n' + HOST + '\r\n')

    def test_r10_double_slash_is_a_path(self, accepted):
        """R10, R11: origin form begins with a slash; a second one is part of the path."""
        assert accepted('GET //evil.example/x HTTP/1.1\r\n' + HOST + '\r\n').target == '//evil.example/x'

    def test_r10_absolute_form_without_path(self, accepted):
        """R10: becomes `/`."""
        assert accepted('GET http://a.example HTTP/1.1\r\n' + HOST + '\r\n').target == '/'


class TestR11TargetBytes:
    @pytest.mark.parametrize('target', ['/a#b', '/a\x01', '/a\x7f', '/\xc3\xa9', '/a\x00b', '/a\rb', '/#'])
    def test_r11_refused(self, refused, target):
        """R11: fragment, control bytes, raw bytes above 0x7f."""
        refused(f'GET {target} HTTP/1.1\r\n{HOST}\r\n')

    @pytest.mark.parametrize('target', ['/%zz', '/%', '/a%0', '/%00', '/a%0d%0aX:%20y', "/!$&'()*+,;=:@~_.-", '/"<>\\^`{|}', '/?a=[b]&c=|'])
    def test_r11_passes_byte_for_byte(self, accepted, target):
        """R11: the rest is the backend's to judge."""
        assert accepted(f'GET {target} HTTP/1.1\r\n{HOST}\r\n').target == target


class TestR12Limits:
    def test_r12_request_line(self, refused):
        """R12: over request_line_bytes (8 KiB): 414."""
        refused(f'GET /{"x" * 8192} HTTP/1.1\r\n{HOST}\r\n', 'uri_too_long')

    def test_r12_endless_request_line(self, weir):
        """R12: refused before its end was seen."""
        assert weir.raw('GET /' + 'x' * 9000).status == 414

    def test_r12_head(self, refused):
        """R12: over head_bytes (32 KiB): 431."""
        refused(f'GET / HTTP/1.1\r\n{HOST}X: {"x" * 32768}\r\n\r\n', 'head_too_large')

    def test_r12_endless_head(self, weir):
        """R12: refused before its end was seen."""
        assert weir.raw(f'GET / HTTP/1.1\r\n{HOST}X: {"x" * 33000}').status == 431

    def test_r12_number_of_fields(self, refused):
        """R12: more than `headers` fields (100): 431."""
        refused('GET / HTTP/1.1\r\n' + HOST + 'X: y\r\n' * 100 + '\r\n', 'head_too_large')

    def test_r12_just_within(self, accepted):
        """R12: up to the limits everything passes whole."""
        path = '/' + 'x' * (8192 - len('GET / HTTP/1.1\r\n'))
        request = accepted(f'GET {path} HTTP/1.1\r\n' + HOST + 'X: y\r\n' * 99 + '\r\n')
        assert request.target == path and len(request.head.all('X')) == 99

    def test_r12_trailers_have_limits(self, weir):
        """R12: trailers count like fields."""
        with weir.connect() as client:
            client.send(POST + 'Transfer-Encoding: chunked\r\n\r\n0\r\n' + 'X: y\r\n' * 200 + '\r\n')
            assert client.read_response().status in (400, 431)


class TestR20BodyLength:
    """Each answer is followed by another request on the same client connection, and mostly on the same
    backend connection: had weir misjudged the length, the second answer would be wrong."""

    @pytest.fixture
    def two_answers(self, run_weir, manual_backend):
        def probe(method, answer, expected_body, is_distrusted=False):
            weir = run_weir({'web': [manual_backend.address]})
            with weir.connect() as client:
                client.send(request_bytes(method))
                peer = manual_backend.accept()
                peer.read_request()
                peer.send(answer)
                response = client.read_response(method)
                assert response.body == expected_body
                client.send(request_bytes())
                if is_distrusted:
                    # weir may keep a connection whose last message was odd, but need not.
                    until(lambda: manual_backend.has_waiting() or is_readable(peer.socket), 'the second request')
                    peer = manual_backend.accept() if manual_backend.has_waiting(0.2) else peer
                assert peer.read_request().method == 'GET'
                peer.send(response_bytes(b'second'))
                assert client.read_response().text == 'second'
                return response
        return probe

    @pytest.mark.parametrize('fields', ['Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n', ''])
    def test_r20_head(self, two_answers, fields):
        """R20: an answer to HEAD has no body whatever its fields say."""
        two_answers('HEAD', f'HTTP/1.1 200 OK\r\n{fields}\r\n', b'')

    @pytest.mark.parametrize('status', ['204 No Content', '304 Not Modified'])
    @pytest.mark.parametrize('fields', ['Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n', ''])
    def test_r20_statuses_without_body(self, two_answers, status, fields):
        """R20: 204 and 304 have none either; 204 loses the fields that would frame one."""
        response = two_answers('GET', f'HTTP/1.1 {status}\r\n{fields}\r\n', b'',
                               is_distrusted=status.startswith('204') and fields)
        if status.startswith('204'):
            assert not response.has('Content-Length') and not response.has('Transfer-Encoding')

    def test_r20_chunked(self, two_answers):
        """R20: chunked, framed anew."""
        answer = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' + chunked(b'a' * 1000, b'b')
        two_answers('GET', answer, b'a' * 1000 + b'b')

    def test_r20_length_zero(self, two_answers):
        """R20: an empty body is a body."""
        assert two_answers('GET', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', b'').get('Content-Length') == '0'

    def test_r20_informational_loses_framing(self, two_answers):
        """R20: a 1xx has no body, and no fields that frame one."""
        response = two_answers('GET', 'HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nLink: <x>\r\n\r\n'
                                      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', b'ok')
        assert [head.all('Content-Length') for head in response.informational] == [[]]


class TestR21BadResponses:
    @pytest.mark.parametrize('answer', [
        'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello',
        'HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello',
        'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
        'HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello',
        'HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n',
        'HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n',
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n',
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n',
        'HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\n',
        'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n',
        'HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n',
        'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n',
        'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n',
        'HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n',
        'HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n',
        'HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n',
        'HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n',
        'HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n',
        'HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n',
        'HTTP/1.1 200 O\x00K\r\nContent-Length: 0\r\n\r\n',
        'HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n',
        'HTTP/1.1 200 OK\nContent-Length: 0\n\n',
        'HTTP/1.1 200 OK\r\nX: a\nY: b\r\nContent-Length: 0\r\n\r\n',
        'HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n',
        'HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n',
        'HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n',
        'HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 0\r\n\r\n',
        'HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 0\r\n\r\n',
        'ICY 200 OK\r\nContent-Length: 0\r\n\r\n',
        '220 smtp.example ESMTP\r\n',
        '\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
        '\x00\x01\x02\x03\r\n\r\n',
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
        'HTTP/1.1 200 OK\r\nX: ' + 'x' * 33000 + '\r\nContent-Length: 0\r\n\r\n',
        'HTTP/1.1 200 OK\r\n' + 'X: y\r\n' * 101 + 'Content-Length: 0\r\n\r\n',
    ])
    def test_r21_refused(self, run_weir, manual_backend, answer):
        """R21 (and R23 for an unasked 101): 502 bad_response; that backend connection is closed; the
        client's connection goes on."""
        weir = run_weir({'web': [manual_backend.address]})
        with weir.connect() as client:
            client.send(request_bytes())
            peer = manual_backend.accept()
            peer.read_request()
            peer.send(answer)
            expect_failure(client.read_response(), 'bad_response')
            peer.expect_cut()
            client.send(request_bytes())
            second = manual_backend.accept()
            second.read_request()
            second.send(response_bytes(b'second'))
            assert client.read_response().text == 'second'
        weir.wait_failure('bad_response')
        assert weir.wait_access(reason='bad_response')['side'] == 'backend'

    def test_r21_empty_reason_is_legal(self, run_weir, manual_backend):
        """R21: HTTP/1.1 200 SP with nothing behind it is a status line."""
        weir = run_weir({'web': [manual_backend.address]})
        with weir.connect() as client:
            client.send(request_bytes())
            peer = manual_backend.accept()
            peer.read_request()
            peer.send('HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok')
            assert client.read_response().text == 'ok'

    def test_r23_at_most_sixteen_informational_responses(self, run_weir, manual_backend):
        """R23: a backend that goes on hinting is cut off after sixteen."""
        weir = run_weir({'web': [manual_backend.address]})
        with weir.connect() as client:
            client.send(request_bytes())
            peer = manual_backend.accept()
            peer.read_request()
            peer.send('HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n' * 17 + 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
            response = client.read_response()
            assert response.status == 502 and len(response.informational) == 16

    def test_r23_sixteen_pass(self, run_weir, manual_backend):
        """R23: sixteen pass, in order."""
        weir = run_weir({'web': [manual_backend.address]})
        with weir.connect() as client:
            client.send(request_bytes())
            peer = manual_backend.accept()
            peer.read_request()
            peer.send(''.join(f'HTTP/1.1 103 Early Hints\r\nX-Number: {number}\r\n\r\n' for number in range(16)) +
                      'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
            assert [head.get('X-Number') for head in client.read_response().informational] == [
                str(number) for number in range(16)]


class TestR24EarlyEnd:
    @pytest.mark.parametrize('answer', [
        'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart',
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n',
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\npart',
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n0\r\n',
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\nzz\r\n',
    ])
    def test_r24_unfinished_body_is_a_visible_cut(self, run_weir, manual_backend, answer):
        """R24: the client cannot take the piece for the whole."""
        weir = run_weir({'web': [manual_backend.address]})
        with weir.connect() as client:
            client.send(request_bytes())
            peer = manual_backend.accept()
            peer.read_request()
            peer.send(answer)
            client.read_until(b'part')
            peer.close()
            rest = client.expect_cut()
            assert b'0\r\n\r\n' not in rest
        weir.wait_failure('response_cut')

    def test_r24_reset_is_not_the_end_of_an_until_close_body(self, run_weir, manual_backend):
        """R24: RST is not FIN."""
        weir = run_weir({'web': [manual_backend.address]})
        with weir.connect() as client:
            client.send(request_bytes())
            peer = manual_backend.accept()
            peer.read_request()
            peer.send('HTTP/1.1 200 OK\r\n\r\npart')
            client.read_until(b'part')
            peer.reset()
            assert b'0\r\n\r\n' not in client.expect_cut()
        weir.wait_failure('response_cut')


def test_garbage_is_no_http(weir):
    """A TLS hello, SSH and binary rubbish are 400 at once, without waiting for more."""
    for garbage in (b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', b'SSH-2.0-OpenSSH_9.2\r\n', b'\x00' * 64,
                    b'\xff\xfe\xfd\r\n\r\n', b'{"json": true}\n'):
        assert weir.raw(garbage).status == 400, garbage

"""Probes for the rules of responses (R13, R14, R20 to R27): what a backend says, byte by byte, and what the client
gets of it. Each answer is followed by another request, so that a length that was misjudged would show."""
import re
import threading

import pytest

from support.probes import CHUNKED, HOST, AnswerProber, ScriptedBackend, encoded
from support.wait import DEADLINE_SECONDS
from support.weir import expect_failure
from support.wire import chunked, request_bytes, response_bytes

CONTROLS = [chr(number) for number in [*range(0x00, 0x09), 0x0b, 0x0c, *range(0x0e, 0x20), 0x7f]]
OK = 'HTTP/1.1 200 OK\r\n'
EMPTY = 'Content-Length: 0\r\n\r\n'
DATE = 'Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n'
MADE_DATE = rb'Date: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r\n'
OLD = f'GET TARGET HTTP/1.0\r\n{HOST}\r\n'
OLD_KEPT = f'GET TARGET HTTP/1.0\r\n{HOST}Connection: keep-alive\r\n\r\n'
HEAD = f'HEAD TARGET HTTP/1.1\r\n{HOST}\r\n'
WANTS_TRAILERS = f'GET TARGET HTTP/1.1\r\n{HOST}TE: trailers\r\nConnection: TE\r\n\r\n'
UPGRADE = f'GET TARGET HTTP/1.1\r\n{HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n'


@pytest.fixture(scope='module')
def prober(run_shared_weir):
    backend = ScriptedBackend()
    yield AnswerProber(run_shared_weir({'web': [backend.address]}), backend)
    backend.close()


def expect_head(response, expected):
    """The client's head, to the byte; a Date that weir made stands as MADE."""
    pattern = re.escape(encoded(expected)).replace(b'MADE', MADE_DATE)
    assert re.fullmatch(pattern, response.head.raw), f'{response.head.raw!r}\nis not\n{expected!r}'


def ending(answer):
    """A script: the answer, then the end of the stream."""
    def play(peer):
        peer.send(encoded(answer))
        peer.close()
    return play


class Told:
    """A script: the first step at once, the second one when the test says so."""

    def __init__(self, answer, step):
        self._answer, self._step = answer, step
        self._is_told, self._is_done = threading.Event(), threading.Event()

    def __call__(self, peer):
        peer.send(encoded(self._answer))
        assert self._is_told.wait(DEADLINE_SECONDS)
        self._step(peer)
        self._is_done.set()

    def go_on(self):
        self._is_told.set()
        assert self._is_done.wait(DEADLINE_SECONDS)


class TestR20BodyLength:
    @pytest.mark.parametrize('fields, forwarded', [
        ('Content-Length: 5\r\n', 'Content-Length: 5\r\n'), ('Content-Length: 005\r\n', 'Content-Length: 5\r\n'),
        ('Content-Length: 0\r\n', 'Content-Length: 0\r\n'), (CHUNKED, ''), ('', ''),
        ('Content-Length: 9223372036854775807\r\n', 'Content-Length: 9223372036854775807\r\n'),
    ])
    def test_r20_head(self, prober, fields, forwarded):
        """R20: an answer to HEAD has no body whatever its fields say; the length is that of a GET."""
        response, is_reused = prober.read(f'{OK}{fields}\r\n', HEAD, 'HEAD')
        expect_head(response, f'{OK}{forwarded}Via: 1.1 weir\r\nMADE\r\n')
        assert is_reused

    @pytest.mark.parametrize('status', ['204 No Content', '304 Not Modified'])
    @pytest.mark.parametrize('fields', ['Content-Length: 5\r\n', 'Content-Length: 0\r\n', CHUNKED, ''])
    def test_r20_statuses_without_body(self, prober, status, fields):
        """R20: 204 and 304 have none either; 204 loses the fields that would frame one. R22: a 204 that announces
        one may be followed by it."""
        response, is_reused = prober.read(f'HTTP/1.1 {status}\r\n{fields}\r\n')
        kept = fields if status.startswith('304') and fields != CHUNKED else ''
        expect_head(response, f'HTTP/1.1 {status}\r\n{kept}Via: 1.1 weir\r\nMADE\r\n')
        assert is_reused == (status.startswith('304') or fields in ('', 'Content-Length: 0\r\n'))

    @pytest.mark.parametrize('answer', [
        'HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\npoison', 'HTTP/1.1 204 No Content\r\n\r\npoison',
        'HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\npoison',
        'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n6\r\npoison\r\n0\r\n\r\n',
    ])
    def test_r20_r22_bodies_where_none_may_be(self, prober, answer):
        """R20, R22: they are nobody's, and end the backend's connection."""
        response, is_reused = prober.read(answer)
        assert response.body == b'' and not is_reused

    def test_r20_r22_a_body_behind_an_answer_to_head(self, prober):
        """R20, R22: the most common mistake of backends."""
        response, is_reused = prober.read(f'{OK}Content-Length: 6\r\n\r\npoison', HEAD, 'HEAD')
        assert response.status == 200 and not is_reused

    @pytest.mark.parametrize('status', [
        '200 OK', '201 Created', '205 Reset Content', '206 Partial Content', '301 Moved Permanently', '400 Bad Request',
        '404 Not Found', '407 Proxy Authentication Required', '421 Misdirected Request', '500 Internal Server Error',
        '503 Service Unavailable', '599 x', '299 ',
    ])
    @pytest.mark.parametrize('framing, body', [
        ('Content-Length: 5\r\n', b'hello'), ('Content-Length: 0\r\n', b''), (CHUNKED, b'hello'),
    ])
    def test_r20_statuses_with_body(self, prober, status, framing, body):
        """R20, R14: length or chunked, whatever the status, which passes with its reason."""
        sent = chunked(body) if framing == CHUNKED else body
        response, is_reused = prober.read(f'HTTP/1.1 {status}\r\n{DATE}{framing}\r\n'.encode() + sent)
        own = f'{CHUNKED}Via: 1.1 weir\r\n' if framing == CHUNKED else 'Via: 1.1 weir\r\n'
        expect_head(response, f'HTTP/1.1 {status}\r\n{DATE}{"" if framing == CHUNKED else framing}{own}\r\n')
        assert response.body == body and is_reused

    @pytest.mark.parametrize('value', ['chunked', 'CHUNKED', '\tChunked \t'])
    def test_r20_chunked(self, prober, value):
        """R20: in any case and white space; framed anew, without extensions."""
        answer = f'{OK}transfer-encoding:{value}\r\n\r\n00003;a="b"\r\nabc\r\nA\r\n0123456789\r\n0;x\r\n\r\n'
        response, is_reused = prober.read(answer)
        assert response.body == b'abc0123456789' and response.get('Transfer-Encoding') == 'chunked' and is_reused

    @pytest.mark.parametrize('value', ['5', '\t5\t', '0005'])
    def test_r20_length(self, prober, value):
        """R20: written anew."""
        response, is_reused = prober.read(f'{OK}Content-Length:{value}\r\n\r\nhello')
        assert response.body == b'hello' and response.get('Content-Length') == '5' and is_reused

    @pytest.mark.parametrize('start', ['HTTP/1.1 200 OK', 'HTTP/1.0 200 OK', 'HTTP/1.1 205 Reset Content', 'HTTP/1.1 500 x'])
    @pytest.mark.parametrize('body', [b'', b'hello', b'x' * 100_000])
    def test_r20_until_close(self, prober, start, body):
        """R20: without framing until close; to the client chunked, and its connection goes on."""
        response, is_reused = prober.read(ending(start.encode() + b'\r\n\r\n' + body))
        assert response.body == body and response.get('Transfer-Encoding') == 'chunked' and not is_reused

    def test_r20_keep_alive_does_not_delimit(self, prober):
        """R20: nor does a backend's promise."""
        response, is_reused = prober.read(ending('HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhello'))
        assert response.body == b'hello' and not is_reused

    @pytest.mark.parametrize('status', [100, 102, 103, 199])
    @pytest.mark.parametrize('framing', ['Content-Length: 5\r\n', CHUNKED])
    def test_r20_informational_loses_framing(self, prober, status, framing):
        """R20: a 1xx has no body, and no fields that frame one."""
        response, is_reused = prober.read(f'HTTP/1.1 {status} x\r\n{framing}Link: <x>\r\n\r\n{OK}Content-Length: 2\r\n\r\nok')
        assert [head.raw for head in response.informational] == [f'HTTP/1.1 {status} x\r\nLink: <x>\r\nVia: 1.1 weir\r\n\r\n'.encode()]
        assert response.text == 'ok' and is_reused


BAD_FRAMING = [
    'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', 'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n',
    'Transfer-Encoding: chunked\r\nContent-Length: 0\r\n', 'Content-Length: 5\r\nContent-Length: 5\r\n',
    'Content-Length: 5\r\nContent-Length: 6\r\n', 'Content-Length: 5\r\ncontent-length:\r\n',
    'Content-Length: 5, 5\r\n', 'Content-Length: 5,\r\n', 'Content-Length:\r\n', 'Content-Length: -1\r\n',
    'Content-Length: +5\r\n', 'Content-Length: 5x\r\n', 'Content-Length: 0x5\r\n', 'Content-Length: 5.0\r\n',
    'Content-Length: 5 5\r\n', 'Content-Length: "5"\r\n', 'Content-Length: \xb2\r\n',
    'Content-Length: 9223372036854775808\r\n', 'Content-Length: 18446744073709551621\r\n',
    'Transfer-Encoding: chunked, chunked\r\n', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
    'Transfer-Encoding: gzip\r\n', 'Transfer-Encoding: gzip, chunked\r\n', 'Transfer-Encoding: identity\r\n',
    'Transfer-Encoding: identity, chunked\r\n', 'Transfer-Encoding: chunked, identity\r\n', 'Transfer-Encoding:\r\n',
    'Transfer-Encoding: ,chunked\r\n', 'Transfer-Encoding: chunked,\r\n', 'Transfer-Encoding: xchunked\r\n',
    'Transfer-Encoding: chunked;q=1\r\n', 'Transfer-Encoding: "chunked"\r\n', 'Transfer-Encoding: \xa0chunked\r\n',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', 'Transfer-Encoding:\r\n chunked\r\n',
    'Transfer-Encoding : chunked\r\n', 'Content-Length : 5\r\n', 'Content-Length\t: 5\r\n', 'Content-Length:\r\n 5\r\n',
    'X: y\rContent-Length: 5\r\n', 'X: y\nContent-Length: 5\r\n',
]


class TestR21BadResponses:
    """502 bad_response, the backend's connection is closed, the client's goes on."""

    @pytest.mark.parametrize('fields', BAD_FRAMING)
    def test_r21_framing(self, prober, fields):
        """R21: both framings, a bad or doubled length, anything but chunked, once."""
        prober.refuse(f'{OK}{fields}\r\nhello')

    @pytest.mark.parametrize('fields', BAD_FRAMING)
    @pytest.mark.parametrize('start', ['HTTP/1.1 204 x', 'HTTP/1.1 304 x', 'HTTP/1.1 103 x'])
    def test_r21_framing_where_it_means_nothing(self, prober, start, fields):
        """R21: who contradicts himself is not trusted on, where the length is known otherwise either."""
        prober.refuse(f'{start}\r\n{fields}\r\n')

    @pytest.mark.parametrize('fields', BAD_FRAMING[:8])
    def test_r21_framing_of_answers_to_head(self, prober, fields):
        """R21."""
        prober.refuse(f'{OK}{fields}\r\n', HEAD, 'HEAD')

    @pytest.mark.parametrize('fields', [CHUNKED, 'Transfer-Encoding: gzip, chunked\r\n', 'Transfer-Encoding:\r\n'])
    def test_r21_transfer_encoding_in_10(self, prober, fields):
        """R21: 1.0 has none."""
        prober.refuse(f'HTTP/1.0 200 OK\r\n{fields}\r\n0\r\n\r\n')

    @pytest.mark.parametrize('line', [
        'HTTP/2.0 200 OK', 'HTTP/2 200 OK', 'HTTP/0.9 200 OK', 'HTTP/3.0 200 OK', 'HTTP/1 200 OK', 'HTTP/1. 200 OK',
        'HTTP/.1 200 OK', 'HTTP/11 200 OK', 'HTTP/1.10 200 OK', 'HTTP/01.1 200 OK', 'HTTP/1.x 200 OK',
        'HTTP/1,1 200 OK', 'http/1.1 200 OK', 'Http/1.1 200 OK', 'HTTPS/1.1 200 OK', 'ICY 200 OK', 'RTSP/1.0 200 OK',
        'XHTTP/1.1 200 OK', ' HTTP/1.1 200 OK', '\tHTTP/1.1 200 OK', 'HTTP/1.1  200 OK', 'HTTP/1.1\t200 OK',
        'HTTP/1.1200 OK', 'HTTP/1.1 20 OK', 'HTTP/1.1 2 OK', 'HTTP/1.1 2000 OK', 'HTTP/1.1 0200 OK', 'HTTP/1.1 000 OK',
        'HTTP/1.1 001 OK', 'HTTP/1.1 099 OK', 'HTTP/1.1 600 OK', 'HTTP/1.1 700 OK', 'HTTP/1.1 999 OK',
        'HTTP/1.1 2x0 OK', 'HTTP/1.1 20x OK', 'HTTP/1.1 +20 OK', 'HTTP/1.1 -20 OK', 'HTTP/1.1 2.0 OK',
        'HTTP/1.1 \xb22\xb2 OK', 'HTTP/1.1 200OK', 'HTTP/1.1 200\tOK', 'HTTP/1.1 200;OK', 'HTTP/1.1 OK',
        'HTTP/1.1 OK 200', 'HTTP/1.1 ', 'HTTP/1.1', 'HTTP/', 'HTTP', '200 OK', '220 smtp.example ESMTP', 'SSH-2.0-x',
        '<html>', '', '\r\nHTTP/1.1 200 OK', '\nHTTP/1.1 200 OK', 'HTTP/1.1 200 O\rK', 'HTTP/1.1 200 O\nK',
        'HTTP/1.1 200 OK\r', '\x00\x01\x02', '\xef\xbb\xbfHTTP/1.1 200 OK', 'GET / HTTP/1.1', 'X: y',
    ])
    def test_r21_status_lines(self, prober, line):
        """R21: HTTP/1.x SP 3DIGIT (100 to 599), nothing else."""
        prober.refuse(f'{line}\r\n{EMPTY}')

    @pytest.mark.parametrize('control', CONTROLS)
    @pytest.mark.parametrize('answer', ['HTTP/1.1 200 O{}K\r\n', OK + 'X: a{}b\r\n', OK + 'X{}: a\r\n', OK + 'X: {}\r\n'])
    def test_r21_control_bytes(self, prober, answer, control):
        """R21."""
        prober.refuse(answer.format(control) + EMPTY)

    @pytest.mark.parametrize('lines', [
        'X: a\nY: b\r\n', 'X: a\n', 'X: a\rb\r\n', 'X: a\r\r\n', 'X : a\r\n', 'X\t: a\r\n', ' X: a\r\n', '\tX: a\r\n',
        'X: a\r\n folded\r\n', 'X: a\r\n\tfolded\r\n', 'X:\r\n a\r\n', 'X: a\r\n \r\n', ': a\r\n', ':\r\n', 'X\r\n',
        'X Y: a\r\n', 'X(: a\r\n', '"X": a\r\n', 'X\xe9: a\r\n', 'HTTP/1.1 200 OK\r\n', '\n', '\r',
    ])
    def test_r21_lines(self, prober, lines):
        """R21, by the principle of R04: what two parsers could read in two ways."""
        prober.refuse(f'{OK}{lines}{EMPTY}')

    @pytest.mark.parametrize('answer', [
        f'HTTP/1.1 200 OK\n{EMPTY}', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n',
        'HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n',
        'HTTP/1.1 200 OK\r\r\nContent-Length: 0\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\r\n',
    ])
    def test_r21_line_ends(self, prober, answer):
        """R21: CR LF, everywhere."""
        prober.refuse(answer)

    @pytest.mark.parametrize('head', [
        f'{OK}X: {"x" * 33000}\r\n', f'{OK}' + 'X: y\r\n' * 101, f'{OK}{"x" * 33000}: y\r\n',
        'HTTP/1.1 200 ' + 'x' * 33000 + '\r\n',
    ])
    def test_r21_limits(self, prober, head):
        """R21: a head over the limits."""
        prober.refuse(f'{head}{EMPTY}')

    def test_r21_endless_head(self, prober):
        """R21: refused before its end was seen."""
        prober.refuse(OK + 'X: y\r\n' * 20_000)

    def test_r21_a_head_just_within(self, prober):
        """R21: up to 100 fields and 32 KiB everything passes whole."""
        lines = 'X: y\r\n' * 98 + 'Y: ' + 'y' * (32 * 1024 - len(OK + EMPTY) - 98 * 6 - 5) + '\r\n'
        response, is_reused = prober.read(OK + lines + EMPTY)
        assert response.head.raw.startswith((OK + lines + 'Content-Length: 0\r\n').encode()) and is_reused

    @pytest.mark.parametrize('name', [
        'Host', 'Content-Length', 'Transfer-Encoding', 'Authorization', 'Cookie', 'Forwarded', 'Via', 'X-Forwarded-For',
        'x-forwarded-proto', 'X-Forwarded-Host', 'X-Forwarded-Anything', 'X-Request-Id', 'traceparent', 'Expect',
        'Max-Forwards', 'Date',
    ])
    def test_r13_connection_that_names_the_others(self, prober, name):
        """R13: from a backend it is 502."""
        prober.refuse(f'{OK}Connection: keep-alive,\t{name}\t\r\n{EMPTY}')

    @pytest.mark.parametrize('line, minor', [
        ('HTTP/1.1 200 OK', 1), ('HTTP/1.1 200 ', 1), ('HTTP/1.1 200', 1), ('HTTP/1.0 200 OK', 0),
        ('HTTP/1.2 200 OK', 1), ('HTTP/1.9 599 x', 1), ('HTTP/1.1 299 caf\xe9 \t!', 1),
    ])
    def test_r21_legal_status_lines(self, prober, line, minor):
        """R21, R06: an empty reason, with or without its space, is one; weir always says HTTP/1.1, and Via what it heard."""
        response, _ = prober.read(f'{line}\r\nContent-Length: 2\r\n\r\nok')
        start = 'HTTP/1.1 ' + line[9:] + (' ' if len(line) == 12 else '')
        expect_head(response, f'{start}\r\nContent-Length: 2\r\nVia: 1.{minor} weir\r\nMADE\r\n')

    @pytest.mark.parametrize('informational', [
        'HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n', 'HTTP/1.1 100 Continue\r\n\r\n' * 16,
    ])
    def test_r21_a_bad_response_behind_an_informational_one(self, prober, informational):
        """R21, R23: the 1xx was good and passed; the final one is bad."""
        response = prober.refuse(informational + OK + 'X : y\r\n' + EMPTY)
        assert len(response.informational) == informational.count('HTTP/')


class TestR22BytesNobodyAskedFor:
    @pytest.mark.parametrize('answer', [
        response_bytes(b'mine') + response_bytes(b'poison'), response_bytes(b'mine') + b'x',
        response_bytes(b'mine') + b'\r\n', response_bytes(b'mine') + b'\r\n\r\n', response_bytes(b'mine') + b'\x00',
        OK.encode() + b'Content-Length: 4\r\n\r\nminemore',
        OK.encode() + CHUNKED.encode() + b'\r\n' + chunked(b'mine') + b'\r\n',
        OK.encode() + CHUNKED.encode() + b'\r\n' + chunked(b'mine') + response_bytes(b'poison'),
        response_bytes(b'mine') + b'HTTP/1.1 100 Continue\r\n\r\n',
        response_bytes(b'mine') + b'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n',
    ])
    def test_r22_behind_a_response(self, prober, answer):
        """R22: they close the backend's connection; no client ever sees one of them."""
        response, is_reused = prober.read(answer)
        assert response.text == 'mine' and not is_reused

    @pytest.mark.parametrize('late', [
        response_bytes(b'poison'), b'x', b'\r\n',
        b'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
        b'HTTP/1.1 100 Continue\r\n\r\n',
    ])
    def test_r22_on_an_idle_connection(self, prober, late):
        """R22: so do those that come later."""
        script = Told(response_bytes(b'mine'), lambda peer: peer.send(late).expect_cut())
        client, _ = prober.play(script)
        with client:
            assert client.read_response().text == 'mine'
            script.go_on()
            assert client.send(request_bytes()).read_response().text == 'ok'


class TestR23Informational:
    @pytest.mark.parametrize('count', [1, 2, 16])
    def test_r23_pass_in_order(self, prober, count):
        """R23: up to sixteen, each with its fields and Via, without framing or Date."""
        heads = [f'HTTP/1.1 {103 if number % 2 else 102} Hint {number}\r\nX-Number: {number}\r\n' for number in range(count)]
        response, is_reused = prober.read(''.join(head + '\r\n' for head in heads) + f'{OK}{EMPTY}')
        assert [head.raw.decode() for head in response.informational] == [head + 'Via: 1.1 weir\r\n\r\n' for head in heads]
        assert response.status == 200 and is_reused

    def test_r23_at_most_sixteen(self, prober):
        """R23: a backend that goes on hinting is cut off."""
        response = prober.refuse('HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n' * 17 + f'{OK}{EMPTY}')
        assert len(response.informational) == 16

    @pytest.mark.parametrize('request_head', [OLD, OLD_KEPT])
    def test_r23_not_to_10(self, prober, request_head):
        """R23: 1.0 does not know them."""
        response, is_reused = prober.read(f'HTTP/1.1 103 x\r\nLink: <x>\r\n\r\nHTTP/1.1 100 x\r\n\r\n{OK}Content-Length: 2\r\n\r\nok',
                                          request_head)
        assert (response.informational, response.text, is_reused) == ([], 'ok', True)

    def test_r23_hop_by_hop_fields_of_informational(self, prober):
        """R23, R13: they end here, too."""
        answer = 'HTTP/1.1 103 x\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\nLink: <x>\r\n\r\n'
        response, _ = prober.read(f'{answer}{OK}{EMPTY}')
        assert [head.raw for head in response.informational] == [b'HTTP/1.1 103 x\r\nLink: <x>\r\nVia: 1.1 weir\r\n\r\n']

    @pytest.mark.parametrize('request_head', [
        None, OLD_KEPT, UPGRADE.replace('Connection: Upgrade\r\n', ''), UPGRADE.replace('websocket', 'h2c'),
        UPGRADE.replace('websocket', 'other'), UPGRADE.replace('HTTP/1.1', 'HTTP/1.0'),
        UPGRADE.replace('Upgrade: websocket', 'Upgrade: websocket\r\nUpgrade: websocket'),
    ])
    def test_r23_a_switch_that_was_not_asked_for(self, prober, request_head):
        """R23, R19: 101 is an answer to an upgrade that was forwarded, and to nothing else."""
        prober.refuse('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nraw', request_head)

    @pytest.mark.parametrize('answer', [
        'HTTP/1.1 101 x\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n',
        'HTTP/1.1 101 x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n', 'HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n',
        'HTTP/1.1 101 x\r\nConnection: Upgrade\r\n\r\n', 'HTTP/1.1 101 x\r\n\r\n',
        'HTTP/1.1 101 x\r\nUpgrade:\r\nConnection: Upgrade\r\n\r\n',
        'HTTP/1.0 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
        'HTTP/1.1 101 x\r\nUpgrade: websocket, other\r\nConnection: Upgrade\r\n\r\n',
        'HTTP/1.1 101 x\r\nUpgrade: websocket\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
        'HTTP/1.1 101 x\r\nUpgrade: websocket/13\r\nConnection: Upgrade\r\n\r\n',
        'HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 3\r\n\r\nabc',
        'HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        'HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n',
    ])
    def test_r23_a_switch_to_something_else(self, prober, answer):
        """R23: it names a protocol that was asked for, and is a switch in every reading."""
        prober.refuse(answer, UPGRADE)

    @pytest.mark.parametrize('upgrade', ['websocket', 'WebSocket', '\twebsocket '])
    def test_r23_a_switch(self, prober, upgrade):
        """R23: then a tunnel starts, with early bytes kept in order, 1xx in front or not."""
        def play(peer):
            peer.send(f'HTTP/1.1 103 x\r\n\r\nHTTP/1.1 101 x\r\nX: 1\r\nUpgrade:{upgrade}\r\nConnection: Upgrade, Y\r\nY: 1\r\nKeep-Alive: timeout=5\r\n\r\nearly')
            assert peer.read_exactly(8) == b'GET /\r\n\r'
            peer.send(b' late')
            peer.close()
        client, _ = prober.play(play, UPGRADE + 'GET /\r\n\r')
        with client:
            response = client.read_response()
            assert response.head.raw == f'HTTP/1.1 101 x\r\nX: 1\r\nVia: 1.1 weir\r\nUpgrade: {upgrade.strip()}\r\nConnection: upgrade\r\n\r\n'.encode()
            assert client.read_to_end() == b'early late'


class TestR24EarlyEnd:
    @pytest.mark.parametrize('answer', [
        'Content-Length: 100\r\n\r\npart', 'Content-Length: 5\r\n\r\npart', CHUNKED + '\r\n4\r\npart\r\n',
        CHUNKED + '\r\n4\r\npart', CHUNKED + '\r\nff\r\npart', CHUNKED + '\r\n4\r\npart\r\n0\r\n',
        CHUNKED + '\r\n4\r\npart\r\n0', CHUNKED + '\r\n4\r\npart\r\n0\r\nX: y\r\n',
        CHUNKED + '\r\n4\r\npart\r\n0\r\n\r',
    ])
    def test_r24_end_in_the_body(self, prober, answer):
        """R24: the client cannot take the piece for the whole."""
        came = prober.cut(ending(OK + answer))
        assert came.startswith(OK.encode()) and b'part' in came and not came.endswith(b'0\r\n\r\n')

    @pytest.mark.parametrize('line', [
        '', ' ', 'zz', '-4', '+4', '0x4', ' 4', '4 ', '4\t', '4\n', '00000000000000004', 'fffffffffffffffff', '4;a="',
        '4;\x00', '4_', '4,4', '\xa04',
    ])
    def test_r24_broken_chunks(self, prober, line):
        """R24, by the principle of R03: a fault behind the head is visible, too."""
        came = prober.cut(f'{OK}{CHUNKED}\r\n4\r\npart\r\n{line}\r\npart\r\n0\r\n\r\n')
        assert b'part' in came and not came.endswith(b'0\r\n\r\n')

    @pytest.mark.parametrize('rest', [
        '0\n\r\n', '0\r\n\n', '0\r\nX y: z\r\n\r\n', '0\r\n X: y\r\n\r\n', '0\r\nX: y\r\n z\r\n\r\n',
        '0\r\nX: \x00\r\n\r\n', '0\r\n: y\r\n\r\n', '4\r\npartX\r\n0\r\n\r\n', '4\r\npart\n0\r\n\r\n',
    ])
    def test_r24_broken_ends_and_trailers(self, prober, rest):
        """R24."""
        came = prober.cut(f'{OK}{CHUNKED}\r\n4\r\npart\r\n{rest}')
        assert b'part' in came and not came.endswith(b'0\r\n\r\n')

    @pytest.mark.parametrize('request_head', [None, OLD])
    @pytest.mark.parametrize('answer', ['\r\npart', 'Content-Length: 100\r\n\r\npart', CHUNKED + '\r\n4\r\npart\r\n'])
    def test_r24_reset(self, prober, answer, request_head):
        """R24: RST is not FIN, where only the end delimits the body either: a client of 1.0 sees a reset."""
        script = Told(OK + answer, lambda peer: peer.reset())
        client, _ = prober.play(script, request_head)
        with client:
            client.read_until(b'part')
            script.go_on()
            if request_head == OLD and not answer.startswith('Content-Length'):
                client.expect_reset()
            else:
                assert b'0\r\n\r\n' not in client.expect_cut()

    @pytest.mark.parametrize('rest', ['', 'HTTP/1.1 2', OK, OK + 'X: y\r\n', OK + EMPTY[:-2]])
    def test_r24_end_before_the_head(self, prober, rest):
        """R24: before the head is whole, the client is told so."""
        client, _ = prober.play(ending(rest), request_bytes('POST', 'TARGET'))
        with client:
            expect_failure(client.read_response(), 'closed_before_response')


class TestR26Trailers:
    ANSWER = f'{OK}{CHUNKED}Trailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\n'

    def test_r26_pass_to_who_asked(self, prober):
        """R26: in their order and case, with the Trailer field."""
        response, is_reused = prober.read(self.ANSWER + 'X-Sum: 1\r\nx-sum:\t2 \r\ngrpc-status: 0\r\n\r\n', WANTS_TRAILERS)
        assert response.trailers == [('X-Sum', '1'), ('x-sum', '2'), ('grpc-status', '0')] and is_reused
        expect_head(response, f'{OK}Trailer: X-Sum\r\n{CHUNKED}Via: 1.1 weir\r\nMADE\r\n')

    @pytest.mark.parametrize('request_head', [
        None, WANTS_TRAILERS.replace('trailers', 'gzip'), WANTS_TRAILERS.replace('TE: trailers', 'TE: xtrailers'),
    ])
    def test_r26_to_nobody_else(self, prober, request_head):
        """R26: dropped with the field that announces them."""
        response, is_reused = prober.read(self.ANSWER + 'X-Sum: 1\r\n\r\n', request_head)
        assert (response.body, response.trailers, response.has('Trailer'), is_reused) == (b'abc', [], False, True)

    @pytest.mark.parametrize('name', [
        'Content-Length', 'Transfer-Encoding', 'Host', 'Connection', 'Trailer', 'TE', 'Upgrade', 'Keep-Alive',
        'Proxy-Connection', 'Via', 'Date', 'Authorization', 'Cookie', 'Set-Cookie', 'Forwarded', 'X-Forwarded-For',
        'X_Forwarded_For', 'X-Request-Id', 'Content-Type', 'Content-Encoding', 'Content-Range', 'Cache-Control',
        'Location', 'Expect', 'Max-Forwards', 'Content_Length', 'WWW-Authenticate',
    ])
    def test_r26_names_that_frame_are_dropped(self, prober, name):
        """R26: and those that route or vouch."""
        response, is_reused = prober.read(f'{self.ANSWER}{name}: 5\r\nX-Sum: 1\r\n{name.lower()}: 6\r\n\r\n', WANTS_TRAILERS)
        assert response.trailers == [('X-Sum', '1')] and is_reused

    @pytest.mark.parametrize('line', ['Connection: X-Hop\r\n', 'Connection: x-HOP,\tkeep-alive\r\n'])
    def test_r26_names_of_connection(self, prober, line):
        """R26, R13: what Connection names ends here behind the body, too; the rest passes."""
        answer = self.ANSWER.replace(OK, OK + line) + 'X-Hop: 1\r\nX-Sum: 2\r\nx-hop: 3\r\n\r\n'
        response, is_reused = prober.read(answer, WANTS_TRAILERS)
        assert response.trailers == [('X-Sum', '2')] and response.get('Trailer') == 'X-Sum' and is_reused

    @pytest.mark.parametrize('fields, expected', [('', 'MADE'), (DATE, ''), ('date: x\r\n', ''), ('Date:\r\n', '')])
    def test_r26_date(self, prober, fields, expected):
        """R26: made when there is none, else left alone."""
        response, _ = prober.read(f'{OK}{fields}{EMPTY}')
        forwarded = fields.replace('Date:\r\n', 'Date: \r\n')
        expect_head(response, f'{OK}{forwarded}Content-Length: 0\r\nVia: 1.1 weir\r\n{expected}\r\n')


class TestR27Clients10:
    @pytest.mark.parametrize('request_head', [OLD, OLD_KEPT])
    @pytest.mark.parametrize('framing', ['length', 'chunked', 'close'])
    def test_r27_framing(self, prober, request_head, framing):
        """R27, R20: no chunked; keep-alive only when asked, and when the length is known."""
        script = {'length': response_bytes(b'hello'), 'chunked': (OK + CHUNKED + '\r\n').encode() + chunked(b'hel', b'lo', trailers='X-Sum: 1\r\n'),
                  'close': ending(f'{OK}\r\nhello')}[framing]
        response, _ = prober.read(script, request_head)
        assert response.body == b'hello' and not response.has('Transfer-Encoding')
        is_kept = request_head == OLD_KEPT and framing == 'length'
        assert response.get('Connection') == ('keep-alive' if is_kept else 'close')

    @pytest.mark.parametrize('value', ['Keep-Alive', 'x, keep-alive\t', '\tKEEP-ALIVE'])
    def test_r27_asked_in_any_spelling(self, prober, value):
        """R27."""
        response, _ = prober.read(response_bytes(), f'GET TARGET HTTP/1.0\r\n{HOST}Connection:{value}\r\n\r\n')
        assert response.get('Connection') == 'keep-alive'

    @pytest.mark.parametrize('fields', [
        'Connection: keep-alive, close\r\n', 'Connection: close\r\nConnection: keep-alive\r\n',
        'Keep-Alive: timeout=5\r\n', 'Proxy-Connection: keep-alive\r\n', 'Connection: keepalive\r\n',
        'Connection: keep-alives\r\n',
    ])
    def test_r27_not_asked(self, prober, fields):
        """R27: only Connection asks, and close overrules it."""
        response, _ = prober.read(response_bytes(), f'GET TARGET HTTP/1.0\r\n{HOST}{fields}\r\n')
        assert response.get('Connection') == 'close'

    @pytest.mark.parametrize('status', ['204 No Content', '304 Not Modified'])
    def test_r27_no_body_is_a_known_length(self, prober, status):
        """R27."""
        response, _ = prober.read(f'HTTP/1.1 {status}\r\n\r\n', OLD_KEPT)
        assert response.get('Connection') == 'keep-alive'


class TestFields:
    @pytest.mark.parametrize('fields, forwarded', [
        ('Connection: X-Hop, keep-alive\r\nX-Hop: 1\r\nx-hop: 2\r\nX-End: 1\r\n', 'X-End: 1\r\n'),
        ('X-Hop: 1\r\nConnection: x-hop\r\n', ''),
        ('Connection: a\r\nA: 1\r\nConnection: b\r\nB: 2\r\nC: 3\r\n', 'C: 3\r\n'), ('Keep-Alive: timeout=5\r\n', ''),
        ('Proxy-Connection: keep-alive\r\n', ''), ('TE: trailers\r\n', ''), ('Upgrade: h2c\r\n', ''),
        ('Upgrade: websocket\r\nConnection: Upgrade\r\n', ''), ('HTTP2-Settings: x\r\n', ''),
        ('Connection: close\r\nClose: 1\r\n', ''), ('Trailer: X\r\n', ''), ('Connection:\r\nX: y\r\n', 'X: y\r\n'),
    ])
    def test_r13_hop_by_hop(self, prober, fields, forwarded):
        """R13: the same on the way back; R29: a backend's close ends its connection alone."""
        response, is_reused = prober.read(f'{OK}{fields}{DATE}{EMPTY}')
        expect_head(response, f'{OK}{forwarded}{DATE}Content-Length: 0\r\nVia: 1.1 weir\r\n\r\n')
        assert is_reused != ('close' in fields)

    def test_r14_everything_else(self, prober):
        """R14: order, case and duplicates are kept; Set-Cookie twice, Server, credentials for proxies, look-alikes."""
        fields = ('Set-Cookie: a=1\r\nServer: own\r\nset-COOKIE: b=2\r\nX-Z: 1\r\nX-A:  2 \r\nX-Z: 1\r\n'
                  'Proxy-Authenticate: Basic\r\nProxy-Authentication-Info: x\r\nX_Forwarded_For: 1\r\n'
                  'X-Forwarded-For: 1\r\n'
                  'Forwarded: x\r\nX-Request-Id: 1\r\nContent_Length: 9\r\nLocation: /x\r\nX-Latin: gr\xfc\xdfe\r\n'
                  'X-Empty:\r\nContent-Encoding: gzip\r\n')
        response, _ = prober.read(f'{OK}{fields}{DATE}{EMPTY}')
        forwarded = fields.replace('X-A:  2 ', 'X-A: 2').replace('X-Empty:', 'X-Empty: ')
        expect_head(response, f'{OK}{forwarded}{DATE}Content-Length: 0\r\nVia: 1.1 weir\r\n\r\n')

    @pytest.mark.parametrize('fields, via', [
        ('Via: 1.0 inner\r\n', '1.0 inner, 1.1 weir'),
        ('Via: 1.1 a, 1.1 b (x)\r\nVia: 1.1 c\r\n', '1.1 a, 1.1 b (x), 1.1 c, 1.1 weir'), ('Via:\r\n', '1.1 weir'),
        ('Via: 1.1 weir\r\n' * 9, ', '.join(['1.1 weir'] * 10)),
    ])
    def test_r15_via(self, prober, fields, via):
        """R15: what others wrote stays in front."""
        response, _ = prober.read(f'{OK}{fields}{DATE}{EMPTY}')
        expect_head(response, f'{OK}{DATE}Content-Length: 0\r\nVia: {via}\r\n\r\n')

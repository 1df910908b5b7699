"""Probes: bytes to weir on a raw socket, and what has to come of them at both ends. One weir and one backend
serve all rows of a table, so that a row takes milliseconds."""
import re

from support.backends import AutoBackend
from support.wait import until
from support.weir import expect_failure
from support.wire import request_bytes, response_bytes

HOST = 'Host: a.example\r\n'
GET = 'GET / HTTP/1.1\r\n' + HOST
POST = 'POST / HTTP/1.1\r\n' + HOST
CHUNKED = 'Transfer-Encoding: chunked\r\n'
SMUGGLED = GET.replace('/', '/smuggled', 1) + '\r\n'

MARKER = '/marker'
MADE_ID = '<made by weir>'


def encoded(data):
    return data if isinstance(data, bytes) else data.encode('latin-1')


def seen(line='GET / HTTP/1.1', fields='', host='a.example', framing='', via='1.1 weir', received_for='127.0.0.1',
         proto='http', forwarded_host=None, port='PORT', forwarded=None, request_id=MADE_ID, authority=None):
    """A request's head as a backend has to get it, to the byte. `fields`: the lines that pass, in their place;
    `framing`: lines that weir writes for the message and the connection. The rest is weir's own; None: derived
    from `authority`, the host that was asked for."""
    authority = host if authority is None else authority
    is_token = not set(authority) & set(':[')
    quoted = authority if is_token else f'"{authority}"'
    host_part = f';host={quoted}' if authority else ''
    if forwarded is None:
        forwarded = f'for=127.0.0.1{host_part};proto={proto}'
    if forwarded_host is None:
        forwarded_host = f'X-Forwarded-Host: {authority}\r\n' if authority else ''
    received_for = f'X-Forwarded-For: {received_for}\r\n' if received_for else ''
    port = f'X-Forwarded-Port: {port}\r\n' if port else ''
    return (f'{line}\r\nHost: {host}\r\n{fields}{framing}Via: {via}\r\n{received_for}X-Forwarded-Proto: {proto}\r\n'
            f'{forwarded_host}{port}Forwarded: {forwarded}\r\nX-Request-Id: {request_id}\r\n\r\n')


class Prober:
    """Sends probes through `weir`, whose only backend is `backend`."""

    def __init__(self, weir, backend):
        self.weir, self.backend = weir, backend

    def refuse(self, data, reason='bad_request', behind=SMUGGLED, listener='public'):
        """The answer is `reason`, the connection ends, and the backend heard nothing: not of the request, nor
        of a second one behind it."""
        before = self.backend.heard_so_far()
        with self.weir.connect(listener) as client:
            client.send(encoded(data))
            try:
                client.send(behind)
            except ConnectionError:
                pass  # It is closed already.
            response = client.read_response()
            expect_failure(response, reason)
            assert response.get('Connection') == 'close'
            client.expect_cut()
        heard = self._heard_with_marker(before)
        assert heard.startswith(f'GET {MARKER} HTTP/1.1\r\n'.encode()) and heard.count(b'HTTP/1.1\r\n') == 1, heard

    def refuse_in_body(self, data, reason='bad_request', behind=SMUGGLED):
        """The same where the fault is in the body, of which the backend may have heard a part: that stays
        unfinished, and its connection is cut."""
        with self.weir.connect() as client:
            mark = self.backend.heard_so_far()
            finished = len(self.backend.requests)
            client.send(encoded(data) + encoded(behind))
            expect_failure(client.read_response(), reason)
            client.expect_cut()
        heard = self._heard_with_marker(mark)
        assert b'smuggled' not in heard, heard
        assert [request.target for request in self.backend.requests[finished:]] == [MARKER], heard
        until(lambda: all(MARKER.encode() in new for _, new in self.backend.open_peers_since(mark)),
              'the unfinished request is cut')

    def pass_on(self, data, listener='public', method='GET'):
        """The request as the backend got it; what came back is 200."""
        with self.weir.connect(listener) as client:
            client.send(encoded(data))
            response = client.read_response(method)
            assert response.status == 200, (response.head, response.body)
        return self.backend.requests[-1]

    def pass_on_exactly(self, data, expected, body=b'', trailers=(), listener='public', method='GET'):
        """The backend's head is `expected`, made by seen()."""
        request = self.pass_on(data, listener, method)
        address = self.weir.listeners[listener][0]
        if not isinstance(address, str):
            expected = expected.replace('PORT', str(address[1]))
        pattern = re.escape(expected.encode('latin-1')).replace(re.escape(MADE_ID.encode()), rb'[0-9a-f]{32}')
        assert re.fullmatch(pattern, request.head.raw), f'{request.head.raw!r}\nis not\n{expected.encode("latin-1")!r}'
        assert (request.body, request.trailers) == (body, list(trailers))

    def answer_itself(self, data, method='GET'):
        """The response, of which the backend heard nothing."""
        before = self.backend.heard_so_far()
        with self.weir.connect() as client:
            client.send(encoded(data))
            response = client.read_response(method)
        heard = self._heard_with_marker(before)
        assert heard.count(b'HTTP/1.1\r\n') == 1, heard
        return response

    def _heard_with_marker(self, before):
        # Had anything been on its way, it would be there before the answer to a later request.
        assert self.weir.get(MARKER).status == 200
        return self.backend.heard_since(before)


class ScriptedBackend(AutoBackend):
    """Plays a script per target: bytes to send, or a callable that gets the peer and deals with it. Everything
    else is answered `ok`."""

    def __init__(self):
        self.scripts, self.peer_of = {}, {}
        super().__init__(self._play)

    def _play(self, request, peer):
        self.peer_of[request.target] = peer
        script = self.scripts.get(request.target)
        if callable(script):
            return script(peer)
        return response_bytes() if script is None else encoded(script)


class AnswerProber:
    """Plays answers of `backend` to a client of `weir`, each on a target of its own."""

    def __init__(self, weir, backend):
        self.weir, self.backend = weir, backend
        self._count = 0

    def play(self, script, request=None):
        """(client, target) after sending `request`, where TARGET stands for its target."""
        self._count += 1
        target = f'/{self._count}'
        self.backend.scripts[target] = script
        request = request or request_bytes(target='TARGET')
        client = self.weir.connect()
        client.send(encoded(request).replace(b'TARGET', target.encode()))
        return client, target

    def read(self, script, request=None, method='GET'):
        """The response, and whether the backend's connection was used for the next request; the client's
        connection has to go on, unless the answer says that it does not."""
        client, target = self.play(script, request)
        with client:
            response = client.read_response(method)
            if 'close' in (response.get('Connection') or ''):
                client.expect_end()
                return response, self._is_reused(target)
            client.send(request_bytes(target=MARKER))
            assert client.read_response().text == 'ok'
            return response, self.backend.peer_of[MARKER] is self.backend.peer_of[target]

    def _is_reused(self, target):
        assert self.weir.get(MARKER).text == 'ok'
        return self.backend.peer_of[MARKER] is self.backend.peer_of[target]

    def refuse(self, answer, request=None, method='GET'):
        """502 bad_response, the backend's connection is closed, the client's goes on."""
        response, is_reused = self.read(answer, request, method)
        expect_failure(response, 'bad_response') if method != 'HEAD' else None
        assert response.status == 502 and not is_reused
        return response

    def cut(self, script, request=None):
        """What the client got of an answer that broke off: never a whole message."""
        client, target = self.play(script, request)
        with client:
            came = client.expect_cut()
        assert not self._is_reused(target)
        return came

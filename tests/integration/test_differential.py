"""Differential test: whatever weir lets through, other people's parsers read as weir did. A corpus of messages around
the borders of what is legal (support/corpus.py) goes through weir in both directions; what comes out is captured raw.

Requests: h11 and gunicorn agree on method, target, fields, their order, and body. weir's own view is its access log
(method, path with query, host, bytes_in), found by the request id; where all parts of a request are legal it is also
what the generator meant, and then weir has to let it through. Of what weir refuses the backend sees nothing.

Responses: h11 and http.client agree on status, fields and body, or on that the answer is cut short.

WEIR_DIFFERENTIAL_CASES and WEIR_DIFFERENTIAL_SEED give more of them, or others."""
import json
import os
import re
import socket
import threading

import h11

from support import corpus
from support.backends import listening_socket, text_of
from support.readers import LARGE, Unreadable, by_gunicorn, by_h11, by_http_client
from support.wait import DEADLINE_SECONDS
from support.weir import configuration

CASES = int(os.environ.get('WEIR_DIFFERENTIAL_CASES', '3000'))
SEED = os.environ.get('WEIR_DIFFERENTIAL_SEED', '1')

# Fields that weir writes anew or adds; all others pass as they are.
OURS = {b'host', b'connection', b'content-length', b'transfer-encoding', b'te', b'via', b'forwarded',
        b'x-forwarded-for',
        b'x-forwarded-proto', b'x-forwarded-host', b'x-forwarded-port', b'x-request-id', b'date'}
OWN_ANSWER = re.compile(rb'HTTP/1\.1 (\d\d\d) [^\r]*\r\n(?:[^\r\n]+\r\n)*?Proxy-Status: ([^\r]*)\r\n(?:[^\r\n]+\r\n)*?'
                        rb'X-Request-Id: (\w+)\r\n')
SEEN = re.compile(rb'\r\nX-Seen: (\w*)\r\n')


class Backend:
    """Keeps every whole request that came by its request id, and what came of others. `reply(method)` gives the bytes
    to answer with and whether to close behind them; without it the answer is an empty 200 that names the id. h11 tells
    where a request ends."""

    def __init__(self, reply=None):
        self.listener = listening_socket()
        self.address = text_of(self.listener)
        self.whole, self.parts = {}, []
        self._reply = reply
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self):
        while True:
            try:
                sock = self.listener.accept()[0]
            except OSError:
                return
            sock.settimeout(DEADLINE_SECONDS)
            self._threads.append(threading.Thread(target=self._serve, args=(sock,), daemon=True))
            self._threads[-1].start()

    def _serve(self, sock):
        data = b''
        with sock:
            try:
                while True:
                    data, method = self._read(sock)
                    request_id = re.search(rb'\r\nX-Request-Id: (\w+)\r\n', data)[1]
                    self.whole[request_id] = data
                    answer = self._reply(method) if self._reply else (
                        b'HTTP/1.1 200 OK\r\nX-Seen: %s\r\nContent-Length: 0\r\n\r\n' % request_id, False)
                    sock.sendall(answer[0])
                    if answer[1]:
                        sock.shutdown(socket.SHUT_WR)
                        sock.recv(1)
                        return
            except Unreadable as error:
                if error.args[0]:
                    self.parts.append(error.args)
            except OSError:
                pass

    @staticmethod
    def _read(sock):
        """One request's bytes, and its method; all that came up to where it cannot go on is in Unreadable."""
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGE)
        data, method = b'', b''
        while True:
            try:
                event = connection.next_event()
            except h11.RemoteProtocolError as error:
                raise Unreadable(data, f'h11: {error}') from error
            if isinstance(event, h11.Request):
                method = bytes(event.method)
            if isinstance(event, h11.EndOfMessage):
                if connection.trailing_data[0]:
                    raise Unreadable(data, 'more than one message')
                return data, method
            if event is h11.NEED_DATA:
                piece = sock.recv(1 << 16)
                if not piece:
                    raise Unreadable(data, 'the end')
                data += piece
                connection.receive_data(piece)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self._threads:
            thread.join(DEADLINE_SECONDS)


def shown(data):
    """Bytes for a message, without the middle of long ones."""
    text = repr(data)
    return text if len(text) < 3000 else f'{text[:2000]} … {text[-1000:]}'


def exchange(weir, data, ends=True):
    """All that weir says to these bytes, up to its end; `ends`: behind them the client's sending side ends."""
    with weir.connect() as client:
        try:
            client.send(data)
            if ends:
                client.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused and closed already
        try:
            client.read_to_end()
        except ConnectionResetError:
            pass
        return bytes(client.received)


def run(run_weir, backend):
    # After a damaged response the backend closes unannounced, so that the next request may need another attempt.
    return run_weir(config=configuration(
        {'web': {'backends': [backend.address], 'retry_budget': '100%'}}, [('*', 'web')],
        log={'access': 'access.log', 'access_format': 'json', 'query': True},
        timeouts={'client_fin': f'{DEADLINE_SECONDS:g}s'.replace('.0', '')}, limits={'head_bytes': '64KiB'}))


def lines_of(weir):
    """The access log by request id, once weir has ended."""
    weir.stop()
    assert not weir.stdout.all()
    lines = {}
    for text in (weir.folder / 'access.log').read_text().splitlines():
        line = json.loads(text)
        lines[line['request_id'].encode()] = line
    return lines


def plain_host(authority):
    """A Host as the access log has it: lower case, without port and trailing dot."""
    return re.sub(rb'(?<=[^:]):\d*$', b'', authority).lower().rstrip(b'.').decode()


def check_request(data, line):
    """One captured request: both parsers and the access log agree. Returns what h11 read, and the trailers."""
    first, trailers = by_h11(data, h11.SERVER)
    second = by_gunicorn(data)
    method, target = first.start
    assert (method.upper(), target) == second.start
    assert first.fields == second.fields
    assert first.body == second.body
    assert line['method'].encode() == method
    assert line['path'].encode() == target or (target.startswith(b'/') and line['path'].encode() == target[1:])
    assert line['bytes_in'] == len(first.body)
    assert line.get('host', '') == plain_host(dict(first.fields)[b'host'])
    return first, trailers


def check_meaning(meaning, data, read, trailers):
    """What reached the backend is what the generator meant."""
    assert read.start == (meaning.method, meaning.target)
    passed = [(name, value) for name, value in read.fields if name not in OURS]
    assert passed == [(name.lower(), value) for name, value in meaning.fields]
    for name, value in meaning.fields:
        assert b'\r\n' + name + b': ' + value + b'\r\n' in data, 'a name or its case'
    assert read.body == meaning.body
    assert trailers == [(name.lower(), value) for name, value in meaning.trailers]
    if meaning.host is not None:
        assert dict(read.fields)[b'host'] == meaning.host


def test_requests(run_weir):
    """What is forwarded is read alike by all; what is refused reaches nobody; what is legal is not refused."""
    backend = Backend()
    weir = run(run_weir, backend)
    cases = corpus.requests(SEED, CASES)
    said = [exchange(weir, case.data) for case in cases]
    lines = lines_of(weir)
    backend.close()

    forwarded = refused = 0
    for case, answers in zip(cases, said):
        seen, own = SEEN.findall(answers), OWN_ANSWER.findall(answers)
        captured = [backend.whole.get(request_id, b'nothing') for request_id in seen]
        what = f'\nsent:     {shown(case.data)}\nanswered: {shown(answers)}\ncaptured: {shown(captured)}'
        try:
            for request_id, data in zip(seen, captured):
                read, trailers = check_request(data, lines[request_id])
            for status, proxy_status, request_id in own:
                assert request_id not in backend.whole, 'a refused request reached the backend as a whole'
                line = lines[request_id]
                assert line['side'] == 'client' and str(line['status']).encode() == status, line
                if line['phase'] == 'head':
                    assert not any(request_id in part for part, _ in backend.parts), 'a piece reached the backend'
            if case.meaning is not None:
                assert len(seen) == 1 and not own, 'it is legal'
                check_meaning(case.meaning, captured[0], read, trailers)
        except (AssertionError, Unreadable) as problem:
            raise AssertionError(f'{problem}{what}') from problem
        forwarded += len(seen)
        refused += len(own)
    # Every request that came was one that an answer belongs to, and what is not whole was cut by weir.
    answered = {request_id for answers in said for request_id in SEEN.findall(answers)}
    assert set(backend.whole) == answered
    for part, why in backend.parts:
        assert why == 'the end', (part, why)
    assert forwarded > CASES // 3 and refused > CASES // 8, (forwarded, refused)


def test_responses(run_weir):
    """What clients get is read alike by both, whole or cut; what is legal is passed on as it was meant."""
    triples = corpus.responses(SEED, CASES)
    current = []
    backend = Backend(lambda method: (current[0].data, current[0].closes))
    weir = run(run_weir, backend)
    passed = replaced = cut = 0
    for index, (method, version, reply) in enumerate(triples):
        current[:] = [reply]
        ends = index % 2 == 0
        closing = b'' if ends else b'Connection: close\r\n'
        request = b'%s / HTTP/%s\r\nHost: a.example\r\n%s\r\n' % (method, version, closing)
        got = exchange(weir, request, ends)
        what = f'\nmethod:  {method!r}\nbackend: {shown(reply.data)}\nclient:  {shown(got)}'
        outcomes = []
        for read in (lambda: by_h11(got, h11.CLIENT, method, ended=True)[0], lambda: by_http_client(got, method)):
            try:
                outcomes.append(read())
            except Unreadable as problem:
                outcomes.append(str(problem))
        first, second = outcomes
        try:
            assert isinstance(first, str) == isinstance(second, str), outcomes
            if isinstance(first, str):
                assert reply.answer is None, outcomes
                cut += 1
                continue
            assert first == second
            if b'\r\nProxy-Status: ' in got:
                assert reply.answer is None, 'it is legal'
                replaced += 1
                continue
            passed += 1
            if reply.answer is None:
                continue
            assert first.start == (reply.answer.status,)
            fields = [(name, value) for name, value in first.fields if name not in OURS]
            assert fields == [(name.lower(), value) for name, value in reply.answer.fields]
            assert first.body == reply.answer.body
        except AssertionError as problem:
            raise AssertionError(f'{problem}{what}') from problem
    weir.stop()
    backend.close()
    assert passed > CASES // 3 and replaced > CASES // 20 and cut > CASES // 200, (passed, replaced, cut)

"""HTTP/1.1 as other people's parsers read it: h11 and gunicorn for requests, h11 and http.client for responses. Each
reads the bytes of one whole message and says what it holds, or raises Unreadable."""
import http.client
import io
from typing import NamedTuple

import h11
from gunicorn.config import Config
from gunicorn.http import errors as gunicorn_errors
from gunicorn.http.message import Request as GunicornRequest
from gunicorn.http.unreader import IterUnreader

LARGE = 1 << 24


class Unreadable(Exception):
    """The parser refuses the bytes, or needs more of them, or leaves some."""


class Read(NamedTuple):
    start: tuple  # method and target, or status
    fields: list  # (name in lower case, value) as bytes, in order
    body: bytes


def by_h11(data, role, method=b'GET', ended=False):
    """`role`: h11.SERVER reads a request, h11.CLIENT the final response to `method`; `ended`: the stream ends behind
    the data. Returns (Read, trailers)."""
    connection = h11.Connection(role, max_incomplete_event_size=LARGE)
    if role is h11.CLIENT:
        connection.send(h11.Request(method=method, target='/', headers=[('Host', 'a')]))
        connection.send(h11.EndOfMessage())
    head, body, trailers = None, b'', []
    try:
        connection.receive_data(data)
        if ended:
            connection.receive_data(b'')
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA or event is h11.PAUSED:
                raise Unreadable(f'h11: {event}')
            if isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                trailers = [(bytes(name).lower(), bytes(value)) for name, value in event.headers.raw_items()]
                break
            elif not isinstance(event, h11.InformationalResponse):
                head = event
    except h11.RemoteProtocolError as error:
        raise Unreadable(f'h11: {error}') from error
    left = connection.trailing_data[0]
    if left:
        raise Unreadable(f'h11 leaves {left[:100]!r}')
    start = (bytes(head.method), bytes(head.target)) if role is h11.SERVER else (head.status_code,)
    fields = [(bytes(name).lower(), bytes(value)) for name, value in head.headers.raw_items()]
    return Read(start, fields, body), trailers


def _gunicorn_config():
    config = Config()
    for key in ('limit_request_line', 'limit_request_field_size', 'limit_request_fields'):
        config.set(key, 0)
    config.set('forwarded_allow_ips', '')
    return config


CONFIG = _gunicorn_config()


def by_gunicorn(data):
    """A request; trailers are not shown. Its methods are in upper case."""
    unreader = IterUnreader([data])
    try:
        request = GunicornRequest(CONFIG, unreader, ('127.0.0.1', 1))
        body = request.body.read()
    except (gunicorn_errors.ParseException, StopIteration) as error:
        raise Unreadable(f'gunicorn: {error!r}') from error
    left = unreader.read()
    if left:
        raise Unreadable(f'gunicorn leaves {left[:100]!r}')
    fields = [(name.lower().encode('latin-1'), value.encode('latin-1')) for name, value in request.headers]
    return Read((request.method.encode('latin-1'), request.uri.encode('latin-1')), fields, body)


class _Socket:
    def __init__(self, data):
        self.file = io.BufferedReader(io.BytesIO(data))

    def makefile(self, mode):
        return self.file


def by_http_client(data, method=b'GET'):
    """A response and the end of the stream; informational ones before it are passed over here, because http.client
    knows no other than 100."""
    while data.startswith(b'HTTP/1.1 1'):
        data = data.partition(b'\r\n\r\n')[2]
    sock = _Socket(data)
    response = http.client.HTTPResponse(sock, method=method.decode())
    try:
        response.begin()
        body = response.read()
    except (http.client.HTTPException, ValueError) as error:
        raise Unreadable(f'http.client: {error!r}') from error
    if response.msg.defects:
        raise Unreadable(f'http.client: {response.msg.defects}')
    left = sock.file.read() if not sock.file.closed else b''
    if left:
        raise Unreadable(f'http.client leaves {left[:100]!r}')
    fields = [(name.lower().encode('latin-1'), value.encode('latin-1')) for name, value in response.msg.raw_items()]
    return Read((response.status,), fields, body)

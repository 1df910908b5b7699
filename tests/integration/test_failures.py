"""Every row of failure.def that the outside can bring about: the test makes it happen and looks at the
answer, the metric and the access log. test_every_row_has_a_test holds the two lists together."""
import signal
import socket
import threading

import pytest

from support.backends import FullBackend, ManualBackend, refused_address
from support.wait import is_readable, until
from support.weir import FAILURES, configuration, expect_failure
from support.wire import request_bytes, response_bytes

# A bug of weir's own, and a port range that is used up, which takes a network namespace of its own.
NOT_FROM_OUTSIDE = {'internal', 'no_local_port'}

HANDSHAKE = {'Connection': 'Upgrade', 'Upgrade': 'websocket'}
SWITCHING = b'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'


def test_every_row_has_a_test():
    """failure.def and this file name the same failures; `__` sets a case of the same row apart."""
    tested = {name.removeprefix('test_').split('__')[0] for name in globals() if name.startswith('test_')}
    assert set(FAILURES) - tested == NOT_FROM_OUTSIDE


def check(weir, reason, response=None, metric=True):
    """The client got the answer that the row demands (if one was possible), the failure was counted once
    and nothing else was, and its line in the access log blames the right side. Returns that line."""
    row = FAILURES[reason]
    line = weir.wait_access(reason=reason)
    assert line['side'] == row.side and line['phase']
    assert float(line['duration']) >= 0
    if row.status:
        assert line['status'] == str(row.status)
    if response is not None:
        expect_failure(response, reason)
        assert line['request_id'] == response.get('X-Request-Id')
    if metric:
        weir.wait_failure(reason)
        weir.wait_metric('weir_requests_in_flight', 0)
        samples = weir.metrics().find('weir_failures_total')
        assert {sample.labels['reason'] for sample in samples if sample.value} == {reason}
    return line


@pytest.fixture
def web(run_weir, manual_backend):
    """web(timeouts, **sections) → weir in front of the manual backend, without retries."""
    def start(timeouts=None, retries=0, **sections):
        pool = {'backends': [manual_backend.address], 'retries': retries}
        return run_weir({'web': pool}, timeouts=timeouts or {}, **sections)
    return start


class Exchange:
    """A request on its way: the client has sent `data`, `peer` is the backend's end."""

    def __init__(self, weir, manual_backend, data, **options):
        self.client = weir.connect(**options)
        self.client.send(data)
        self.peer = manual_backend.accept()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()
        self.peer.close()


# --- the client's doing ---

def test_bad_request(web):
    """A request that cannot be understood."""
    weir = web()
    check(weir, 'bad_request', weir.raw('GET / HTTP/1.1\r\n\r\n'))


def test_request_head_timeout(web):
    """A deadline: what trickles does not stretch it."""
    weir = web({'request_head': '500ms'})
    with weir.connect() as client:
        client.send('GET / HTTP/1.1\r\n')

        def trickle():
            try:
                client.send('X: y\r\n')
            except ConnectionError:
                return True
            return is_readable(client.socket)
        until(trickle, 'the answer')
        response = client.read_response()
        client.expect_cut()
    check(weir, 'request_head_timeout', response)


def test_request_head_timeout__of_a_later_request(run_weir, backend):
    """Later requests have the deadline from their first byte on."""
    weir = run_weir({'web': [backend.address]}, timeouts={'request_head': '300ms'})
    with weir.connect() as client:
        assert client.send(request_bytes()).read_response().status == 200
        client.send('GET /')
        response = client.read_response()
        client.expect_cut()
    check(weir, 'request_head_timeout', response)


def test_request_head_timeout__of_a_silent_client(web):
    """R29, R32: without a single byte the connection is closed in silence, and nothing is blamed."""
    weir = web({'request_head': '300ms'}, listener={'public': {'defer_accept': False}})
    with weir.connect() as client:
        client.expect_end()
    assert weir.metric('weir_failures_total') == 0


def test_client_body_timeout(web, manual_backend):
    """Silence in the middle of an upload; the backend's request is cut unfinished."""
    weir = web({'client_body': '300ms'})
    with Exchange(weir, manual_backend, request_bytes('POST', fields={'Content-Length': '10'}) + b'12345') as exchange:
        response = exchange.client.read_response()
        exchange.client.expect_cut()
        assert exchange.peer.expect_cut().endswith(b'12345')
    line = check(weir, 'client_body_timeout', response)
    assert line['bytes_in'] == '5'


def test_body_too_large(web, manual_backend):
    """[limits] body_bytes, told by Content-Length: nothing reaches a backend."""
    weir = web(limits={'body_bytes': 1000})
    with weir.connect() as client:
        # Before any of it has come, and never to be read: the connection cannot go on.
        client.send(request_bytes('POST', fields={'Content-Length': '1000000000'}))
        response = client.read_response()
        assert response.get('Connection') == 'close'
        client.expect_cut()
    check(weir, 'body_too_large', response)
    assert not manual_backend.has_waiting()


def test_body_too_large__seen_on_the_way(web, manual_backend):
    """A chunked body over the limit: its backend connection is cut unfinished."""
    weir = web(limits={'body_bytes': '64KiB'})
    head = request_bytes('POST', fields={'Transfer-Encoding': 'chunked'})
    with Exchange(weir, manual_backend, head + b'8000\r\n' + b'x' * 0x8000 + b'\r\n') as exchange:
        exchange.client.send(b'8001\r\n' + b'x' * 0x8001 + b'\r\n0\r\n\r\n')
        response = exchange.client.read_response()
        assert not exchange.peer.expect_cut().endswith(b'0\r\n\r\n')
    check(weir, 'body_too_large', response)


def test_body_too_large__just_within(run_weir, backend):
    """The limit itself is allowed."""
    weir = run_weir({'web': [backend.address]}, limits={'body_bytes': 1000})
    assert weir.get(method='POST', body=b'x' * 1000).status == 200


def test_uri_too_long(web):
    """A request line over request_line_bytes."""
    weir = web(limits={'request_line_bytes': 1000})
    check(weir, 'uri_too_long', weir.raw(request_bytes(target='/' + 'x' * 1000)))


def test_expectation_failed(web):
    """R18: an expectation other than 100-continue."""
    weir = web()
    check(weir, 'expectation_failed', weir.get(fields={'Expect': 'a-miracle'}))


def test_head_too_large(web):
    """A head over head_bytes."""
    weir = web(limits={'head_bytes': '8KiB', 'request_line_bytes': '1KiB'})
    check(weir, 'head_too_large', weir.raw(request_bytes(fields={'X': 'x' * 9000})))


def test_not_implemented(web):
    """R07: CONNECT."""
    weir = web()
    check(weir, 'not_implemented', weir.raw('CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n'))


def test_version_not_supported(web):
    """R06."""
    weir = web()
    check(weir, 'version_not_supported', weir.raw('GET / HTTP/2.0\r\nHost: a.example\r\n\r\n'))


def test_client_gone(web, manual_backend):
    """A client that resets takes its backend request with it; 499 in the log, no answer counted."""
    weir = web()
    with Exchange(weir, manual_backend, request_bytes()) as exchange:
        exchange.peer.read_request()
        exchange.client.reset()
        exchange.peer.expect_cut()
    assert check(weir, 'client_gone')['status'] == '499'


def test_client_gone__in_the_middle_of_its_upload(web, manual_backend):
    """R08: half an upload never looks like a whole one."""
    weir = web()
    head = request_bytes('POST', fields={'Transfer-Encoding': 'chunked'})
    with Exchange(weir, manual_backend, head + b'4\r\nhalf\r\n') as exchange:
        exchange.peer.read_until(b'half')
        exchange.client.close()
        assert b'0\r\n\r\n' not in exchange.peer.expect_cut()
    check(weir, 'client_gone')


def test_client_gone__in_the_middle_of_the_answer(web, manual_backend):
    """The rest of an answer that nobody reads is not fetched."""
    weir = web()
    with Exchange(weir, manual_backend, request_bytes()) as exchange:
        exchange.peer.read_request()
        exchange.peer.send(b'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\npart')
        exchange.client.read_until(b'part')
        exchange.client.reset()
        exchange.peer.expect_cut()
    assert check(weir, 'client_gone')['status'] in ('200', '499')


def test_client_write_timeout(web, manual_backend):
    """A client that stops reading does not hold a backend for ever."""
    weir = web({'client_write': '300ms'})
    with Exchange(weir, manual_backend, request_bytes(), receive_buffer_bytes=4096) as exchange:
        exchange.peer.read_request()
        exchange.peer.send(b'HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n')
        exchange.peer.send_until_stuck(b'x' * 65536)
        exchange.peer.expect_cut()
    check(weir, 'client_write_timeout')


# --- weir's own ---

def test_no_route(run_weir, backend):
    """No route for the host."""
    weir = run_weir({'web': [backend.address]}, [('other.example', 'web')])
    check(weir, 'no_route', weir.get())


def test_route_quarantined(run_weir, backend):
    weir = run_weir({'web': [backend.address]}, [('a.example', 'wbe'), ('*', 'web')])
    check(weir, 'route_quarantined', weir.get(host='a.example'))
    assert weir.get(host='b.example').status == 200


def test_table_empty(run_weir):
    """No route at all."""
    weir = run_weir({}, [])
    check(weir, 'table_empty', weir.get())


def test_pool_empty(run_weir):
    """A pool without backends."""
    weir = run_weir({'web': []})
    check(weir, 'pool_empty', weir.get())


def test_no_usable_backend(run_weir, manual_backend):
    """The only backend fails its health check."""
    weir = run_weir({'web': {'backends': [manual_backend.address], 'health': {'path': '/up', 'interval': '1h'}}})
    peer = manual_backend.accept()
    peer.read_request()
    peer.send(response_bytes(b'down', '500 Internal Server Error'))
    response = weir.get()
    check(weir, 'no_usable_backend', response)
    assert response.get('Retry-After') == '1'


@pytest.mark.plain  # UBSan needs descriptors itself.
def test_overloaded(web, manual_backend):
    """No descriptor is left for the connection to the backend; time can cure it, and does."""
    weir = web()
    at_rest = len(weir.open_descriptors())
    with weir.connect() as client:
        client.send('GET / HTTP/1.1\r\n')
        until(lambda: len(weir.open_descriptors()) == at_rest + 1, 'weir has the client')
        with weir.no_more_descriptors():
            client.send('Host: a.example\r\n\r\n')
            response = client.read_response()
        assert response.has('Retry-After')
        check(weir, 'overloaded', response)
        client.send(request_bytes())
        peer = manual_backend.accept()
        peer.read_request()
        peer.send(response_bytes())
        assert client.read_response().status == 200


def test_loop_detected(run_weir, backend):
    """R16: two weirs that point at each other do not send a request round for ever."""
    first = run_weir({'web': [backend.address]})
    second = run_weir({'web': [f'127.0.0.1:{first.port}']})
    first.reload(configuration({'web': [f'127.0.0.1:{second.port}']}))
    response = first.get()
    assert response.status == 508

    def reporter():
        return next((weir for weir in (first, second) if weir.metric('weir_failures_total', reason='loop_detected')), None)
    assert until(reporter, 'one of the two counts it').wait_access(reason='loop_detected')['status'] == '508'


def test_loop_detected__by_via(web):
    """Our own name in Via more than a few times, whoever wrote it."""
    weir = web()
    check(weir, 'loop_detected', weir.get(fields={'Via': ', '.join(['1.1 weir'] * 10)}))


def test_tunnel_idle_timeout(web, manual_backend):
    """A tunnel that is silent both ways ends, on both sides."""
    weir = web({'tunnel_idle': '300ms'})
    with Exchange(weir, manual_backend, request_bytes(fields=HANDSHAKE)) as exchange:
        exchange.peer.read_request()
        exchange.peer.send(SWITCHING)
        assert exchange.client.read_response().status == 101
        exchange.client.expect_cut()
        exchange.peer.expect_cut()
    assert check(weir, 'tunnel_idle_timeout')['status'] == '101'


def test_drain_deadline(web, manual_backend):
    """What is left at the end of drain_timeout is cut, counted and logged; the exit is clean."""
    weir = web(server={'drain_timeout': '200ms'})
    with Exchange(weir, manual_backend, request_bytes()) as exchange:
        exchange.peer.read_request()
        weir.signal(signal.SIGTERM)
        exchange.client.expect_cut()
        exchange.peer.expect_cut()
    weir.wait_exit(0)
    check(weir, 'drain_deadline', metric=False)


# --- the backend's doing ---

def test_connect_refused(run_weir):
    """Nobody listens."""
    address, holder = refused_address()
    with holder:
        weir = run_weir({'web': [address]})
        line = check(weir, 'connect_refused', weir.get())
    assert line['backend'] == address and line['pool'] == 'web' and int(line['tries']) >= 1


def test_connect_unreachable(run_weir, tmp_path):
    """A Unix socket that is not there."""
    weir = run_weir({'web': [f'unix:{tmp_path}/nowhere.sock']})
    check(weir, 'connect_unreachable', weir.get())


def test_connect_unreachable__is_no_socket(run_weir, tmp_path):
    """A path that is a plain file: refused, whichever of the two words the kernel has for it."""
    (tmp_path / 'file').write_text('')
    weir = run_weir({'web': [f'unix:{tmp_path}/file']})
    assert weir.get().status == 502
    assert weir.wait_access(status='502')['reason'] in ('connect_refused', 'connect_unreachable')


def test_connect_timeout__of_a_full_unix_socket(run_weir, tmp_path):
    """A Unix socket whose queue is full says so at once: a failure of the backend, none of weir's."""
    with socket.socket(socket.AF_UNIX) as full, socket.socket(socket.AF_UNIX) as filler:
        full.bind(str(tmp_path / 'full.sock'))
        full.listen(0)
        filler.connect(full.getsockname())
        weir = run_weir({'web': {'backends': [f'unix:{full.getsockname()}'], 'retries': 0}}, timeouts={'connect': '300ms'})
        assert weir.get().status in (502, 504)
        assert weir.wait_access(tries='1')['side'] == 'backend'


def test_connect_timeout(run_weir):
    """A listening socket whose queue is full: SYNs are dropped, nothing ever answers."""
    full = FullBackend()
    try:
        weir = run_weir({'web': {'backends': [full.address], 'retries': 0}}, timeouts={'connect': '200ms'})
        check(weir, 'connect_timeout', weir.get())
    finally:
        full.close()


def test_connect_timeout__is_per_attempt(run_weir):
    """Each attempt has its own; all of them together stay inside retry_window."""
    full = FullBackend()
    try:
        weir = run_weir({'web': {'backends': [full.address], 'retries': 2}}, timeouts={'connect': '100ms'})
        line = check(weir, 'connect_timeout', weir.get())
        assert line['tries'] == '3'
    finally:
        full.close()


@pytest.mark.parametrize('how', ['close', 'reset'])
def test_closed_before_response(web, manual_backend, how):
    """The backend read the request and closed without a byte: a POST is not sent again."""
    weir = web(retries=2)
    with Exchange(weir, manual_backend, request_bytes('POST', body=b'x')) as exchange:
        exchange.peer.read_request()
        getattr(exchange.peer, how)()
        response = exchange.client.read_response()
    assert check(weir, 'closed_before_response', response)['tries'] == '1'
    assert not manual_backend.has_waiting()


def test_closed_before_response__in_the_middle_of_the_head(web, manual_backend):
    """Half a head is no answer."""
    weir = web(retries=2)
    with Exchange(weir, manual_backend, request_bytes()) as exchange:
        exchange.peer.read_request()
        exchange.peer.send(b'HTTP/1.1 200 OK\r\nX: y')
        exchange.peer.close()
        response = exchange.client.read_response()
    assert response.status == 502
    line = weir.wait_access(status='502')
    assert line['reason'] in ('closed_before_response', 'bad_response') and line['tries'] == '1'


def test_bad_response(web, manual_backend):
    """A babbling backend: 502, and it is not asked again."""
    weir = web(retries=2)
    with Exchange(weir, manual_backend, request_bytes()) as exchange:
        exchange.peer.read_request()
        exchange.peer.send(b'\x00\x01 what is HTTP\r\n\r\n')
        response = exchange.client.read_response()
        exchange.peer.expect_cut()
    assert check(weir, 'bad_response', response)['tries'] == '1'


def test_backend_write_timeout(run_weir):
    """A backend that stops reading the upload."""
    backend = ManualBackend(receive_buffer_bytes=4096)
    try:
        weir = run_weir({'web': {'backends': [backend.address], 'retries': 0}}, timeouts={'backend_write': '300ms'})
        with Exchange(weir, backend, request_bytes('POST', fields={'Content-Length': '1000000000'})) as exchange:
            exchange.client.send_until_stuck(b'x' * 65536)
            response = exchange.client.read_response()
        check(weir, 'backend_write_timeout', response)
    finally:
        backend.close()


def test_response_head_timeout(web, manual_backend):
    """A backend that thinks for too long: 504, never asked again."""
    weir = web({'response_head': '300ms'}, retries=2)
    with Exchange(weir, manual_backend, request_bytes()) as exchange:
        exchange.peer.read_request()
        response = exchange.client.read_response()
        exchange.peer.expect_cut()
    assert check(weir, 'response_head_timeout', response)['tries'] == '1'
    assert not manual_backend.has_waiting()


def test_response_head_timeout__is_not_restarted_by_informational_responses(web, manual_backend):
    """1xx do not restart it."""
    weir = web({'response_head': '400ms'})
    with Exchange(weir, manual_backend, request_bytes()) as exchange:
        exchange.peer.read_request()
        for _ in range(5):
            exchange.peer.send(b'HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n')
            exchange.client.read_head()
        response = exchange.client.read_response()
    check(weir, 'response_head_timeout', response)


def test_request_timeout(web, manual_backend):
    """The whole request took longer than `request` allows."""
    weir = web({'request': '300ms'})
    with Exchange(weir, manual_backend, request_bytes()) as exchange:
        exchange.peer.read_request()
        response = exchange.client.read_response()
        exchange.peer.expect_cut()
    check(weir, 'request_timeout', response)


def test_request_timeout__in_the_middle_of_the_answer(web, manual_backend):
    """It also ends an answer that goes on and on, visibly."""
    weir = web({'request': '400ms'})
    with Exchange(weir, manual_backend, request_bytes()) as exchange:
        exchange.peer.read_request()
        exchange.peer.send(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n')
        exchange.client.read_until(b'part')
        assert b'0\r\n\r\n' not in exchange.client.expect_cut()
        exchange.peer.expect_cut()
    line = weir.wait_access(reason='request_timeout')
    assert line['status'] == '200'


def test_response_cut(web, manual_backend):
    """The answer ended too early: the client's connection is cut so that it can tell."""
    weir = web(retries=2)
    with Exchange(weir, manual_backend, request_bytes()) as exchange:
        exchange.peer.read_request()
        exchange.peer.send(b'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345')
        exchange.client.read_until(b'12345')
        exchange.peer.close()
        assert exchange.client.expect_cut() == b''
    line = check(weir, 'response_cut')
    assert line['status'] == '200' and line['bytes_out'] == '5'


def test_backend_body_timeout(web, manual_backend):
    """The backend went silent in the middle of its answer."""
    weir = web({'backend_body': '300ms'})
    with Exchange(weir, manual_backend, request_bytes()) as exchange:
        exchange.peer.read_request()
        exchange.peer.send(b'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345')
        exchange.client.read_until(b'12345')
        exchange.client.expect_cut()
        exchange.peer.expect_cut()
    assert check(weir, 'backend_body_timeout')['status'] == '200'


# --- what is no failure ---

def test_errors_of_the_application_are_not_ours(run_weir, make_backend):
    """A 500 of the backend passes as it is: no reason, no Proxy-Status, no retry."""
    backend = make_backend(lambda request, peer: response_bytes(b'own trouble', '500 Internal Server Error'))
    weir = run_weir({'web': [backend.address]})
    response = weir.get()
    assert response.status == 500 and response.text == 'own trouble' and not response.has('Proxy-Status')
    assert weir.wait_access(status='500').get('reason', '') in ('', '-')
    assert weir.metric('weir_failures_total') == 0
    assert len(backend.requests) == 1


def test_silence_timer_stops_while_weir_holds_the_backend_back(web, manual_backend):
    """backend_body does not run while the client, not the backend, is slow."""
    weir = web({'backend_body': '300ms', 'client_write': '20s'})
    body = b'x' * (16 << 20)
    with Exchange(weir, manual_backend, request_bytes(), receive_buffer_bytes=4096) as exchange:
        exchange.peer.read_request()
        exchange.peer.send(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % len(body))
        sent = exchange.peer.send_until_stuck(body[:65536], len(body) - (1 << 17))
        # Stuck is longer than backend_body: only now does the client read.
        rest = threading.Thread(target=exchange.peer.send, args=(body[sent:],))
        rest.start()
        assert len(exchange.client.read_response().body) == len(body)
        rest.join()
    weir.wait_metric('weir_requests_in_flight', 0)
    assert weir.metric('weir_failures_total') == 0


def test_access_line_of_a_good_request(run_weir, backend):
    """All fields of the contract, clean logfmt, nothing forged by the client."""
    weir = run_weir({'web': [backend.address]})
    weir.get('/path?secret=1', 'a.example', fields={'User-Agent': 'evil" status=999\ttab', 'Referer': 'http://b.example/\xe9'})
    line = weir.wait_access(msg='request')
    assert line['path'] == '/path' and line['status'] == '200' and line['method'] == 'GET'
    assert line['host'] == 'a.example' and line['client'] == '127.0.0.1' and line['listener'] == 'public'
    assert line['pool'] == 'web' and line['route'] == 'web' and line['backend'] == backend.address
    assert line['scheme'] == 'http' and line['tries'] == '1' and line['bytes_out'] == '2'
    assert line['user_agent'] == 'evil" status=999\ttab'
    assert line['request_id'] == backend.requests[0].head.get('X-Request-Id')
    assert 0 <= float(line['response_head']) <= float(line['duration'])

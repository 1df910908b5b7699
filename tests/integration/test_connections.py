"""Connections on both sides: kept, closed, shared one request after the other (R20 to R29)."""
import os

import pytest

from support.wait import is_readable, until
from support.wire import chunked, request_bytes, response_bytes


@pytest.fixture
def weir(run_weir, backend):
    return run_weir({'web': [backend.address]})


def test_one_backend_connection_for_many_requests(weir, backend):
    """Sequential requests of many clients use one kept-open backend connection."""
    for _ in range(20):
        assert weir.get().status == 200
    assert backend.connection_count == 1


def test_without_keepalive_each_request_has_its_own(run_weir, make_backend):
    """keepalive = false: a connection per request."""
    backend = make_backend()
    weir = run_weir({'web': {'backends': [backend.address], 'keepalive': False}})
    for _ in range(5):
        assert weir.get().status == 200
    assert backend.connection_count == 5


def test_max_idle(run_weir, manual_backend):
    """max_idle bounds what is kept per backend and worker; the rest is closed."""
    weir = run_weir({'web': {'backends': [manual_backend.address], 'max_idle': 1}})
    clients, peers = [], []
    for _ in range(3):
        clients.append(weir.connect().send(request_bytes()))
        peers.append(manual_backend.accept())
        peers[-1].read_request()
    for client, peer in zip(clients, peers):
        peer.send(response_bytes())
        assert client.read_response().status == 200
    closed = set()

    def ended():
        closed.update(number for number, peer in enumerate(peers) if is_readable(peer.socket))
        return len(closed) == 2
    until(ended, 'two of three backend connections close')
    peers[min(closed)].expect_end()


def test_backend_idle(run_weir, manual_backend):
    """backend_idle: an unused kept-open connection is closed after it."""
    weir = run_weir({'web': {'backends': [manual_backend.address], 'timeouts': {'backend_idle': '200ms'}}})
    with weir.connect() as client:
        client.send(request_bytes())
        peer = manual_backend.accept()
        peer.read_request()
        peer.send(response_bytes())
        client.read_response()
        peer.expect_end()


def test_client_idle(run_weir, backend):
    """R29: client_idle closes a connection between requests in silence: no 408."""
    weir = run_weir({'web': [backend.address]}, timeouts={'client_idle': '200ms'})
    with weir.connect() as client:
        client.send(request_bytes()).read_response()
        client.expect_end()
    assert weir.metric('weir_failures_total') == 0


def test_connection_close_of_the_client(weir):
    """R29: honoured after the answer, which says so."""
    with weir.connect() as client:
        client.send(request_bytes(fields={'Connection': 'close'}))
        assert client.read_response().get('Connection') == 'close'
        client.expect_end()


@pytest.mark.parametrize('value', ['Close', 'x, close', 'close\t', 'CLOSE , x'])
def test_connection_close_in_any_spelling(weir, value):
    """R29: tokens are compared without case, white space trimmed, HTAB too."""
    with weir.connect() as client:
        client.send(f'GET / HTTP/1.1\r\nHost: a.example\r\nConnection: {value}\r\n\r\n')
        client.read_response()
        client.expect_end()


def test_connection_close_of_the_backend_ends_its_connection_only(run_weir, make_backend):
    """R29: the client's connection goes on, the next request takes a new backend connection."""
    backend = make_backend(lambda request, peer: response_bytes(fields={'Connection': 'close'}))
    weir = run_weir({'web': [backend.address]})
    with weir.connect() as client:
        for _ in range(5):
            response = client.send(request_bytes()).read_response()
            assert response.status == 200 and 'close' not in (response.get('Connection') or '')
    assert backend.connection_count == 5


def test_http10_closes_unless_asked(weir):
    """R27: HTTP/1.0 gets a length or the end of the connection, keep-alive only when asked."""
    with weir.connect() as client:
        client.send(request_bytes(version='1.0'))
        assert client.read_response().text == 'ok'
        client.expect_end()
    with weir.connect() as client:
        for _ in range(3):
            client.send(request_bytes(fields={'Connection': 'keep-alive'}, version='1.0'))
            response = client.read_response()
            assert response.text == 'ok' and response.get('Connection').lower() == 'keep-alive'


def test_pipelined_requests_are_answered_in_order(run_weir, make_backend):
    """R28: one exchange at a time, in order, whatever the client sends at once."""
    backend = make_backend(lambda request, peer: response_bytes(request.target.encode()))
    weir = run_weir({'web': [backend.address]})
    with weir.connect() as client:
        client.send(b''.join(request_bytes(target=f'/{number}') for number in range(50)))
        assert [client.read_response().text for _ in range(50)] == [f'/{number}' for number in range(50)]
    assert backend.targets() == [f'/{number}' for number in range(50)]


def test_pipelined_requests_go_one_at_a_time(run_weir, manual_backend):
    """R28: the second request reaches a backend only after the first answer."""
    weir = run_weir({'web': [manual_backend.address]})
    with weir.connect() as client:
        client.send(request_bytes(target='/1') + request_bytes(target='/2'))
        peer = manual_backend.accept()
        assert peer.read_request().target == '/1'
        peer.expect_silence()
        assert not manual_backend.has_waiting()
        peer.send(response_bytes(b'1'))
        assert peer.read_request().target == '/2'
        peer.send(response_bytes(b'2'))
        assert [client.read_response().text, client.read_response().text] == ['1', '2']


def test_pipelined_bodies(run_weir, make_backend):
    """R28: bodies of both framings, followed at once by the next request."""
    backend = make_backend(lambda request, peer: response_bytes(request.body))
    weir = run_weir({'web': [backend.address]})
    with weir.connect() as client:
        for _ in range(10):
            client.send(request_bytes('POST', body=b'length') +
                        request_bytes('POST', fields={'Transfer-Encoding': 'chunked'}) + chunked(b'chu', b'nked') +
                        request_bytes('GET'))
        expected = [b'length', b'chunked', b''] * 10
        assert [client.read_response().body for _ in expected] == expected


def test_large_pipeline_is_bounded(run_weir, manual_backend):
    """More than 16 KiB of further requests stay with the client until the first is answered."""
    weir = run_weir({'web': [manual_backend.address]})
    with weir.connect() as client:
        client.send(request_bytes(target='/first'))
        peer = manual_backend.accept()
        peer.read_request()
        sent = client.send_until_stuck(b'x' * 65536, 1 << 26)
        # What the two kernels' buffers hold, and what weir keeps.
        assert sent < 1 << 25
        before = weir.pss_kib()
        assert before < 200 * 1024
        peer.send(response_bytes(b'first'))
        assert client.read_response().text == 'first'


def test_one_empty_line_before_a_request(weir):
    """R05: one is skipped."""
    with weir.connect() as client:
        client.send(b'\r\n' + request_bytes()).read_response()
        client.send(b'\r\n' + request_bytes()).read_response()


def test_early_response_ends_the_upload(run_weir, manual_backend):
    """R25: an answer before the end of the upload is relayed at once; the rest is not carried."""
    weir = run_weir({'web': [manual_backend.address]})
    with weir.connect() as client:
        client.send(request_bytes('POST', fields={'Content-Length': '100000000'}) + b'x' * 1000)
        peer = manual_backend.accept()
        peer.read_head()
        peer.send(response_bytes(b'no', '413 Content Too Large'))
        response = client.read_response()
        assert response.status == 413 and response.text == 'no'
        client.expect_cut()
        peer.expect_cut()


def test_upload_behind_an_early_response_is_not_taken_for_ever(run_weir, manual_backend):
    """DESIGN §3: at most 256 KiB (or 1 s) of the rest is discarded, then the connection is closed: a client
    that goes on sending does not occupy a worker."""
    weir = run_weir({'web': [manual_backend.address]})
    with weir.connect() as client:
        client.send(request_bytes('POST', fields={'Content-Length': '1000000000000'}))
        peer = manual_backend.accept()
        peer.read_head()
        peer.send(response_bytes(b'no', '413 Content Too Large'))
        assert client.read_response().status == 413
        # Both kernels' buffers may hold some MiB more.
        assert client.send_until_stuck(b'x' * 65536, 1 << 26) < 1 << 25


def test_client_that_shuts_its_sending_side_is_served(run_weir, manual_backend):
    """client_fin: a half-closed client gets its answer."""
    weir = run_weir({'web': [manual_backend.address]}, timeouts={'client_fin': '20s'})
    with weir.connect() as client:
        client.send(request_bytes()).end_writing()
        peer = manual_backend.accept()
        peer.read_request()
        peer.send(response_bytes(b'late'))
        assert client.read_response().text == 'late'
        client.expect_end()


def test_gone_client_takes_its_backend_request_along(run_weir, manual_backend):
    """R31: after client_fin the backend's connection is closed too."""
    weir = run_weir({'web': [manual_backend.address]}, timeouts={'client_fin': '100ms'})
    with weir.connect() as client:
        client.send(request_bytes()).end_writing()
        peer = manual_backend.accept()
        peer.read_request()
        peer.expect_cut()
        weir.wait_failure('client_gone')


def test_idle_backend_connection_that_ends_is_not_used(run_weir, manual_backend):
    """An idle connection goes on being watched: its end removes it before a request needs it."""
    weir = run_weir({'web': [manual_backend.address]})
    with weir.connect() as client:
        for number in range(5):
            client.send(request_bytes('POST', body=b'x'))
            peer = manual_backend.accept()
            peer.read_request()
            peer.send(response_bytes(str(number).encode()))
            assert client.read_response().text == str(number)
            peer.end_writing()
            peer.expect_end()


@pytest.mark.parametrize('workers', [1, 2])
def test_both_workers_serve(run_weir, make_backend, workers):
    """With two workers many clients at once are served by either; every one gets its own answer."""
    backend = make_backend(lambda request, peer: response_bytes(request.target.encode()))
    weir = run_weir({'web': [backend.address]}, server={'workers': workers})
    clients = [weir.connect() for _ in range(40)]
    for turn in range(3):
        for number, client in enumerate(clients):
            client.send(request_bytes(target=f'/{turn}/{number}'))
        assert [client.read_response().text for client in clients] == [f'/{turn}/{number}' for number in range(40)]
    assert len(os.listdir(f'/proc/{weir.pid}/task')) >= workers
    for client in clients:
        client.close()


def test_silent_connections_are_accepted_after_a_second(run_weir, backend):
    """defer_accept waits for data, but not for ever: a silent client is known to weir soon."""
    weir = run_weir({'web': [backend.address]})
    with weir.connect() as client:
        weir.wait_metric('weir_connections_open', 1)
        assert client.send(request_bytes()).read_response().status == 200

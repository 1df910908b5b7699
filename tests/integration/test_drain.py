"""Signals and the two phases of drain (CONTRACT §1): notice, then finish what is under way."""
import re
import signal
import socket

import pytest

from support.load import Load
from support.wait import until, window
from support.weir import configuration
from support.wire import request_bytes, response_bytes

ENDING = [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT]


def in_flight(weir, manual_backend, count=1):
    """`count` requests that the backend has and has not answered: [(client, peer)]."""
    pairs = []
    for _ in range(count):
        client = weir.connect().send(request_bytes())
        peer = manual_backend.accept()
        peer.read_request()
        pairs.append((client, peer))
    return pairs


@pytest.mark.parametrize('number', ENDING)
def test_idle_process_ends_at_once(run_weir, backend, number):
    """TERM, INT and QUIT end it with 0, kept-open connections notwithstanding."""
    weir = run_weir({'web': [backend.address]}, server={'drain_timeout': '60s'})
    with weir.connect() as client:
        client.send(request_bytes()).read_response()
        weir.signal(number)
        client.expect_end()
    weir.wait_exit(0)


@pytest.mark.parametrize('number', ENDING)
def test_requests_in_flight_complete(run_weir, manual_backend, number):
    """All slow requests get their whole answer, then the process ends with 0."""
    weir = run_weir({'web': [manual_backend.address]}, server={'drain_timeout': '60s'})
    pairs = in_flight(weir, manual_backend, 5)
    weir.signal(number)
    weir.wait_draining()
    for client, peer in pairs:
        peer.send(response_bytes(b'complete'))
        response = client.read_response()
        assert response.text == 'complete'
        client.expect_end()
        client.close()
    weir.wait_exit(0)


@pytest.mark.tsan
def test_upload_and_download_in_flight_complete(run_weir, manual_backend):
    """Bodies under way in both directions are carried to their end."""
    weir = run_weir({'web': [manual_backend.address]}, server={'drain_timeout': '60s', 'workers': 2})
    with weir.connect() as uploader, weir.connect() as downloader:
        uploader.send(request_bytes('POST', fields={'Content-Length': '10'}) + b'12345')
        sink = manual_backend.accept()
        sink.read_head()
        downloader.send(request_bytes())
        source = manual_backend.accept()
        source.read_request()
        source.send(b'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345')
        downloader.read_until(b'12345')
        weir.signal(signal.SIGTERM)
        weir.wait_draining()
        uploader.send(b'67890')
        assert sink.read_exactly(10) == b'1234567890'
        sink.send(response_bytes(b'stored'))
        assert uploader.read_response().text == 'stored'
        uploader.expect_end()
        source.send(b'67890')
        assert downloader.read_exactly(5) == b'67890'
        # It was promised keep-alive before the drain began; now it ends all the same.
        downloader.expect_end()
    weir.wait_exit(0)


def test_listeners_close_after_the_notice(run_weir, manual_backend):
    """Without drain_notice new clients are refused while requests in flight still run."""
    weir = run_weir({'web': [manual_backend.address]}, server={'drain_timeout': '60s'})
    [(client, peer)] = in_flight(weir, manual_backend)
    weir.signal(signal.SIGTERM)

    def is_refused():
        with socket.socket() as late:
            return late.connect_ex(weir.address) != 0
    until(is_refused, 'the listener is closed')
    assert weir.admin_get('/readyz').status == 503
    peer.send(response_bytes(b'complete'))
    assert client.read_response().text == 'complete'
    client.close()
    weir.wait_exit(0)


class TestNotice:
    def test_serves_on_with_connection_close(self, run_weir, backend):
        """During drain_notice /readyz is 503 at once and everything is still accepted and served, each
        answer carrying Connection: close; kept-open connections too."""
        weir = run_weir({'web': [backend.address]}, server={'drain_notice': '1s', 'drain_timeout': '60s'})
        with weir.connect() as old:
            old.send(request_bytes()).read_response()
            weir.signal(signal.SIGTERM)
            weir.wait_draining()
            assert weir.admin_get('/readyz').status == 503

            def is_closing():
                response = old.send(request_bytes()).read_response()
                assert response.status == 200
                return response.get('Connection') == 'close'
            # The workers hear of it right after Control; from then on every answer says so.
            until(is_closing, 'an answer that ends its connection')
            old.expect_end()
            with weir.connect() as new:
                response = new.send(request_bytes()).read_response()
                assert response.status == 200 and response.get('Connection') == 'close'
                new.expect_end()
        weir.wait_exit(0)

    def test_failure_pages_carry_it_too(self, run_weir):
        """Answers of weir's own are no exception."""
        weir = run_weir({}, [], server={'drain_notice': '60s'})
        weir.signal(signal.SIGTERM)
        until(lambda: weir.get().get('Connection') == 'close', 'an answer that ends its connection')
        weir.signal(signal.SIGTERM)
        weir.wait_exit(1)


class TestSecondSignal:
    @pytest.mark.parametrize('second', ENDING)
    def test_ends_at_once_with_1(self, run_weir, manual_backend, second):
        """Whoever cannot wait sends another one."""
        weir = run_weir({'web': [manual_backend.address]}, server={'drain_timeout': '60s'})
        [(client, _)] = in_flight(weir, manual_backend)
        weir.signal(signal.SIGTERM)
        weir.wait_draining()
        weir.signal(second)
        weir.wait_exit(1)
        client.expect_cut()


def test_drain_timeout_cuts_what_is_left(run_weir, manual_backend):
    """At its end the rest is cut visibly and the exit is still clean."""
    weir = run_weir({'web': [manual_backend.address]}, server={'drain_timeout': '300ms'})
    pairs = in_flight(weir, manual_backend, 3)
    pairs[0][1].send(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n')
    pairs[0][0].read_until(b'part')
    weir.signal(signal.SIGTERM)
    for client, peer in pairs:
        assert b'0\r\n\r\n' not in client.expect_cut()
        peer.expect_cut()
        client.close()
    weir.wait_exit(0)
    lines = [line for line in weir.stdout.all() if 'reason=drain_deadline' in line]
    assert len(lines) == 3


def test_tunnels_have_drain_timeout(run_weir, manual_backend):
    """A tunnel works on through the drain and is cut at its deadline."""
    weir = run_weir({'web': [manual_backend.address]}, server={'drain_timeout': '500ms'})
    with weir.connect() as client:
        client.send(request_bytes(fields={'Connection': 'Upgrade', 'Upgrade': 'websocket'}))
        peer = manual_backend.accept()
        peer.read_request()
        peer.send('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
        client.read_response()
        weir.signal(signal.SIGTERM)
        weir.wait_draining()
        client.send(b'ping')
        assert peer.read_exactly(4) == b'ping'
        client.expect_cut()
    weir.wait_exit(0)


def test_hup_while_draining(run_weir, manual_backend):
    """HUP ends nothing."""
    weir = run_weir({'web': [manual_backend.address]}, server={'drain_timeout': '60s'})
    [(client, peer)] = in_flight(weir, manual_backend)
    weir.signal(signal.SIGTERM)
    weir.wait_draining()
    weir.signal(signal.SIGHUP)
    peer.send(response_bytes(b'complete'))
    assert client.read_response().text == 'complete'
    client.close()
    weir.wait_exit(0)


def test_other_signals_do_not_end_it(run_weir, backend):
    """PIPE is ignored; USR1 reopens logs."""
    weir = run_weir({'web': [backend.address]})
    for number in (signal.SIGPIPE, signal.SIGUSR1):
        weir.signal(number)
    assert weir.get().status == 200


@pytest.mark.tsan
@pytest.mark.parametrize('workers', [1, 2])
def test_under_load_no_request_is_lost(run_weir, make_backend, workers):
    """TERM during drain_notice under load: clients that heed Connection: close and come back while they
    can lose nothing; each answer is whole."""
    backend = make_backend()
    weir = run_weir({'web': [backend.address]}, server={'workers': workers, 'drain_notice': '1s', 'drain_timeout': '60s'})
    with Load(weir) as load:
        load.wait_for_more(100)
        weir.signal(signal.SIGTERM)
        weir.wait_draining()
        load.stop_when_closed()
        weir.wait_exit(0)
    assert load.problems == []


def test_under_load_slow_requests_complete(run_weir, make_backend):
    """TERM while twenty clients wait for slow answers: each request that weir took gets its whole answer, and the
    access log has a line for each."""
    def slow(request, peer):
        window(0.1)  # as a backend that works: always some are in flight
        return response_bytes(b'slow')
    weir = run_weir({'web': [make_backend(slow).address]}, server={'workers': 2, 'drain_notice': '1s', 'drain_timeout': '60s'})
    with Load(weir, clients=20) as load:
        load.wait_for_more(40)
        assert weir.metric('weir_requests_in_flight') > 0
        weir.signal(signal.SIGTERM)
        weir.wait_draining()
        load.stop_when_closed()
        weir.wait_exit(0)
    assert load.problems == []
    lines = [line for line in weir.stdout.all() if re.search(r'\bmsg=request\b', line)]
    assert len(lines) == load.total and all(' status=200 ' in line for line in lines)


@pytest.mark.tsan
def test_everything_at_once(run_weir, make_backend):
    """Two workers under load, reloads and scrapes side by side, then a drain: counters agree at the end."""
    backend = make_backend()
    config = configuration({'web': [backend.address]}, server={'workers': 2, 'drain_timeout': '60s'})
    weir = run_weir(config=config)
    with Load(weir, clients=4) as load:
        for number in range(5):
            weir.reload(config | {'route': [{'host': '*', 'pool': 'web'}, {'host': f'b{number}.example', 'pool': 'web'}]})
            weir.metrics().check_histograms()
            assert weir.status()['generation'] >= number
            load.wait_for_more(50)
    assert load.problems == []
    weir.wait_metric('weir_requests_in_flight', 0)
    assert weir.metric('weir_requests_total', code='2xx') == load.total
    weir.stop()
    assert len([line for line in weir.stdout.all() if re.search(r'\bmsg=request\b', line)]) == load.total

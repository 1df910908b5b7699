"""The admin interface: health, readiness, metrics, status (CONTRACT §3, §5)."""
import json
import signal
import stat

import pytest

from support.weir import FAILURES, expect_failure
from support.wire import Peer, request_bytes


@pytest.fixture
def weir(run_weir, backend):
    return run_weir({'web': [backend.address]}, [('a.example', 'web')])


def test_healthz_and_readyz(weir):
    """A running weir in service answers 200 to both."""
    for path in ('/healthz', '/readyz'):
        assert weir.admin_get(path).status == 200


@pytest.mark.parametrize('path', ['/healthz', '/readyz', '/metrics', '/api/status'])
def test_head_has_no_body(weir, path):
    """HEAD is answered like GET, without the body."""
    with Peer.connect(weir.admin) as client:
        client.send(request_bytes('HEAD', path, 'localhost') + request_bytes('GET', path, 'localhost'))
        head = client.read_response('HEAD')
        assert head.status == client.read_response().status == 200


def test_unknown_path_is_404(weir):
    """JSON errors carry a code and a message."""
    response = weir.admin_get('/api/nonsense')
    assert response.status == 404
    assert set(json.loads(response.body)) >= {'error', 'message'}


def test_other_methods_are_refused(weir):
    """What only reads does not take a POST."""
    response = weir.admin_get('/api/status', method='POST')
    assert response.status == 405
    assert set(json.loads(response.body)) >= {'error', 'message'}


def test_foreign_host_and_origin_are_refused(weir):
    """A browser lured onto loopback reads nothing: an unlisted Host or a foreign Origin is refused."""
    for fields, host in (((), 'evil.example'), ({'Origin': 'http://evil.example'}, 'localhost')):
        with Peer.connect(weir.admin) as client:
            client.send(request_bytes('GET', '/api/status', host, fields))
            response = client.read_response()
            assert 400 <= response.status < 500
            assert 'generation' not in response.text


def test_own_host_names_are_accepted(weir):
    """IP addresses and localhost, with the port or without."""
    for host in ('localhost', '127.0.0.1', f'127.0.0.1:{weir.admin[1]}', f'localhost:{weir.admin[1]}', '[::1]'):
        with Peer.connect(weir.admin) as client:
            client.send(request_bytes('GET', '/api/status', host))
            assert client.read_response().status == 200, host


def test_the_proxy_does_not_serve_the_admin_interface(weir, backend):
    """/metrics on the public listener is a request like any other."""
    assert weir.get('/metrics').text == 'ok'
    assert backend.targets() == ['/metrics']


def test_unix_socket(run_weir, backend, tmp_path):
    """[admin] bind = ["unix:PATH"]: mode 0660, and the path goes with the process."""
    path = tmp_path / 'admin.sock'
    weir = run_weir({'web': [backend.address]}, admin={'bind': [f'unix:{path}', '127.0.0.1:0']})
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    with Peer.connect(str(path)) as client:
        client.send(request_bytes('GET', '/readyz', 'localhost'))
        assert client.read_response().status == 200
    weir.stop()
    assert not path.exists()


class TestMetrics:
    def test_content_type(self, weir):
        """Prometheus text 0.0.4."""
        content_type = weir.admin_get('/metrics').get('Content-Type')
        assert content_type.startswith('text/plain') and 'version=0.0.4' in content_type

    def test_is_clean(self, weir):
        """A strict reader accepts all of it: types, help, order, histograms, counters' names."""
        weir.get('/')
        weir.get('/', host='unknown.example')
        metrics = weir.metrics()
        metrics.check_histograms()
        assert set(metrics.helps) == set(metrics.types)
        for name, kind in metrics.types.items():
            assert name.startswith(('weir_', 'process_')), name
            assert name.endswith('_total') == (kind == 'counter'), name

    def test_requests_are_counted_exactly(self, weir):
        """requests_total and request_duration_seconds by listener and class of the status."""
        for _ in range(7):
            assert weir.get('/').status == 200
        for _ in range(3):
            assert weir.get('/', host='unknown.example').status == 404
        weir.wait_metric('weir_requests_total', 7, listener='public', code='2xx')
        weir.wait_metric('weir_requests_total', 3, listener='public', code='4xx')
        weir.wait_metric('weir_request_duration_seconds_count', 10, listener='public')
        weir.wait_metric('weir_failures_total', 3, side='weir', reason='no_route')
        weir.wait_metric('weir_requests_in_flight', 0)

    def test_connections_are_counted(self, weir):
        """connections_open follows the clients; connections_accepted_total only grows."""
        clients = [weir.connect() for _ in range(5)]
        for client in clients:
            client.send(request_bytes()).read_response()
        weir.wait_metric('weir_connections_open', 5, listener='public')
        for client in clients:
            client.close()
        weir.wait_metric('weir_connections_open', 0, listener='public')
        weir.wait_metric('weir_connections_accepted_total', 5, listener='public')

    def test_requests_in_flight(self, run_weir, manual_backend):
        """A request under way is seen while it is, and not afterwards."""
        weir = run_weir({'web': [manual_backend.address]})
        with weir.connect() as client:
            client.send(request_bytes())
            peer = manual_backend.accept()
            peer.read_request()
            weir.wait_metric('weir_requests_in_flight', 1)
            peer.send('HTTP/1.1 204 No Content\r\n\r\n')
            client.read_response()
            weir.wait_metric('weir_requests_in_flight', 0)

    def test_every_failure_has_a_series_from_the_start(self, weir):
        """failures_total shows each row of failure.def with its side, at 0: a rate needs a first value."""
        metrics = weir.metrics()
        for reason, row in FAILURES.items():
            assert metrics.sum('weir_failures_total', reason=reason) == 0
            assert metrics.find('weir_failures_total', reason=reason, side=row.side), reason

    def test_state_of_the_process(self, weir):
        """ready, generation, build_info and the process's own numbers."""
        metrics = weir.metrics()
        assert metrics.sum('weir_ready') == 1
        assert metrics.sum('weir_config_generation') >= 1
        assert metrics.sum('weir_routes') == 1
        assert metrics.sum('weir_config_last_reload_successful') == 1
        assert metrics.sum('weir_connections_limit') > 0
        assert metrics.find('weir_build_info')[0].labels['version']
        assert metrics.sum('process_open_fds') > 3
        assert metrics.sum('process_resident_memory_bytes') > 1 << 20
        assert metrics.sum('process_start_time_seconds') > 1e9

    def test_bytes_are_counted(self, run_weir, make_backend):
        """received_bytes_total and sent_bytes_total grow on both sides by at least what was carried."""
        body = b'x' * 100_000
        echo = make_backend(lambda request, peer: b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s' % (
            len(request.body), request.body))
        weir = run_weir({'web': [echo.address]})
        assert weir.get(method='POST', body=body).body == body
        weir.wait_metric('weir_requests_in_flight', 0)
        metrics = weir.metrics()
        for name in ('weir_received_bytes_total', 'weir_sent_bytes_total'):
            for side in ('client', 'backend'):
                assert metrics.sum(name, side=side) >= len(body), (name, side)

    def test_no_client_input_becomes_a_label(self, weir):
        """Hosts, paths and methods of clients appear nowhere."""
        weir.get('/secret-path', host='secret-host.example', method='SECRETMETHOD')
        weir.wait_failure('no_route')
        assert 'secret' not in weir.admin_get('/metrics').text.lower()

    def test_scrape_of_two_workers_is_one_sum(self, run_weir, backend):
        """Shards of all workers are added up: the total is exact."""
        weir = run_weir({'web': [backend.address]}, server={'workers': 2})
        for _ in range(40):
            assert weir.get().status == 200
        weir.wait_metric('weir_requests_total', 40, code='2xx')


class TestStatus:
    def test_shows_what_runs(self, weir):
        """Version, uptime, generation, hash, listeners and totals."""
        status = weir.status()
        assert {'version', 'generation'} <= set(status), status
        assert any('uptime' in key for key in status), status
        assert any('hash' in key for key in status), status
        assert f'127.0.0.1:{weir.port}' in json.dumps(status)

    def test_equal_tables_have_equal_hashes(self, run_weir, backend):
        """Twins can be compared: the hash depends on the table alone."""
        def table_hash(*routes):
            status = run_weir({'web': [backend.address]}, list(routes)).status()
            return next(value for key, value in status.items() if 'hash' in key)
        one, two = ('a.example', 'web'), ('b.example', 'web')
        first = table_hash(one, two)
        assert table_hash(one, two) == first
        assert table_hash(one) != first

    def test_json_has_its_type(self, weir):
        """application/json."""
        assert weir.admin_get('/api/status').get('Content-Type').startswith('application/json')


class TestReadyWhileDraining:
    def test_readyz_is_503_at_once_and_healthz_stays(self, run_weir, backend):
        """From TERM on /readyz says 503, for all of drain_notice, while requests are still served."""
        weir = run_weir({'web': [backend.address]}, server={'drain_notice': '60s'})
        with Peer.connect(weir.admin) as admin:
            weir.signal(signal.SIGTERM)
            weir.wait_draining()
            admin.send(request_bytes('GET', '/readyz', 'localhost'))
            assert admin.read_response().status == 503
        assert weir.admin_get('/healthz').status == 200
        assert weir.metric('weir_ready') == 0
        assert weir.get().status == 200
        weir.signal(signal.SIGTERM)
        weir.wait_exit(1)


def test_proxy_status_names_the_server(run_weir):
    """[server] name is in Proxy-Status and Via, so that twins can be told apart."""
    weir = run_weir({'web': []}, [('a.example', 'web')], server={'name': 'edge-2'})
    expect_failure(weir.get(), 'pool_empty', 'edge-2')

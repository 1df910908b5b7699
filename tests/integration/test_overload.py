"""More than weir can hold: it says so, stays answerable, and recovers (issue: service)."""
import resource
import signal

import pytest

from support.load import Load
from support.wait import until, window
from support.wire import request_bytes, response_bytes


@pytest.mark.plain
class TestFewDescriptors:
    """400 clients against 256 open files."""
    OPEN_FILES, CLIENTS = 256, 400

    def test_a_full_proxy_can_be_asked_and_recovers(self, run_weir, manual_backend):
        """Clients whose requests hang at a backend, two descriptors each, and more that wait outside: no death,
        no spinning, one line of log; every admin page answers, a reload works; when the backend answers, every
        single client is served."""
        weir = run_weir({'web': [manual_backend.address]}, process={'open_files': self.OPEN_FILES}, server={'workers': 2})
        clients = [weir.connect().send(request_bytes(fields={'Connection': 'close'})) for _ in range(self.CLIENTS)]
        weir.wait_log(msg='accepting pauses')
        before = weir.cpu_seconds()
        window(2)
        # A loop that spins takes all of a core: 2 s.
        assert weir.cpu_seconds() - before < 0.7
        assert len(weir.open_descriptors()) <= self.OPEN_FILES
        for page in ('/healthz', '/readyz', '/metrics', '/api/status', '/api/pools', '/api/requests'):
            assert weir.admin_get(page).status == 200, page
        assert 0 < weir.metric('weir_connections_open') <= weir.metric('weir_connections_limit') < self.OPEN_FILES
        weir.signal(signal.SIGHUP)
        weir.wait_metric('weir_config_reloads_total', 1, result='unchanged')
        assert len([line for line in weir.stderr.all() if 'accepting pauses' in line]) == 1
        served = 0
        while served < self.CLIENTS:
            with manual_backend.accept() as peer:
                peer.read_request()
                peer.send(response_bytes(b'late', fields={'Connection': 'close'}))
            served += 1
        answers = [client.read_response().status for client in clients]
        assert answers == [200] * self.CLIENTS
        for client in clients:
            client.close()
        weir.wait_metric('weir_connections_open', 0)
        weir.wait_log(msg='accepting goes on')
        assert weir.metric('weir_failures_total') == 0

    def test_silent_clients_fill_it_and_go(self, run_weir, backend):
        """Clients that say nothing hold it full until their deadline; then everybody outside has had a turn and
        it serves as before."""
        weir = run_weir({'web': [backend.address]}, process={'open_files': self.OPEN_FILES}, server={'workers': 2},
                        timeouts={'request_head': '1s'}, listener={'public': {'defer_accept': False}})
        clients = [weir.connect() for _ in range(self.CLIENTS)]
        weir.wait_log(msg='accepting pauses')
        for client in clients:
            client.expect_end()
            client.close()
        weir.wait_metric('weir_connections_open', 0)
        for _ in range(20):
            assert weir.get().status == 200
        assert weir.metric('weir_failures_total') == 0


@pytest.mark.plain
def test_silent_connections_do_not_disturb(run_weir, backend):
    """A thousand connections that never say a word beside clients that work: each of the thousand ends at its
    deadline in silence, and none of the others notices."""
    count = 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        weir = run_weir({'web': [backend.address]}, server={'workers': 2}, timeouts={'request_head': '3s'},
                        listener={'public': {'defer_accept': False}})
        silent = [weir.connect() for _ in range(count)]
        with Load(weir) as load:
            until(lambda: weir.metric('weir_connections_accepted_total') >= count, 'all are in')
            load.wait_for_more(500)
            for client in silent:
                client.expect_end()
                client.close()
            load.wait_for_more(100)
        assert load.problems == []
        weir.wait_metric('weir_connections_open', 0)
        assert weir.metric('weir_failures_total') == 0
        assert weir.metric('weir_requests_total', code='2xx') == load.total
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

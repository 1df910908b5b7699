"""What goes wrong around weir: a clear message or its failure row, and the process goes on."""
import os
import re
import signal

import pytest

from support.backends import refused_address
from support.text import to_toml
from support.wait import until, window
from support.weir import Program, configuration, expect_failure
from support.wire import request_bytes

TLS_HELLO = b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + bytes(200)


class TestClients:
    def test_silent_clients_end(self, run_weir, backend):
        """Clients that never say anything are let go after request_head; nothing is blamed."""
        weir = run_weir({'web': [backend.address]}, timeouts={'request_head': '300ms'},
                        listener={'public': {'defer_accept': False}})
        clients = [weir.connect() for _ in range(50)]
        for client in clients:
            client.expect_end()
        weir.wait_metric('weir_connections_open', 0)
        assert weir.metric('weir_failures_total') == 0

    def test_tls_hello(self, run_weir, backend):
        """A browser that speaks TLS to the plain port is told at once."""
        weir = run_weir({'web': [backend.address]})
        with weir.connect() as client:
            client.send(TLS_HELLO)
            expect_failure(client.read_response(), 'bad_request')
            client.expect_cut()
        assert backend.connection_count == 0

    def test_noise(self, run_weir, backend):
        """Two hundred connections of random bytes: each ends, none harms."""
        weir = run_weir({'web': [backend.address]}, timeouts={'request_head': '1s'})
        for _ in range(200):
            with weir.connect() as client:
                client.send(os.urandom(300))
                client.expect_cut()
        assert weir.get().status == 200
        assert len(backend.requests) == 1

    def test_clients_that_vanish(self, run_weir, manual_backend):
        """Fifty requests whose clients reset at once: every backend connection ends, all counts return."""
        weir = run_weir({'web': [manual_backend.address]})
        for _ in range(50):
            weir.connect().send(request_bytes('POST', fields={'Content-Length': '5'}) + b'12').reset()
        weir.wait_metric('weir_requests_in_flight', 0)
        weir.wait_metric('weir_connections_open', 0)

    def test_requests_in_single_bytes(self, run_weir, backend):
        """A head that comes byte by byte is a head."""
        weir = run_weir({'web': [backend.address]})
        with weir.connect() as client:
            for byte in request_bytes(fields={'X-Slow': 'yes'}):
                client.send(bytes([byte]))
            assert client.read_response().status == 200


class TestBackends:
    def test_dead_backend_does_not_hurt_others(self, run_weir, backend):
        """A pool whose backend is dead fails; another pool serves on."""
        address, holder = refused_address()
        with holder:
            weir = run_weir({'dead': [address], 'web': [backend.address]}, [('dead.example', 'dead'), ('a.example', 'web')])
            for _ in range(10):
                expect_failure(weir.get(host='dead.example'), 'connect_refused')
                assert weir.get().status == 200

    def test_babbling_backend(self, run_weir, make_backend, backend):
        """A backend that greets before it is asked (SMTP, SSH) is a bad response or is retried, never an
        answer to a client."""
        def babble(request, peer):
            return b'220 smtp.example ESMTP\r\n'
        weir = run_weir({'web': [make_backend(babble).address]})
        for _ in range(5):
            expect_failure(weir.get(), 'bad_response')


@pytest.mark.plain
class TestDescriptors:
    """UBSan opens a pipe to look at a pointer: without descriptors it sees ghosts."""
    OPEN_FILES = 128

    @pytest.fixture
    def crowded(self, run_weir, backend):
        """A weir that may have 128 descriptors and 300 clients that want one each."""
        weir = run_weir({'web': [backend.address]}, process={'open_files': self.OPEN_FILES},
                        listener={'public': {'defer_accept': False}})
        clients = []
        for _ in range(300):
            clients.append(weir.connect())
        yield weir, clients
        for client in clients:
            client.close()

    def test_says_so_and_goes_on(self, crowded):
        """A message, a count, no death; the admin interface still answers; those inside are served; when
        the crowd has gone, everything is as before."""
        weir, clients = crowded
        weir.wait_log(msg='accepting pauses')
        assert weir.is_running() and len(weir.open_descriptors()) <= self.OPEN_FILES
        assert weir.admin_get('/healthz').status == 200
        limit = weir.metric('weir_connections_limit')
        assert 0 < limit < self.OPEN_FILES
        assert clients[0].send(request_bytes()).read_response().status == 200
        for client in clients:
            client.close()
        until(lambda: weir.metric('weir_connections_open') < limit, 'the crowd has gone')
        for _ in range(20):
            assert weir.get().status == 200

    def test_everybody_is_served_in_the_end(self, run_weir, backend):
        """Waiting clients are accepted as others leave: nobody is lost in between."""
        weir = run_weir({'web': [backend.address]}, process={'open_files': self.OPEN_FILES})
        clients = [weir.connect() for _ in range(300)]
        for client in clients:
            client.send(request_bytes(fields={'Connection': 'close'}))
        for client in clients:
            assert client.read_response().status == 200
            client.close()

    @pytest.mark.parametrize('workers', [1, 2])
    def test_does_not_spin(self, run_weir, backend, workers):
        """While it cannot accept, it does nothing."""
        weir = run_weir({'web': [backend.address]}, process={'open_files': self.OPEN_FILES}, server={'workers': workers},
                        listener={'public': {'defer_accept': False}})
        clients = [weir.connect() for _ in range(300)]
        weir.wait_log(msg='accepting pauses')
        before = weir.cpu_seconds()
        window(2)
        # A loop that spins takes all of a core: 2 s.
        assert weir.cpu_seconds() - before < 0.7
        for client in clients:
            client.close()

    def test_max_connections(self, run_weir, backend):
        """At max_connections further clients wait their turn instead of being turned away."""
        weir = run_weir({'web': [backend.address]}, server={'max_connections': 5})
        clients = [weir.connect() for _ in range(30)]
        for client in clients:
            client.send(request_bytes(fields={'Connection': 'close'}))
        for client in clients:
            assert client.read_response().status == 200
            client.close()
        assert weir.metric('weir_connections_limit') == 5

    def test_none_left_at_once(self, run_weir, backend):
        """Not even one for a client: it waits, weir says so, and the client is served afterwards."""
        weir = run_weir({'web': [backend.address]}, listener={'public': {'defer_accept': False}})
        with weir.no_more_descriptors():
            client = weir.connect().send(request_bytes())
            weir.wait_log(msg='accepting pauses')
        assert client.read_response().status == 200

    def test_too_few_to_start(self, tmp_path, backend):
        """With next to no descriptors it says so instead of failing later."""
        file = tmp_path / 'weir.toml'
        file.write_text(to_toml(configuration({'web': [backend.address]}, server={'workers': 2})))
        weir = Program(['run', '-c', file], tmp_path, open_files=16)
        try:
            weir.wait_exit(1)
            assert re.search('open.files', weir.log())
        finally:
            weir.kill()


class TestIdle:
    @pytest.mark.plain
    def test_idle_process_does_nothing(self, run_weir, backend):
        """No busy loop at rest, with clients, backends and files watched."""
        weir = run_weir({'web': [backend.address]}, server={'workers': 2}, watch=True)
        with weir.connect() as client:
            client.send(request_bytes()).read_response()
            before = weir.cpu_seconds()
            window(1)
            assert weir.cpu_seconds() - before < 0.3

    def test_stopped_and_continued(self, run_weir, backend):
        """STOP and CONT, as a debugger or a frozen container does."""
        weir = run_weir({'web': [backend.address]})
        weir.signal(signal.SIGSTOP)
        client = weir.connect().send(request_bytes())
        weir.signal(signal.SIGCONT)
        assert client.read_response().status == 200


class TestRefusedHead:
    """An answer to a HEAD has no body, however its head was refused; one to another method has its own."""

    @pytest.mark.parametrize('head', [
        b'HEAD / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', b'\r\nHEAD / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
        b'\r\nHEAD /' + b'x' * 9000])
    def test_head(self, run_weir, backend, head):
        weir = run_weir({'web': [backend.address]})
        with weir.connect() as client:
            client.send(head)
            assert client.read_to_end().endswith(b'\r\n\r\n')

    def test_times_out(self, run_weir, backend):
        weir = run_weir({'web': [backend.address]}, timeouts={'request_head': '300ms'})
        for begin, has_body in ((b'HEAD / HTTP/1.1\r\nHo', False), (b'GET / HTTP/1.1\r\nHo', True)):
            with weir.connect() as client:
                client.send(b'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n')
                client.read_response('HEAD')
                client.send(begin)
                answer = client.read_to_end()
                assert answer.startswith(b'HTTP/1.1 408 ')
                assert answer.endswith(b'\r\n\r\n') != has_body

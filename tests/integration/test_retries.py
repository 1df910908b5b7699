"""Retries: only when safe (R30, DESIGN §6), and then so that nobody notices."""
import threading

import pytest

from support import servers
from support.backends import refused_address
from support.load import Load
from support.weir import expect_failure
from support.wire import request_bytes, response_bytes


class TestDeadBackend:
    def test_every_request_succeeds(self, run_weir, backend):
        """One of two backends refuses: every request, POST too, is served by the other."""
        address, holder = refused_address()
        with holder:
            weir = run_weir({'web': [address, backend.address]})
            with weir.connect() as client:
                for number in range(60):
                    method = ('GET', 'POST', 'PUT')[number % 3]
                    body = b'x' * number if method != 'GET' else None
                    client.send(request_bytes(method, f'/{number}', body=body))
                    assert client.read_response().status == 200
        assert backend.targets() == [f'/{number}' for number in range(60)]
        assert weir.metric('weir_failures_total') == 0

    def test_access_line_counts_the_tries(self, run_weir, backend):
        """tries, backend and reason tell what happened: the request ended well."""
        address, holder = refused_address()
        with holder:
            weir = run_weir({'web': {'backends': [address, backend.address], 'balance': 'round_robin'}})
            for _ in range(2):
                assert weir.get().status == 200
            line = weir.wait_access(tries='2')
        assert line['backend'] == backend.address and line['status'] == '200'

    def test_all_dead(self, run_weir):
        """Every backend was tried before the client hears of it."""
        addresses, holders = zip(*(refused_address() for _ in range(3)))
        weir = run_weir({'web': {'backends': list(addresses), 'retries': 2}})
        expect_failure(weir.get(), 'connect_refused')
        assert weir.wait_access(reason='connect_refused')['tries'] == '3'
        for holder in holders:
            holder.close()

    def test_retries_off(self, run_weir):
        """retries = 0: one attempt."""
        address, holder = refused_address()
        with holder:
            weir = run_weir({'web': {'backends': [address], 'retries': 0}})
            expect_failure(weir.get(), 'connect_refused')
            assert weir.wait_access(reason='connect_refused')['tries'] == '1'


class TestWhatMayBeRepeated:
    @pytest.mark.parametrize('method', ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])
    def test_idempotent_request(self, run_weir, manual_backend, method):
        """A backend that read an idempotent request and closed: it is asked once more."""
        weir = run_weir({'web': [manual_backend.address]})
        body = b'body' if method == 'PUT' else None
        with weir.connect() as client:
            client.send(request_bytes(method, body=body))
            first = manual_backend.accept()
            seen = first.read_request()
            first.close()
            second = manual_backend.accept()
            again = second.read_request()
            second.send('HTTP/1.1 204 No Content\r\n\r\n')
            assert client.read_response(method).status == 204
        assert (seen.method, seen.body, seen.head.get('X-Request-Id')) == (
            again.method, again.body, again.head.get('X-Request-Id'))

    @pytest.mark.parametrize('method', ['POST', 'PATCH', 'get', 'UNKNOWN'])
    def test_other_requests_are_not(self, run_weir, manual_backend, method):
        """Whatever else may have been acted on: 502."""
        weir = run_weir({'web': [manual_backend.address]})
        with weir.connect() as client:
            client.send(request_bytes(method))
            first = manual_backend.accept()
            first.read_request()
            first.close()
            expect_failure(client.read_response(), 'closed_before_response')
        assert not manual_backend.has_waiting()

    def test_nothing_after_a_byte_of_the_answer(self, run_weir, manual_backend):
        """Not even a GET, and an informational response is a byte, too."""
        weir = run_weir({'web': [manual_backend.address]})
        with weir.connect() as client:
            client.send(request_bytes())
            peer = manual_backend.accept()
            peer.read_request()
            peer.send('HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n')
            client.read_head()
            peer.close()
            assert client.read_response().status == 502
        assert not manual_backend.has_waiting()

    def test_upload_that_is_not_kept_is_not_repeated(self, run_weir, manual_backend):
        """A PUT whose body was streamed away cannot be sent again."""
        weir = run_weir({'web': [manual_backend.address]})
        size = 4 << 20
        with weir.connect() as client:
            sending = threading.Thread(target=client.send, args=(request_bytes('PUT', body=b'x' * size),))
            sending.start()
            peer = manual_backend.accept()
            assert len(peer.read_request().body) == size
            peer.close()
            expect_failure(client.read_response(), 'closed_before_response')
            sending.join()
        assert not manual_backend.has_waiting()


class TestStaleConnection:
    @pytest.mark.parametrize('method', ['GET', 'POST'])
    def test_connection_that_the_backend_has_closed(self, run_weir, manual_backend, method):
        """A kept-open connection whose end is there already when the next request comes, whether weir has
        seen it or not: nothing is lost and nothing arrives twice."""
        weir = run_weir({'web': [manual_backend.address]})
        with weir.connect() as client:
            for number in range(100):
                client.send(request_bytes(method, f'/{number}', body=b'body'))
                peer = manual_backend.accept()
                assert peer.read_request().target == f'/{number}'
                peer.send(response_bytes(b'%d' % number))
                assert client.read_response().text == str(number)
                peer.close()
        assert not manual_backend.has_waiting()

    @pytest.mark.parametrize('method', ['GET', 'POST'])
    def test_connection_that_the_backend_is_closing(self, run_weir, make_backend, method):
        """The same while the request is on its way: a GET never fails; a POST that may have been read is not
        repeated, the client hears of it."""
        def answer(request, peer):
            peer.send(response_bytes(request.body))
            peer.close()
        backend = make_backend(answer)
        # Such a backend uses up the usual budget; here the question is safety alone.
        weir = run_weir({'web': {'backends': [backend.address], 'retry_budget': '100%'}})
        lost = set()
        with weir.connect() as client:
            for number in range(150):
                client.send(request_bytes(method, f'/{number}', body=b'%d' % number))
                response = client.read_response()
                if response.status == 200:
                    assert response.body == b'%d' % number
                else:
                    expect_failure(response, 'closed_before_response')
                    lost.add(f'/{number}')
        assert method == 'POST' or not lost
        served = [target for target in backend.targets() if target not in lost]
        assert served == [f'/{number}' for number in range(150) if f'/{number}' not in lost]

    def test_reused_connection_that_ends_at_once(self, run_weir, manual_backend):
        """A GET on a kept-open connection that the backend resets is sent again on a fresh one."""
        weir = run_weir({'web': [manual_backend.address]})
        with weir.connect() as client:
            client.send(request_bytes(target='/1'))
            first = manual_backend.accept()
            first.read_request()
            first.send(response_bytes(b'1'))
            assert client.read_response().text == '1'
            client.send(request_bytes(target='/2'))
            assert first.read_request().target == '/2'
            first.reset()
            second = manual_backend.accept()
            assert second.read_request().target == '/2'
            second.send(response_bytes(b'2'))
            assert client.read_response().text == '2'

    def test_request_with_side_effects_avoids_an_old_connection(self, run_weir, manual_backend):
        """DESIGN §7: until the backend's limit is learned a POST takes an idle connection only within a
        second of its last use; a GET may always."""
        weir = run_weir({'web': [manual_backend.address]})
        with weir.connect() as client:
            client.send(request_bytes())
            first = manual_backend.accept()
            first.read_request()
            first.send(response_bytes(b'1', fields={'Keep-Alive': 'timeout=1'}))
            assert client.read_response().text == '1'
            # The backend said one second: weir itself lets go of the connection before that.
            first.expect_cut()
            client.send(request_bytes('POST', body=b'x'))
            second = manual_backend.accept()
            second.read_request()
            second.send(response_bytes(b'2'))
            assert client.read_response().text == '2'


@pytest.mark.tsan
def test_killed_backend_under_load(run_weir, tmp_path):
    """SIGKILL for one of two gunicorns while clients ask: no idempotent request fails whose answer had not begun."""
    for name in ('one', 'two'):
        (tmp_path / name).mkdir()
    one, two = servers.gunicorn(tmp_path / 'one'), servers.gunicorn(tmp_path / 'two')
    try:
        weir = run_weir({'web': [one.address, two.address]}, server={'workers': 2})
        with Load(weir, target='/pid') as load:
            load.wait_for_more(200)
            one.kill()
            load.wait_for_more(200)
        weir.wait_metric('weir_requests_in_flight', 0)
        # Only what had begun when the backend died, and that visibly.
        cut = [problem for problem in load.problems if 'too early' in str(problem)]
        assert load.problems == cut
        assert weir.metric('weir_failures_total') == weir.metric('weir_failures_total', reason='response_cut') == len(cut)
    finally:
        one.kill()
        two.kill()

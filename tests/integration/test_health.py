"""Health checks, backups and weights: who gets requests, what the log says of it, what outlives what."""
import socket
import threading

import pytest

from support import servers
from support.backends import refused_address
from support.load import Load
from support.wait import until
from support.weir import configuration, expect_failure
from support.wire import request_bytes, response_bytes

QUICK = {'path': '/up', 'interval': '50ms', 'timeout': '2s', 'rise': 2, 'fall': 2}


class Sick:
    """A backend whose checks fail while `answer` says so. What is no check is answered with its name."""

    def __init__(self, make_backend, name='ok'):
        self.answer = response_bytes(b'pong')
        self.backend = make_backend(self._answer)
        self.address, self._name = self.backend.address, name.encode()
        self.checks = []

    def _answer(self, request, peer):
        if request.target == '/up':
            self.checks.append(request)
            return self.answer
        return response_bytes(self._name)

    def served(self):
        return [target for target in self.backend.targets() if target != '/up']


@pytest.fixture
def sick(make_backend):
    """sick(name) → Sick."""
    return lambda name='ok': Sick(make_backend, name)


def pool(*backends, **keys):
    return {'backends': [backend if isinstance(backend, dict) else backend.address for backend in backends],
            'balance': 'round_robin', **keys}


DOWN = response_bytes(b'down', '503 Service Unavailable')


class TestChecks:
    @pytest.mark.parametrize('check, answer, reason', [
        ({}, DOWN, 'status 503, expected 200-399'),
        ({'status': '200,204'}, response_bytes(b'', '202 Accepted'), 'status 202, expected 200,204'),
        ({'body': 'ping'}, response_bytes(b'pong'), 'body without "ping"'),
        ({}, b'SSH-2.0-OpenSSH\r\n\r\n', 'not valid HTTP'),
        ({}, b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n', 'the answer ended too early'),
    ])
    def test_http(self, run_weir, sick, check, answer, reason):
        """Whoever fails its first check never gets a request, and the log says why."""
        bad, good = sick(), sick()
        bad.answer = answer
        good.answer = response_bytes(b'ping pong', '200 OK')
        weir = run_weir({'web': pool(bad, good, health={**QUICK, **check})})
        for _ in range(10):
            assert weir.get().status == 200
        line = weir.wait_log(msg='backend is down', pool='web', backend=bad.address)
        assert reason in line['reason'] and line['level'] == 'warn' and line['checks'] == '1'
        assert bad.served() == [] and len(good.served()) == 10

    def test_request_of_a_check(self, run_weir, sick):
        """Path and Host as configured, on a connection that ends; without either the address."""
        one, two = sick(), sick()
        weir = run_weir({'one': pool(one, health={**QUICK, 'host': 'up.example.com'}),
                         'two': pool(two, health=QUICK, host='pool.example.com')})
        until(lambda: one.checks and two.checks, 'a check of each')
        assert one.checks[0].head.get('Host') == 'up.example.com'
        assert one.checks[0].head.get('Connection') == 'close'
        assert one.checks[0].head.get('User-Agent').startswith('weir/')
        assert two.checks[0].head.get('Host') == 'pool.example.com'
        assert weir.get().status == 200

    def test_tcp(self, run_weir, backend):
        """A TCP check connects and sends nothing."""
        address, holder = refused_address()
        with holder:
            weir = run_weir({'web': {'backends': [address, backend.address],
                                     'health': {'tcp': True, 'interval': '50ms'}}})
            line = weir.wait_log(msg='backend is down', backend=address)
            assert line['reason'] == 'connection refused'
            for _ in range(10):
                assert weir.get().status == 200
        assert weir.metric('weir_failures_total') == 0
        assert backend.targets() == ['/'] * 10

    def test_timeout(self, run_weir, manual_backend, backend):
        """A check that gets no answer says how long it waited, and for what."""
        weir = run_weir({'web': pool(manual_backend, backend, health={**QUICK, 'timeout': '100ms'})})
        line = weir.wait_log(msg='backend is down', backend=manual_backend.address)
        assert line['reason'] == 'timeout after 100ms while waiting for the answer'

    def test_one_probe_for_all_pools(self, run_weir, sick):
        """Pools that ask the same of an address share its checks, whatever rise and fall they have."""
        one = sick()
        slow = {**QUICK, 'interval': '1h'}
        run_weir({'a': pool(one, health=slow), 'b': pool(one, health={**slow, 'fall': 9}),
                  'c': pool(one, health=slow)})
        assert len(one.checks) <= 1
        until(lambda: one.checks, 'the first check')
        assert one.backend.connection_count == 1


class TestFlips:
    def test_down_and_up(self, run_weir, sick):
        """A flip is one line with its reason; requests go around it and come back."""
        one, two = sick('one'), sick('two')
        weir = run_weir({'web': pool(one, two, health=QUICK)})
        assert {weir.get().text for _ in range(6)} == {'one', 'two'}
        one.answer = DOWN
        line = weir.wait_log(msg='backend is down', backend=one.address)
        assert line['reason'] == 'status 503, expected 200-399' and line['checks'] == '2' and line['pool'] == 'web'
        until(lambda: weir.get().text == 'two' and weir.get().text == 'two', 'requests to the other one only')
        assert {weir.get().text for _ in range(10)} == {'two'}
        one.answer = response_bytes(b'pong')
        line = weir.wait_log(msg='backend is up', backend=one.address)
        assert line['reason'] == '200' and line['checks'] == '2' and line['level'] == 'info'
        until(lambda: {weir.get().text for _ in range(2)} == {'one', 'two'}, 'requests to both')
        assert sum('backend is down' in text for text in weir.stderr.all()) == 1

    def test_all_down_and_recovery(self, run_weir, sick):
        """Nobody left: 503 with Retry-After, one line in the log for all of them; and back."""
        one, two = sick('one'), sick('two')
        one.answer = two.answer = DOWN
        weir = run_weir({'web': pool(one, two, health=QUICK)})
        response = weir.get()
        details = expect_failure(response, 'no_usable_backend')
        assert details == 'no_usable_backend: all are down, draining or in maintenance'
        assert response.get('Retry-After') == '1'
        weir.wait_log(msg='pool has no usable backend', pool='web', level='error')
        two.answer = response_bytes(b'pong')
        weir.wait_log(msg='pool has a usable backend again', pool='web')
        assert until(lambda: weir.get().status == 200 and weir.get().text, 'an answer') == 'two'
        assert one.served() == []

    def test_idle_connections_to_it_are_closed(self, run_weir, sick):
        """What was kept open towards a backend that is down ends."""
        one = sick()
        weir = run_weir({'web': pool(one, health=QUICK)})
        assert weir.get().status == 200
        peers = [peer for peer in one.backend.peers if b'GET / ' in peer.received]
        assert len(peers) == 1
        one.answer = DOWN
        weir.wait_log(msg='backend is down')
        until(lambda: peers[0].socket.fileno() < 0, 'the end of the kept-open connection')


class TestStart:
    def test_requests_wait_for_the_first_verdict(self, run_weir, manual_backend):
        """Ready does not wait for checks; requests do, with their bodies, and then go through."""
        weir = run_weir({'web': {'backends': [manual_backend.address], 'health': {**QUICK, 'interval': '1h'}}})
        check = manual_backend.accept()
        assert check.read_request().target == '/up'
        with weir.connect() as one, weir.connect() as two:
            one.send(request_bytes(target='/1'))
            two.send(request_bytes('POST', '/2', body=b'body'))
            weir.wait_metric('weir_held_requests', 2, pool='web')
            assert not manual_backend.has_waiting(0.2)
            check.send(response_bytes())
            for _ in range(2):
                peer = manual_backend.accept()
                request = peer.read_request()
                assert request.body == (b'body' if request.target == '/2' else b'')
                peer.send(response_bytes(request.target.encode()))
            assert one.read_response().text == '/1'
            assert two.read_response().text == '/2'
        weir.wait_metric('weir_held_requests', 0, pool='web')
        weir.wait_metric('weir_health_checks_total', 1, pool='web', result='success')
        assert float(weir.wait_access(path='/2')['hold']) > 0

    def test_waiting_ends_with_the_retry_window(self, run_weir, manual_backend):
        """No verdict in time: 503, which says so."""
        weir = run_weir({'web': {'backends': [manual_backend.address], 'health': {**QUICK, 'timeout': '1m'},
                                 'timeouts': {'retry_window': '200ms'}}})
        details = expect_failure(weir.get(), 'no_usable_backend')
        assert details == 'no_usable_backend: no first health check has come to its end'
        line = weir.wait_access(reason='no_usable_backend')
        assert line['phase'] == 'hold' and float(line['hold']) >= 0.2

    def test_client_that_goes_while_it_waits(self, run_weir, manual_backend):
        """It takes its place with it."""
        weir = run_weir({'web': {'backends': [manual_backend.address], 'health': QUICK}})
        check = manual_backend.accept()
        check.read_request()
        with weir.connect() as client:
            client.send(request_bytes())
            weir.wait_metric('weir_requests_in_flight', 1)
            client.reset()
        weir.wait_metric('weir_requests_in_flight', 0)
        check.send(response_bytes())
        check.expect_end()


class TestReload:
    def test_verdicts_survive(self, run_weir, sick):
        """A reload changes nothing about who is up or down; a new backend waits for its own verdict."""
        one, two, three = sick('one'), sick('two'), sick('three')
        one.answer = DOWN
        weir = run_weir({'web': pool(one, two, health=QUICK)})
        weir.wait_log(msg='backend is down', backend=one.address)
        assert weir.get().text == 'two'
        three.answer = DOWN
        for max_idle in range(1, 4):
            weir.reload(configuration({'web': pool(one, two, three, health=QUICK, max_idle=max_idle)}))
            assert {weir.get().text for _ in range(4)} == {'two'}
        weir.wait_log(msg='backend is down', backend=three.address)
        downs = [text for text in weir.stderr.all() if 'backend is down' in text]
        assert len(downs) == 2, downs
        assert one.served() == three.served() == []

    def test_checks_that_come_later(self, run_weir, sick):
        """Backends that were served without checks go on being used until these tell otherwise."""
        one, two = sick('one'), sick('two')
        weir = run_weir({'web': pool(one, two)})
        assert weir.get().status == 200 and not one.checks
        one.answer = DOWN
        weir.reload(configuration({'web': pool(one, two, health=QUICK)}))
        assert weir.get().status == 200
        weir.wait_log(msg='backend is down', backend=one.address)
        until(lambda: {weir.get().text for _ in range(4)} == {'two'}, 'requests to the other one only')
        weir.reload(configuration({'web': pool(one, two)}))
        assert {weir.get().text for _ in range(4)} == {'one', 'two'}


class TestShares:
    def test_backup(self, run_weir, sick):
        """It gets requests only while nobody else is usable."""
        main, spare = sick('main'), sick('spare')
        weir = run_weir({'web': pool(main, {'address': spare.address, 'backup': True}, health=QUICK)})
        until(lambda: main.checks and weir.get().text == 'main', 'the first verdict')
        assert {weir.get().text for _ in range(10)} == {'main'}
        main.answer = DOWN
        weir.wait_log(msg='backend is down', backend=main.address)
        until(lambda: weir.get().text == 'spare', 'the backup')
        main.answer = response_bytes(b'pong')
        weir.wait_log(msg='backend is up', backend=main.address)
        until(lambda: weir.get().text == 'main', 'the main backend')

    def test_weights(self, run_weir, sick):
        """Three quarters to weight 3, a quarter to weight 1; smoothly under round_robin."""
        heavy, light = sick('heavy'), sick('light')
        weir = run_weir({'web': pool({'address': heavy.address, 'weight': 3}, light)})
        with weir.connect() as client:
            answers = [client.send(request_bytes()).read_response().text for _ in range(16)]
        assert answers == ['heavy', 'heavy', 'light', 'heavy'] * 4


def listen_at(place):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(place)
    sock.listen(128)
    return sock


@pytest.mark.tsan
def test_killed_backend_and_its_return(run_weir, tmp_path):
    """SIGKILL for one of three gunicorns under load, and its return: no request fails whose answer had not
    begun, the log tells both,
    and it gets requests again."""
    folders = [tmp_path / name for name in ('one', 'two', 'three', 'back')]
    for folder in folders:
        folder.mkdir()
    # An address of its own, where nobody else takes the port meanwhile.
    place = (f'127.{folders[0].stat().st_ino % 200 + 20}.{threading.get_native_id() % 250 + 1}.7', 0)
    listeners = [listen_at(place) for _ in range(3)]
    places = [listener.getsockname() for listener in listeners]
    running = [servers.gunicorn(folder, listener) for folder, listener in zip(folders, listeners)]
    try:
        weir = run_weir({'web': {'backends': [server.address for server in running],
                                 'health': {**QUICK, 'path': '/pid'}}}, server={'workers': 2})
        with Load(weir, target='/pid') as load:
            load.wait_for_more(200)
            running[0].kill()
            line = weir.wait_log(msg='backend is down', backend=running[0].address)
            assert line['reason'] in ('connection refused', 'closed without an answer', 'cannot be reached',
                                      'timeout after 2s while waiting for the answer'), line
            load.wait_for_more(300)
            running.append(servers.gunicorn(folders[3], listen_at(places[0])))
            weir.wait_log(msg='backend is up', backend=running[0].address)
            load.wait_for_more(300)
        # Only what had begun when the backend died, and that visibly.
        cut = [problem for problem in load.problems if 'too early' in str(problem)]
        assert load.problems == cut
        pids = {weir.get('/pid').text for _ in range(60)}
        assert len(pids) == 3
        weir.wait_metric('weir_requests_in_flight', 0)
        assert weir.metric('weir_failures_total') == weir.metric('weir_failures_total', reason='response_cut')
        assert weir.metric('weir_failures_total', reason='response_cut') == len(cut)
    finally:
        for server in running:
            server.kill()

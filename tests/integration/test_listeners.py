"""Listeners come and go by reload (CONTRACT §2, Reload): nothing that is under way is cut."""
import contextlib
import socket

import pytest

from support.backends import listening_socket as open_socket
from support.load import Load
from support.service import listening_socket, passing
from support.text import parse_logfmt
from support.wait import until
from support.weir import configuration
from support.wire import Ended, Peer, request_bytes, response_bytes

HANDSHAKE = {'Connection': 'Upgrade', 'Upgrade': 'websocket', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
             'Sec-WebSocket-Version': '13'}
SWITCHING = b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'


def free_address():
    """An address that nobody listens on: "127.0.0.1:PORT"."""
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        return f'127.0.0.1:{taken.getsockname()[1]}'


def pair(address):
    ip, _, port = address.rpartition(':')
    return ip, int(port)


def is_refused(address):
    try:
        socket.create_connection(address).close()
        return False
    except ConnectionRefusedError:
        return True


def ask(address, **options):
    with Peer.connect(address) as client:
        return client.send(request_bytes(**options)).read_response()


def lines(weir, message):
    parsed = [parse_logfmt(line) for line in weir.stderr.all() if line.startswith('time=')]
    return [(line['listener'], line['address']) for line in parsed if line['msg'] == message]


@pytest.fixture
def config(backend):
    """config(listener=…) → a configuration with a pool that answers."""
    def make(**sections):
        return configuration({'web': [backend.address]}, **sections)
    return make


class TestComing:
    def test_new_listener(self, run_weir, config):
        """It says where it listens, answers by its own settings, is in the status and has metrics; the others
        notice nothing."""
        weir = run_weir(config=config())
        assert weir.metrics().sum('weir_requests_total', listener='extra') == 0
        with weir.connect() as client:
            client.send(request_bytes()).read_response()
            weir.reload(config(listener={'extra': {'bind': ['127.0.0.1:0', '[::1]:0']}}))
            told = [address for name, address in lines(weir, 'listening') if name == 'extra']
            assert len(told) == 2 and told[1].startswith('[::1]:')
            assert ask(pair(told[0])).status == 200
            assert {'name': 'extra', 'address': told[0]} in weir.status()['listeners']
            weir.wait_metric('weir_requests_total', 1, listener='extra', code='2xx')
            assert weir.wait_access(listener='extra')['status'] == '200'
            assert client.send(request_bytes()).read_response().get('Connection') != 'close'
        assert weir.status()['pending_restart'] == []

    def test_further_address(self, run_weir, config):
        """An address more for a listener; its port 0 of the start stays the port that it was."""
        weir = run_weir(config=config())
        more = free_address()
        weir.reload(config(listener={'public': {'bind': ['127.0.0.1:0', more]}}))
        assert ask(pair(more)).status == weir.get().status == 200
        assert lines(weir, 'listening')[-1] == ('public', more)
        assert lines(weir, 'no longer listening') == []

    def test_unix_socket(self, run_weir, config, tmp_path):
        """A path comes and goes with its listener."""
        path = tmp_path / 'weir.sock'
        weir = run_weir(config=config())
        weir.reload(config(listener={'local': {'bind': [f'unix:{path}']}}))
        assert ask(str(path)).status == 200
        weir.reload(config())
        assert not path.exists()

    def test_busy_address_refuses_the_reload(self, run_weir, config, tmp_path):
        """All addresses that cannot be had are named with the reason; everything stays as it was, the
        addresses that could have been opened included."""
        weir = run_weir(config=config())
        free = free_address()
        with open_socket() as one, open_socket() as two:
            busy = [f'127.0.0.1:{taken.getsockname()[1]}' for taken in (one, two)]
            weir.write(config(listener={'extra': {'bind': [free, *busy]}}, server={'name': 'other'}))
            message = weir.api('/api/reload', 'POST', 422)['message']
            for address in busy:
                assert f'listener "extra": cannot listen on {address}: address already in use' in message
            assert f'{weir.file}:' in message
            assert is_refused(pair(free))
            assert weir.status()['name'] == 'weir'
            assert weir.get().status == 200
        weir.reload()
        assert [ask(pair(address)).status for address in [free, *busy]] == [200] * 3
        assert weir.status()['name'] == 'other'

    def test_own_backend(self, run_weir, config, make_backend):
        """A backend that becomes weir's own listener by a reload is quarantined."""
        address = free_address()
        loop = {'pool': {'web': {'backends': [address]}}, 'route': [{'host': '*', 'pool': 'web'}]}
        weir = run_weir(config=config() | loop)
        assert weir.status()['quarantine']['total'] == 0
        weir.reload(config(listener={'extra': {'bind': [address]}}) | loop)
        assert 'is weir\'s own listener "extra"' in weir.status()['quarantine']['entries'][0]['reason']
        weir.reload(config() | loop)
        assert weir.status()['quarantine']['total'] == 0

    def test_own_backend_of_a_map(self, run_weir, config, tmp_path):
        """Also one that a line of an unchanged map makes."""
        address = free_address()
        (tmp_path / 'a.map').write_text(f'a.example {address}\n')
        files = {'routes': {'files': [f'{tmp_path}/*.map'], 'watch': False}}
        weir = run_weir(config=config() | files)
        weir.reload(config(listener={'extra': {'bind': [address]}}) | files)
        assert 'is weir\'s own listener "extra"' in weir.status()['quarantine']['entries'][0]['reason']
        weir.reload(config() | files)
        assert weir.status()['quarantine']['total'] == 0


class TestGoing:
    @pytest.fixture
    def weir(self, run_weir, manual_backend):
        """With a listener `extra` that reload_without() takes away."""
        config = configuration({'web': [manual_backend.address]}, timeouts={'client_idle': '60s'})
        more = dict(config, listener=config['listener'] | {'extra': {'bind': ['127.0.0.1:0']}})
        weir = run_weir(config=more)
        weir.reload_without = lambda: weir.reload(config)
        weir.reload_with = lambda: weir.reload(more)
        return weir

    def test_removed_listener(self, weir, manual_backend):
        """Nobody listens; what is under way there ends well, then its connections close: a request in flight,
        a kept-open connection with its next request, and a tunnel when it likes. The series ends with the
        last of them."""
        address = weir.listeners['extra'][0]
        with contextlib.ExitStack() as stack:
            idle, busy, tunnel = [stack.enter_context(weir.connect('extra')) for _ in range(3)]
            idle.send(request_bytes())
            peer = manual_backend.accept()
            peer.read_request()
            peer.send(response_bytes())
            assert idle.read_response().get('Connection') != 'close'
            busy.send(request_bytes('POST', fields={'Content-Length': '4'}) + b'ab')
            peer.read_head()
            tunnel.send(request_bytes(fields=HANDSHAKE))
            other = manual_backend.accept()
            other.read_request()
            other.send(SWITCHING)
            assert tunnel.read_response().status == 101

            weir.reload_without()
            assert is_refused(address)
            assert lines(weir, 'no longer listening') == [('extra', f'127.0.0.1:{address[1]}')]
            assert [listener['name'] for listener in weir.status()['listeners']] == ['public']
            assert weir.metric('weir_connections_open', listener='extra') == 3

            busy.send(b'cd')
            assert peer.read_exactly(4) == b'abcd'
            peer.send(response_bytes(b'whole'))
            answer = busy.read_response()
            assert (answer.text, answer.get('Connection')) == ('whole', 'close')
            busy.expect_end()
            idle.send(request_bytes())
            peer.read_request()
            peer.send(response_bytes(b'last'))
            answer = idle.read_response()
            assert (answer.text, answer.get('Connection')) == ('last', 'close')
            idle.expect_end()
            weir.wait_metric('weir_connections_open', 1, listener='extra')
            weir.wait_metric('weir_requests_total', 3, listener='extra')

            weir.reload_without()
            tunnel.send(b'ping')
            assert other.read_exactly(4) == b'ping'
            other.send(b'pong')
            assert tunnel.read_exactly(4) == b'pong'
        other.close()
        until(lambda: 'listener="extra"' not in weir.admin_get('/metrics').text, 'the series of extra ends')

    def test_comes_back(self, weir, manual_backend):
        """While connections of its former days live on it counts on where it was."""
        with weir.connect('extra') as client:
            client.send(request_bytes())
            peer = manual_backend.accept()
            peer.read_request()
            weir.reload_without()
            weir.reload_with()
            name, address = lines(weir, 'listening')[-1]
            assert name == 'extra'
            peer.send(response_bytes())
            assert client.read_response().get('Connection') == 'close'
            client.expect_end()
            with Peer.connect(pair(address)) as again:
                again.send(request_bytes())
                peer.read_request()
                peer.send(response_bytes())
                assert again.read_response().get('Connection') != 'close'
        weir.wait_metric('weir_requests_total', 2, listener='extra', code='2xx')

    def test_again_and_again(self, weir):
        """A listener that comes and goes leaves nothing behind."""
        before = weir.open_descriptors()
        for _ in range(20):
            weir.reload_without()
            weir.reload_with()
        until(lambda: len(weir.open_descriptors()) <= len(before) + 2, 'descriptors are given back')


class TestTakingOver:
    """Somebody listens all the time while an address changes hands."""

    @pytest.mark.tsan
    @pytest.mark.parametrize('before, after', [('public', 'renamed'), ('0.0.0.0', '127.0.0.1'), ('127.0.0.1', '0.0.0.0'),
                                               ('', '127.0.0.1'), ('127.0.0.1', '')])
    def test_under_load(self, run_weir, config, before, after):
        """A listener gets another name, or an address that covers more or less, under load that opens
        connections all the time. With another name it is the same socket, and nobody notices; of two, one
        closes, and a client in that very moment may be reset, but nobody is refused."""
        port = pair(free_address())[1]

        def version(what):
            name, ip = (what, '127.0.0.1') if what in ('public', 'renamed') else ('public', what)
            made = config(server={'workers': 2})
            made['listener'] = {name: {'bind': [f'{ip}:{port}'], 'defer_accept': False}}
            return made
        weir = run_weir(config=version(before))
        weir.listeners['public'] = [('127.0.0.1', port)]
        with Load(weir, clients=2) as kept:
            with Load(weir, clients=4, target='/new') as load:
                load._talk = lambda client: _one(load, client)
                load.wait_for_more(20)
                for number in range(6):
                    weir.reload(version(before if number % 2 else after))
                    load.wait_for_more(20)
            kept.wait_for_more(20)
        problems = load.problems + kept.problems
        if before != 'public':
            problems = [problem for problem in problems if not isinstance(problem, (ConnectionResetError, Ended))]
        assert problems == []

    def test_swap(self, run_weir, config):
        """Two listeners exchange their addresses in one step."""
        one, two = free_address(), free_address()
        weir = run_weir(config=config(listener={'public': {'bind': [one]}, 'extra': {'bind': [two]}}))
        weir.reload(config(listener={'public': {'bind': [two]}, 'extra': {'bind': [one]}}))
        assert ask(pair(one)).status == ask(pair(two)).status == 200
        assert weir.wait_access(listener='extra') and weir.wait_access(listener='public')
        assert sorted((entry['name'], entry['address']) for entry in weir.status()['listeners']) == [
            ('extra', one), ('public', two)]

    def test_passed_socket_returns(self, run_weir, config):
        """A socket that the service manager passed is there again when its address is wanted again."""
        with listening_socket() as passed:
            address = f'127.0.0.1:{passed.getsockname()[1]}'
            with_it = config(listener={'extra': {'bind': [address]}})
            weir = run_weir(config=with_it, process=passing([passed], ['extra']))
            weir.reload(config())
            weir.reload(with_it)
            assert weir.metric('weir_config_last_reload_successful') == 1
            assert ask(pair(address)).status == 200


def _one(load, client):
    """One request on a connection of its own."""
    client.send(request_bytes(target='/new'))
    response = client.read_response()
    if response.status != 200:
        load.problems.append((response.head, response.body))
    with load._lock:
        load.total += 1


class TestOtherKeys:
    def test_of_a_listener(self, run_weir, config, backend):
        """trusted_proxies, client_ip_from and upgrades count for the next request."""
        weir = run_weir(config=config())
        fields = {'X-Forwarded-For': '192.0.2.1', 'Forwarded': 'for=192.0.2.2'}
        for keys, client in (({}, '127.0.0.1'), ({'trusted_proxies': ['127.0.0.0/8']}, '192.0.2.1'),
                             ({'trusted_proxies': ['127.0.0.0/8'], 'client_ip_from': 'forwarded'}, '192.0.2.2')):
            weir.reload(config(listener={'public': keys}))
            weir.get(f'/{client}', fields=fields)
            assert weir.wait_access(path=f'/{client}')['client'] == client

    def test_defer_accept(self, run_weir, config):
        """Without it a client counts before it has said anything; a reload switches that both ways."""
        weir = run_weir(config=config(listener={'public': {'defer_accept': True}}))
        weir.reload(config(listener={'public': {'defer_accept': False}}))
        with weir.connect():
            weir.wait_metric('weir_connections_open', 1)
        weir.reload(config(listener={'public': {'defer_accept': True}}))
        with weir.connect():
            assert weir.metric('weir_connections_open') == 0

    def test_max_connections(self, run_weir, config):
        """A lower limit pauses accepting and cuts nobody; a higher one lets who waits come in."""
        weir = run_weir(config=config())
        with weir.connect() as one, weir.connect() as two, weir.connect() as three:
            assert one.send(request_bytes()).read_response().status == 200
            assert two.send(request_bytes()).read_response().status == 200
            weir.reload(config(server={'max_connections': 2}))
            assert weir.metric('weir_connections_limit') == 2
            assert one.send(request_bytes()).read_response().status == 200
            three.send(request_bytes())
            weir.wait_log(msg='accepting pauses')
            weir.reload(config(server={'max_connections': 3}))
            assert three.read_response().status == 200
        assert weir.status()['pending_restart'] == []

    def test_admin_and_metrics_bind(self, run_weir, config):
        """They move as listeners do; the answer to the reload that moves them still arrives."""
        weir = run_weir(config=config())
        admin, metrics = free_address(), free_address()
        weir.write(config(admin={'bind': [admin]}, metrics={'bind': [metrics]}))
        weir.api('/api/reload', 'POST')
        weir.wait_log(msg='reloaded')
        assert ('admin', admin) in lines(weir, 'listening') and ('metrics', metrics) in lines(weir, 'listening')
        assert is_refused(weir.admin)
        assert ask(pair(metrics), target='/healthz').status == 200
        weir.listeners['admin'] = [pair(admin)]
        assert weir.status()['pending_restart'] == []
        weir.reload(config(admin={'bind': [admin]}))
        assert is_refused(pair(metrics))

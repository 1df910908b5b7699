"""Peers that are slow, broken or ill-disposed, on either side. Each ends by its row of failure.def, whoever
behaves is served beside them, nothing spins, and in the end nothing of them is left: no request in flight, no
connection, no descriptor (R08, R22, R24, R31, R32)."""
import collections
import threading

import pytest

from support.streams import Job
from support.wait import until, window
from support.wire import Ended, chunked, request_bytes, response_bytes

SWITCH = {'Connection': 'Upgrade', 'Upgrade': 'websocket'}
SWITCHING = b'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'


class House:
    """weir with a backend for the hostile (bad.example), which the test drives, and one for a client that
    behaves (a.example)."""

    def __init__(self, run_weir, bad, good, **timeouts):
        self.bad = bad
        quick = {'backend_idle': '100ms'}
        self.weir = run_weir({'bad': {'backends': [bad.address], 'retries': 0, 'timeouts': quick},
                              'web': {'backends': [good.address], 'timeouts': quick}},
                             [('bad.example', 'bad'), ('a.example', 'web')], timeouts=timeouts,
                             listener={'public': {'defer_accept': False}})
        self.still_served()
        until(lambda: self.weir.metric('weir_backend_connections_idle') == 0, 'no idle connection is left')
        self.weir.wait_metric('weir_connections_open', 0)
        self._descriptors = len(self.weir.open_descriptors())

    def still_served(self, count=3):
        with self.weir.connect() as client:
            for _ in range(count):
                assert client.send(request_bytes(body=b'mine')).read_response().text == 'ok'

    def open(self, method='GET', fields=(), body=b'', **options):
        """A request to the bad backend; (client, the backend's end with the head read)."""
        client = self.weir.connect(**options)
        client.send(request_bytes(method, host='bad.example', fields=fields) + body)
        peer = self.bad.accept()
        peer.read_head()
        return client, peer

    def failures(self):
        found = collections.Counter()
        for sample in self.weir.metrics().samples:
            if sample.name == 'weir_failures_total' and sample.value:
                found[sample.labels['reason']] += int(sample.value)
        return found

    def is_idle(self, seconds=1.0, most_cpu=0.15):
        """A loop that spins would take all of a core."""
        before = self.weir.cpu_seconds()
        window(seconds)
        used = self.weir.cpu_seconds() - before
        assert used < most_cpu * seconds, f'{used:.2f} s of CPU in {seconds:g} s'

    def nothing_is_left(self):
        self.still_served()
        self.weir.wait_metric('weir_requests_in_flight', 0)
        self.weir.wait_metric('weir_connections_open', 0)
        until(lambda: len(self.weir.open_descriptors()) <= self._descriptors,
              lambda: f'{self._descriptors} descriptors; there are {len(self.weir.open_descriptors())}')


@pytest.fixture
def house(run_weir, manual_backend, backend):
    built = []

    def build(**timeouts):
        built.append(House(run_weir, manual_backend, backend, **timeouts))
        return built[-1]
    yield build
    for one in built:
        one.nothing_is_left()


def leave(peer, how):
    if how == 'reset':
        peer.reset()
    elif how == 'close':
        peer.close()
    else:
        peer.end_writing()


class TestLeaving:
    """A peer goes after every single byte of what it has to say, in each way there is."""
    REQUESTS = {
        'length': request_bytes('POST', host='bad.example', body=b'body'),
        'chunked': request_bytes('PUT', host='bad.example', fields={'Transfer-Encoding': 'chunked'})
        + chunked(b'bo', b'dy', trailers='X: y\r\n'),
    }
    ANSWERS = {
        'length': (response_bytes(b'body'), b'body'),
        'chunked': (b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' + chunked(b'bo', b'dy'), b'body'),
        'informational': (b'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' + response_bytes(b'body'), b'body'),
        'close': (b'HTTP/1.1 200 OK\r\n\r\nbody', b'body'),
    }

    @pytest.mark.parametrize('framing', REQUESTS)
    @pytest.mark.parametrize('how', ['reset', 'close', 'half'])
    def test_client(self, run_weir, make_backend, backend, framing, how):
        echo = make_backend(lambda request, peer: response_bytes(request.body))
        house = House(run_weir, echo, backend, client_fin='200ms')
        data = self.REQUESTS[framing]
        for count in range(len(data) + 1):
            client = house.weir.connect().send(data[:count])
            leave(client, how)
            if how != 'half':
                continue
            # Who shuts its side in the middle is gone; who has said everything gets its answer.
            rest = client.expect_cut()
            assert rest.endswith(b'body') if count == len(data) else b'200 OK' not in rest, (count, rest)
            client.close()
        house.nothing_is_left()
        assert set(house.failures()) <= {'client_gone'}
        for request in echo.requests:
            assert request.body == b'body'
        echo.close()

    @pytest.mark.parametrize('framing', ANSWERS)
    @pytest.mark.parametrize('how', ['reset', 'close'])
    def test_backend(self, house, framing, how):
        house = house()
        data, body = self.ANSWERS[framing]
        head_bytes = data.rindex(b'\r\n\r\n', 0, data.index(b'body' if framing != 'chunked' else b'2\r\nbo')) + 4
        for count in range(len(data) + 1):
            client, peer = house.open()
            peer.send(data[:count])
            if count > head_bytes and framing == 'close':
                # Only then is it known to have been read when the reset comes.
                client.read_until(b'\r\n\r\n')
                client.read_until(data[head_bytes:count])
                client.unread()
            leave(peer, how)
            self.judge(client, count, head_bytes, data, body, framing, how)
            client.close()
        until(lambda: set(house.failures()) <= {'closed_before_response', 'response_cut'}, 'no other failure')

    @staticmethod
    def judge(client, count, head_bytes, data, body, framing, how):
        """Whole, or visibly not."""
        try:
            response = client.read_response()
        except (Ended, ConnectionResetError, AssertionError) as problem:
            assert 'nothing came' not in str(problem), (count, problem)
            assert count >= head_bytes, (count, problem)
            assert count < len(data) or how == 'reset', (count, problem)
            return
        if response.status == 502:
            assert count < head_bytes or (how == 'reset' and count < len(data)), (count, response)
        elif framing == 'close':
            assert how == 'close' and response.body == data[head_bytes:count], (count, response)
        else:
            assert response.body == body and count == len(data), (count, response)

    @pytest.mark.parametrize('side', ['client', 'backend'])
    @pytest.mark.parametrize('how', ['reset', 'close', 'half'])
    def test_tunnel(self, house, side, how):
        """After each byte of a switch of protocols and of what follows: the other side hears of it."""
        house = house(client_fin='200ms')
        data = SWITCHING + b'raw'
        for count in [*range(0, len(SWITCHING), 7), *range(len(SWITCHING), len(data) + 1)]:
            client, peer = house.open(fields=SWITCH)
            peer.send(data[:count])
            if count >= len(SWITCHING):
                client.read_until(b'\r\n\r\n')
                client.read_exactly(count - len(SWITCHING))
            leaver, other = (client, peer) if side == 'client' else (peer, client)
            leave(leaver, how)
            if side == 'backend' and count < len(SWITCHING):
                assert client.read_response().status == 502
            else:
                other.expect_cut()
            other.close()
            leaver.close()

    def test_during_connect(self, house):
        """A backend that takes the connection and breaks it at once."""
        house = house()
        for how in ['reset', 'close'] * 20:
            client = house.weir.connect().send(request_bytes(host='bad.example'))
            leave(house.bad.accept(), how)
            assert client.read_response().status == 502
            client.close()
        # The reset may come before weir has seen the connection stand.
        assert set(house.failures()) <= {'closed_before_response', 'connect_refused'}

    def test_client_behind_its_own_pipeline(self, house):
        """R31: a client whose end lies behind more requests than weir keeps has gone all the same; its
        backend is not left to answer it."""
        house = house(client_fin='200ms')
        client, peer = house.open(body=request_bytes(host='bad.example', fields={'X': 'x' * 900}) * 100)
        client.close()
        peer.expect_cut()
        house.weir.wait_failure('client_gone')

    def test_client_that_pipelines_and_shuts_its_side(self, house):
        """… but one that only has no more to ask gets all its answers."""
        house = house(client_fin='20s')
        count = 100
        client, peer = house.open(body=request_bytes(host='bad.example', fields={'X': 'x' * 900}) * (count - 1))
        client.end_writing()
        for number in range(count):
            if number:
                peer.read_head()
            peer.send(response_bytes(b'%d' % number))
            assert client.read_response().text == f'{number}'
        client.expect_end()
        client.close()


class TestByteByByte:
    @pytest.mark.parametrize('framing', ['length', 'chunked'])
    def test_both_sides(self, house, framing):
        """Request and answer in packets of one byte are what they are in one."""
        house = house()
        client = house.weir.connect()
        for byte in TestLeaving.REQUESTS[framing]:
            client.send(bytes([byte]))
        peer = house.bad.accept()
        assert peer.read_request().body == b'body'
        for byte in TestLeaving.ANSWERS[framing][0]:
            peer.send(bytes([byte]))
        assert client.read_response().body == b'body'
        client.close()

    @pytest.mark.parametrize('direction', ['up', 'down'])
    def test_a_hundred_thousand_chunks_of_one_byte(self, house, direction):
        """Each costs little, none is lost, and they travel together."""
        house, count = house(), 100_000
        body = bytes(range(256)) * (count // 256) + b'x' * (count % 256)
        data = b''.join(b'1\r\n%c\r\n' % byte for byte in body) + b'0\r\n\r\n'
        client, peer = house.open('POST' if direction == 'up' else 'GET',
                                  {'Transfer-Encoding': 'chunked'} if direction == 'up' else {})
        before = house.weir.cpu_seconds()
        if direction == 'up':
            job = Job(client.send, data)
            assert peer.read_chunked() == (body, [])
            job.finish()
            peer.send(response_bytes())
            assert client.read_response().text == 'ok'
        else:
            job = Job(peer.send, b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' + data)
            assert client.read_response().body == body
            job.finish()
        # 20 µs each, where a system call each would be that much and more.
        assert house.weir.cpu_seconds() - before < 2
        client.close()


class TestWithoutEnd:
    """What grows for ever is stopped at its limit, and its connection with it."""
    MOST_BYTES = 1 << 25  # what all kernel buffers on the way may hold

    def pour(self, sender, piece):
        assert sender.send_until_stuck(piece, 1 << 27) < self.MOST_BYTES

    @pytest.mark.parametrize('begin, piece, reason', [
        (b'GET /', b'a' * 4096, 'uri_too_long'),
        (b'GET / HTTP/1.1\r\nHost: bad.example\r\nX: ', b'a' * 4096, 'head_too_large'),
        (b'GET / HTTP/1.1\r\nHost: bad.example\r\n', b'X: y\r\n' * 500, 'head_too_large'),
    ], ids=['target', 'field', 'fields'])
    def test_head_of_a_client(self, house, begin, piece, reason):
        house = house()
        with house.weir.connect() as client:
            client.send(begin)
            self.pour(client, piece)
        house.weir.wait_failure(reason)
        assert not house.bad.has_waiting()

    @pytest.mark.parametrize('begin, piece', [
        (b'1;', b'a' * 4096), (b'', b'1;extension=value\r\nx\r\n' * 500), (b'0\r\nX: ', b'a' * 4096),
        (b'0\r\n', b'X: y\r\n' * 500), (b'', b'0' * 4096),
    ], ids=['extension', 'extensions', 'trailer', 'trailers', 'size'])
    @pytest.mark.parametrize('side', ['client', 'backend'])
    def test_chunked(self, house, begin, piece, side):
        house = house()
        client, peer = house.open('POST' if side == 'client' else 'GET',
                                  {'Transfer-Encoding': 'chunked'} if side == 'client' else {})
        if side == 'client':
            client.send(begin)
            self.pour(client, piece)
            assert b'0\r\n\r\n' not in peer.expect_cut()
        else:
            peer.send(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' + begin)
            reading = Job(client.expect_cut)
            self.pour(peer, piece)
            assert not reading.finish().endswith(b'0\r\n\r\n')
        house.weir.wait_failure('bad_request' if side == 'client' else 'response_cut')
        client.close()

    @pytest.mark.parametrize('begin, piece', [
        (b'HTTP/1.1 200 OK\r\nX: ', b'a' * 4096), (b'HTTP/1.1 200 OK\r\n', b'X: y\r\n' * 500),
        (b'HTTP/1.1 200 ', b'O' * 4096), (b'', b'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' * 50),
        (b'', b'\x00' * 4096), (b'', b'\r\n' * 2048),
    ], ids=['field', 'fields', 'reason', 'informational', 'zeros', 'lines'])
    def test_head_of_a_backend(self, house, begin, piece):
        house = house()
        client, peer = house.open()
        peer.send(begin)
        self.pour(peer, piece)
        response = client.read_response()
        assert response.status == 502 and len(response.informational) <= 16
        house.weir.wait_failure('bad_response')
        client.close()

    def test_bytes_on_an_idle_backend_connection(self, house):
        """R22: the first of them closes it; nobody sees any."""
        house = house()
        for _ in range(5):
            client, peer = house.open()
            peer.send(response_bytes(b'mine'))
            assert client.read_response().text == 'mine'
            self.pour(peer, response_bytes(b'poison') * 100)
            client.send(request_bytes(host='bad.example'))
            fresh = house.bad.accept()
            fresh.read_head()
            fresh.send(response_bytes(b'clean'))
            assert client.read_response().text == 'clean'
            client.close()
            fresh.close()


class TestFloods:
    @pytest.mark.plain  # ASan keeps what was freed.
    def test_a_hundred_thousand_pipelined_requests(self, house):
        """All are answered, one after the other, by weir itself and by a backend."""
        house = house()
        for host, count, status in (('nowhere.example', 100_000, b'HTTP/1.1 404 '), ('a.example', 2_000, b'HTTP/1.1 200 ')):
            with house.weir.connect() as client:
                before = house.weir.anonymous_kib()
                job = Job(client.send, request_bytes(host=host) * (count - 1)
                          + request_bytes(host=host, fields={'Connection': 'close'}))
                seen, rest = 0, b''
                while data := client.socket.recv(1 << 18):
                    data = rest + data
                    seen += data.count(status)
                    rest = data[-len(status) + 1:]
                job.finish()
                assert seen == count
                assert house.weir.anonymous_kib() - before < 2048

    @pytest.mark.plain  # So do these.
    @pytest.mark.parametrize('host, reason', [('nowhere.example', 'no_route'), ('bad.example', 'client_write_timeout')])
    def test_client_that_never_reads_its_answers(self, run_weir, make_backend, backend, host, reason):
        """It gets as many as fit, then its requests wait; after client_write its connection ends. A client
        beside it notices nothing."""
        large = make_backend(lambda request, peer: response_bytes(b'x' * 65536))
        house = House(run_weir, large, backend, client_write='1s')
        before = house.weir.anonymous_kib()
        with house.weir.connect(receive_buffer_bytes=4096) as client:
            job = Job(client.send_until_stuck, request_bytes(host=host) * 1000, 1 << 28)
            house.still_served(50)
            assert house.weir.anonymous_kib() - before < 4096
            job.finish()
            # The last answer never went out; what it was is told, not what became of it.
            until(lambda: house.failures()[reason] > 0, reason)
            house.weir.wait_metric('weir_connections_open', 0)
        house.nothing_is_left()

    def test_resets_in_the_middle_of_many(self, house):
        """Every second one of sixty requests resets; the others get their own answers."""
        house = house()
        pairs = [house.open(fields={'X': str(number)}) for number in range(60)]
        for client, _ in pairs[::2]:
            client.reset()
        for number, (client, peer) in enumerate(pairs):
            if number % 2:
                peer.send(response_bytes(b'%d' % number))
                assert client.read_response().text == str(number)
                client.close()
            else:
                peer.expect_cut()
        house.weir.wait_failure('client_gone', 30)

    def test_slowloris(self, house):
        """Two hundred clients that trickle a head end at request_head, each with its 408; who asks properly
        is served meanwhile."""
        house = house(request_head='1500ms')
        clients = [house.weir.connect().send('GET / HTTP/1.1\r\n') for _ in range(200)]
        over = threading.Event()

        def trickle():
            while not over.wait(0.1):
                for client in clients:
                    try:
                        client.send('X: y\r\n')
                    except OSError:
                        pass
        job = Job(trickle)
        house.still_served(50)
        house.weir.wait_failure('request_head_timeout', 200)
        over.set()
        job.finish()
        for client in clients:
            assert client.expect_cut().startswith(b'HTTP/1.1 408 ')
            client.close()


class TestStuck:
    """Every way of keeping weir waiting at once, many times over."""

    def stuck(self, house):
        """(client, peer) pairs, each stuck in a way of its own, by the reason that is to end it."""
        big = 'Content-Length: 1000000000\r\n'

        def answered(head, body=b'', **options):
            client, peer = house.open(**options)
            peer.send(f'HTTP/1.1 200 OK\r\n{head}\r\n'.encode() + body)
            return client, peer

        def unread(pair, sender):
            pair[sender].send_until_stuck(b'x' * 65536)
            return pair
        yield 'request_head_timeout', (house.weir.connect().send('GET / HTTP/1.1\r\nHo'), None)
        yield 'client_body_timeout', house.open('POST', {'Content-Length': '10'}, b'half')
        yield 'client_body_timeout', house.open('POST', {'Transfer-Encoding': 'chunked'}, b'a')
        yield 'client_body_timeout', house.open('POST', {'Transfer-Encoding': 'chunked'}, b'a\r\nhalf')
        yield 'client_body_timeout', house.open('POST', {'Transfer-Encoding': 'chunked'}, b'4\r\nhalf')
        yield 'client_body_timeout', house.open('POST', {'Transfer-Encoding': 'chunked'}, b'4\r\nhalf\r\n0\r\nX: y\r\n')
        yield 'client_write_timeout', unread(answered(big, receive_buffer_bytes=4096), 1)
        yield 'backend_write_timeout', unread(house.open('POST', {'Content-Length': '1000000000'}), 0)
        yield 'response_head_timeout', house.open()
        client, peer = house.open()
        peer.send('HTTP/1.1 200 OK\r\nX: y')
        yield 'response_head_timeout', (client, peer)
        client, peer = house.open()
        peer.send('HTTP/1.1 103 Early Hints\r\n\r\n')
        yield 'response_head_timeout', (client, peer)
        yield 'response_head_timeout', house.open('POST', {'Content-Length': '4', 'Expect': '100-continue'})
        yield 'backend_body_timeout', answered('Content-Length: 10\r\n', b'half')
        yield 'backend_body_timeout', answered('Transfer-Encoding: chunked\r\n', b'a')
        yield 'backend_body_timeout', answered('Transfer-Encoding: chunked\r\n', b'4\r\nhalf\r\n0\r\nX: y\r\n')
        yield 'backend_body_timeout', answered('Connection: close\r\n', b'half')
        client, peer = house.open(fields=SWITCH)
        peer.send(SWITCHING)
        yield 'tunnel_idle_timeout', (client, peer)
        client, peer = house.open(fields=SWITCH)
        peer.send(SWITCHING)
        client.read_until(b'\r\n\r\n')
        yield 'tunnel_idle_timeout', (client.end_writing(), peer)

    def all_of_them(self, house, times):
        wanted, pairs = collections.Counter(), []
        for _ in range(times):
            for reason, pair in self.stuck(house):
                wanted[reason] += 1
                pairs.append(pair)
        return wanted, pairs

    def test_each_ends_by_its_own_timer(self, house):
        """The limits are seconds apart from the time that it takes to set the stage, not from each other."""
        keys = ['request_head', 'client_body', 'client_write', 'backend_write', 'response_head', 'backend_body',
                'tunnel_idle']
        house = house(**{key: '6s' for key in keys})
        wanted, pairs = self.all_of_them(house, 1)
        until(lambda: house.failures() == wanted, lambda: f'{wanted}; there are {house.failures()}')
        for pair in pairs:
            for peer in filter(None, pair):
                peer.close()

    @pytest.mark.plain
    def test_waiting_costs_nothing(self, house):
        """Ninety stuck exchanges and forty silent connections: weir sleeps, and a client that behaves is
        served as if it were alone. When the peers vanish, so does all that was theirs."""
        house = house()
        _, pairs = self.all_of_them(house, 5)
        silent = [house.weir.connect() for _ in range(40)]
        house.still_served()
        house.is_idle(2)
        house.still_served(50)
        for number, pair in enumerate(pairs):
            for peer in filter(None, pair):
                leave(peer, ['reset', 'close'][number % 2])
        house.is_idle(1)
        for client in silent:
            client.close()

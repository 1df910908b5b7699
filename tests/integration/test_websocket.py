"""Tunnels: WebSockets with a real library at both ends, and the handshake byte by byte (R19, R23)."""
import asyncio
import contextlib
import threading

import pytest
import websockets

from support.wait import DEADLINE_SECONDS
from support.weir import configuration
from support.wire import request_bytes, response_bytes

HANDSHAKE = {'Connection': 'Upgrade', 'Upgrade': 'websocket', 'Sec-WebSocket-Version': '13',
             'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ=='}
SWITCHING = ('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
             'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n')


class EchoServer:
    """python3-websockets on a loop and thread of its own. `/bye` closes after one message."""

    def __init__(self):
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._started.wait(DEADLINE_SECONDS)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._loop.run_forever()

    async def _start(self):
        self._server = await websockets.serve(self._echo, '127.0.0.1', 0, max_size=None, ping_interval=None)
        self.address = '127.0.0.1:%d' % self._server.sockets[0].getsockname()[1]
        self._started.set()

    @staticmethod
    async def _echo(connection):
        async for message in connection:
            await connection.send(message)
            if connection.path == '/bye':
                await connection.close(4001, 'bye')

    def close(self):
        async def close():
            self._server.close()
            await self._server.wait_closed()
        asyncio.run_coroutine_threadsafe(close(), self._loop).result(DEADLINE_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE_SECONDS)
        self._loop.close()


@pytest.fixture(scope='module')
def echo_server():
    server = EchoServer()
    yield server
    server.close()


@contextlib.asynccontextmanager
async def websocket(weir, path='/'):
    async with websockets.connect(f'ws://127.0.0.1:{weir.port}{path}', max_size=None, ping_interval=None,
                                  open_timeout=DEADLINE_SECONDS, close_timeout=DEADLINE_SECONDS) as connection:
        yield connection


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 3 * DEADLINE_SECONDS))


@pytest.fixture
def weir(run_weir, echo_server):
    return run_weir({'web': [echo_server.address]})


class TestRealWebSockets:
    def test_echo_and_ping(self, weir):
        """Text, binary and ping frames come back in order."""
        async def talk():
            async with websocket(weir) as connection:
                for message in ('text', b'\x00\xff', '', 'grüße'):
                    await connection.send(message)
                    assert await connection.recv() == message
                await (await connection.ping(b'beat'))
        run(talk())
        line = weir.wait_access(status='101')
        assert 'reason' not in line or line['reason'] in ('', '-')

    @pytest.mark.tsan
    def test_big_messages(self, weir):
        """4 MiB in one message, both ways, several in flight."""
        big = [bytes([number]) * (4 << 20) for number in range(3)]

        async def talk():
            async with websocket(weir) as connection:
                async def send():
                    for message in big:
                        await connection.send(message)
                sending = asyncio.ensure_future(send())
                for message in big:
                    assert await connection.recv() == message
                await sending
        run(talk())

    def test_close_from_the_client(self, weir):
        """The client's close frame reaches the server and its answer comes back."""
        async def talk():
            async with websocket(weir) as connection:
                await connection.close(4000, 'done')
                assert connection.close_code == 4000
        run(talk())
        weir.wait_metric('weir_requests_in_flight', 0)

    def test_close_from_the_server(self, weir):
        """The server's close frame reaches the client with code and reason."""
        async def talk():
            async with websocket(weir, '/bye') as connection:
                await connection.send('last')
                assert await connection.recv() == 'last'
                with pytest.raises(websockets.ConnectionClosed):
                    await connection.recv()
                assert (connection.close_code, connection.close_reason) == (4001, 'bye')
        run(talk())
        weir.wait_metric('weir_requests_in_flight', 0)

    @pytest.mark.tsan
    def test_many_at_once_survive_a_reload(self, run_weir, echo_server):
        """Forty tunnels on two workers go on over reloads, even when their route is gone."""
        config = configuration({'web': [echo_server.address]}, server={'workers': 2})
        weir = run_weir(config=config)

        async def talk():
            async with contextlib.AsyncExitStack() as stack:
                connections = [await stack.enter_async_context(websocket(weir)) for _ in range(40)]
                for turn in range(3):
                    for number, connection in enumerate(connections):
                        await connection.send(f'{turn}:{number}')
                    for number, connection in enumerate(connections):
                        assert await connection.recv() == f'{turn}:{number}'
                    changed = dict(config, route=[{'host': f'other{turn}.example', 'pool': 'web'}])
                    await asyncio.get_running_loop().run_in_executor(None, weir.reload, changed)
        run(talk())
        weir.wait_metric('weir_requests_in_flight', 0)


@pytest.fixture
def tunnel(run_weir, manual_backend):
    """(client, backend's peer, weir) after a successful handshake."""
    weir = run_weir({'web': [manual_backend.address]}, timeouts={'tunnel_idle': '60s'})
    with weir.connect() as client:
        client.send(request_bytes(fields=HANDSHAKE))
        peer = manual_backend.accept()
        head = peer.read_request().head
        assert head.get('Upgrade') == 'websocket' and head.get('Connection').lower() == 'upgrade'
        assert head.get('Sec-WebSocket-Key') == HANDSHAKE['Sec-WebSocket-Key']
        peer.send(SWITCHING)
        response = client.read_response()
        assert response.status == 101 and response.get('Upgrade') == 'websocket'
        assert response.get('Connection').lower() == 'upgrade'
        yield client, peer, weir


class TestTunnel:
    def test_bytes_pass_raw(self, tunnel):
        """After the 101 no byte is interpreted."""
        client, peer, _ = tunnel
        client.send(b'GET / HTTP/1.1\r\n\r\n\x00\xff')
        assert peer.read_exactly(20) == b'GET / HTTP/1.1\r\n\r\n\x00\xff'
        peer.send(b'HTTP/1.1 200 OK\r\n\r\n')
        assert client.read_exactly(19) == b'HTTP/1.1 200 OK\r\n\r\n'

    def test_end_of_the_client(self, tunnel):
        """The client's end reaches the backend, whose last bytes still reach the client."""
        client, peer, weir = tunnel
        client.send(b'last').end_writing()
        assert peer.read_to_end() == b'last'
        peer.send(b'answer').close()
        assert client.read_to_end() == b'answer'
        weir.wait_metric('weir_requests_in_flight', 0)

    def test_end_of_the_backend(self, tunnel):
        """The backend's end reaches the client, whose last bytes still reach the backend."""
        client, peer, weir = tunnel
        peer.send(b'last')
        peer.end_writing()
        assert client.read_to_end() == b'last'
        client.send(b'answer')
        client.close()
        assert peer.read_to_end() == b'answer'
        weir.wait_metric('weir_requests_in_flight', 0)

    @pytest.mark.parametrize('side', ['client', 'backend'])
    def test_reset_of_either_side_ends_the_other(self, tunnel, side):
        """A reset does not leave half a tunnel behind."""
        client, peer, weir = tunnel
        (client if side == 'client' else peer).reset()
        (peer if side == 'client' else client).expect_cut()
        weir.wait_metric('weir_requests_in_flight', 0)

    def test_backpressure(self, tunnel):
        """A side that does not read stops the other one; weir keeps little."""
        client, peer, weir = tunnel
        before = weir.pss_kib()
        sent = client.send_until_stuck(b'x' * 65536, 1 << 27)
        assert weir.pss_kib() - before < 20 * 1024
        assert len(peer.read_exactly(sent)) == sent


def test_early_bytes_are_kept_in_order(run_weir, manual_backend):
    """R23: bytes behind the request and behind the 101 belong to the tunnel, in order."""
    weir = run_weir({'web': [manual_backend.address]})
    with weir.connect() as client:
        client.send(request_bytes(fields=HANDSHAKE) + b'client-early')
        peer = manual_backend.accept()
        peer.read_request()
        peer.send(SWITCHING.encode() + b'backend-early')
        client.read_response()
        client.send(b' client-late')
        peer.send(b' backend-late')
        assert client.read_exactly(len('backend-early backend-late')) == b'backend-early backend-late'
        assert peer.read_exactly(len('client-early client-late')) == b'client-early client-late'


def test_refused_upgrade_is_an_ordinary_answer(run_weir, manual_backend):
    """A backend that does not switch: its answer passes and both connections go on."""
    weir = run_weir({'web': [manual_backend.address]})
    with weir.connect() as client:
        client.send(request_bytes(fields=HANDSHAKE))
        peer = manual_backend.accept()
        peer.read_request()
        peer.send(response_bytes(b'no', '426 Upgrade Required'))
        assert client.read_response().status == 426
        client.send(request_bytes())
        peer.read_request()
        peer.send(response_bytes(b'plain'))
        assert client.read_response().text == 'plain'


def test_upgrades_of_the_listener(run_weir, manual_backend):
    """`upgrades` lists what may tunnel."""
    weir = run_weir({'web': [manual_backend.address]}, listener={'public': {'upgrades': ['custom']}})
    with weir.connect() as client:
        client.send(request_bytes(fields={'Connection': 'Upgrade', 'Upgrade': 'custom'}))
        peer = manual_backend.accept()
        assert peer.read_request().head.get('Upgrade') == 'custom'
        peer.send('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: custom\r\n\r\nraw')
        client.read_response()
        assert client.read_exactly(3) == b'raw'

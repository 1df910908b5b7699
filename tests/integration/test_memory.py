"""What connections and exchanges cost, by the kernel's own account. Only with a plain binary: sanitizers
keep shadows and quarantines of their own."""
import resource
import select

import pytest

from support.backends import ManualBackend
from support.wait import ready_of, until
from support.weir import configuration
from support.wire import request_bytes

pytestmark = pytest.mark.plain


@pytest.fixture(autouse=True)
def many_descriptors():
    """As many as the system allows, for this process and the weir that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def one_request_each(weir, count):
    """`count` clients that asked once, got their answer and stay connected."""
    clients = []
    for _ in range(count):
        clients.append(weir.connect().send(request_bytes()))
        assert clients[-1].read_response().status == 200
    return clients


def test_idle_connection_costs_at_most_600_bytes(run_weir, backend):
    """Ten thousand kept-open client connections (as many as descriptors allow): 0.6 KiB each at most."""
    count = min(10_000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] * 9 // 20)
    weir = run_weir({'web': [backend.address]}, log={'access': 'off'})
    warm = one_request_each(weir, 500)
    before = weir.pss_kib()
    clients = one_request_each(weir, count)
    assert weir.metric('weir_connections_open') == count + len(warm)
    cost_kib = (weir.pss_kib() - before) / count
    for client in clients + warm:
        client.close()
    assert cost_kib <= 0.6, f'{cost_kib:.2f} KiB each over {count}'
    weir.wait_metric('weir_connections_open', 0)


@pytest.mark.parametrize('direction', ['download', 'upload', 'both'])
def test_exchange_with_a_stalled_peer_costs_at_most_192_kib(run_weir, direction):
    """Two hundred exchanges whose receiving sides stopped reading, or read a little now and then: 192 KiB
    each at most, whatever the other side would like to send."""
    count = 200
    backend = ManualBackend(receive_buffer_bytes=4096)
    weir = run_weir({'web': [backend.address]}, log={'access': 'off'},
                    timeouts={'client_write': '60s', 'backend_write': '60s'})
    pairs = []
    try:
        before = weir.pss_kib()
        for _ in range(count):
            client = weir.connect(receive_buffer_bytes=4096)
            if direction == 'download':
                client.send(request_bytes())
            else:
                client.send(request_bytes('POST', fields={'Content-Length': '1000000000'}))
            peer = backend.accept()
            peer.read_head()
            if direction != 'upload':
                peer.send(b'HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n')
            pairs.append((client, peer))
        senders = [sender for pair in pairs for sender in {'upload': pair[:1], 'download': pair[1:]}.get(direction, pair)]
        for _ in range(4):
            fill_until_stuck(senders)
            cost_kib = (weir.pss_kib() - before) / count
            assert cost_kib <= 192, f'{cost_kib:.0f} KiB each'
            # Room for a part of what is queued, so that what is queued is no longer in whole blocks.
            for client, peer in pairs:
                for receiver in {'upload': [peer], 'download': [client]}.get(direction, [client, peer]):
                    receiver.socket.setblocking(False)
                    read_some(receiver.socket)
    finally:
        for client, peer in pairs:
            client.close()
            peer.close()
        backend.close()
    weir.wait_metric('weir_requests_in_flight', 0)


def fill_until_stuck(senders):
    """Sends on all of them until none has taken anything for a while."""
    piece = b'x' * 65536
    for sender in senders:
        sender.socket.setblocking(False)
    while True:
        writable = ready_of([sender.socket for sender in senders], select.POLLOUT, 0.5)
        if not writable:
            return
        for sock in writable:
            try:
                sock.send(piece)
            except BlockingIOError:
                pass


def read_some(sock, most_bytes=300_000):
    while most_bytes > 0:
        try:
            data = sock.recv(65536)
        except BlockingIOError:
            return
        most_bytes -= len(data)


def test_memory_comes_back(run_weir, backend):
    """A crowd that came and went ten times leaves no growth behind."""
    weir = run_weir({'web': [backend.address]}, log={'access': 'off'})

    def crowd():
        for client in one_request_each(weir, 300):
            client.close()
        weir.wait_metric('weir_connections_open', 0)
    for _ in range(3):
        crowd()
    before = weir.pss_kib()
    for _ in range(10):
        crowd()
    until(lambda: weir.pss_kib() - before < 512, 'memory is what it was')


def test_a_tunnel_of_each_version_pins_no_table(run_weir, manual_backend, tmp_path):
    """One WebSocket opened per reload, all of them live on: of the tables that they were routed by only the
    last one is left."""
    rounds, hosts = 40, 20_000
    table = tmp_path / 'hosts.map'

    def write(number):
        lines = [f'h{host}.example.com/v{number}/{host % 7} web\n' for host in range(hosts)]
        table.write_text('*  web\n' + ''.join(lines))
    write(0)
    config = configuration({'web': [manual_backend.address]}, timeouts={'tunnel_idle': '1h'}, log={'access': 'off'})
    config['routes']['files'] = [str(table)]
    weir = run_weir(config=config)
    tunnels = []

    def turn(number):
        write(number)
        answer = weir.api('/api/reload', 'POST')
        assert answer['moved'] == hosts, answer
        client = weir.connect().send(request_bytes(fields={'Connection': 'upgrade', 'Upgrade': 'websocket'}))
        peer = manual_backend.accept()
        peer.read_request()
        peer.send(b'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n')
        assert client.read_response().status == 101
        tunnels.append((client, peer))
    for number in range(1, 6):
        turn(number)
    before = weir.anonymous_kib()
    for number in range(6, rounds + 6):
        turn(number)
    grown = weir.anonymous_kib() - before
    for client, peer in tunnels:
        client.send(b'ping')
        assert peer.read_exactly(4) == b'ping'
        client.close()
        peer.close()
    # A table of these has about 2 MiB, which forty of them show.
    assert grown < 20 * 1024, f'{grown} KiB more over {rounds} reloads'

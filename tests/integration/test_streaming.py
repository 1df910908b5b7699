"""Bodies without end in either direction: every byte right, memory flat, nothing held back; one slow
exchange slows nobody but its own other side (R25, DESIGN §3)."""
import array
import signal
import socket
import statistics
import time

import pytest

from support.backends import ManualBackend, text_of
from support.streams import INSTRUMENTED, BodyReader, Job, content, send_body
from support.wait import window
from support.wire import Peer, chunked, request_bytes, response_bytes

BIG = (32 if INSTRUMENTED else 256) << 20
EXCHANGE_KIB = 192


@pytest.fixture
def web(run_weir, manual_backend):
    """weir in front of a backend that the test drives, patient for busy machines."""
    def start(**timeouts):
        patience = {'client_body': '60s', 'client_write': '60s', 'backend_write': '60s', 'backend_body': '60s'}
        return run_weir({'web': [manual_backend.address]}, timeouts=patience | timeouts)
    return start


class Exchange:
    """One request up to its head at the backend, and an answer's head when asked."""

    def __init__(self, weir, manual_backend, method='GET', fields=(), **options):
        self.client = weir.connect(**options).send(request_bytes(method, fields=fields))
        self.peer = manual_backend.accept()
        self.head = self.peer.read_head()

    def answer(self, *fields):
        self.peer.send('HTTP/1.1 200 OK\r\n' + ''.join(f'{field}\r\n' for field in fields) + '\r\n')
        return self.client.read_head()

    def close(self):
        self.client.close()
        self.peer.close()


class Watch:
    """The most that memory grew meanwhile, in KiB."""

    def __init__(self, weir):
        self._weir, self._is_over, self.growth_kib = weir, False, 0
        self._before = weir.anonymous_kib()
        self._job = Job(self._look)

    def _look(self):
        while not self._is_over:
            self.growth_kib = max(self.growth_kib, self._weir.anonymous_kib() - self._before)
            window(0.02)

    def finish(self):
        self._is_over = True
        self._job.finish()
        return self.growth_kib


def warm(weir, manual_backend, method):
    """One exchange of some MiB, so that shared buffers have their size."""
    fields = {'Content-Length': str(4 << 20)} if method == 'POST' else {}
    exchange = Exchange(weir, manual_backend, method, fields)
    if method == 'POST':
        job = Job(send_body, exchange.client, 4 << 20)
        BodyReader(exchange.peer).read('length', 4 << 20)
        job.finish()
    exchange.answer(f'Content-Length: {4 << 20}')
    job = Job(send_body, exchange.peer, 4 << 20)
    BodyReader(exchange.client).read('length', 4 << 20)
    job.finish()
    exchange.close()


class TestBigBodies:
    """Longer than every buffer on the way together; scripts/bench stream moves 10 GiB."""

    @pytest.mark.parametrize('framing', ['length', 'chunked', 'close'])
    def test_download(self, web, manual_backend, framing):
        weir = web()
        warm(weir, manual_backend, 'GET')
        exchange = Exchange(weir, manual_backend)
        exchange.answer({'length': f'Content-Length: {BIG}', 'chunked': 'Transfer-Encoding: chunked',
                         'close': 'Connection: close'}[framing])
        watch = Watch(weir)

        def send():
            send_body(exchange.peer, BIG, framing)
            if framing == 'close':
                exchange.peer.close()
        job = Job(send)
        # weir tells the end of an until-close body by chunks (R20).
        BodyReader(exchange.client).read('length' if framing == 'length' else 'chunked', BIG)
        job.finish()
        growth = watch.finish()
        assert INSTRUMENTED or growth <= EXCHANGE_KIB, f'{growth} KiB'
        exchange.close()
        assert weir.wait_access(bytes_out=str(BIG))['status'] == '200'

    @pytest.mark.parametrize('framing', ['length', 'chunked'])
    def test_upload(self, web, manual_backend, framing):
        weir = web()
        warm(weir, manual_backend, 'POST')
        fields = {'Content-Length': str(BIG)} if framing == 'length' else {'Transfer-Encoding': 'chunked'}
        exchange = Exchange(weir, manual_backend, 'POST', fields)
        watch = Watch(weir)
        job = Job(send_body, exchange.client, BIG, framing)
        BodyReader(exchange.peer).read(framing, BIG)
        job.finish()
        growth = watch.finish()
        assert INSTRUMENTED or growth <= EXCHANGE_KIB, f'{growth} KiB'
        exchange.peer.send(response_bytes(b'all of it'))
        assert exchange.client.read_response().text == 'all of it'
        exchange.close()
        assert weir.wait_access(bytes_in=str(BIG))['status'] == '200'

    def test_both_ways_at_once(self, web, manual_backend):
        """R25: a backend that answers while it reads; both bodies go on to their ends."""
        weir, total = web(), BIG // 4
        exchange = Exchange(weir, manual_backend, 'POST', {'Transfer-Encoding': 'chunked'})
        exchange.answer('Transfer-Encoding: chunked')
        upload = Job(BodyReader(exchange.peer).read, 'chunked', total)
        sending = Job(send_body, exchange.client, total, 'chunked')

        def answer():
            send_body(exchange.peer, total, 'chunked', ends=False)
            upload.finish()
            exchange.peer.send(b'0\r\n\r\n')
        answering = Job(answer)
        BodyReader(exchange.client).read('chunked', total)
        sending.finish()
        answering.finish()
        # The client's connection goes on; the backend's is not trusted with another request (R23).
        exchange.client.send(request_bytes())
        second = manual_backend.accept()
        second.read_request()
        second.send(response_bytes(b'next'))
        assert exchange.client.read_response().text == 'next'


class TestDuplex:
    """R25: the response's head may come before the upload's end."""

    def test_in_turns(self, web, manual_backend):
        """A conversation: each piece of the upload is answered before the next one is sent."""
        weir = web()
        exchange = Exchange(weir, manual_backend, 'POST', {'Transfer-Encoding': 'chunked'})
        assert exchange.answer('Transfer-Encoding: chunked').start_line == 'HTTP/1.1 200 OK'
        for number in range(200):
            piece = b'%d' % number
            exchange.client.send(chunked(piece)[:-5])
            assert exchange.peer.read_until(piece + b'\r\n')
            exchange.peer.send(chunked(piece)[:-5])
            assert exchange.client.read_until(piece + b'\r\n')
        exchange.client.send(b'0\r\n\r\n')
        assert exchange.peer.read_until(b'0\r\n\r\n') == b'0\r\n\r\n'
        exchange.peer.send(b'0\r\n\r\n')
        assert exchange.client.read_until(b'0\r\n\r\n') == b'0\r\n\r\n'
        assert weir.wait_access(host='a.example')['status'] == '200'

    def test_upload_ends_long_before_the_answer(self, web, manual_backend):
        exchange = Exchange(web(), manual_backend, 'POST', {'Content-Length': '4'})
        exchange.answer('Transfer-Encoding: chunked')
        exchange.client.send(b'half')
        assert exchange.peer.read_exactly(4) == b'half'
        job = Job(send_body, exchange.peer, 8 << 20, 'chunked')
        BodyReader(exchange.client).read('chunked', 8 << 20)
        job.finish()

    def test_answer_that_ends_first_arrives_whole(self, web, manual_backend):
        """DESIGN §3: up to 256 KiB of the upload are discarded, so that no reset eats the answer of a client
        that sends its rest before it reads."""
        rest = 200_000
        exchange = Exchange(web(), manual_backend, 'POST', {'Content-Length': str(1000 + rest)})
        exchange.client.send(b'x' * 1000)
        exchange.peer.read_exactly(1000)
        exchange.peer.send(response_bytes(b'enough' * 1000, '413 Content Too Large'))
        exchange.peer.expect_cut()
        exchange.client.send(b'x' * rest)
        response = exchange.client.read_response()
        assert response.status == 413 and response.body == b'enough' * 1000
        exchange.client.expect_end()

    def test_rest_of_the_upload_has_one_second(self, web, manual_backend):
        """… and for no longer than about a second, however little of it comes."""
        exchange = Exchange(web(), manual_backend, 'POST', {'Content-Length': '1000'})
        exchange.peer.send(response_bytes(b'enough'))
        assert exchange.client.read_response().text == 'enough'
        began = time.monotonic()
        with pytest.raises(ConnectionError):
            while time.monotonic() - began < 15:
                exchange.client.send(b'x')
                window(0.05)


class TestAtOnce:
    """What one side writes is with the other one before anything else happens: no buffer waits for more,
    no packet for an acknowledgement."""
    EVENTS = 200
    # Nagle's wait for a delayed acknowledgement would be 40 ms.
    MOST_SECONDS = 0.02

    @pytest.mark.parametrize('framing', ['chunked', 'close', 'length'])
    def test_events(self, web, manual_backend, framing):
        exchange = Exchange(web(), manual_backend, fields={'Accept': 'text/event-stream'})
        event = b'data: %06d\n\n'
        field = {'chunked': 'Transfer-Encoding: chunked', 'close': 'Connection: close',
                 'length': f'Content-Length: {len(event % 0) * self.EVENTS}'}[framing]
        exchange.answer('Content-Type: text/event-stream', field)
        took = []
        for number in range(self.EVENTS):
            text = event % number
            began = time.monotonic()
            exchange.peer.send(chunked(text)[:-5] if framing == 'chunked' else text)
            assert exchange.client.read_until(b'\n\n').endswith(text)
            took.append(time.monotonic() - began)
        assert statistics.median(took) < self.MOST_SECONDS

    @pytest.mark.parametrize('framing', ['chunked', 'length'])
    def test_pieces_of_an_upload(self, web, manual_backend, framing):
        piece = b'piece %06d\n'
        field = {'chunked': {'Transfer-Encoding': 'chunked'},
                 'length': {'Content-Length': str(len(piece % 0) * self.EVENTS)}}[framing]
        exchange = Exchange(web(), manual_backend, 'POST', field)
        took = []
        for number in range(self.EVENTS):
            text = piece % number
            began = time.monotonic()
            exchange.client.send(chunked(text)[:-5] if framing == 'chunked' else text)
            assert exchange.peer.read_until(text)
            took.append(time.monotonic() - began)
        assert statistics.median(took) < self.MOST_SECONDS

    def test_head_before_any_body(self, web, manual_backend):
        """An answer's head does not wait for its body, nor an informational one for the final one."""
        exchange = Exchange(web(), manual_backend)
        exchange.peer.send('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n')
        assert exchange.client.read_head().start_line == 'HTTP/1.1 103 Early Hints'
        assert exchange.answer('Content-Length: 2').start_line == 'HTTP/1.1 200 OK'


class TestSlow:
    def test_slow_reader_is_served_as_long_as_it_reads(self, run_weir, manual_backend):
        """client_write counts from the last byte that the client took, also while the kernel's own buffer
        (2.5 MiB on loopback, of which a third has to be free before it asks for more) hides it."""
        weir = run_weir({'web': [manual_backend.address]}, timeouts={'client_write': '2s'})
        exchange = Exchange(weir, manual_backend, receive_buffer_bytes=65536)
        exchange.answer('Content-Length: 1000000000')
        exchange.peer.send_until_stuck(b'x' * 65536)
        began = time.monotonic()
        while time.monotonic() - began < 7:
            exchange.client.socket.recv(16384)
            window(0.05)
        assert weir.metric('weir_failures_total') == 0
        assert weir.metric('weir_requests_in_flight') == 1
        exchange.close()

    def test_slow_backend_is_waited_for_as_long_as_it_reads(self, run_weir):
        """backend_write likewise."""
        backend = ManualBackend(receive_buffer_bytes=65536)
        weir = run_weir({'web': {'backends': [backend.address], 'timeouts': {'backend_write': '2s'}}})
        exchange = Exchange(weir, backend, 'POST', {'Content-Length': '1000000000'})
        exchange.client.send_until_stuck(b'x' * 65536)
        began = time.monotonic()
        while time.monotonic() - began < 7:
            exchange.peer.socket.recv(16384)
            window(0.05)
        assert weir.metric('weir_failures_total') == 0
        assert weir.metric('weir_requests_in_flight') == 1
        exchange.close()
        backend.close()

    @pytest.mark.plain
    @pytest.mark.parametrize('direction', ['download', 'upload'])
    def test_slow_ones_slow_nobody_else(self, run_weir, manual_backend, backend, direction):
        """Forty exchanges with a side that does not read: each stops its own other side, weir does nothing
        for them, and requests beside them on the same worker are answered as fast as ever."""
        weir = run_weir({'slow': [manual_backend.address], 'web': [backend.address]},
                        [('slow.example', 'slow'), ('a.example', 'web')],
                        timeouts={'client_write': '60s', 'backend_write': '60s'})
        quick = weir.connect()

        def latency():
            took = []
            for _ in range(100):
                began = time.monotonic()
                assert quick.send(request_bytes()).read_response().text == 'ok'
                took.append(time.monotonic() - began)
            return statistics.median(took)
        latency()
        alone, pairs = latency(), []
        for _ in range(40):
            if direction == 'download':
                client = weir.connect().send(request_bytes(host='slow.example'))
                peer = manual_backend.accept()
                peer.read_head()
                peer.send('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n')
                pairs.append((peer, client))
            else:
                client = weir.connect().send(request_bytes('POST', host='slow.example',
                                                           fields={'Content-Length': '1000000000'}))
                peer = manual_backend.accept()
                peer.read_head()
                pairs.append((client, peer))
        for sender, _ in pairs:
            # Two kernels' buffers, twice, and weir's mark.
            assert sender.send_until_stuck(b'x' * 65536, 1 << 26) < 1 << 25
        cpu = weir.cpu_seconds()
        window(1)
        assert weir.cpu_seconds() - cpu < 0.2
        assert latency() < alone * 3 + 0.005
        assert weir.metric('weir_requests_in_flight') == 40
        for sender, receiver in pairs:
            sender.close()
            receiver.close()
        weir.wait_metric('weir_requests_in_flight', 0)
        quick.close()

    def test_slow_reader_gets_every_byte(self, web, manual_backend):
        """Pauses and resumes on both sides lose and double nothing."""
        total = 24 << 20
        exchange = Exchange(web(), manual_backend, receive_buffer_bytes=8192)
        exchange.answer('Transfer-Encoding: chunked')
        job = Job(send_body, exchange.peer, total, 'chunked')
        reader = BodyReader(exchange.client)
        for _ in range(20):
            window(0.01)  # lets the queue fill up to its mark again
            reader.chunk()
        reader.chunked()
        job.finish()
        assert reader.count == total


def test_unix_backend_that_passes_descriptors(run_weir, tmp_path):
    """A read of a Unix socket stops where a descriptor was passed; the bytes behind it are read all the same,
    and weir keeps none of the descriptors."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / 'app.sock'))
    listener.listen()
    listener.settimeout(20)
    weir = run_weir({'web': [text_of(listener)]})
    with weir.connect() as client:
        client.send(request_bytes())
        peer = Peer(listener.accept()[0])
        peer.read_request()
        before = len(weir.open_descriptors())
        weir.signal(signal.SIGSTOP)  # all pieces are there before the first read
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0]))]
        peer.socket.sendmsg([b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n'])
        peer.socket.sendmsg([b'with'], rights)
        peer.socket.sendmsg([b' it.'], rights)
        weir.signal(signal.SIGCONT)
        assert client.read_response().text == 'with it.'
        assert len(weir.open_descriptors()) <= before
        peer.close()
    listener.close()

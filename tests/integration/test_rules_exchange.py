"""The rules that are about more than one message: who waits for whom, what follows what, and who ends a connection
(R18, R22, R23, R25, R28, R29, R31)."""
import pytest

from support.backends import AutoBackend
from support.probes import CHUNKED, GET, HOST, POST, Prober, encoded
from support.weir import configuration, expect_failure
from support.wire import chunked, request_bytes, response_bytes

EXPECTING = POST + 'Expect: 100-continue\r\nContent-Length: 4\r\n\r\n'
CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'


@pytest.fixture
def ends(run_weir, manual_backend):
    """ends(request) → (client, backend's peer), the request's head read there."""
    weir = run_weir({'web': [manual_backend.address]})
    clients = []

    def begin(request):
        clients.append(weir.connect().send(encoded(request)))
        peer = manual_backend.accept()
        return clients[-1], peer, peer.read_head()
    yield begin
    for client in clients:
        client.close()


class TestR18Continue:
    @pytest.mark.parametrize('framing, body', [('Content-Length: 4\r\n', b'body'), (CHUNKED, chunked(b'bo', b'dy'))])
    def test_r18_end_to_end(self, ends, framing, body):
        """R18, R23: the 100 is the backend's, and neither weir's nor made before; then both connections go on."""
        client, peer, head = ends(f'{POST}Expect: 100-continue\r\n{framing}\r\n')
        assert head.get('Expect') == '100-continue'
        client.expect_silence()
        peer.send(CONTINUE)
        assert client.read_head().start_line == 'HTTP/1.1 100 Continue'
        client.send(body)
        assert (peer.read_exactly(4) if framing != CHUNKED else peer.read_until(b'0\r\n\r\n')).endswith(body[-4:])
        peer.send(response_bytes(b'done'))
        response = client.read_response()
        assert response.text == 'done' and not response.has('Connection')
        client.send(GET + '\r\n')
        peer.read_request()

    @pytest.mark.parametrize('status', ['417 Expectation Failed', '200 OK', '413 Content Too Large'])
    def test_r23_final_status_in_place_of_100(self, ends, status):
        """R23: a body that may or may not follow could be taken for a request: neither connection is used again."""
        client, peer, _ = ends(EXPECTING)
        peer.send(response_bytes(b'no', status))
        response = client.read_response()
        assert (response.text, response.get('Connection')) == ('no', 'close')
        client.expect_cut()
        peer.expect_cut()

    def test_r18_the_body_does_not_wait_for_ever(self, ends):
        """R18: a client that sends its body without a 100 is served."""
        client, peer, _ = ends(EXPECTING)
        client.send(b'body')
        assert peer.read_exactly(4) == b'body'
        peer.send(CONTINUE + 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
        assert client.read_response().status == 200

    def test_r18_unasked(self, ends):
        """R18, R23: a 100 that nobody asked for passes like any 1xx."""
        client, peer, _ = ends(GET + '\r\n')
        peer.send(encoded(CONTINUE) + response_bytes())
        assert len(client.read_response().informational) == 1


class TestR25EarlyResponse:
    @pytest.mark.parametrize('framing, rest', [('Content-Length: 8\r\n', b'rest'), (CHUNKED, b'4\r\nrest\r\n0\r\n\r\n')])
    def test_r25_the_head_is_relayed_at_once(self, ends, framing, rest):
        """R25: the response begins, the upload goes on, each is whole in the end; the backend's connection is
        not trusted with another request (R23)."""
        begun = b'half' if framing != CHUNKED else b'4\r\nhalf\r\n'
        client, peer, _ = ends(encoded(f'{POST}{framing}\r\n') + begun)
        peer.read_until(b'half')
        peer.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes\r\n')
        client.read_until(b'3\r\nyes\r\n')
        client.send(rest)
        peer.read_until(b'rest' if framing != CHUNKED else b'0\r\n\r\n')
        peer.send('0\r\n\r\n')
        client.read_until(b'0\r\n\r\n')
        peer.expect_cut()

    @pytest.mark.parametrize('framing', ['Content-Length: 100\r\n', CHUNKED])
    def test_r25_a_whole_response_ends_the_upload(self, ends, framing):
        """R25, R29: it is relayed at once, then both connections end."""
        client, peer, _ = ends(f'{POST}{framing}\r\n')
        peer.send(response_bytes(b'no', '413 Content Too Large'))
        assert client.read_response().text == 'no'
        client.expect_cut()
        peer.expect_cut()


class TestR28Pipelining:
    @pytest.fixture(scope='class')
    def prober(self, run_shared_weir):
        backend = AutoBackend(lambda request,
                              peer: response_bytes(f'{request.method} {request.target}'.encode() + request.body))
        yield Prober(run_shared_weir({'web': [backend.address]}), backend)
        backend.close()

    REQUESTS = [
        ('GET /a HTTP/1.1\r\n' + HOST + '\r\n', b'GET /a'),
        ('POST /b HTTP/1.1\r\n' + HOST + 'Content-Length: 4\r\n\r\nGET ', b'POST /bGET '),
        ('POST /c HTTP/1.1\r\n' + HOST + CHUNKED + '\r\n4\r\nGET \r\n0\r\n\r\n', b'POST /cGET '),
        ('PUT /d HTTP/1.1\r\n' + HOST + CHUNKED + '\r\n0\r\nX-Sum: 1\r\n\r\n', b'PUT /d'),
        ('\r\nGET /e HTTP/1.1\r\n' + HOST + '\r\n', b'GET /e'),
        ('GET /f HTTP/1.0\r\n' + HOST + 'Connection: keep-alive\r\n\r\n', b'GET /f'),
        ('DELETE /g HTTP/1.1\r\n' + HOST + 'Content-Length: 0\r\n\r\n', b'DELETE /g'),
    ]

    @pytest.mark.parametrize('first', range(len(REQUESTS)))
    @pytest.mark.parametrize('second', range(len(REQUESTS)))
    def test_r28_each_after_each(self, prober, first, second):
        """R28: answered in order, whatever follows whatever, in one piece or byte by byte."""
        bodies = [self.REQUESTS[number][1] for number in (first, second, 0)]
        data = encoded(''.join(self.REQUESTS[number][0] for number in (first, second, 0)))
        with prober.weir.connect() as client:
            client.send(data)
            assert [client.read_response().body for _ in bodies] == bodies
            for at in range(0, len(data), 7):
                client.send(data[at:at + 7])
            assert [client.read_response().body for _ in bodies] == bodies

    @pytest.mark.parametrize('bad, reason', [
        ('GET / HTTP/1.1\r\n\r\n', 'bad_request'), ('GET / HTTP/2.0\r\n\r\n', 'version_not_supported'),
        (POST + 'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 'bad_request'), (' GET', 'bad_request'),
        (POST + 'Expect: x\r\n\r\n', 'expectation_failed'), ('GET /' + 'x' * 9000, 'uri_too_long'),
        ('\r\n\r\n', 'bad_request'), ('CONNECT / HTTP/1.1\r\n\r\n', 'not_implemented'),
        (GET + 'X: y\r\n' * 200, 'head_too_large'),
    ])
    def test_r28_r08_a_bad_one_behind_good_ones(self, prober, bad, reason):
        """R28, R08: those in front are answered first; nothing behind it is."""
        with prober.weir.connect() as client:
            client.send(encoded(self.REQUESTS[0][0] + self.REQUESTS[1][0] + bad + self.REQUESTS[0][0]))
            assert [client.read_response().body for _ in range(2)] == [b'GET /a', b'POST /bGET ']
            expect_failure(client.read_response(), reason)
            client.expect_cut()

    @pytest.mark.parametrize('last', [
        'GET /last HTTP/1.1\r\n' + HOST + 'Connection: close\r\n\r\n', 'GET /last HTTP/1.0\r\n' + HOST + '\r\n',
        'GET /last HTTP/1.1\r\n' + HOST + 'Connection:\tx , Close\t\r\n\r\n',
        'GET /last HTTP/1.1\r\n' + HOST + 'Connection: x\r\nconnection:close\r\n\r\n',
        'GET /last HTTP/1.1\r\n' + HOST + 'Connection: keep-alive, close\r\n\r\n',
        'GET /last HTTP/1.0\r\n' + HOST + 'Connection: keep-alive, CLOSE\r\n\r\n',
    ])
    def test_r29_nothing_behind_the_last_one(self, prober, last):
        """R29: `Connection: close` in any spelling is honoured after that response, which says so; what follows
        is not interpreted."""
        before = prober.backend.heard_so_far()
        with prober.weir.connect() as client:
            client.send(encoded(self.REQUESTS[0][0] + last + 'GET /behind HTTP/1.1\r\n' + HOST + '\r\n'))
            assert client.read_response().body == b'GET /a'
            response = client.read_response()
            assert (response.body, response.get('Connection')) == (b'GET /last', 'close')
            client.expect_cut()
        assert b'/behind' not in prober.backend.heard_since(before)

    @pytest.mark.parametrize('fields', [
        'Connection: closed\r\n', 'Connection: clos\r\n', 'Connection: x-close\r\n', 'Proxy-Connection: close\r\n',
        'Keep-Alive: close\r\n', 'Connection: keep-alive\r\n', 'Connection:\r\n', 'X: Connection: close\r\n',
    ])
    def test_r29_not_asked(self, prober, fields):
        """R29: nothing else ends it."""
        with prober.weir.connect() as client:
            for _ in range(2):
                response = client.send(encoded(GET + fields + '\r\n')).read_response()
                assert response.status == 200 and not response.has('Connection')


class TestR29Backend:
    @pytest.mark.parametrize('fields', [
        'Connection: close\r\n', 'Connection: CLOSE\t\r\n', 'Connection:\tx, close\r\n',
        'Connection: x\r\nConnection: close\r\n', 'Connection: keep-alive, close\r\n',
    ])
    def test_r29_of_the_backend(self, ends, fields):
        """R29: honoured on that side; the client's connection goes on."""
        client, peer, _ = ends(GET + '\r\n')
        peer.send(f'HTTP/1.1 200 OK\r\n{fields}Content-Length: 0\r\n\r\n')
        assert not client.read_response().has('Connection')
        peer.expect_cut()

    @pytest.mark.parametrize('start, fields', [
        ('HTTP/1.0 200 OK', ''), ('HTTP/1.0 200 OK', 'Connection: close\r\n'),
        ('HTTP/1.0 200 OK', 'Keep-Alive: timeout=5\r\n'),
    ])
    def test_r29_of_a_10_backend(self, ends, start, fields):
        """R29: 1.0 goes on only when it says so."""
        client, peer, _ = ends(GET + '\r\n')
        peer.send(f'{start}\r\n{fields}Content-Length: 0\r\n\r\n')
        client.read_response()
        peer.expect_cut()

    def test_r29_a_10_backend_that_keeps_alive(self, ends):
        """R29."""
        client, peer, _ = ends(GET + '\r\n')
        peer.send('HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n')
        client.read_response()
        client.send(GET + '\r\n')
        peer.read_request()


class TestR31ClientGone:
    @pytest.mark.parametrize('request_head', [
        GET + '\r\n', POST + 'Content-Length: 100\r\n\r\nhalf', POST + CHUNKED + '\r\n4\r\nhalf\r\n', EXPECTING,
        GET + 'Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    ])
    @pytest.mark.parametrize('answer', [
        '', CONTINUE, 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart', 'HTTP/1.1 200 OK\r\n\r\npart',
    ])
    def test_r31_reset(self, ends, request_head, answer):
        """R31: takes its backend request with it, however far both are."""
        client, peer, _ = ends(request_head)
        peer.send(answer)
        if answer:
            client.read_until(b'part' if 'part' in answer else b'\r\n\r\n')
        client.reset()
        assert b'0\r\n\r\n' not in peer.expect_cut()

    @pytest.mark.parametrize('request_head', [
        POST + 'Content-Length: 100\r\n\r\nhalf', POST + CHUNKED + '\r\n4\r\nhalf\r\n', EXPECTING,
    ])
    def test_r31_end_in_the_middle_of_the_body(self, ends, request_head):
        """R31: a request that cannot become whole is cut at once."""
        client, peer, _ = ends(request_head)
        client.end_writing()
        assert b'0\r\n\r\n' not in peer.expect_cut()


class TestBodyLimits:
    """`limits = { body_bytes }` of a pool, over [limits], in any file, for pools from [pool_defaults]; 413 before
    or while it comes."""

    @pytest.fixture(scope='class')
    def prober(self, run_shared_weir):
        backend = AutoBackend(lambda request, peer: response_bytes(b'%d' % len(request.body)))
        pools = {'web': [backend.address], 'small': {'backends': [backend.address], 'limits': {'body_bytes': 10}},
                 'large': {'backends': [backend.address], 'limits': {'body_bytes': '64KiB'}},
                 'none': {'backends': [backend.address], 'limits': {'body_bytes': 0}}}
        routes = [('*', 'web'), ('small.example', 'small'), ('large.example', 'large'), ('none.example', 'none')]
        yield Prober(run_shared_weir(pools, routes, limits={'body_bytes': 100}), backend)
        backend.close()

    @pytest.mark.parametrize('host, size', [
        ('a.example', 100), ('small.example', 10), ('large.example', 65536), ('none.example', 1 << 20),
    ])
    @pytest.mark.parametrize('is_chunked', [False, True])
    def test_just_within(self, prober, host, size, is_chunked):
        """The limit itself is allowed; 0 is none."""
        body = b'x' * size
        head = f'POST / HTTP/1.1\r\nHost: {host}\r\n' + (CHUNKED if is_chunked else f'Content-Length: {size}\r\n') + '\r\n'
        assert prober.pass_on(encoded(head) + (chunked(body) if is_chunked else body)).body == body

    @pytest.mark.parametrize('host, size', [('a.example', 101), ('small.example', 11), ('large.example', 65537)])
    @pytest.mark.parametrize('fields', ['', 'Expect: 100-continue\r\n'])
    def test_announced(self, prober, host, size, fields):
        """By Content-Length: before any of it has come, and the backend hears nothing."""
        prober.refuse(f'POST / HTTP/1.1\r\nHost: {host}\r\n{fields}Content-Length: {size}\r\n\r\n', 'body_too_large',
                      behind=b'')

    @pytest.mark.parametrize('host, size', [('a.example', 101), ('small.example', 11), ('large.example', 65537)])
    @pytest.mark.parametrize('pieces', [1, 3])
    def test_while_it_comes(self, prober, host, size, pieces):
        """Chunked, in one chunk or in several: what the backend has heard of stays unfinished."""
        sizes = [size // pieces] * (pieces - 1) + [size - size // pieces * (pieces - 1)]
        body = b''.join(b'%x\r\n%s\r\n' % (count, b'x' * count) for count in sizes)
        prober.refuse_in_body(encoded(f'POST / HTTP/1.1\r\nHost: {host}\r\n{CHUNKED}\r\n') + body, 'body_too_large',
                              behind=b'')

    def test_in_the_middle_of_the_answer(self, run_weir, manual_backend):
        """When the answer has begun there is no other one: both sides see a cut."""
        weir = run_weir({'web': {'backends': [manual_backend.address], 'limits': {'body_bytes': 10}}})
        with weir.connect() as client:
            client.send(POST + CHUNKED + '\r\n5\r\nhello\r\n')
            peer = manual_backend.accept()
            peer.read_until(b'hello')
            peer.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart')
            client.read_until(b'part')
            client.send('6\r\nworlds\r\n0\r\n\r\n')
            client.expect_cut()
            assert b'0\r\n\r\n' not in peer.expect_cut()
        weir.wait_failure('body_too_large')

    def test_of_pool_defaults_and_route_files(self, run_weir, backend, tmp_path):
        """[pool_defaults] goes over [limits], a pool in a route file over both."""
        (tmp_path / 'more.toml').write_text(
            f'[pool.own]\nbackends = ["{backend.address}"]\nlimits = {{ body_bytes = 5 }}\n'
            f'[[route]]\nhost = "own.example"\npool = "own"\n')
        config = configuration({'web': [backend.address]}, limits={'body_bytes': 1},
                               pool_defaults={'limits': {'body_bytes': 3}})
        config['routes']['files'] = [f'{tmp_path}/*.toml']
        weir = run_weir(config=config)
        for host, most in (('a.example', 3), ('own.example', 5)):
            assert weir.get(method='POST', host=host, body=b'x' * most).status == 200
            assert weir.get(method='POST', host=host, body=b'x' * (most + 1)).status == 413

"""Real servers behind weir, real clients in front of it."""
import hashlib
import json
import os
import subprocess
import threading

import pytest

from support.wire import chunked, request_bytes

MEBIBYTE = 1 << 20


@pytest.fixture(scope='module')
def weir(run_shared_weir, nginx, gunicorn, node):
    """A host for each server."""
    return run_shared_weir({'nginx': [nginx.address], 'gunicorn': [gunicorn.address], 'node': [node.address]},
                           [(f'{name}.example', name) for name in ('nginx', 'gunicorn', 'node')])


def curl(weir, path, *options, host='node.example'):
    """curl through weir; (body, status, curl's own log)."""
    finished = subprocess.run(
        ['curl', '-s', '-v', '--http1.1', '--max-time', '60', '-w', '\n%{http_code}', '-H', f'Host: {host}', *options,
         weir.url(path)], capture_output=True, timeout=90)
    assert finished.returncode == 0, finished.stderr.decode()
    body, _, status = finished.stdout.rpartition(b'\n')
    return body, int(status), finished.stderr.decode()


@pytest.fixture(scope='module')
def big_file(tmp_path_factory):
    """10 MiB that compress to nothing anyone could guess."""
    file = tmp_path_factory.mktemp('big') / 'big.bin'
    file.write_bytes(os.urandom(10 * MEBIBYTE))
    return file


@pytest.mark.parametrize('host', ['gunicorn.example', 'node.example'])
class TestBodies:
    @pytest.mark.parametrize('size', [0, 1, 65535, 65536, 65537, MEBIBYTE])
    def test_content_length(self, weir, host, size):
        """A body of known length comes back as it went."""
        body = bytes(range(256)) * (size // 256) + b'x' * (size % 256)
        response = weir.get('/echo', host, 'POST', body=body)
        assert response.status == 200 and response.body == body

    def test_chunked(self, weir, host):
        """A chunked upload arrives whole, however it was cut."""
        pieces = [b'a', b'bc' * 1000, b'd' * 70000, b'e']
        with weir.connect() as client:
            client.send(request_bytes('POST', '/echo', host, {'Transfer-Encoding': 'chunked'}) + chunked(*pieces))
            assert client.read_response().body == b''.join(pieces)

    def test_ten_mebibytes_with_curl(self, weir, host, big_file):
        """10 MiB both ways through a real client; curl asks with Expect: 100-continue."""
        body, status, _ = curl(weir, '/echo', '--data-binary', f'@{big_file}', '-H',
                               'Content-Type: application/octet-stream', host=host)
        assert status == 200
        assert hashlib.sha256(body).digest() == hashlib.sha256(big_file.read_bytes()).digest()

    def test_ten_mebibytes_chunked_with_curl(self, weir, host, big_file):
        """The same without a length."""
        body, status, _ = curl(weir, '/echo', '-T', str(big_file), '-X', 'POST', '-H', 'Transfer-Encoding: chunked',
                               host=host)
        assert status == 200
        assert hashlib.sha256(body).digest() == hashlib.sha256(big_file.read_bytes()).digest()

    def test_slow_pieces(self, weir, host):
        """A body that trickles in byte by byte is no different."""
        with weir.connect() as client:
            for byte in request_bytes('POST', '/echo', host, body=b'0123456789'):
                client.send(bytes([byte]))
            assert client.read_response().body == b'0123456789'


class TestNginx:
    def test_file(self, weir, nginx, big_file):
        """A 10 MiB file, whole."""
        (nginx.log_path.parent / 'files' / 'big.bin').write_bytes(big_file.read_bytes())
        response = weir.get('/big.bin', 'nginx.example')
        assert response.body == big_file.read_bytes()
        part = weir.get('/big.bin', 'nginx.example', fields={'Range': 'bytes=5-9'})
        assert part.status == 206 and part.body == big_file.read_bytes()[5:10]

    def test_head_has_no_body(self, weir):
        """R20: HEAD keeps Content-Length and has no body; the connection goes on."""
        with weir.connect() as client:
            for _ in range(3):
                client.send(request_bytes('HEAD', '/hello', 'nginx.example'))
                assert client.read_response('HEAD').get('Content-Length') == '16'
            client.send(request_bytes('GET', '/hello', 'nginx.example'))
            assert client.read_response().text == 'hello from nginx'

    def test_no_content(self, weir):
        """R20: 204 has no body and no framing; the connection goes on."""
        with weir.connect() as client:
            for _ in range(3):
                response = client.send(request_bytes('GET', '/empty', 'nginx.example')).read_response()
                assert response.status == 204 and not response.has('Content-Length')
                assert not response.has('Transfer-Encoding')

    def test_redirect_and_missing(self, weir):
        """Statuses of the backend are the client's."""
        moved = weir.get('/moved', 'nginx.example')
        assert moved.status == 301 and moved.get('Location').endswith('/hello')
        assert weir.get('/missing', 'nginx.example').status == 404

    def test_conditional_request(self, weir, nginx):
        """R20: 304 has no body; the connection goes on."""
        (nginx.log_path.parent / 'files' / 'page').write_text('page')
        with weir.connect() as client:
            first = client.send(request_bytes('GET', '/page', 'nginx.example')).read_response()
            fields = {'If-None-Match': first.get('ETag')}
            for _ in range(3):
                client.send(request_bytes('GET', '/page', 'nginx.example', fields))
                assert client.read_response().status == 304

    def test_server_that_closes_its_connections(self, weir):
        """nginx ends a connection every 20 requests: the client notices nothing."""
        with weir.connect() as client:
            for _ in range(100):
                assert client.send(request_bytes('GET', '/hello', 'nginx.example')).read_response().status == 200


class TestNode:
    def test_informational_responses(self, weir):
        """R23: 103 passes, in order, before the answer."""
        response = weir.get('/hints', 'node.example')
        assert response.text == 'hinted'
        assert [head.start_line.split(' ')[1] for head in response.informational] == ['103', '103']
        assert response.informational[0].get('link') == '</style.css>; rel=preload'

    def test_informational_responses_not_to_http10(self, weir):
        """R23: an HTTP/1.0 client gets none."""
        with weir.connect() as client:
            client.send(request_bytes('GET', '/hints', 'node.example', version='1.0'))
            response = client.read_response()
            assert response.informational == [] and response.text == 'hinted'

    def test_continue_with_curl(self, weir):
        """R18: curl waits for the 100 that comes from the backend, then sends."""
        body, status, log = curl(weir, '/echo', '-H', 'Expect: 100-continue', '--data-binary', 'payload')
        assert (body, status) == (b'payload', 200)
        assert '100 Continue' in log

    def test_final_answer_in_place_of_continue(self, weir):
        """R18: a backend that refuses the upload is heard before a byte of it was sent."""
        with weir.connect() as client:
            client.send(request_bytes('POST', '/refuse', 'node.example',
                                      {'Expect': '100-continue', 'Content-Length': '1000000'}))
            response = client.read_response()
            assert response.status == 403 and response.informational == []

    def test_trailers(self, weir):
        """R17, R26: trailers pass both ways when the client says that it takes them."""
        with weir.connect() as client:
            client.send(request_bytes('POST', '/trailers', 'node.example', {
                'Transfer-Encoding': 'chunked', 'TE': 'trailers', 'Connection': 'TE', 'Trailer': 'X-Mine'}))
            client.send(chunked(b'12345', trailers='X-Mine: yes\r\n'))
            response = client.read_response()
            assert response.body == b'12345'
            trailers = {name.lower(): value for name, value in response.trailers}
            assert trailers['x-sum'] == '5'
            assert json.loads(trailers['x-seen']) == {'x-mine': 'yes'}

    def test_no_trailers_for_others(self, weir):
        """R26: a client that did not ask for trailers gets the body alone."""
        response = weir.get('/trailers', 'node.example', 'POST', body=b'12345')
        assert response.body == b'12345' and response.trailers == []

    def test_conditional_request_without_length(self, weir):
        """R20: node's 304 and 200 in turn on one connection."""
        with weir.connect() as client:
            for fields, status in (((), 200), ({'If-None-Match': '"one"'}, 304)) * 3:
                client.send(request_bytes('GET', '/modified', 'node.example', fields))
                assert client.read_response().status == status

    def test_duplex(self, weir):
        """An answer that begins before the upload has ended goes on in both directions."""
        with weir.connect() as client:
            client.send(request_bytes('POST', '/echo', 'node.example', {'Transfer-Encoding': 'chunked'}))
            client.send(b'5\r\nfirst\r\n')
            client.read_head()
            assert client.read_until(b'first')
            client.send(b'6\r\nsecond\r\n')
            assert client.read_until(b'second')
            client.send(b'0\r\n\r\n')
            assert client.read_until(b'0\r\n\r\n')

    def test_connections_are_kept(self, run_weir, node):
        """One client or many: sequential requests travel over one backend connection."""
        weir = run_weir({'web': [node.address]})
        assert [weir.get('/count').text for _ in range(10)] == [str(number + 1) for number in range(10)]


class TestGunicorn:
    def test_what_the_application_sees(self, weir):
        """A WSGI application sees the request as the client made it, with where it came from."""
        response = weir.get('/show?a=1&b=%20', 'gunicorn.example', 'PUT', {'X-Own': 'yes'}, b'12345')
        seen = json.loads(response.body)
        assert seen['REQUEST_METHOD'] == 'PUT' and seen['RAW_URI'] == '/show?a=1&b=%20'
        assert seen['body_bytes'] == 5 and seen['HTTP_X_OWN'] == 'yes'
        assert seen['HTTP_HOST'] == 'gunicorn.example' and seen['HTTP_X_FORWARDED_FOR'] == '127.0.0.1'
        assert seen['HTTP_X_FORWARDED_PROTO'] == 'http' and seen['HTTP_VIA'] == '1.1 weir'

    def test_chunked_answer(self, weir):
        """An answer without length comes chunked and whole, to a 1.0 client until close."""
        expected = ''.join(f'{number}\n' for number in range(1000))
        assert weir.get('/chunks', 'gunicorn.example').text == expected
        with weir.connect() as client:
            client.send(request_bytes('GET', '/chunks', 'gunicorn.example', version='1.0'))
            response = client.read_response()
            assert response.text == expected and not response.has('Transfer-Encoding')


def test_many_clients_at_once(weir):
    """Eight clients on kept-open connections, each with its own bodies: no answer goes to another."""
    problems = []

    def work(number):
        try:
            with weir.connect() as client:
                for turn in range(25):
                    body = f'{number}:{turn}:'.encode() * (turn * 50 + 1)
                    host = ('gunicorn.example', 'node.example')[turn % 2]
                    client.send(request_bytes('POST', '/echo', host, body=body))
                    assert client.read_response().body == body
        except Exception as problem:
            problems.append(problem)

    clients = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert problems == []

"""Which route wins, seen with real requests (CONTRACT §2, Hosts)."""
import select
import socket

import pytest

from support.backends import AutoBackend, listening_socket
from support.wait import DEADLINE_SECONDS, ready_of
from support.weir import configuration, expect_failure
from support.wire import request_bytes, response_bytes

ROUTES = [
    ('www.example.com', 'exact'), ('www.example.com/api', 'api'), ('www.example.com/api/v2', 'api-v2'),
    ('*.example.com', 'one-below'), ('.example.com', 'suffix'), ('deep.example.com/only', 'deep-only'),
    ('.sub.example.com', 'sub-suffix'), ('192.0.2.7', 'ip4'), ('[2001:db8::7]', 'ip6'), ('under_score.example.net', 'underscore'),
    {'host': 'plain.example.net', 'scheme': 'https', 'pool': 'tls-only'},
    {'host': 'both.example.net', 'pool': 'any-scheme'}, {'host': 'both.example.net', 'scheme': 'http', 'pool': 'http-scheme'},
    {'hosts': ['first.example.org', 'second.example.org'], 'pool': 'several'},
    ('*', 'rest'),
]


@pytest.fixture(scope='module')
def weir(run_shared_weir):
    """Every pool is one backend that says which pool it is (the Host to send is the pool's name)."""
    backend = AutoBackend(lambda request, peer: response_bytes(request.head.get('Host').encode()))
    names = {route['pool'] if isinstance(route, dict) else route[1] for route in ROUTES}
    yield run_shared_weir({name: {'backends': [backend.address], 'host': name} for name in names}, ROUTES,
                          listener={'trusting': {'bind': ['127.0.0.1:0'], 'trusted_proxies': ['127.0.0.0/8']}})
    backend.close()


@pytest.mark.parametrize('host, target, pool', [
    ('www.example.com', '/', 'exact'),
    ('WWW.Example.COM', '/', 'exact'),
    ('www.example.com.', '/', 'exact'),
    ('www.example.com:8080', '/', 'exact'),
    ('www.example.com.:8080', '/', 'exact'),
    ('www.example.com', '/api', 'api'),
    ('www.example.com', '/api/', 'api'),
    ('www.example.com', '/api/users?x=/y', 'api'),
    ('www.example.com', '/api?x', 'api'),
    ('www.example.com', '/apix', 'exact'),
    ('www.example.com', '/API', 'exact'),
    ('www.example.com', '/api/v2', 'api-v2'),
    ('www.example.com', '/api/v2/x', 'api-v2'),
    ('www.example.com', '/api/v22', 'api'),
    ('www.example.com', '/%61pi/x', 'api'),
    ('www.example.com', '/%61%70%69', 'api'),
    ('other.example.com', '/', 'one-below'),
    ('a.b.example.com', '/', 'suffix'),
    ('example.com', '/', 'suffix'),
    ('sub.example.com', '/', 'sub-suffix'),
    ('x.sub.example.com', '/', 'sub-suffix'),
    ('x.y.sub.example.com', '/', 'sub-suffix'),
    ('deep.example.com', '/only/this', 'deep-only'),
    ('notexample.com', '/', 'rest'),
    ('com', '/', 'rest'),
    ('192.0.2.7', '/', 'ip4'),
    ('192.0.2.7:81', '/', 'ip4'),
    ('192.0.2.8', '/', 'rest'),
    ('[2001:db8::7]', '/', 'ip6'),
    ('[2001:DB8::7]:81', '/', 'ip6'),
    ('under_score.example.net', '/', 'underscore'),
    ('plain.example.net', '/', 'rest'),
    ('both.example.net', '/', 'http-scheme'),
    ('first.example.org', '/', 'several'),
    ('second.example.org', '/', 'several'),
    ('third.example.org', '/', 'rest'),
    ('www.example.com.evil.test', '/', 'rest'),
])
def test_route(weir, host, target, pool):
    """The walk from the exact name to `*`, and the longest path within the host that won."""
    assert weir.get(target, host).text == pool


def test_matched_host_without_fitting_path_is_404(weir):
    """A host that matched but has no path that fits does not fall back to a wider host."""
    expect_failure(weir.get('/other', 'deep.example.com'), 'no_route')


@pytest.mark.parametrize('host, pool', [('plain.example.net', 'tls-only'), ('both.example.net', 'any-scheme')])
def test_scheme_comes_from_a_trusted_proxy(weir, host, pool):
    """scheme = "https" fits what a trusted proxy received over TLS."""
    assert weir.get('/', host, fields={'X-Forwarded-Proto': 'https'}, listener='trusting').text == pool


def test_scheme_of_others_is_not_believed(weir):
    """Anyone else's X-Forwarded-Proto decides nothing."""
    assert weir.get('/', 'plain.example.net', fields={'X-Forwarded-Proto': 'https'}).text == 'rest'


def test_absolute_form_replaces_host(weir):
    """R10: the authority of the target routes, whatever Host says."""
    assert weir.get('http://www.example.com/api/x', 'other.example.net').text == 'api'


def test_http10_without_host_takes_the_star(weir):
    """R09."""
    with weir.connect() as client:
        client.send('GET / HTTP/1.0\r\n\r\n')
        assert client.read_response().text == 'rest'


def test_each_request_of_a_connection_is_routed_anew(weir):
    """A kept-open connection is bound to nothing."""
    with weir.connect() as client:
        for host, pool in (('www.example.com', 'exact'), ('example.com', 'suffix'), ('nowhere.test', 'rest')) * 3:
            assert client.send(request_bytes(host=host)).read_response().text == pool


def test_target_passes_byte_for_byte(run_weir, backend):
    """R11: paths match on a decoded copy; what is forwarded is raw."""
    weir = run_weir({'web': [backend.address]}, [('a.example/caf', 'web')])
    target = '/%63af/%2e/a%2Fb//c;d=1?q=%7E&r=a+b%20'
    assert weir.get(target).status == 200
    assert backend.targets() == [target]


@pytest.mark.parametrize('target', ['/api/../x', '/api/%2e%2e/x', '/api/.%2E/x', '/api/..', '/api/x%2f..%2fy', '/api/..;a/x'])
def test_dot_dot_under_a_route_with_path_is_refused(weir, target):
    """R11: such a path could leave its route at a backend that resolves it."""
    expect_failure(weir.get(target, 'www.example.com'), 'bad_request')


def test_no_route(run_weir, backend):
    """An unknown host is 404 and reaches nobody."""
    weir = run_weir({'web': [backend.address]}, [('a.example', 'web')])
    expect_failure(weir.get(host='b.example'), 'no_route')
    line = weir.wait_access(reason='no_route')
    assert (line['status'], line['side'], line['host']) == ('404', 'weir', 'b.example')
    weir.wait_failure('no_route')
    assert backend.connection_count == 0


def test_table_empty(run_weir):
    """Without any route everything is 503, and weir still runs."""
    weir = run_weir({}, [])
    expect_failure(weir.get(), 'table_empty')
    weir.wait_failure('table_empty')
    assert weir.wait_access(reason='table_empty')['status'] == '503'


def test_pool_empty(run_weir):
    """A pool without backends is 503 with its own reason."""
    weir = run_weir({'web': []}, [('a.example', 'web')])
    expect_failure(weir.get(), 'pool_empty')
    weir.wait_failure('pool_empty')
    assert weir.wait_access(reason='pool_empty')['pool'] == 'web'


def test_head_gets_a_failure_without_body(run_weir):
    """A failure page's body is not sent to HEAD, and the connection goes on."""
    weir = run_weir({}, [])
    with weir.connect() as client:
        client.send(request_bytes('HEAD') + request_bytes('GET'))
        head = client.read_response('HEAD')
        full = client.read_response()
        assert head.status == full.status == 503
        assert head.get('Content-Length') == str(len(full.body))


def test_failures_of_weir_keep_the_connection(run_weir, backend):
    """A 404 is an answer: the same connection carries the next request."""
    weir = run_weir({'web': [backend.address]}, [('a.example', 'web')])
    with weir.connect() as client:
        expect_failure(client.send(request_bytes(host='b.example')).read_response(), 'no_route')
        assert client.send(request_bytes()).read_response().status == 200


def test_request_ids_differ(run_weir):
    """Each answer of weir's own carries an id of its own, the one of the access log."""
    weir = run_weir({}, [])
    ids = [weir.get().get('X-Request-Id') for _ in range(5)]
    assert len(set(ids)) == 5
    for request_id in ids:
        weir.wait_access(request_id=request_id)


def test_round_robin_takes_turns(run_weir, make_backend):
    """balance = "round_robin" with one worker: each backend in turn."""
    backends = [make_backend() for _ in range(3)]
    weir = run_weir({'web': {'backends': [backend.address for backend in backends], 'balance': 'round_robin'}})
    for _ in range(9):
        assert weir.get().status == 200
    assert [len(backend.requests) for backend in backends] == [3, 3, 3]


@pytest.mark.parametrize('balance', ['least_loaded', 'least_requests'])
def test_busy_backend_is_left_alone(run_weir, make_backend, manual_backend, balance):
    """Both algorithms send the next request to the backend that has less to do."""
    free = make_backend()
    weir = run_weir({'web': {'backends': [manual_backend.address, free.address], 'balance': balance}})
    with weir.connect() as stuck:
        while not manual_backend.has_waiting():
            # Until the choice falls on the manual one, whose answer does not come.
            stuck.send(request_bytes())
            if _answered(stuck, manual_backend):
                stuck.read_response()
        for _ in range(10):
            assert weir.get().status == 200


def _answered(client, backend):
    """Waits until either the client has an answer or the backend has a connection."""
    return client.socket in ready_of([client.socket, backend.listener], select.POLLIN, DEADLINE_SECONDS)


def test_backend_on_ipv6_and_unix_socket(run_weir, make_backend, tmp_path):
    """Backends as [IPv6]:PORT and unix:PATH."""
    six = make_backend(lambda request, peer: response_bytes(b'six'), listener=listening_socket(family=socket.AF_INET6))
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(tmp_path / 'app.sock'))
    sock.listen()
    unix = make_backend(lambda request, peer: response_bytes(b'unix'), listener=sock)
    weir = run_weir({'six': [six.address], 'unix': [unix.address]}, [('six.example', 'six'), ('unix.example', 'unix')])
    assert weir.get(host='six.example').text == 'six'
    assert weir.get(host='unix.example').text == 'unix'
    assert weir.get(host='unix.example', method='POST', body=b'x').text == 'unix'


def test_route_files(run_weir, backend, tmp_path):
    """Routes and pools of further TOML files."""
    (tmp_path / 'b.toml').write_text(
        f'[pool.extra]\nbackends = ["{backend.address}"]\n[[route]]\nhost = "b.example"\npool = "extra"\n')
    config = configuration({'web': []}, [('a.example', 'web')])
    config['routes']['files'] = [f'{tmp_path}/*.toml']
    weir = run_weir(config=config)
    assert weir.get(host='b.example').status == 200
    expect_failure(weir.get(host='a.example'), 'pool_empty')

"""The fields that weir removes, adds and leaves alone (R13 to R19)."""
import re

import pytest

from support.backends import AutoBackend
from support.wire import request_bytes, response_bytes

TRUSTED = {'trusted_proxies': ['127.0.0.0/8']}


@pytest.fixture(scope='module')
def mirror():
    """Remembers requests; answers with the fields that the target names, `|` between them."""
    backend = AutoBackend(lambda request, peer: response_bytes())
    yield backend
    backend.close()


@pytest.fixture(scope='module')
def weir(run_shared_weir, mirror):
    return run_shared_weir({'web': [mirror.address]}, listener={'trusting': {'bind': ['127.0.0.1:0'], **TRUSTED},
                                                                'six': {'bind': ['[::1]:0']}})


@pytest.fixture
def forwarded(weir, mirror):
    """forwarded(fields) → the head that the backend got."""
    def send(fields=(), listener='public', **options):
        response = weir.get(fields=fields, listener=listener, **options)
        assert response.status == 200, response
        return mirror.requests[-1].head
    return send


class TestAdded:
    def test_where_it_came_from(self, weir, forwarded):
        """R15: each field is there once and says what weir knows."""
        head = forwarded()
        assert head.get('X-Forwarded-For') == '127.0.0.1'
        assert head.get('X-Forwarded-Proto') == 'http'
        assert head.get('X-Forwarded-Host') == 'a.example'
        assert head.get('X-Forwarded-Port') == str(weir.port)
        assert head.get('Via') == '1.1 weir'
        forwarded_field = dict(pair.split('=', 1) for pair in head.get('Forwarded').split(';'))
        assert forwarded_field['for'] == '127.0.0.1' and forwarded_field['proto'] == 'http'
        assert forwarded_field['host'].strip('"') == 'a.example'
        assert len(head.get('X-Request-Id')) >= 16

    def test_ids_differ(self, forwarded):
        """R15: every request has an id of its own."""
        assert len({forwarded().get('X-Request-Id') for _ in range(10)}) == 10

    def test_ipv6_in_each_fields_syntax(self, forwarded):
        """R15: bare in X-Forwarded-For, quoted in brackets in Forwarded."""
        head = forwarded(listener='six')
        assert head.get('X-Forwarded-For') == '::1'
        assert 'for="[::1]"' in head.get('Forwarded')

    def test_received_version_in_via(self, weir, mirror):
        """R15: Via tells the version that the client spoke."""
        with weir.connect() as client:
            client.send(request_bytes(version='1.0')).read_response()
        assert mirror.requests[-1].head.get('Via') == '1.0 weir'
        assert mirror.requests[-1].head.start_line.endswith('HTTP/1.1')

    def test_via_is_appended(self, forwarded):
        """R15: other proxies' entries stay in front."""
        assert ', '.join(forwarded({'Via': '1.1 edge'}).all('Via')) == '1.1 edge, 1.1 weir'

    def test_strangers_are_replaced(self, forwarded):
        """R15: what anyone else claims is gone."""
        head = forwarded({'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'evil',
                          'X-Forwarded-Port': '443', 'Forwarded': 'for=203.0.113.9', 'X-Request-Id': 'mine'})
        assert b'203.0.113.9' not in head.raw and b'evil' not in head.raw
        assert head.get('X-Forwarded-Proto') == 'http' and head.get('X-Request-Id') != 'mine'

    def test_trusted_proxies_are_continued(self, forwarded):
        """R15: a trusted proxy's fields are believed and appended to; its request id is kept."""
        head = forwarded({'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Proto': 'https', 'X-Request-Id': 'mine-123',
                          'Forwarded': 'for=203.0.113.9;proto=https'}, 'trusting')
        assert re.sub(r'\s', '', ','.join(head.all('X-Forwarded-For'))) == '203.0.113.9,127.0.0.1'
        assert head.get('X-Forwarded-Proto') == 'https'
        assert head.get('X-Request-Id') == 'mine-123'
        assert ','.join(head.all('Forwarded')).startswith('for=203.0.113.9;proto=https')

    @pytest.mark.parametrize('name', ['X_Forwarded_For', 'x_forwarded_proto', 'X_Request_Id', 'X-Forwarded_For'])
    def test_confusable_names_are_dropped(self, forwarded, name):
        """R16: a CGI-style gateway would take them for ours."""
        assert not forwarded({name: 'evil'}).has(name)

    def test_host_of_the_pool(self, run_weir, backend):
        """`host` of a pool replaces Host; what the client asked for is in X-Forwarded-Host."""
        weir = run_weir({'web': {'backends': [backend.address], 'host': 'internal.example'}})
        weir.get(host='public.example')
        head = backend.requests[-1].head
        assert head.get('Host') == 'internal.example' and head.get('X-Forwarded-Host') == 'public.example'


class TestRemoved:
    def test_hop_by_hop_of_requests(self, forwarded):
        """R13: Connection and what it names, Keep-Alive, Proxy-Connection, TE and Upgrade end here."""
        head = forwarded({'Connection': 'keep-alive, X-Hop', 'X-Hop': '1', 'Keep-Alive': 'timeout=5',
                          'Proxy-Connection': 'keep-alive', 'TE': 'gzip', 'Upgrade': 'h2c', 'HTTP2-Settings': 'AAMAAABk',
                          'X-End': '1'})
        for name in ('X-Hop', 'Keep-Alive', 'Proxy-Connection', 'TE', 'Upgrade', 'HTTP2-Settings'):
            assert not head.has(name), name
        assert head.get('X-End') == '1'

    def test_hop_by_hop_of_responses(self, run_weir, make_backend):
        """R13: the same on the way back."""
        backend = make_backend(lambda request, peer: response_bytes(b'ok', fields={
            'Connection': 'X-Hop, keep-alive', 'X-Hop': '1', 'Keep-Alive': 'timeout=5', 'Proxy-Connection': 'x',
            'Upgrade': 'h2c', 'X-End': '1'}))
        response = run_weir({'web': [backend.address]}).get()
        for name in ('X-Hop', 'Keep-Alive', 'Proxy-Connection', 'Upgrade'):
            assert not response.has(name), name
        assert response.get('X-End') == '1'

    def test_te_trailers_is_forwarded_as_such(self, forwarded):
        """R17: TE: trailers goes on, named by Connection."""
        head = forwarded({'TE': 'trailers', 'Connection': 'TE'})
        assert head.get('TE') == 'trailers'
        assert 'te' in head.get('Connection').lower().split(', ')


class TestKept:
    def test_order_case_and_duplicates(self, forwarded):
        """R14: all other fields are as they came."""
        fields = [('X-b', '2'), ('x-A', '1'), ('X-b', '3'), ('Cookie', 'a=b; c="d"'), ('Accept', '*/*'),
                  ('Proxy-Authorization', 'Basic eA=='), ('X-Empty', ''), ('X-Latin', 'gr\xfc\xdfe')]
        seen = [pair for pair in forwarded(fields).fields if pair in fields]
        assert seen == fields

    def test_response_fields(self, run_weir, make_backend):
        """R14: so it is for responses, Set-Cookie twice included; Via is added; Server stays."""
        fields = [('Set-Cookie', 'a=1'), ('Server', 'own'), ('set-cookie', 'b=2'), ('X-Z', '1'), ('X-A', '2'),
                  ('Date', 'Sun, 06 Nov 1994 08:49:37 GMT')]
        backend = make_backend(lambda request, peer: response_bytes(fields=fields))
        response = run_weir({'web': [backend.address]}).get()
        assert [pair for pair in response.head.fields if pair in fields] == fields
        assert response.get('Via') == '1.1 weir'

    def test_date_is_added(self, weir):
        """R26: a response without Date gets one."""
        assert re.fullmatch(r'[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT', weir.get().get('Date'))

    def test_traceparent_is_kept(self, forwarded):
        """R15."""
        value = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
        assert forwarded({'traceparent': value}).get('traceparent') == value

    @pytest.mark.parametrize('method', ['GET', 'PATCH', 'PROPFIND', 'M-SEARCH', 'get', 'X'])
    def test_any_token_is_a_method(self, weir, mirror, method):
        """R07: passed on, case and all."""
        assert weir.get(method=method).status == 200
        assert mirror.requests[-1].method == method

    def test_absolute_form_becomes_origin_form(self, weir, mirror):
        """R10: its authority is the Host that the backend gets."""
        assert weir.get('http://b.example:81/x?y', 'a.example').status == 200
        request = mirror.requests[-1]
        assert request.target == '/x?y' and request.head.get('Host') == 'b.example:81'

    def test_options_asterisk(self, weir, mirror):
        """R10."""
        assert weir.get('*', method='OPTIONS').status == 200
        assert mirror.requests[-1].target == '*'

    def test_version_1_2_is_read_as_1_1(self, weir, mirror):
        """R06."""
        with weir.connect() as client:
            client.send(request_bytes(version='1.2'))
            assert client.read_response().status == 200
        assert mirror.requests[-1].head.start_line == 'GET / HTTP/1.1'


class TestMaxForwards:
    def test_is_counted_down(self, forwarded):
        """R07."""
        assert forwarded({'Max-Forwards': '3'}, method='OPTIONS').get('Max-Forwards') == '2'

    def test_means_nothing_elsewhere(self, forwarded):
        """R07: on GET it is a field like any other."""
        assert forwarded({'Max-Forwards': '3'}).get('Max-Forwards') == '3'

    @pytest.mark.parametrize('method', ['OPTIONS', 'TRACE'])
    def test_zero_is_answered_by_weir(self, weir, mirror, method):
        """R07: at 0 weir answers, without echoing credentials."""
        before = len(mirror.requests)
        response = weir.get(method=method, fields={
            'Max-Forwards': '0', 'Cookie': 'secret=1', 'Authorization': 'Basic secret'})
        assert response.status == 200 and b'secret' not in response.body
        assert len(mirror.requests) == before


@pytest.mark.parametrize('name', ['Host', 'Content-Length', 'Transfer-Encoding', 'Authorization', 'Cookie', 'Forwarded', 'Via',
                                  'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Request-Id', 'traceparent', 'Expect',
                                  'Max-Forwards', 'Date'])
def test_connection_naming_an_end_to_end_field_is_an_attack(weir, mirror, name):
    """R13: 400, and the backend hears nothing of it."""
    before = len(mirror.requests)
    response = weir.get(fields={'Connection': f'close, {name}'})
    assert response.status == 400
    assert len(mirror.requests) == before


def test_connection_of_a_response_naming_an_end_to_end_field(run_weir, make_backend):
    """R13: from a backend it is 502."""
    backend = make_backend(lambda request, peer: response_bytes(fields={'Connection': 'Content-Length'}))
    assert run_weir({'web': [backend.address]}).get().status == 502

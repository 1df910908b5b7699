"""The admin interface's API and who may use it (CONTRACT §3, [admin], [metrics])."""
import contextlib
import json
import pwd
import stat

import pytest

from support.load import Load
from support.text import Metrics
from support.wait import until
from support.weir import configuration, expect_failure
from support.wire import Peer, request_bytes, response_bytes

SECRET = 'c2VjcmV0'


@pytest.fixture
def weir(run_weir, backend):
    return run_weir({'web': [backend.address]}, [('a.example', 'web')])


@contextlib.contextmanager
def request_in_flight(weir, manual_backend, target='/slow?secret=1', **options):
    """A request that waits for its backend; gives both ends."""
    with weir.connect() as client:
        client.send(request_bytes(target=target, **options))
        peer = manual_backend.accept()
        peer.read_request()
        yield client, peer


def finish(client, peer):
    peer.send(response_bytes())
    assert client.read_response().status == 200


class TestRequests:
    def test_a_slow_request_shows_its_backend(self, run_weir, manual_backend):
        """What hangs, since when, where and for whom; the query stays hidden; afterwards it is gone."""
        weir = run_weir({'web': [manual_backend.address]}, [{'name': 'slow', 'host': 'a.example', 'pool': 'web'}],
                        server={'workers': 2}, log={'access': 'off'})
        with request_in_flight(weir, manual_backend) as (client, peer):
            answer = weir.api('/api/requests')
            assert answer['total'] == 1 and answer['silent_workers'] == 0
            request = answer['requests'][0]
            assert request.pop('age_seconds') >= 0
            assert len(request.pop('request_id')) == 32
            assert request == {
                'listener': 'public', 'client': '127.0.0.1', 'method': 'GET', 'host': 'a.example', 'path': '/slow',
                'route': 'slow', 'pool': 'web', 'backend': manual_backend.address, 'state': 'awaiting_head',
                'bytes_in': 0, 'bytes_out': 0, 'tries': 1}
            peer.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc')
            client.read_until(b'abc')
            request = weir.api('/api/requests')['requests'][0]
            assert (request['state'], request['bytes_out']) == ('relaying', 3)
            peer.send('de')
            client.read_until(b'de')
        until(lambda: weir.api('/api/requests') == {'total': 0, 'requests': [], 'silent_workers': 0}, 'no request')

    @pytest.mark.tsan
    def test_oldest_first_over_all_workers(self, run_weir, manual_backend):
        """limit cuts the young ones off; total counts them all."""
        weir = run_weir({'web': [manual_backend.address]}, server={'workers': 2})
        with contextlib.ExitStack() as stack:
            for number in range(6):
                stack.enter_context(request_in_flight(weir, manual_backend, f'/{number}'))
            answer = weir.api('/api/requests?limit=4')
            assert answer['total'] == 6
            assert [request['path'] for request in answer['requests']] == ['/0', '/1', '/2', '/3']
            ages = [request['age_seconds'] for request in answer['requests']]
            assert ages == sorted(ages, reverse=True)
            assert weir.api('/api/requests?limit=none', status=400)['error'] == 'bad_parameter'

    def test_a_full_admin_interface_still_answers(self, run_weir, manual_backend):
        """All its connections taken by silent ones: the next administrator is served all the same."""
        weir = run_weir({'web': [manual_backend.address]})
        with contextlib.ExitStack() as stack:
            stack.enter_context(request_in_flight(weir, manual_backend))
            for _ in range(200):
                stack.enter_context(Peer.connect(weir.admin))
            assert weir.api('/api/requests')['requests'][0]['backend'] == manual_backend.address


class TestRoutes:
    def test_pages(self, run_weir, backend):
        """Every entry once, however long the pages are."""
        names = [f'h{number}.example' for number in range(25)]
        weir = run_weir({'web': [backend.address]}, [(name, 'web') for name in names])
        found, cursor, pages = [], '', 0
        while cursor is not None:
            page = weir.api(f'/api/routes?limit=10&cursor={cursor}')
            assert page['total'] == 25 and len(page['routes']) <= 10
            found += [route['host'] for route in page['routes']]
            cursor, pages = page['next_cursor'], pages + 1
        assert sorted(found) == sorted(names) and pages == 3
        assert [route['host'] for route in weir.api('/api/routes')['routes']] == sorted(names)

    def test_one_host(self, run_weir, backend):
        """host= names entries as they are written, paths and schemes and all."""
        weir = run_weir({'web': [backend.address], 'api': []}, [
            {'host': '*', 'pool': 'web'}, {'host': '.b.example', 'pool': 'web'},
            {'hosts': ['b.example', 'c.example'], 'pool': 'web', 'name': 'main'},
            {'host': 'b.example', 'path': '/api', 'scheme': 'https', 'pool': 'api'}])
        assert weir.api('/api/routes?host=B.example.')['routes'] == [
            {'host': 'b.example', 'path': '', 'scheme': None, 'route': 'main', 'pool': 'web',
             'quarantined': False, 'stale': False},
            {'host': 'b.example', 'path': '/api', 'scheme': 'https', 'route': 'api', 'pool': 'api',
             'quarantined': False, 'stale': False}]
        assert [route['host'] for route in weir.api('/api/routes?host=*')['routes']] == ['*']
        assert weir.api('/api/routes?host=x.example')['routes'] == []
        assert weir.api('/api/routes?host=a..b', status=400)['error'] == 'bad_parameter'

    def test_a_cursor_of_another_table(self, run_weir, backend):
        """A page behind a change would miss or repeat entries: it is refused."""
        routes = [(f'h{number}.example', 'web') for number in range(3)]
        weir = run_weir({'web': [backend.address]}, routes)
        cursor = weir.api('/api/routes?limit=1')['next_cursor']
        weir.reload(configuration({'web': [backend.address]}, routes[1:]))
        assert weir.api(f'/api/routes?cursor={cursor}', status=409)['error'] == 'table_changed'


class TestReload:
    def test_says_what_changed_and_serves_it(self, run_weir, make_backend):
        """The answer comes when every worker serves the new table."""
        one, two = make_backend(), make_backend()
        weir = run_weir({'web': [one.address]}, [('a.example', 'web'), ('b.example', 'web')], server={'workers': 2})
        weir.write(configuration({'web': [one.address], 'new': [two.address]},
                                 [('a.example', 'new'), ('c.example', 'new'), ('d.example', 'new')],
                                 server={'workers': 2}))
        answer = weir.api('/api/reload', 'POST')
        summary = answer.pop('summary')
        assert answer == {
            'generation': 2, 'added': 2, 'removed': 1, 'moved': 1, 'changed': 1, 'backends_added': 1,
            'backends_removed': 0, 'removed_in_flight': 0, 'settings': False, 'warnings': [], 'stale': 0, 'quarantined': [],
            'quarantined_total': 0}
        assert '+2 hosts' in summary and '-1 host' in summary
        for _ in range(8):
            assert weir.get(host='c.example').status == 200
        weir.wait_log(msg='admin request', by='127.0.0.1', action='POST /api/reload', status='200')

    def test_nothing_changed(self, weir):
        """Also an answer, with the generation that goes on."""
        answer = weir.api('/api/reload', 'POST')
        assert (answer['generation'], answer['summary']) == (1, 'no change')

    def test_a_broken_file(self, weir, backend):
        """All errors are in the answer; the old table is served."""
        weir.write('[listener.public]\nbind = ["127.0.0.1:0"]\nnonsense = 1\n[[route]]\nhost = "a"\npool = "gone"\n')
        answer = weir.api('/api/reload', 'POST', 422)
        assert answer['error'] == 'invalid_configuration'
        assert 'weir.toml:3:1' in answer['message'] and 'weir.toml:6:' in answer['message']
        assert weir.get().status == 200
        weir.wait_log(msg='admin request', action='POST /api/reload', status='422', error='invalid_configuration')

    def test_many_at_once(self, weir):
        """Each asks for the files as they are at that moment, and each is answered."""
        clients = [Peer.connect(weir.admin) for _ in range(20)]
        for client in clients:
            client.send(request_bytes('POST', '/api/reload', 'localhost'))
        for client in clients:
            assert client.read_response().status == 200
            client.close()

    def test_force_is_yes_or_no(self, weir):
        """Refused, not ignored."""
        assert weir.api('/api/reload?force=maybe', 'POST', 400)['error'] == 'bad_parameter'
        for force in '01':
            assert weir.api(f'/api/reload?force={force}', 'POST')['stale'] == 0

    def test_a_get_changes_nothing(self, weir):
        """Links and previews cannot change anything."""
        for path in ('reload', 'drain', 'ready', 'pools/web/backends/127.0.0.1:1/drain'):
            assert weir.api(f'/api/{path}', status=405)['error'] == 'method_not_allowed'


class TestDrain:
    def test_out_of_service_and_back(self, weir):
        """/readyz and Connection: close, and that is all: connections and listeners stay."""
        with weir.connect() as old, weir.connect() as kept:
            assert not kept.send(request_bytes()).read_response().has('Connection')
            assert weir.api('/api/drain', 'POST') == {'state': 'draining'}
            assert weir.admin_get('/readyz').status == 503
            assert weir.admin_get('/healthz').status == 200
            assert weir.metric('weir_ready') == 0
            drain = weir.status()['drain']
            assert (drain['by'], drain['final']) == ('127.0.0.1', False) and drain['since'].endswith('Z')
            assert kept.send(request_bytes()).read_response().get('Connection') == 'close'
            assert weir.get().status == 200
            weir.api('/api/drain', 'POST')
            assert weir.status()['drain'] == drain
            weir.reload()
            assert weir.admin_get('/readyz').status == 503
            assert weir.api('/api/ready', 'POST') == {'state': 'ready'}
            assert not old.send(request_bytes()).read_response().has('Connection')
        assert weir.admin_get('/readyz').status == 200
        assert weir.status()['drain'] is None

    def test_a_drain_of_the_process_is_final(self, run_weir, manual_backend):
        """After TERM there is no way back, and no reload either."""
        weir = run_weir({'web': [manual_backend.address]})
        with request_in_flight(weir, manual_backend) as (client, peer):
            weir.signal(15)
            weir.wait_draining()
            for path in ('ready', 'drain', 'reload'):
                assert weir.api(f'/api/{path}', 'POST', 409)['error'] == 'ending'
            assert weir.status()['drain']['final'] and weir.status()['drain']['by'] == 'TERM'
            finish(client, peer)
        weir.wait_exit(0)


class TestBackends:
    @pytest.mark.tsan
    def test_drain_under_load_fails_no_request(self, run_weir, make_backend):
        """A drained backend gets no request from the answer on; the others take all of it."""
        one, two = make_backend(), make_backend()
        weir = run_weir({'web': {'backends': [one.address, two.address], 'balance': 'round_robin'}},
                        server={'workers': 2}, log={'access': 'off'})
        with Load(weir) as load:
            load.wait_for_more(50)
            assert weir.set_backend('web', one.address, 'drain')['matched'] == 1
            until(lambda: weir.pool('web')[one.address]['in_flight'] == 0, 'nothing in flight at the drained one')
            before = len(one.requests)
            load.wait_for_more(200)
            assert len(one.requests) == before
            shown = weir.pool('web')[one.address]
            assert (shown['state'], shown['usable'], shown['admin']['by']) == ('drain', False, '127.0.0.1')
            weir.set_backend('web', one.address, 'ready')
            load.wait_for_more(50)
            one.wait_for_requests(before + 1)
        assert not load.problems
        weir.wait_log(msg='admin request', by='127.0.0.1', status='200')

    def test_what_is_under_way_goes_on(self, run_weir, manual_backend):
        """A request at a backend that is drained ends as if nothing had happened."""
        weir = run_weir({'web': [manual_backend.address]})
        with request_in_flight(weir, manual_backend) as (client, peer):
            assert weir.set_backend('web', manual_backend.address, 'drain') == {
                'state': 'drain', 'matched': 1, 'in_flight': 1,
                'warnings': ['pool "web": 0 of 1 usable, its requests get 503']}
            expect_failure(weir.get(), 'no_usable_backend')
            finish(client, peer)

    def test_states_survive_a_reload(self, run_weir, make_backend):
        """HUP with other routes and pools: who is out of service stays out, with who and since when."""
        one, two = make_backend(), make_backend()
        pools = {'web': [one.address, two.address]}
        weir = run_weir(pools)
        weir.set_backend('web', one.address, 'maint')
        before = weir.pool('web')[one.address]['admin']
        weir.reload(configuration({**pools, 'more': [two.address]}, [('*', 'web'), ('b.example', 'more')]))
        assert weir.pool('web')[one.address]['admin'] == before
        assert [weir.get().status for _ in range(6)] == [200] * 6
        assert not one.requests

    def test_a_machine(self, run_weir, make_backend):
        """'*' and an IP: all of its backends in all pools, and those that a reload brings."""
        one, two, three = make_backend(), make_backend(), make_backend()
        weir = run_weir({'a': [one.address], 'b': [one.address, two.address]})
        assert weir.set_backend('*', '127.0.0.1', 'maint')['matched'] == 3
        assert weir.api('/api/pools?address=127.0.0.1')['pools'][1]['usable'] == 0
        weir.reload(configuration({'a': [one.address, three.address]}))
        assert weir.pool('a')[three.address]['state'] == 'maint'
        assert weir.set_backend('*', '127.0.0.1', 'ready')['matched'] == 2
        assert weir.get().status == 200

    def test_unknown_names(self, weir, backend):
        """404 that says which of the two is unknown."""
        assert weir.set_backend('wbe', backend.address, 'drain', 404)['error'] == 'unknown_pool'
        assert weir.set_backend('web', '127.0.0.1:1', 'drain', 404)['error'] == 'unknown_backend'
        assert weir.set_backend('*', '127.0.0.2', 'drain', 404)['error'] == 'unknown_backend'
        assert weir.api('/api/pools/wbe', status=404)['error'] == 'unknown_pool'

    def test_a_unix_backend(self, run_weir, tmp_path):
        """Its path goes percent-encoded."""
        weir = run_weir({'web': [f'unix:{tmp_path}/app.sock']})
        assert weir.set_backend('web', f'unix:{tmp_path}/app.sock', 'drain')['matched'] == 1
        assert weir.pool('web')[f'unix:{tmp_path}/app.sock']['state'] == 'drain'


class TestTokens:
    @pytest.fixture
    def tokens(self, tmp_path):
        file = tmp_path / 'tokens'
        file.write_text(f'# who may\nalice:{SECRET}\n')
        file.chmod(0o600)
        return file

    @staticmethod
    def bearer(token=SECRET):
        return {'Authorization': f'Bearer {token}'}

    def test_right_wrong_missing(self, run_weir, backend, tokens):
        """Only who knows it comes in; everybody may ask whether weir is well."""
        weir = run_weir({'web': [backend.address]}, admin={'token_file': str(tokens)})
        assert weir.api('/api/status', status=401)['error'] == 'no_token'
        assert weir.api('/api/status', status=401, fields=self.bearer('wrong'))['error'] == 'wrong_token'
        assert weir.api('/api/status', fields=self.bearer())['state'] == 'ready'
        assert weir.admin_get('/metrics').status == 401
        assert weir.admin_get('/metrics').get('WWW-Authenticate').startswith('Bearer')
        assert weir.admin_get('/readyz').status == weir.admin_get('/healthz').status == 200

    def test_the_audit(self, run_weir, backend, tokens):
        """Who changed what, or was kept from it; never the token."""
        weir = run_weir({'web': [backend.address]}, admin={'token_file': str(tokens)})
        weir.api('/api/drain', 'POST', 401)
        weir.wait_log(msg='admin request', by='127.0.0.1', action='POST /api/drain', status='401', error='no_token')
        weir.api('/api/drain', 'POST', fields=self.bearer())
        weir.wait_log(msg='admin request', by='alice', action='POST /api/drain', status='200')
        foreign = {**self.bearer(), 'Origin': 'http://evil.example'}
        assert weir.api('/api/ready', 'POST', 403, foreign)['error'] == 'foreign_origin'
        assert weir.api('/api/ready', 'POST', 403, self.bearer(), 'rebound.example')['error'] == 'foreign_host'
        weir.wait_log(msg='admin request', action='POST /api/ready', status='403', error='foreign_origin')
        weir.wait_log(msg='admin request', action='POST /api/ready', status='403', error='foreign_host')
        assert weir.api('/api/status', fields=self.bearer())['drain']['by'] == 'alice'
        assert SECRET not in weir.log()

    def test_reread_on_reload(self, run_weir, backend, tokens):
        """A new token is good and an old one bad once the reload is over; a broken file changes nothing."""
        weir = run_weir({'web': [backend.address]}, admin={'token_file': str(tokens)})
        tokens.write_text('bob:next\n')
        assert weir.api('/api/reload', 'POST', fields=self.bearer())['settings'] is True
        weir.api('/api/status', status=401, fields=self.bearer())
        tokens.write_text('nonsense\n')
        answer = weir.api('/api/reload', 'POST', 422, fields=self.bearer('next'))
        assert 'tokens:1:1' in answer['message']
        weir.api('/api/status', fields=self.bearer('next'))

    def test_a_changed_token_file_is_noticed(self, run_weir, backend, tokens):
        """It is watched like the other files."""
        weir = run_weir({'web': [backend.address]}, watch=True, admin={'token_file': str(tokens)})
        tokens.write_text('bob:next\n')
        weir.wait_log(msg='reloaded', cause='file change')
        weir.api('/api/status', fields=self.bearer('next'))

    def test_readable_by_others(self, run_weir, backend, tokens):
        """A warning, at start."""
        tokens.chmod(0o644)
        weir = run_weir({'web': [backend.address]}, admin={'token_file': str(tokens)})
        assert 'chmod' in weir.wait_log(level='warn', place=str(tokens))['warning']

    def test_elsewhere_than_loopback(self, run_weir, backend, tokens):
        """With tokens any address; a reload cannot leave it open to everybody."""
        weir = run_weir({'web': [backend.address]}, admin={'token_file': str(tokens), 'bind': ['0.0.0.0:0']})
        address = ('127.0.0.1', weir.admin[1])
        weir.api('/api/status', address=address, fields=self.bearer())
        weir.write(configuration({'web': [backend.address]}))
        weir.api('/api/reload', 'POST', address=address, fields=self.bearer())
        with pytest.raises(ConnectionRefusedError):
            Peer.connect(address)
        weir.write(configuration({'web': [backend.address]}, admin={'bind': ['0.0.0.0:0']}))
        seen = [line for line in weir.stderr.all() if 'msg=listening listener=admin' in line]
        ip, _, port = seen[-1].rpartition('=')[2].rpartition(':')
        assert 'token_file' in weir.api('/api/reload', 'POST', 422, address=(ip, int(port)))['message']

    def test_host_names(self, run_weir, backend):
        """[admin] hosts: further names it answers to, from the next reload on."""
        weir = run_weir({'web': [backend.address]}, admin={'hosts': ['weir.example']})
        weir.api('/api/status', host='WEIR.example:8042')
        weir.api('/api/status', host='other.example', status=403)
        weir.reload(configuration({'web': [backend.address]}, admin={'hosts': ['other.example']}))
        weir.api('/api/status', host='other.example')
        weir.api('/api/status', host='weir.example', status=403)

    def test_unix_socket(self, run_weir, backend, tokens, tmp_path):
        """Mode 0660 is its protection: no token, and the audit knows the user."""
        path = tmp_path / 'admin.sock'
        weir = run_weir({'web': [backend.address]},
                        admin={'bind': ['127.0.0.1:0', f'unix:{path}'], 'token_file': str(tokens)})
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        weir.api('/api/drain', 'POST', address=str(path))
        by = weir.wait_log(msg='admin request', action='POST /api/drain', status='200')['by']
        assert by == pwd.getpwuid(path.stat().st_uid).pw_name


class TestMetricsBind:
    def test_serves_three_pages_and_no_more(self, run_weir, backend, tmp_path):
        """For a scraper anywhere: without token, by any name, nothing to change or to read beside."""
        tokens = tmp_path / 'tokens'
        tokens.write_text('alice:x\n')
        tokens.chmod(0o600)
        weir = run_weir({'web': [backend.address]}, admin={'token_file': str(tokens)},
                        metrics={'bind': ['0.0.0.0:0']})
        address = ('127.0.0.1', weir.listeners['metrics'][0][1])

        def ask(path, method='GET', fields=()):
            with Peer.connect(address) as client:
                client.send(request_bytes(method, path, 'node-7.internal:9100', fields))
                return client.read_response(method)
        assert Metrics(ask('/metrics').text).sum('weir_ready') == 1
        assert ask('/healthz').status == ask('/readyz').status == 200
        for path in ('/', '/api/status', '/api/pools', '/api/requests', '/api/routes'):
            assert ask(path, fields={'Authorization': 'Bearer x'}).status == 404
        for path in ('/api/drain', '/api/reload', '/metrics'):
            assert ask(path, 'POST', {'Authorization': 'Bearer x'}).status in (404, 405)
        assert 'api' not in json.loads(ask('/').body)['message']
        assert weir.admin_get('/readyz').status == 200

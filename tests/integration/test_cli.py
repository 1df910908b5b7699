"""The commands that talk to a running weir (CONTRACT §1)."""
import json
import os
import pty
import re
import subprocess

import pytest

from support.backends import refused_address
from support.wait import until
from support.weir import BINARY, Program, configuration, run_once
from support.wire import request_bytes, response_bytes


@pytest.fixture
def cli(tmp_path):
    """cli(weir, *words) → stdout; `code` is the exit code, with another than 0 → stderr. `warning`: the start of
    what stderr says of a command that succeeds."""
    def run(weir, *words, code=0, warning='', **environment):
        admin = {'WEIR_ADMIN': f'http://127.0.0.1:{weir.admin[1]}'} if weir else {}
        out, err = run_once(words, tmp_path, code, {**admin, **environment})
        assert '\x1b' not in out
        if code == 0:
            assert err.startswith(f'weir: warning: {warning}') if warning else err == ''
            return out
        assert out == ''
        return err
    return run


@pytest.fixture
def weir(run_weir, backend):
    return run_weir({'web': [backend.address], 'api': []}, [('a.example', 'web'), ('*.b.example/x', 'api')])


def waiting(weir, *words):
    """A command with --wait that is still running."""
    return Program([*words, '--wait', '--admin', f'http://127.0.0.1:{weir.admin[1]}'], weir.folder)


class TestShows:
    def test_status(self, weir, cli):
        """What runs, for people and as the API's JSON."""
        out = cli(weir, 'status')
        assert out.startswith('weir: ready, weir ') and f'127.0.0.1:{weir.port}' in out
        assert re.search(r'^table +2 routes, 2 pools, 1 backend; generation 1', out, re.M)
        status = json.loads(cli(weir, 'status', '--json'))
        assert status['state'] == 'ready' and status['routes'] == 2

    def test_pools(self, weir, backend, cli):
        """A line a pool; with a name a line a backend."""
        lines = cli(weir, 'pools').splitlines()
        assert lines[0].split() == ['POOL', 'STATE', 'USABLE', 'BACKENDS', 'IN', 'FLIGHT']
        assert {line.split()[0]: line.split()[1:4] for line in lines[1:]} == {
            'web': ['up', '1', '1'], 'api': ['empty', '0', '0']}
        assert backend.address in cli(weir, 'pools', 'web').splitlines()[1]
        assert json.loads(cli(weir, 'pools', 'web', '--json'))['backends'][0]['address'] == backend.address
        assert len(json.loads(cli(weir, 'pools', '--json'))['pools']) == 2

    def test_routes(self, weir, cli):
        """All, or those that match a glob: hosts, and hosts with their paths."""
        assert [line.split() for line in cli(weir, 'routes').splitlines()] == [
            ['HOST', 'PATH', 'SCHEME', 'POOL', 'ROUTE'], ['*.b.example', '/x', 'api', 'api'], ['a.example', 'web', 'web']]
        assert 'a.example' not in cli(weir, 'routes', '*.b.*')
        assert '/x' in cli(weir, 'routes', '*.B.example/x')
        assert json.loads(cli(weir, 'routes', 'a.*', '--json'))['routes'][0]['pool'] == 'web'
        assert 'no route matches' in cli(weir, 'routes', 'z*', code=1)
        assert cli(weir, 'routes', '?.example').splitlines()[1].split() == ['a.example', 'web', 'web']

    def test_routes_of_a_host(self, run_weir, backend, cli):
        """A name without wildcards is a host as in the files, or host and path; else the one that answers for it."""
        pools = {'web': [backend.address]}
        weir = run_weir(pools, [('www.example.com', 'web'), ('www.example.com/api', 'web'), ('*.example.com', 'web'),
                                {'host': 'q.example', 'pool': 'none'}])
        def listed(*words, **more):
            return [line.split()[0] for line in cli(weir, 'routes', *words, **more).splitlines()[1:]]
        assert listed('WWW.example.com') == ['www.example.com', 'www.example.com']
        assert cli(weir, 'routes', 'www.example.com/api').splitlines()[1].split()[:2] == ['www.example.com', '/api']
        assert listed('*.example.com') == ['*.example.com', 'www.example.com', 'www.example.com']
        out, err = run_once(['routes', 'shop.example.com'], weir.folder, 0,
                            {'WEIR_ADMIN': f'http://127.0.0.1:{weir.admin[1]}'})
        assert out.splitlines()[1].split()[0] == '*.example.com'
        assert err == 'weir: there is no route "shop.example.com"; for it answers *.example.com:\n'
        assert 'no route matches' in cli(weir, 'routes', 'other.org', code=1)
        assert json.loads(cli(weir, 'routes', 'shop.example.com', '--json'))['routes'] == []
        assert cli(weir, 'routes', 'q.example').splitlines()[1].split() == ['q.example', 'quarantined', 'quarantined']

    def test_many_routes(self, run_weir, backend, cli, tmp_path):
        """More than a page of the API, and more than a glob looks at for one page."""
        names = [f'h{number}.example' for number in range(25000)]
        config = configuration({'web': [backend.address]}, [])
        config['routes']['files'] = [f'{tmp_path}/*.map']
        (tmp_path / 'many.map').write_text(''.join(f'{name} web\n' for name in names))
        weir = run_weir(config=config)
        assert [line.split()[0] for line in cli(weir, 'routes').splitlines()[1:]] == sorted(names)
        assert [line.split()[0] for line in cli(weir, 'routes', 'h?99?.*').splitlines()[1:]] == sorted(
            name for name in names if re.match(r'h.99.\.', name))
        page = weir.api('/api/routes?glob=none*&limit=10000')
        assert page['routes'] == [] and page['total'] is None and page['next_cursor']

    def test_colours_only_on_a_terminal(self, weir):
        """And never with NO_COLOR."""
        def on_terminal(**environment):
            ours, theirs = pty.openpty()
            base = {key: value for key, value in os.environ.items() if key != 'NO_COLOR'}
            subprocess.run([BINARY, 'status', '--admin', f'http://127.0.0.1:{weir.admin[1]}'], stdout=theirs,
                           check=True, timeout=60, env={**base, 'TERM': 'xterm', **environment})
            os.close(theirs)
            text = os.read(ours, 1 << 16).decode()
            os.close(ours)
            return text
        assert '\x1b[32mready\x1b[0m' in on_terminal()
        assert '\x1b' not in on_terminal(NO_COLOR='1')
        assert '\x1b' not in on_terminal(TERM='dumb')


class TestReload:
    def test_says_what_changed(self, weir, backend, cli):
        """In words, and as JSON."""
        weir.write(configuration({'web': [backend.address]}, [('a.example', 'web'), ('c.example', 'web')]))
        assert cli(weir, 'reload').startswith('generation 2: +1 host, -1 host, -1 pool, nothing cut\n')
        assert json.loads(cli(weir, 'reload', '--json'))['generation'] == 2

    def test_all_errors(self, weir, cli):
        """As weir check would print them, with its exit code."""
        weir.write('nonsense = 1\n[listener.a]\nbind = 3\n')
        err = cli(weir, 'reload', code=2)
        assert [bool(re.match(r'weir: .*weir\.toml:\d+:\d+: ', line)) for line in err.splitlines()] == [True, True]
        assert weir.get().status == 200

    def test_wait_for_removed_backends(self, run_weir, manual_backend, backend):
        """--wait returns when the last request at a backend that is gone is over."""
        weir = run_weir({'web': [manual_backend.address]})
        with weir.connect() as client:
            client.send(request_bytes())
            peer = manual_backend.accept()
            peer.read_request()
            weir.write(configuration({'web': [backend.address]}))
            command = waiting(weir, 'reload')
            weir.wait_log(msg='reloaded')
            assert weir.status()['removed_backends_in_flight'] == 1
            assert command.is_running()
            peer.send(response_bytes())
            client.read_response()
            command.wait_exit(0)
        assert weir.status()['removed_backends_in_flight'] == 0


    def test_a_backend_that_came_back_is_not_waited_for(self, run_weir, manual_backend, backend, cli):
        """Removed and added again under a request: it is one of the table's, whatever it has in flight."""
        weir = run_weir({'web': [manual_backend.address]})
        with weir.connect() as client:
            client.send(request_bytes())
            peer = manual_backend.accept()
            peer.read_request()
            weir.reload(configuration({'web': [backend.address]}))
            assert weir.status()['removed_backends_in_flight'] == 1
            weir.write(configuration({'web': [manual_backend.address]}))
            assert '+1 backend, 1 backend drained, nothing cut' in cli(weir, 'reload', '--wait')
            assert weir.pool('web')[manual_backend.address]['in_flight'] == 1
            peer.send(response_bytes())
            assert client.read_response().status == 200


class TestNode:
    def test_drain_and_ready(self, weir, cli):
        """Out of service and back, with the name of who did it."""
        assert 'out of service' in cli(weir, 'drain')
        assert weir.admin_get('/readyz').status == 503
        out = cli(weir, 'status')
        assert out.startswith('weir: draining') and 'by 127.0.0.1' in out
        assert 'in service' in cli(weir, 'ready', '--wait')
        assert weir.admin_get('/readyz').status == 200

    def test_drain_waits(self, run_weir, manual_backend):
        """--wait: until no request is in flight."""
        weir = run_weir({'web': [manual_backend.address]})
        with weir.connect() as client:
            client.send(request_bytes())
            peer = manual_backend.accept()
            peer.read_request()
            command = waiting(weir, 'drain')
            until(lambda: weir.admin_get('/readyz').status == 503, 'drained')
            assert command.is_running()
            peer.send(response_bytes())
            assert client.read_response().get('Connection') == 'close'
            command.wait_exit(0)


class TestPending:
    def test_a_restart_is_pending(self, run_weir, backend, cli):
        """weir reload says which value a restart has yet to apply, weir status goes on saying so."""
        pools = {'web': [backend.address]}
        weir = run_weir(pools, server={'workers': 1})
        weir.write(configuration(pools, server={'workers': 7}))
        said = cli(weir, 'reload', warning='[server] workers was 1, is 7: takes effect at the next start only\n')
        assert said == 'generation 1: settings\n'
        assert 'pending    restart needed for [server] workers\n' in cli(weir, 'status')


class TestBackend:
    def test_drain_maint_ready(self, weir, backend, cli):
        """One backend; what it says is what the API shows."""
        warning = 'pool "web": 0 of 1 usable, its requests get 503\n'
        drain = cli(weir, 'backend', 'web', backend.address, 'drain', warning=warning)
        assert drain == '1 backend: drain, 0 requests in flight\n'
        assert weir.pool('web')[backend.address]['state'] == 'drain'
        assert 'set by 127.0.0.1' in cli(weir, 'pools', 'web')
        assert cli(weir, 'backend', '*', '127.0.0.1', 'maint', '--wait', warning=warning).startswith('1 backend: maint')
        assert cli(weir, 'backend', 'web', backend.address, 'ready', '--wait') == '1 backend: ready\n'
        assert weir.get().status == 200
        answer = json.loads(cli(weir, 'backend', 'web', backend.address, 'ready', '--json'))
        assert answer == {'state': 'ready', 'matched': 1, 'in_flight': 0, 'warnings': []}

    def test_drain_waits(self, run_weir, manual_backend):
        """--wait: until nothing is in flight there."""
        weir = run_weir({'web': [manual_backend.address]})
        with weir.connect() as client:
            client.send(request_bytes())
            peer = manual_backend.accept()
            peer.read_request()
            command = waiting(weir, 'backend', 'web', manual_backend.address, 'drain')
            until(lambda: weir.pool('web')[manual_backend.address]['state'] == 'drain', 'drained')
            assert command.is_running()
            peer.send(response_bytes())
            client.read_response()
            command.wait_exit(0)

    def test_unknown_names(self, weir, backend, cli):
        """What was probably meant."""
        assert 'did you mean "web"?' in cli(weir, 'backend', 'wbe', backend.address, 'drain', code=1)
        assert 'did you mean "web"?' in cli(weir, 'pools', 'wed', code=1)
        wrong = backend.address[:-1] + ('1' if backend.address[-1] != '1' else '2')
        assert f'did you mean "{backend.address}"?' in cli(weir, 'backend', 'web', wrong, 'drain', code=1)
        assert 'there are "web", "api"' in cli(weir, 'pools', 'nonsense', code=1)
        assert 'no backend "10.9.9.9" in any pool' in cli(weir, 'backend', '*', '10.9.9.9', 'drain', code=1)


class TestReaching:
    def test_nothing_listens(self, cli):
        """Says where it looked and how to look elsewhere."""
        address, sock = refused_address()
        err = cli(None, 'status', '--admin', f'http://{address}', code=1)
        assert f'nothing listens at http://{address}' in err and 'WEIR_ADMIN' in err
        sock.close()

    def test_no_socket(self, cli, tmp_path):
        """The same for a path."""
        assert 'there is no such socket' in cli(None, 'status', '--admin', f'unix:{tmp_path}/none', code=1)

    def test_not_weir(self, weir, backend, cli):
        """Another server, and weir's own proxy, are told from its admin interface."""
        for port in (backend.address.split(':')[1], weir.port):
            err = cli(None, 'status', '--admin', f'http://127.0.0.1:{port}', code=1)
            assert "is not weir's admin interface" in err

    def test_not_http(self, manual_backend, cli, weir):
        """A server that talks something else, or nothing."""
        command = Program(['status', '--admin', f'http://{manual_backend.address}'], weir.folder)
        peer = manual_backend.accept()
        peer.read_request()
        peer.send('220 mail.example ESMTP\r\n')
        command.wait_exit(1)
        assert 'does not speak HTTP' in command.log()

    def test_localhost_and_unix(self, run_weir, backend, cli, tmp_path):
        """By name, and by a socket."""
        weir = run_weir({'web': [backend.address]}, admin={'bind': ['127.0.0.1:0', f'unix:{tmp_path}/a.sock']})
        assert cli(None, 'status', '--admin', f'http://localhost:{weir.admin[1]}')
        assert cli(None, 'status', WEIR_ADMIN=f'unix:{tmp_path}/a.sock')

    def test_tokens(self, run_weir, backend, cli, tmp_path):
        """None, a wrong one, the right one: by option and by environment."""
        server, mine, wrong = (tmp_path / name for name in ('server', 'mine', 'wrong'))
        server.write_text('alice:one\nbob:two\n')
        mine.write_text('two\n')
        wrong.write_text('three\n')
        weir = run_weir({'web': [backend.address]}, admin={'token_file': str(server)})
        assert '--token-file' in cli(weir, 'status', code=1)
        assert f'refuses the token from {wrong}' in cli(weir, 'status', '--token-file', str(wrong), code=1)
        assert cli(weir, 'status', WEIR_TOKEN_FILE=str(server))
        cli(weir, 'drain', '--token-file', str(mine))
        weir.wait_log(msg='admin request', by='bob', action='POST /api/drain')
        assert 'No such file' in cli(weir, 'status', '--token-file', str(tmp_path / 'none'), code=2)

    @pytest.mark.parametrize('words', [
        ['status', 'x'], ['status', '--wait'], ['backend', 'web'], ['backend', 'web', '127.0.0.1:1', 'stop'],
        ['pools', '--admin'], ['status', '--admin', '127.0.0.1:8042'], ['status', '--admin', 'https://127.0.0.1:1'],
        ['top'], ['deploy', 'web', '127.0.0.1:1'], ['diff', 'a'], ['explain'], ['check', '--all']])
    def test_bad_usage(self, cli, words):
        """Exit 2, in one line."""
        err = cli(None, *words, code=2)
        assert err.startswith('weir: ') and err.count('\n') == 1

    @pytest.mark.parametrize('command', ['status', 'pools', 'routes', 'explain', 'reload', 'drain', 'ready', 'backend'])
    def test_help(self, cli, command):
        """Of each, with its options and exit codes."""
        out = cli(None, command, '--help')
        assert out.startswith(f'weir {command}') and '--admin' in out and 'Exit:' in out
        assert out == cli(None, 'help', command)

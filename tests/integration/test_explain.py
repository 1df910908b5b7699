"""weir explain and GET /api/explain: where a request goes and why, of the running weir and of a file."""
import json
from urllib.parse import quote

import pytest

from support.backends import refused_address
from support.wait import until
from support.weir import FAILURES, configuration, expect_failure, run_once
from support.wire import response_bytes

HOSTS = ['www.example.com', 'a.example.com', 'b.a.example.com', 'example.com', 'pay.example.com', 'other.org', 'q.example']


@pytest.fixture
def table(make_backend, run_weir, tmp_path):
    """A weir whose pools answer with their names, and with paths, schemes, wildcards, a map and a tombstone."""
    pools = {name: [make_backend(lambda request, peer, name=name: response_bytes(body=name.encode())).address]
             for name in ('web', 'api', 'wide')}
    routes = [('www.example.com', 'web'), ('www.example.com/api', 'api'), ('*.example.com', 'wide'),
              {'host': 'pay.example.com', 'path': '/checkout', 'scheme': 'https', 'pool': 'api'},
              {'host': 'q.example', 'pool': 'nowhere'}, {'host': 'empty.example', 'pool': 'none'}]
    (tmp_path / 'a.map').write_text('# hosts\n.example.com/deep wide\nwww.example.com api\n')
    config = configuration({**pools, 'none': []}, routes, listener={'public': {'trusted_proxies': ['127.0.0.1/32']}})
    config['routes'].update(files=[f'{tmp_path}/*.map'])
    return run_weir(config=config)


def explain(weir, url, **parameters):
    query = ''.join(f'&{name}={quote(value)}' for name, value in parameters.items())
    return weir.api(f'/api/explain?url={quote(url, safe="")}{query}')


def command(weir, *words, code=0, folder=None):
    out, err = run_once(['explain', *words], folder or weir.folder, code,
                        {'WEIR_ADMIN': f'http://127.0.0.1:{weir.admin[1]}'} if weir else {})
    return out if code == 0 else err


def test_it_says_what_requests_get(table):
    """For all of these hosts, paths and schemes: the same pool, or the same answer of weir's own."""
    for host in [*HOSTS, 'empty.example']:
        for path in ('/', '/api', '/api/x', '/apix', '/checkout', '/deep', '/x/../api'):
            for scheme in ('http', 'https'):
                said = explain(table, f'{scheme}://{host}{path}')
                got = table.get(path, fields=[('X-Forwarded-Proto', scheme)], host=host)
                if said['status'] is None:
                    assert (got.status, got.text) == (200, said['pool']['name']), (host, path, scheme)
                else:
                    assert got.status == said['status'] == FAILURES[said['outcome']].status, (host, path, scheme)
                    if got.status != 400:
                        assert f'details="{said["outcome"]}"' in got.get('Proxy-Status')


def test_for_people(table):
    """The winner with its place, who lost and why, the candidates."""
    out = command(table, 'www.example.com/api/x?y=1')
    assert out.startswith('GET http://www.example.com/api/x goes to pool api\n'
                          'because www.example.com is the most specific host, /api its longest path that covers /api/x\n'
                          f'the route stands at {table.file}:')
    assert 'www.example.com      pool web  loses: a longer path fits, too' in out
    assert 'www.example.com/api  pool api  wins: the longest path that covers /api/x' in out
    assert '*.example.com     not asked: a more specific one matched' in out
    assert 'pool api: least_loaded among 1 of 1 backend\n' in out
    assert '  candidate  ' in out
    assert json.loads(command(table, 'http://www.example.com/api', '--json'))['outcome'] == 'pool'


def test_what_an_entry_keeps_out(table, tmp_path):
    """The map's entry for a host of weir.toml waits behind it."""
    said = explain(table, 'http://www.example.com/')
    assert said['route']['file'] == str(table.file)
    assert said['route']['behind_it'] == [{'file': str(tmp_path / 'a.map'), 'line': 3}]
    assert f'keeps out the entry at {tmp_path}/a.map:3' in command(table, 'www.example.com')
    deep = explain(table, 'http://x.y.example.com/deep/er')
    assert (deep['route']['file'], deep['route']['line']) == (str(tmp_path / 'a.map'), 2)


def test_a_tombstone_says_what_is_wrong(table):
    """503, nothing wider is asked, and the reason with its place."""
    said = explain(table, 'http://q.example/')
    assert (said['status'], said['outcome']) == (503, 'route_quarantined')
    assert 'pool "nowhere"' in said['why'] and str(table.file) in said['why']
    assert '503 route_quarantined' in command(table, 'q.example')


def test_backends_that_get_nothing(run_weir, backend, make_backend):
    """Down, drained, backup: each with its reason; and what is left when nobody is usable."""
    down, sock = refused_address()
    drained, spare = (make_backend(lambda request, peer: response_bytes()).address for _ in range(2))
    weir = run_weir({'web': {'backends': [backend.address, down, drained, {'address': spare, 'backup': True}],
                             'health': {'tcp': True}}})
    weir.wait_log(msg='backend is down', backend=down)
    until(lambda: all(weir.pool('web')[address]['state'] == 'up' for address in (backend.address, spare)), 'first checks')
    weir.api(f'/api/pools/web/backends/{quote(drained)}/drain', 'POST')
    said = {each['address']: each for each in explain(weir, 'a')['pool']['backends']}
    assert [each['candidate'] for each in said.values()] == [True, False, False, False]
    assert said[down]['why'].startswith('down since 20') and 'connection refused' in said[down]['why']
    assert said[drained]['why'].startswith('drain, set by 127.0.0.1 since 20')
    assert said[spare]['why'] == 'a backup: while no other is usable'
    weir.api(f'/api/pools/web/backends/{quote(backend.address)}/maint', 'POST')
    assert [each['address'] for each in explain(weir, 'a')['pool']['backends'] if each['candidate']] == [spare]
    weir.api(f'/api/pools/web/backends/{quote(spare)}/maint', 'POST')
    said = explain(weir, 'a')
    assert (said['status'], said['outcome'], said['pool']['candidates']) == (503, 'no_usable_backend', 0)
    expect_failure(weir.get(), 'no_usable_backend')
    sock.close()


def test_of_a_file(table):
    """-c: the same without anybody to ask; of backends nothing is known."""
    out = command(None, '-c', str(table.file), 'www.example.com/api', folder=table.folder)
    assert 'goes to pool api' in out and 'in flight' not in out
    said = json.loads(command(None, '-c', str(table.file), '--json', 'q.example', folder=table.folder))
    assert said['outcome'] == 'route_quarantined' and said['generation'] is None
    broken = table.folder / 'broken.toml'
    broken.write_text('nonsense = 1\n')
    assert 'nonsense' in command(None, '-c', str(broken), 'a', folder=table.folder, code=2)


@pytest.mark.parametrize('words, says', [
    (['ftp://a/'], 'expected http://HOST/PATH'), (['*.example.com'], 'pattern'),
    (['http://a/', '--method', 'get'], 'is not GET'), (['http://me@a/'], 'leave "me@" out')])
def test_bad_urls_teach(table, words, says):
    """Exit 2, in one line, the same for the running weir and a file."""
    for where in ([], ['-c', str(table.file)]):
        err = command(table, *where, *words, code=2)
        assert err.startswith('weir: ') and err.count('\n') == 1 and says in err

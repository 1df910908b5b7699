"""Map files and the quarantine, in the running weir: what is served, what is said, and where."""
import os

import pytest

from support.weir import configuration, expect_failure, run_once
from support.wire import response_bytes


def write_file(folder, name, text):
    """As generators do it: written beside, renamed over."""
    (folder / 'draft').write_text(text)
    os.rename(folder / 'draft', folder / name)


@pytest.fixture
def files(tmp_path):
    """The folder of the route files."""
    folder = tmp_path / 'routes.d'
    folder.mkdir()
    return folder


@pytest.fixture
def start(run_weir, make_backend, files):
    """start(**sections) → a weir with the pools one and two, whose backends answer with their names."""
    pools = {name: [make_backend(lambda request, peer, name=name: response_bytes(body=name.encode())).address] for name in ('one', 'two')}

    def begin(routes=(), **sections):
        config = configuration(pools, list(routes), **sections)
        config['routes'].update(files=[f'{files}/*.map', f'{files}/*.toml'], watch=True)
        weir = run_weir(config=config)
        weir.pools, weir.config = pools, config
        return weir
    return begin


def who(weir, host, target='/'):
    """The name of the pool that answers, or the reason of the failure."""
    response = weir.get(target, host=host)
    return response.text if response.status == 200 else response.get('Proxy-Status').split('details="')[1].split('"')[0]


def reload(weir):
    return weir.api('/api/reload', 'POST')


def test_a_map_is_served_and_followed(start, files):
    """HAProxy's two columns, wildcards, paths and address lists; a change of the file is enough."""
    write_file(files, 'a.map', '# hosts\nOne.example one\n.two.example\ttwo\none.example/api two\n')
    weir = start()
    assert who(weir, 'one.example') == 'one'
    assert who(weir, 'x.two.example') == 'two'
    assert who(weir, 'one.example', '/api/x') == 'two'
    assert who(weir, 'three.example') == 'no_route'
    address = weir.pools['two'][0]
    write_file(files, 'a.map', f'one.example two\nthree.example {address}\n')
    weir.wait_log(msg='reloaded', cause='file change')
    assert who(weir, 'one.example') == 'two'
    assert who(weir, 'three.example') == 'two'
    assert who(weir, 'x.two.example') == 'no_route'
    assert weir.api(f'/api/pools/{address}')['backends'][0]['address'] == address
    assert weir.metric('weir_routes') == 2
    assert {route['host']: route['pool'] for route in weir.api('/api/routes')['routes']} == {
        'one.example': 'two', 'three.example': address}


def test_a_bad_line_is_told_and_hurts_nobody(start, files):
    """It is listed everywhere, its key answers 503, and nothing wider answers in its place."""
    write_file(files, 'a.map', 'a.example one\nb.example wno\n.example two\nc.example one two\n')
    weir = start()
    assert who(weir, 'a.example') == 'one'
    assert who(weir, 'b.example') == 'route_quarantined'
    assert who(weir, 'c.example') == 'route_quarantined'
    assert who(weir, 'd.example') == 'two'
    quarantine = weir.api('/api/status')['quarantine']
    assert quarantine['total'] == 2
    assert quarantine['entries'][0] == {
        'kind': 'route', 'key': 'b.example', 'file': str(files / 'a.map'), 'line': 2,
        'reason': 'there is no pool "wno"', 'served': False}
    assert weir.metric('weir_quarantined_entries', kind='route') == 2
    weir.wait_log(msg='an entry is quarantined', key='b.example', served='503', place=f'{files}/a.map:2')
    out, err = run_once(['check', '-c', weir.file], files, code=1)
    assert '2 entries quarantined' in out
    assert f'weir: {files}/a.map:2: there is no pool "wno"' in err
    # Mended, and told as such.
    write_file(files, 'a.map', 'a.example one\nb.example one\n.example two\nc.example one\n')
    weir.wait_log(msg='reloaded', cause='file change')
    assert who(weir, 'b.example') == 'one'
    answer = reload(weir)
    assert answer['quarantined'] == [] and answer['quarantined_total'] == 0
    assert weir.metric('weir_quarantined_entries') == 0


def test_an_entry_that_gets_worse_goes_on(start, files):
    """Routes, pools and backends of TOML files: each alone."""
    address = '127.0.0.1:1'
    good = f'[pool.own]\nbackends = ["{address}"]\n[[route]]\nhost = "a.example"\npool = "one"\n'
    write_file(files, 'a.toml', good)
    write_file(files, 'b.toml', '[[route]]\nhost = "b.example"\npool = "two"\n')
    weir = start()
    write_file(files, 'a.toml', good.replace('"one"', '"onee"').replace('[pool.own]', '[pool.own]\nballance = 1'))
    write_file(files, 'b.toml', '[[route]]\nhost = "b.example"\npool = "one"\n')
    answer = reload(weir)
    assert answer['quarantined_total'] == 2
    assert [entry['kind'] for entry in answer['quarantined']] == ['pool', 'route']
    assert who(weir, 'a.example') == 'one'
    assert who(weir, 'b.example') == 'one'
    # A file that does not parse keeps its last good version as a whole.
    write_file(files, 'b.toml', '[[route]\nhost = "b.example"\n')
    answer = reload(weir)
    assert [entry['kind'] for entry in answer['quarantined']] == ['pool', 'route', 'file']
    assert who(weir, 'b.example') == 'one'
    write_file(files, 'b.toml', '')
    reload(weir)
    assert who(weir, 'b.example') == 'no_route'


def test_of_two_files_the_first_decides_and_a_move_is_said(start, files):
    """In byte order of their paths, behind weir.toml; the other is named with both places."""
    write_file(files, 'b.map', 'a.example two\nmain.example two\n')
    weir = start([('main.example', 'one')])
    assert who(weir, 'main.example') == 'one'
    entry = weir.api('/api/status')['quarantine']['entries'][0]
    assert entry['line'] == 2 and 'already routed at' in entry['reason'] and 'weir.toml' in entry['reason']
    write_file(files, 'a.map', 'a.example one\n')
    reload(weir)
    assert who(weir, 'a.example') == 'one'
    moved = weir.wait_log(msg='a host moved to another file')
    assert moved['host'] == 'a.example' and moved['to'].endswith('a.map') and moved['from'].endswith('b.map')
    os.remove(files / 'a.map')
    reload(weir)
    assert who(weir, 'a.example') == 'two'


def test_a_file_that_was_cut_short_changes_nothing(start, files):
    """A generator died, or the disk was full: the old hosts stay, and this is said."""
    write_file(files, 'a.map', 'a.example one\nb.example one\n')
    weir = start()
    write_file(files, 'a.map', 'a.example two\nb.exa')
    answer = reload(weir)
    assert [(entry['kind'], entry['served']) for entry in answer['quarantined']] == [('file', True)]
    assert 'cut short' in answer['quarantined'][0]['reason']
    assert who(weir, 'a.example') == who(weir, 'b.example') == 'one'
    assert answer['generation'] == 1


@pytest.mark.parametrize('name', ['pipe.map', 'pipe.toml'])
def test_a_fifo_among_the_files_stops_nothing(start, files, name):
    """Reading it would wait for a writer for ever."""
    write_file(files, 'a.map', 'a.example one\n')
    weir = start()
    os.mkfifo(files / name)
    answer = reload(weir)
    assert [entry['kind'] for entry in answer['quarantined']] == ['file']
    assert 'is no file' in answer['quarantined'][0]['reason']
    os.remove(files / name)
    write_file(files, 'a.map', 'a.example two\n')
    assert reload(weir)['quarantined'] == []
    assert who(weir, 'a.example') == 'two'


def test_a_start_with_bad_entries_serves_the_others(start, files):
    """Only weir.toml's own sections can stop it."""
    write_file(files, 'a.toml', 'this is no TOML\n')
    write_file(files, 'a.map', 'a.example one\n')
    weir = start([('b.example', 'nowhere'), ('c.example', 'two')])
    assert who(weir, 'a.example') == 'one'
    assert who(weir, 'b.example') == 'route_quarantined'
    assert who(weir, 'c.example') == 'two'
    assert weir.metric('weir_quarantined_entries', kind='file') == 1


def test_connections_survive_a_reload_of_maps(start, files):
    """Kept-open ones on both sides: a client's next request comes on the same connection, by the new table."""
    write_file(files, 'a.map', 'a.example one\n')
    weir = start()
    with weir.connect() as client:
        for target, pool in (('one', b'one'), ('two', b'two'), ('one', b'one')):
            write_file(files, 'a.map', f'a.example {target}\n')
            reload(weir)
            client.send(b'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n')
            assert client.read_response().body == pool
    assert weir.metric('weir_backend_connections_total', pool='one', how='new') == 1


def test_the_failure_page_of_a_quarantined_route(start, files):
    """It says that the site's configuration has an error, and no more than that."""
    write_file(files, 'a.map', 'a.example nowhere\n')
    weir = start()
    response = weir.get(host='a.example')
    expect_failure(response, 'route_quarantined')
    assert 'nowhere' not in response.text and str(files) not in response.text

"""weir diff: files, running weirs, one with the other; and what check and reload say of maps and changes."""
import json

import pytest

from support.backends import refused_address
from support.weir import configuration, run_once
from support.text import to_toml
from support.wire import request_bytes, response_bytes


def diff(folder, a, b, *words, code=1):
    out, err = run_once(['diff', str(a), str(b), *words], folder, code)
    if code == 2:
        assert out == ''
        return err
    assert err == ''
    return out


def address(weir):
    return f'http://127.0.0.1:{weir.admin[1]}'


@pytest.fixture
def write(tmp_path):
    """write(name, pools, routes, **sections) → the path of such a file."""
    def write(name, pools, routes=None, maps=None, **sections):
        config = configuration(pools, routes, **sections)
        if maps is not None:
            folder = tmp_path / f'{name}.d'
            folder.mkdir(exist_ok=True)
            for file, text in maps.items():
                (folder / file).write_text(text)
            config['routes']['files'] = [f'{folder}/*.map']
        (tmp_path / name).write_text(to_toml(config))
        return tmp_path / name
    return write


def test_files(write, tmp_path):
    """Hosts that come, go and move with their paths; pools by settings and backends."""
    a = write('a.toml', {'web': ['10.0.0.1:80', '10.0.0.2:80'], 'api': ['10.0.0.3:80'], 'old': ['10.0.0.4:80']},
              [('www.example', 'web'), ('www.example/api', 'web'), ('gone.example', 'old')])
    b = write('b.toml', {'web': {'backends': ['10.0.0.1:80', {'address': '10.0.0.9:80', 'weight': 3}], 'retries': 1,
                                 'timeouts': {'response_head': '5m'}}, 'api': ['10.0.0.3:80'], 'none': []},
              [('www.example', 'web'), ('www.example/api', 'api'), ('new.example', 'none'), ('q.example', 'missing')])
    out = diff(tmp_path, a, b)
    assert out.splitlines()[2:] == [
        'from A to B: +2 hosts, -1 host, 1 host moved, +1 pool, -1 pool, 1 pool changed',
        'hosts added: 2', '  + new.example  pool none', '  + q.example    quarantined',
        'hosts removed: 1', '  - gone.example  pool old',
        'hosts moved: 1', '  ~ www.example/api  pool web → pool api',
        'pools added: 1', '  + none  no backends', 'pools removed: 1', '  - old  10.0.0.4:80',
        'pools changed: 1', '  ~ web  retries 2 → 1', '  ~ web  timeouts.response_head "60s" → "5m"',
        '  + web  10.0.0.9:80 weight 3', '  - web  10.0.0.2:80',
        'hosts left without a usable backend: 2', '  ! new.example  no backend of pool none is usable',
        '  ! q.example    quarantined']
    said = json.loads(diff(tmp_path, a, b, '--json'))
    assert not said['same'] and [host['host'] for host in said['hosts_added']] == ['new.example', 'q.example']
    assert said['without_backend'][0] == {'host': 'new.example', 'pool': 'none', 'quarantined': False, 'new': True}
    assert 'no difference' in diff(tmp_path, a, a, code=0)
    assert json.loads(diff(tmp_path, a, a, '--json', code=0))['same']


def test_running_against_file_and_twin(write, run_weir, backend, make_backend, tmp_path):
    """A weir that serves a file is the same as it; a twin with another one differs as the files do."""
    other = make_backend(lambda request, peer: response_bytes())
    pools = {'web': [backend.address], 'api': {'backends': [other.address], 'balance': 'round_robin'}}
    lines = ''.join(f'h{number}.example web\n' for number in range(12000))
    first = write('first.toml', pools, [('a.example', 'web')], {'m.map': lines})
    second = write('second.toml', {**pools, 'api': [other.address]}, [('a.example', 'api')],
                   {'m.map': lines.replace('h7.example web', 'h7.example api') + f'new.example {other.address}\n'})
    twins = [run_weir(config=file.read_text()) for file in (first, second)]
    assert 'no difference' in diff(tmp_path, address(twins[0]), first, code=0)
    assert 'no difference' in diff(tmp_path, second, address(twins[1]), code=0)
    expected = diff(tmp_path, first, second).splitlines()[2:]
    assert 'from A to B: +1 host, 2 hosts moved, +1 pool, 1 pool changed' == expected[0]
    assert '  ~ api  balance "round_robin" → "least_loaded"' in expected
    for pair in ((address(twins[0]), address(twins[1])), (address(twins[0]), second), (first, address(twins[1]))):
        assert diff(tmp_path, *pair).splitlines()[2:] == expected


def test_what_a_running_weir_has_left(write, run_weir, backend, tmp_path):
    """Hosts whose backends are all down count by what the running weir knows of them."""
    down, sock = refused_address()
    config = configuration({'web': {'backends': [down], 'health': {'tcp': True}}}, [('a.example', 'web')])
    weir = run_weir(config=config)
    weir.wait_log(msg='backend is down', backend=down)
    config['pool']['web']['retries'] = 1
    (tmp_path / 'new.toml').write_text(to_toml(config))
    out = diff(tmp_path, tmp_path / 'new.toml', address(weir))
    assert 'hosts left without a usable backend: 1\n  ! a.example  no backend of pool web is usable\n' in out
    assert 'left without' not in diff(tmp_path, address(weir), tmp_path / 'new.toml')
    sock.close()


def test_long_lists(write, tmp_path):
    """Twenty of each kind, or all."""
    a = write('a.toml', {'web': ['10.0.0.1:80']}, [], {'m.map': ''})
    b = write('b.toml', {'web': ['10.0.0.1:80']}, [], {'m.map': ''.join(f'h{n:03} web\n' for n in range(100))})
    out = diff(tmp_path, a, b)
    assert out.count('  + h') == 20 and '  … and 80 more (--all shows them)\n' in out
    assert diff(tmp_path, a, b, '--all').count('  + h') == 100
    assert len(json.loads(diff(tmp_path, a, b, '--json'))['hosts_added']) == 100


def test_what_cannot_be_read(write, tmp_path):
    """Exit 2, saying which and why."""
    good = write('a.toml', {'web': ['10.0.0.1:80']})
    (tmp_path / 'bad.toml').write_text('nonsense = 1\n')
    nowhere, sock = refused_address()
    for other, says in ((tmp_path / 'none.toml', 'none.toml'), (tmp_path / 'bad.toml', 'nonsense'),
                        (f'http://{nowhere}', f'nothing listens at http://{nowhere}'),
                        ('https://127.0.0.1:1', 'https'), ('127.0.0.1:8042', 'http://127.0.0.1:8042'),
                        (tmp_path, str(tmp_path))):
        assert says in diff(tmp_path, good, other, code=2)
        assert says in diff(tmp_path, other, good, code=2)
    sock.close()


def test_check_tells_of_maps(write, tmp_path):
    """The summary names the files and their entries; --dump adds what their lines make of addresses."""
    lines = 'a.example web\nb.example 10.0.0.7:80,10.0.0.8:80\nc.example/x 10.0.0.7:80,10.0.0.8:80\n'
    file = write('a.toml', {'web': ['10.0.0.1:80']}, [], {'1.map': lines, '2.map': 'd.example 10.0.0.9:80\n'})
    out, _ = run_once(['check', '-c', file], tmp_path, 0)
    folder = f'{tmp_path}/a.toml.d'
    assert out == f'{file}: ok (4 routes, 4 hosts, 3 pools; {folder}/1.map: 3 entries, {folder}/2.map: 1 entry)\n'
    out, _ = run_once(['check', '-c', file, '--dump'], tmp_path, 0)
    assert out.endswith(f'\n# map files\n# {folder}/1.map: 3 entries\n# {folder}/2.map: 1 entry\n'
                        '\n# pools that map lines make, as [pool_defaults] say\n'
                        f'# 10.0.0.7:80,10.0.0.8:80: 2 entries, first in {folder}/1.map\n'
                        f'# 10.0.0.9:80: 1 entry, first in {folder}/2.map\n')
    (tmp_path / 'a.toml.d' / '2.map').write_text(
        'a.example web\ne.example missing\n' + ''.join(f'n{n}.example 10.0.1.{n}:80\n' for n in range(30)))
    out, _ = run_once(['check', '-c', file, '--dump'], tmp_path, 1)
    assert f'{folder}/2.map: 32 entries, 31 of them served: the others stand twice or behind an earlier file, 1 quarantined\n' in out
    assert out.endswith('# … and 11 more pools (--all shows them)\n')
    out, _ = run_once(['check', '-c', file, '--dump', '--all'], tmp_path, 1)
    assert f'# c.example/x  10.0.0.7:80,10.0.0.8:80  ({folder}/1.map)\n' in out
    assert f'# e.example  quarantined  ({folder}/2.map)\n' in out and '… and' not in out
    for number in range(3, 8):
        (tmp_path / 'a.toml.d' / f'{number}.map').write_text(f'x{number}.example web\n')
    out, _ = run_once(['check', '-c', file], tmp_path, 1)
    assert '; 7 maps: 40 entries)' in out


def test_a_reload_says_what_became_of_removed_backends(run_weir, manual_backend, backend):
    """Drained, with what goes on there; and that nothing was cut."""
    weir = run_weir({'web': [manual_backend.address, backend.address]}, [('*', 'web'), ('b.example', 'web')])
    with weir.connect() as client:
        weir.api(f'/api/pools/web/backends/{backend.address}/drain', 'POST')
        client.send(request_bytes())
        peer = manual_backend.accept()
        peer.read_request()
        weir.write(configuration({'web': [backend.address]}, [('*', 'web'), ('c.example', 'web')]))
        answer = weir.api('/api/reload', 'POST')
        assert answer['summary'] == '+1 host, -1 host, 1 backend drained, 1 request goes on there, nothing cut'
        assert answer['removed_in_flight'] == 1
        assert weir.wait_log(msg='reloaded')['changed'] == answer['summary']
        peer.send(response_bytes())
        assert client.read_response().status == 200

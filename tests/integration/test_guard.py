"""What files lose at once is held back, by reloads and by starts: in the running weir, its answers and its words."""
import os
import pathlib
import pwd
import shutil
import stat
import tempfile

import pytest

from support.text import to_toml
from support.wait import until
from support.weir import Weir, configuration, run_once
from support.wire import response_bytes

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason='only root can become another user')


def lines(prefix, count, pool='one'):
    return ''.join(f'{prefix}{number}.example {pool}\n' for number in range(count))


class Site:
    """A folder of route files and the configuration of a weir that serves them, which may be started again and again."""

    def __init__(self, folder, run_weir, pools):
        self.folder, self._run_weir, self.pools = folder, run_weir, pools
        self.files = folder / 'routes.d'
        self.files.mkdir()
        self.state = folder / 'state'

    def write(self, name, text):
        (self.folder / 'draft').write_text(text)
        os.rename(self.folder / 'draft', self.files / name)

    def config(self, **sections):
        sections.setdefault('server', {'state_dir': str(self.state)})
        routes = sections.pop('routes', {})
        config = configuration(self.pools, [], **sections)
        config['routes'].update(routes, files=[f'{self.files}/*.map', f'{self.files}/*.toml'])
        return config

    def start(self, **options):
        environment = options.pop('environment', None)
        return self._run_weir(config=self.config(**options), process={'environment': environment} if environment else None)

    @property
    def store(self):
        return self.state / 'last-good-table'


@pytest.fixture
def site(tmp_path, run_weir, make_backend):
    pools = {name: [make_backend(lambda request, peer, name=name: response_bytes(body=name.encode())).address] for name in ('one', 'two')}
    return Site(tmp_path, run_weir, pools)


def who(weir, host):
    """The name of the pool that answers, or the reason of the failure."""
    response = weir.get('/', host=host)
    return response.text if response.status == 200 else response.get('Proxy-Status').split('details="')[1].split('"')[0]


def reload(weir, target='/api/reload'):
    return weir.api(target, 'POST')


def command(weir, *words):
    return run_once([*words, '--admin', f'http://127.0.0.1:{weir.admin[1]}'], weir.folder)[0]


class TestReload:
    def test_an_emptied_map_stays_until_it_is_forced(self, site):
        """Served, told everywhere with a count and the way out; the rest of the reload applies."""
        site.write('hosts.map', lines('h', 50))
        weir = site.start()
        site.write('hosts.map', 'new.example two\n')
        answer = reload(weir)
        assert (answer['added'], answer['removed'], answer['stale']) == (1, 0, 50)
        words = '50 hosts held back (hosts.map lost 99 %, more than 20 %): --force lets them go'
        assert answer['summary'] == '+1 host; ' + words
        assert who(weir, 'h49.example') == 'one'
        assert who(weir, 'new.example') == 'two'
        assert weir.wait_log(msg='files have lost too much at once')['stale'] == words
        stale = weir.status()['stale']
        assert (stale['total'], stale['hosts'], stale['summary']) == (50, 50, words)
        assert stale['files'] == [{'file': str(site.files / 'hosts.map'), 'hosts': 50, 'hosts_left': 1, 'backends': 0,
                                   'backends_left': 0, 'examples': [f'h{n}.example' for n in (0, 1, 10, 11, 12)]}]
        assert weir.metric('weir_stale_entries') == 50
        assert weir.api('/api/routes?host=h3.example')['routes'][0]['stale'] is True
        assert weir.api('/api/routes?host=new.example')['routes'][0]['stale'] is False
        assert words in command(weir, 'status')
        assert 'one (stale)' in command(weir, 'routes', 'h3.example')
        # Said once, and held on.
        mark = len(weir.stderr.all())
        assert reload(weir)['stale'] == 50
        assert not any('too much at once' in line for line in weir.stderr.all()[mark:])
        assert command(weir, 'reload', '--force').endswith(': -50 hosts, nothing cut\n')
        assert who(weir, 'h49.example') == 'no_route'
        assert weir.metric('weir_stale_entries') == 0
        weir.wait_log(msg='nothing is held back any more')

    def test_a_file_change_is_guarded_too(self, site):
        """Nobody asked for that reload; a folder of small files that is gone is one loss."""
        for number in range(30):
            site.write(f'{number:02}.toml', f'[[route]]\nhost = "h{number}.example"\npool = "one"\n')
        weir = site.start(routes={'watch': True})
        for file in site.files.iterdir():
            file.unlink()
        weir.wait_log(msg='files have lost too much at once')
        assert who(weir, 'h7.example') == 'one'
        assert weir.status()['stale']['hosts'] == 30
        for number in range(30):
            site.write(f'{number:02}.toml', f'[[route]]\nhost = "h{number}.example"\npool = "two"\n')
        weir.wait_log(msg='nothing is held back any more')
        assert who(weir, 'h7.example') == 'two'

    def test_backends_that_are_held_back_get_requests(self, site):
        """A pool that shrinks by too much keeps them, marked."""
        pool = site.pools['one'] + [f'127.0.0.1:{port}' for port in range(1, 30)]
        site.pools['one'] = pool
        site.write('hosts.map', 'one.example one\n')
        weir = site.start()
        site.pools['one'] = pool[:1]
        weir.write(site.config())
        answer = reload(weir)
        assert answer['stale'] == 29 and answer['backends_removed'] == 0
        backends = weir.pool('one')
        assert len(backends) == 30
        assert [address for address, backend in backends.items() if not backend['stale']] == pool[:1]
        assert 'stale' in command(weir, 'pools', 'one')
        assert reload(weir, '/api/reload?force=1')['backends_removed'] == 29

    def test_the_guard_can_be_switched_off(self, site):
        """"100%" holds nothing back; other spellings of that are taught."""
        site.write('hosts.map', lines('h', 50))
        weir = site.start(routes={'max_removed': '100%'})
        site.write('hosts.map', '# none\n')
        assert reload(weir)['removed'] == 50
        weir.write(site.config(routes={'max_removed': 'off'}))
        answer = weir.api('/api/reload', 'POST', status=422)
        assert '"100%" holds nothing back' in answer['message']


class TestRestart:
    def test_a_restart_knows_what_was_served(self, site):
        """Maps that were cut, emptied or deleted, a TOML file that does not parse, a bad line: all go on."""
        site.write('cut.map', lines('c', 30) + 'c.example two\n')
        site.write('empty.map', lines('e', 30))
        site.write('gone.map', lines('g', 30))
        site.write('bad.map', 'bad.example two\n')
        site.write('shop.toml', '[pool.shop]\nbackends = ["%s"]\n[[route]]\nhost = "shop.example"\npool = "shop"\n'
                   % site.pools['two'][0])
        weir = site.start()
        before = weir.status()['hash']
        weir.stop()
        assert stat.S_IMODE(site.store.stat().st_mode) == 0o600
        site.write('cut.map', lines('c', 3) + 'c3.exam')
        site.write('empty.map', '')
        (site.files / 'gone.map').unlink()
        site.write('bad.map', 'bad.example nopool\n')
        site.write('shop.toml', '[pool.shop\nbackends =')
        weir = site.start()
        for host, pool in {'c29': 'one', 'c': 'two', 'e29': 'one', 'g29': 'one', 'bad': 'two', 'shop': 'two'}.items():
            assert who(weir, f'{host}.example') == pool, host
        status = weir.status()
        assert status['hash'] == before
        assert status['stale']['hosts'] == 60
        assert {(entry['kind'], entry['served']) for entry in status['quarantine']['entries']} == {
            ('file', True), ('file', None), ('route', True)}
        weir.wait_log(msg='compared with the last good table')
        weir.wait_log(msg='files have lost too much at once')
        # Once more: the store is what is served, not what the files say.
        weir.stop()
        weir = site.start()
        assert weir.status()['hash'] == before
        assert reload(weir, '/api/reload?force=1')['removed'] == 60
        weir.stop()
        weir = site.start()
        assert who(weir, 'e29.example') == 'no_route'
        assert who(weir, 'c29.example') == 'one'

    def test_check_says_what_a_start_would(self, site):
        """It reads the store and leaves it alone; without it the same files are another table."""
        site.write('hosts.map', lines('h', 30))
        weir = site.start()
        weir.stop()
        before = site.store.read_bytes()
        site.write('hosts.map', '# nothing\n')
        out, err = run_once(['check', '-c', weir.file], site.folder)
        assert '30 routes' in out
        assert '30 hosts held back (hosts.map lost 100 %' in err
        assert site.store.read_bytes() == before
        site.store.write_bytes(before[:-1])
        out, err = run_once(['check', '-c', weir.file], site.folder)
        assert '0 routes' in out and 'checked without the last good table' in err
        assert sorted(path.name for path in site.state.iterdir()) == ['last-good-table']

    def test_a_damaged_store_is_set_aside(self, site):
        """The start says so and goes on with the files alone."""
        site.write('hosts.map', lines('h', 30))
        weir = site.start()
        weir.stop()
        site.store.write_bytes(site.store.read_bytes().replace(b'h7.', b'h8.'))
        site.write('hosts.map', 'new.example two\n')
        weir = site.start()
        said = weir.wait_log(msg='the last good table cannot be used: this start compares with nothing')
        assert 'damaged' in said['error'] and said['set_aside'] == f'{site.store}.unusable'
        assert weir.status()['stale']['total'] == 0
        assert who(weir, 'h7.example') == 'no_route'
        weir.stop()
        assert site.store.exists() and pathlib.Path(f'{site.store}.unusable').exists()

    def test_the_store_is_there_before_the_end(self, site):
        """A kill does not ask: the table of the start is kept soon after it."""
        site.write('hosts.map', lines('h', 30))
        weir = site.start()
        until(site.store.exists, 'the store is written')
        weir.kill()
        site.write('hosts.map', '')
        assert who(site.start(), 'h7.example') == 'one'

    def test_systemd_names_the_folder(self, site):
        """$STATE_DIRECTORY, the first of several."""
        site.state.mkdir()
        site.write('hosts.map', lines('h', 30))
        weir = site.start(server={}, environment={'STATE_DIRECTORY': f'{site.state}:/nowhere'})
        weir.stop()
        assert site.store.exists()


class TestBackendStates:
    def test_a_drained_backend_stays_drained(self, site):
        """With who and when; one that was taken back is back."""
        weir = site.start()
        address, other = site.pools['one'][0], site.pools['two'][0]
        weir.set_backend('one', address, 'drain')
        weir.set_backend('two', other, 'maint')
        weir.set_backend('two', other, 'ready')
        before = weir.pool('one')[address]['admin']
        weir.stop()
        weir = site.start()
        weir.wait_log(msg='backends are out of service as before the restart', backends='1')
        assert weir.pool('one')[address]['admin'] == before
        assert weir.pool('two')[other]['state'] == 'unchecked'
        weir.set_backend('one', address, 'ready')
        weir.stop()
        assert site.start().pool('one')[address]['state'] == 'unchecked'


class TestFolder:
    def test_a_folder_that_cannot_be_is_a_start_error(self, site):
        """With the command that makes it; of systemd's it is a warning."""
        file = site.folder / 'weir.toml'
        config = site.config(server={'state_dir': '/proc/weir/state'})
        file.write_text(to_toml(config))
        _, err = run_once(['run', '-c', file], site.folder, code=1)
        assert 'weir: [server] state_dir: there is no folder /proc/weir/state' in err and 'install -d -m 0750' in err
        weir = site.start(server={}, environment={'STATE_DIRECTORY': '/proc/weir/state'})
        assert 'there is no folder' in weir.wait_log(msg='nothing persists')['error']

    @needs_root
    def test_the_user_has_to_own_it(self, site, make_backend):
        """weir makes it for the user that it becomes; one of root's is refused with the way out."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix='weir-state-'))
        folder.chmod(0o755)
        try:
            state = folder / 'state'
            config = configuration({'web': [make_backend().address]}, server={'user': 'nobody', 'state_dir': str(state)})
            weir = Weir(folder, config)
            weir.stop()
            assert state.stat().st_uid == pwd.getpwnam('nobody').pw_uid
            assert (state / 'last-good-table').stat().st_uid == pwd.getpwnam('nobody').pw_uid
            os.chown(state, 0, 0)
            _, err = run_once(['run', '-c', weir.file], folder, code=1)
            assert 'cannot be written in' in err and f'chown nobody {state}' in err
        finally:
            shutil.rmtree(folder)

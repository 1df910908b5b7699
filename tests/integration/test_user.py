"""[server] user: root binds, the user serves, and nothing leads back (CONTRACT §2)."""
import os
import pathlib
import pwd
import re
import shutil
import signal
import stat
import tempfile

import pytest

from support.text import to_toml
from support.wait import until
from support.weir import Program, Weir, configuration, run_once
from support.wire import Peer, request_bytes

USER = 'nobody'
CAP_NET_BIND_SERVICE = 1 << 10
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason='only root can become another user')


@pytest.fixture
def open_folder():
    """A folder that every user may enter and only root may write to."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix='weir-user-'))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def run_as(open_folder):
    """run_as(config, …) → Weir in the open folder."""
    started = []

    def run(config, **options):
        started.append(Weir(open_folder, config, **options))
        return started[-1]
    yield run
    for weir in started:
        if weir.is_running():
            weir.stop()


def proc_status(pid):
    text = pathlib.Path(f'/proc/{pid}/status').read_text()
    return dict(re.findall(r'^(\w+):\s*(.*)$', text, re.M))


@needs_root
class TestBecomes:
    def test_every_thread_is_that_user_for_good(self, run_as, backend):
        """All ids, no group of root's, no capability but the one to bind low ports, no new privileges: in
        every thread."""
        weir = run_as(configuration({'web': [backend.address]}, server={'user': USER, 'workers': 2}))
        user = pwd.getpwnam(USER)
        tasks = os.listdir(f'/proc/{weir.pid}/task')
        assert len(tasks) >= 3
        for task in tasks:
            status = proc_status(f'{weir.pid}/task/{task}')
            assert status['Uid'].split() == [str(user.pw_uid)] * 4, status
            assert status['Gid'].split() == [str(user.pw_gid)] * 4
            assert set(status['Groups'].split()) == {str(user.pw_gid)}
            for name, kept in (('CapPrm', CAP_NET_BIND_SERVICE), ('CapEff', CAP_NET_BIND_SERVICE), ('CapInh', 0), ('CapAmb', 0)):
                assert int(status[name], 16) == kept, (task, name, status[name])
            assert status['NoNewPrivs'] == '1'
        line = weir.wait_log(msg='became another user')
        assert line['user'] == USER and line['uid'] == str(user.pw_uid) and line['gid'] == str(user.pw_gid)

    def test_serves_low_ports_and_reloads(self, run_as, backend):
        """It binds before it changes; afterwards it still answers, reloads and counts its descriptors."""
        pools = {'web': [backend.address]}
        weir = run_as(configuration(pools, server={'user': USER}, listener={'public': {'bind': ['127.0.0.1:0', '127.0.0.77:79']}}))
        assert weir.listeners['public'][1] == ('127.0.0.77', 79)
        assert weir.get().status == 200
        weir.reload(configuration(pools, [('b.example', 'web')], server={'user': USER}))
        assert weir.get().status == 404
        assert weir.metric('process_open_fds') > 5
        weir.reload(configuration(pools, server={'user': 'daemon'}))
        assert weir.wait_log(msg='a change takes effect at the next start only', what='[server] user was "nobody", is "daemon"')

    def test_groups(self, run_as, backend, open_folder):
        """The groups of the user's own: primary and supplementary."""
        (open_folder / 'passwd').write_text('root:x:0:0::/:/bin/sh\nedge:x:4711:4712::/:/bin/false\n')
        (open_folder / 'group').write_text('root:x:0:\nedge:x:4712:\nssl-cert:x:4713:edge\nother:x:4714:root\n')
        script = f'mount --bind {open_folder}/passwd /etc/passwd && mount --bind {open_folder}/group /etc/group && exec "$@"'
        weir = run_as(configuration({'web': [backend.address]}, server={'user': 'edge'}),
                      launcher=['unshare', '--mount', 'sh', '-c', script, 'sh'])
        status = proc_status(weir.pid)
        assert status['Uid'].split()[0] == '4711' and status['Gid'].split()[0] == '4712'
        assert set(status['Groups'].split()) == {'4712', '4713'}

    def test_unix_sockets_are_the_users(self, run_as, backend, open_folder):
        """Sockets belong to the user and its group, mode 0660."""
        weir = run_as(configuration({'web': [backend.address]}, server={'user': USER}, admin={'bind': ['unix:admin.sock']},
                                    listener={'public': {'bind': ['unix:public.sock']}}))
        user = pwd.getpwnam(USER)
        for name in ('admin.sock', 'public.sock'):
            status = (open_folder / name).stat()
            assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (user.pw_uid, user.pw_gid, 0o660)
        with Peer.connect(str(open_folder / 'public.sock')) as client:
            assert client.send(request_bytes()).read_response().status == 200
        weir.stop()

    def test_access_log_that_the_user_may_not_write(self, run_as, backend, open_folder):
        """The message says as whom."""
        folder = open_folder / 'log'
        folder.mkdir(mode=0o755)
        with pytest.raises(AssertionError) as failure:
            run_as(configuration({'web': [backend.address]}, server={'user': USER}, log={'access': 'log/access.log'}))
        assert f'(weir has become user {USER}, who may not write into {folder})' in str(failure.value)

    def test_access_log_is_the_users(self, run_as, backend, open_folder):
        """The user makes the file, so that it may make the next one, too."""
        folder = open_folder / 'log'
        folder.mkdir()
        user = pwd.getpwnam(USER)
        os.chown(folder, user.pw_uid, user.pw_gid)
        weir = run_as(configuration({'web': [backend.address]}, server={'user': USER}, log={'access': 'log/access.log'}))
        assert (folder / 'access.log').stat().st_uid == user.pw_uid
        (folder / 'access.log').rename(folder / 'old.log')
        weir.signal(signal.SIGUSR1)
        until(lambda: (folder / 'access.log').exists(), 'the new file')
        assert weir.get().status == 200
        weir.stop()
        assert ' status=200 ' in (folder / 'access.log').read_text()

    def test_unreadable_files_are_said_at_start(self, run_as, backend, open_folder):
        """What a reload will not be able to read is named at the start; the reload then fails and the old
        table stays."""
        (open_folder / 'routes.d').mkdir(mode=0o700)
        (open_folder / 'routes.d' / 'a.toml').write_text('[[route]]\nhost = "a.example"\npool = "web"\n')
        config = configuration({'web': [backend.address]}, [], server={'user': USER})
        config['routes']['files'] = ['routes.d/*.toml']
        weir = run_as(config)
        for path in (f'{open_folder}/routes.d/', f'{open_folder}/routes.d/a.toml'):
            line = weir.wait_log(msg='the user cannot read this, so no reload will succeed', path=path)
            assert line['user'] == USER and line['level'] == 'warn'
        assert len([line for line in weir.stderr.all() if 'cannot read' in line]) == 2
        weir.reload()
        line = weir.wait_log(msg='the configuration has an error')
        assert line['error'].startswith(f'files: cannot list {open_folder}/routes.d: Permission denied (weir runs as user nobody')
        assert weir.get().status == 200

    def test_the_user_that_runs_already(self, run_as, backend):
        """Its own name: nothing to do."""
        weir = run_as(configuration({'web': [backend.address]}, server={'user': 'root'}))
        assert proc_status(weir.pid)['NoNewPrivs'] == '0'
        assert not [line for line in weir.stderr.all() if 'became' in line]

    def test_not_root(self, open_folder):
        """Another user cannot: the message says who runs, who was wanted and what to do."""
        file = open_folder / 'weir.toml'
        file.write_text(to_toml(configuration({'web': []}, server={'user': 'daemon'})))
        weir = Program(['run', '-c', file], open_folder, launcher=['setpriv', '--reuid', USER, '--clear-groups'])
        weir.wait_exit(1)
        assert weir.stderr.all()[-1] == (
            'weir: [server] user is "daemon", but weir was started as "nobody" (only root can become another user; '
            'start weir as root, or delete the key and let the service manager choose the user)')

    def test_a_container_without_the_right(self, open_folder):
        """root without CAP_SETUID and CAP_SETGID: it does not serve as root instead."""
        file = open_folder / 'weir.toml'
        file.write_text(to_toml(configuration({'web': []}, server={'user': USER})))
        weir = Program(['run', '-c', file], open_folder, launcher=['setpriv', '--bounding-set', '-setuid,-setgid'])
        weir.wait_exit(1)
        assert weir.stderr.all()[-1] == (
            f'weir: [server] user: cannot become "{USER}": initgroups: Operation not permitted '
            '(are CAP_SETUID and CAP_SETGID missing here?)')


@pytest.mark.parametrize('command', ['check', 'run'])
def test_unknown_user(tmp_path, command):
    """check and run say where it stands."""
    file = tmp_path / 'weir.toml'
    file.write_text('[server]\nuser = "weirr-x"\n[listener.a]\nbind = ["127.0.0.1:0"]\n[pool.web]\nbackends = []\n')
    _, errors = run_once([command, '-c', file], tmp_path, 2)
    assert f'weir: {file}:2:8: user: "weirr-x" is no user of this machine (expected' in errors

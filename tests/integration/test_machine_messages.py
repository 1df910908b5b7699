"""What weir says when the mistake is not in a line: the file itself, the machine, a change that needs a restart."""
import getpass
import os
import shutil
import socket
import subprocess
import sys

import pytest

from support.text import to_toml
from support.weir import BINARY, configuration, run_once

WHOLE = """
[listener.public]
bind = ["127.0.0.1:0"]
[pool.web]
backends = ["127.0.0.1:9001"]
[[route]]
host = "www.example"
pool = "web"
"""


def as_nobody(folder):
    """The start of a command line that runs a copy of weir without any privilege."""
    if os.geteuid() != 0:
        return [BINARY]
    for outer in (folder, *folder.parents[:3]):
        outer.chmod(0o755)
    return ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups', '--inh-caps=-all',
            shutil.copy(BINARY, folder / 'weir')]


class TestFiles:
    """The file itself is the mistake."""

    def test_missing(self, tmp_path):
        """A name that is almost that of another file."""
        (tmp_path / 'weir.toml').write_text('')
        _, err = run_once(['check', '-c', 'wier.toml'], tmp_path, code=2)
        assert err == 'weir: wier.toml: cannot open wier.toml: No such file or directory ' \
                      '(did you mean weir.toml?)\n'

    def test_folder(self, tmp_path):
        """A folder, with the file in it."""
        (tmp_path / 'etc').mkdir()
        (tmp_path / 'etc' / 'weir.toml').write_text('')
        _, err = run_once(['check', '-c', 'etc'], tmp_path, code=2)
        assert 'Is a directory (expected a file; did you mean etc/weir.toml?)' in err

    def test_empty(self, tmp_path):
        """/dev/null, an empty file, one of comments only: what is missing is a listener."""
        (tmp_path / 'comment.toml').write_text('# nothing\n')
        for file in ('/dev/null', 'comment.toml'):
            _, err = run_once(['check', '-c', file], tmp_path, code=2)
            assert err == f'weir: {file}: no listener (expected [listener.public] with bind = [":8080"])\n'

    def test_byte_order_mark_line_ends_and_tabs_are_fine(self, tmp_path):
        """As editors elsewhere save them."""
        text = '\ufeff[server]\n\tname\t= "a"\n' + WHOLE
        (tmp_path / 'weir.toml').write_bytes(text.replace('\n', '\r\n').encode())
        run_once(['check'], tmp_path, code=0)

    def test_utf16(self, tmp_path):
        """The other encoding of such editors."""
        (tmp_path / 'weir.toml').write_bytes(WHOLE.encode('utf-16'))
        _, err = run_once(['check'], tmp_path, code=2)
        assert 'weir.toml:1:1: this text is in UTF-16 (expected UTF-8' in err

    def test_the_program_itself(self, tmp_path):
        """`weir check -c /usr/bin/something`."""
        _, err = run_once(['check', '-c', sys.executable], tmp_path, code=2)
        assert ':1:1: this is a program, not a text' in err

    def test_unreadable(self, tmp_path):
        """Who weir is and whose the file is."""
        file = tmp_path / 'weir.toml'
        file.write_text('')
        file.chmod(0)
        done = subprocess.run([*as_nobody(tmp_path), 'check', '-c', file], capture_output=True, text=True, timeout=60)
        me = 'nobody' if os.geteuid() == 0 else getpass.getuser()
        assert f'weir.toml: Permission denied (weir runs as user {me}, the file belongs to user ' in done.stderr
        assert ' with mode 0000)' in done.stderr

    def test_route_file_with_other_sections(self, tmp_path):
        """Sections of weir.toml in a route file; another proxy's words there."""
        (tmp_path / 'a.toml').write_text('[server]\nname = "a"\n[upstream.web]\nserver = "a"\n')
        (tmp_path / 'weir.toml').write_text('[routes]\nfiles = ["a.toml"]\n' + WHOLE)
        _, err = run_once(['check'], tmp_path, code=1)
        assert 'a.toml:1:2: [server] belongs into weir.toml' in err
        assert 'a.toml:3:2: unknown section [upstream]' in err and 'did you mean [pool.web]?' in err

    def test_full_disk(self, tmp_path):
        """What could not be printed was no success."""
        (tmp_path / 'weir.toml').write_text(WHOLE)
        for arguments in (['check'], ['check', '--dump'], ['version'], ['--help']):
            with open('/dev/full', 'w') as full:
                done = subprocess.run([BINARY, *arguments], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE,
                                      text=True, timeout=60)
            assert (done.returncode, done.stderr) == (1, 'weir: cannot write to stdout: No space left on device\n')


class TestWarnings:
    """Legal, and probably not meant: said, and nothing is refused."""

    @pytest.mark.parametrize('snippet, place, words', [
        ('[routes]\nfiles = ["nowhere.d/*.toml"]', ':2:10', 'nothing matches nowhere.d/*.toml: there is no folder'),
        ('[routes]\nfiles = ["*.d/x.toml"]', ':2:10', 'nothing matches *.d/x.toml'),
        ('[[route]]\npool = "web"\nhost = "default"', ':3:8', '"*" is every host'),
        ('[[route]]\npool = "web"\nhosts = ["a.example", "default_server"]', ':3:23', '"*" is every host')])
    def test_check(self, tmp_path, snippet, place, words):
        """weir check prints a warning and exits with 0."""
        (tmp_path / 'weir.toml').write_text(snippet + '\n' + WHOLE)
        out, err = run_once(['check'], tmp_path, code=0)
        assert err.startswith(f'weir: weir.toml{place}: warning: ') and words in err and len(err.splitlines()) == 1
        assert ': ok (' in out

    def test_no_route(self, tmp_path):
        """A table without routes."""
        (tmp_path / 'weir.toml').write_text(WHOLE.split('[[route]]')[0])
        _, err = run_once(['check'], tmp_path, code=0)
        assert 'weir.toml: warning: there is no route' in err and '[[route]]' in err

    def test_run_and_reload(self, run_weir, backend):
        """The log says it, too, at the start and at each reload."""
        config = configuration({'web': [backend.address]}, [('default', 'web')])
        weir = run_weir(config=config)
        weir.wait_log('is every host', level='warn')
        seen = len(weir.stderr.all())
        weir.write(to_toml(config) + '\n[[route]]\nhost = "all"\npool = "web"\n')
        weir.signal(1)
        assert weir.wait_log('"all\\"', start=seen, level='warn')['place'].startswith(str(weir.file))


class TestStart:
    """What the machine refuses."""

    def start(self, tmp_path, bind, **options):
        (tmp_path / 'weir.toml').write_text(to_toml(configuration(
            {'web': ['127.0.0.1:9001']}, listener={'public': {'bind': [bind]}})))
        return run_once(['run'], tmp_path, code=1, **options)[1]

    def test_used_port_names_the_program(self, tmp_path):
        """Who listens there already."""
        with socket.create_server(('127.0.0.1', 0)) as holder:
            taken = f'127.0.0.1:{holder.getsockname()[1]}'
            err = self.start(tmp_path, taken)
        assert f'weir: listener "public": cannot listen on {taken}: address already in use' in err
        assert f', pid {os.getpid()}, listens there)' in err

    def test_low_port(self, tmp_path):
        """What allows it."""
        (tmp_path / 'weir.toml').write_text(to_toml(configuration(
            {'web': ['127.0.0.1:9001']}, listener={'public': {'bind': ['127.0.0.1:81']}})))
        # A network of its own, where ports below 1024 are as the kernel has them.
        own_network = ['unshare', '--net'] if os.geteuid() == 0 else ['unshare', '--user', '--net']
        done = subprocess.run([*own_network, *as_nobody(tmp_path), 'run', '-c', tmp_path / 'weir.toml'],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 1
        for word in ('127.0.0.1:81: permission denied', 'CAP_NET_BIND_SERVICE', 'setcap', 'systemd'):
            assert word in done.stderr

    def test_address_of_another_machine(self, tmp_path):
        """Which it has."""
        err = self.start(tmp_path, '192.0.2.1:8080')
        assert '192.0.2.1:8080: no such address on this machine (ip address lists' in err


class TestReload:
    """What a reload says that it changed, and what it could not."""

    def test_counts_pools(self, run_weir, backend):
        """A new pool is one more, not a changed one."""
        weir = run_weir({'web': [backend.address]})
        weir.write(configuration({'web': [backend.address], 'api': [backend.address]}, [('*', 'web')]))
        weir.signal(1)
        assert weir.wait_log(msg='reloaded')['changed'] == '+1 pool, +1 backend'
        seen = len(weir.stderr.all())
        weir.write(configuration({'web': [backend.address]}))
        weir.signal(1)
        assert weir.wait_log(msg='reloaded', start=seen)['changed'] == '-1 pool, 1 backend drained, nothing cut'

    def test_keys_that_need_a_restart(self, run_weir, backend):
        """Each with its section and both values; nothing else does."""
        weir = run_weir({'web': [backend.address]})
        weir.write(configuration({'web': [backend.address]}, server={'workers': 3},
                                 listener={'public': {'bind': ['127.0.0.1:0', '[::1]:0'], 'defer_accept': False},
                                           'extra': {'bind': ['127.0.0.1:0']}}))
        weir.signal(1)
        weir.wait_log(msg='reloaded')
        said = [line for line in weir.stderr.all() if 'at the next start only' in line]
        assert len(said) == 1 and '[server] workers was 1, is 3' in said[0], said

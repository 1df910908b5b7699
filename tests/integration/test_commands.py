"""The commands of CONTRACT §1: what they print, where, and with which exit code."""
import re
import socket

import pytest

from support.text import to_toml
from support.weir import Program, Weir, configuration, run_once

POOL = {'web': ['127.0.0.1:9001']}


def write(folder, text):
    file = folder / 'weir.toml'
    file.write_text(text if isinstance(text, str) else to_toml(text))
    return file


class TestUsage:
    @pytest.mark.parametrize('argument', ['version', '--version'])
    def test_version(self, tmp_path, argument):
        """Both spellings say name and number on stdout."""
        out, err = run_once([argument], tmp_path, code=0)
        assert re.search(r'\bweir\b.*\d+\.\d+\.\d+', out)
        assert err == ''

    def test_help_names_the_commands(self, tmp_path):
        """--help is no error: it goes to stdout and lists what there is."""
        out, err = run_once(['--help'], tmp_path, code=0)
        for command in ('run', 'demo', 'check', 'version'):
            assert re.search(rf'\b{command}\b', out)
        assert err == ''

    @pytest.mark.parametrize('command, option', [
        ('run', '-c'), ('check', '--dump'), ('demo', '--admin-port'), ('version', 'version')])
    def test_help_of_each_command(self, tmp_path, command, option):
        """Each command explains its own options."""
        out, err = run_once([command, '--help'], tmp_path, code=0)
        assert option in out
        assert err == ''

    @pytest.mark.parametrize('arguments', [
        ['frobnicate'], ['--frobnicate'], ['run', '--frobnicate'], ['check', '-c'], ['demo', '--port', 'http'],
        ['demo', '--port', '65536'], ['demo', '--port', '-1'], ['version', 'extra'], ['run', 'extra'], []])
    def test_bad_usage(self, tmp_path, arguments):
        """Bad usage says so on stderr and exits with 2."""
        out, err = run_once(arguments, tmp_path, code=2)
        assert out == ''
        assert err.startswith('weir: ') or 'usage' in err.lower()

    def test_unknown_command_is_named_with_the_usage(self, tmp_path):
        """A typo is answered with the word itself and with where to look."""
        _, err = run_once(['chekc'], tmp_path, code=2)
        assert 'chekc' in err and '--help' in err


class TestCheck:
    def test_warnings_are_no_errors(self, tmp_path):
        """What is doubtful is said; weir would start all the same."""
        tokens = tmp_path / 'tokens'
        tokens.write_text('alice:secret\n')
        tokens.chmod(0o644)
        config = configuration(POOL, admin={'token_file': 'tokens', 'bind': ['0.0.0.0:0']})
        out, err = run_once(['check', '-c', write(tmp_path, config)], tmp_path, code=0)
        assert 'ok' in out and err == f'weir: {tokens}: warning: other users may read or write this file (chmod o= it)\n'
        config['admin'].pop('token_file')
        _, err = run_once(['check', '-c', write(tmp_path, config)], tmp_path, code=2)
        assert 'token_file' in err and '0.0.0.0:0' in err

    def test_clean_file(self, tmp_path):
        """A good configuration: exit 0 and nothing on stderr."""
        _, err = run_once(['check', '-c', write(tmp_path, configuration(POOL))], tmp_path, code=0)
        assert err == ''

    def test_binds_nothing(self, tmp_path):
        """check works beside the weir that holds the ports."""
        with socket.socket() as holder:
            holder.bind(('127.0.0.1', 0))
            holder.listen()
            taken = f'127.0.0.1:{holder.getsockname()[1]}'
            config = configuration(POOL, listener={'public': {'bind': [taken]}})
            run_once(['check', '-c', write(tmp_path, config)], tmp_path, code=0)

    def test_default_file_is_of_this_folder(self, tmp_path):
        """Without -c it is ./weir.toml."""
        write(tmp_path, configuration(POOL))
        run_once(['check'], tmp_path, code=0)

    def test_all_errors_in_one_run(self, tmp_path):
        """Every error has FILE:LINE:COLUMN and comes in the order of the file."""
        file = write(tmp_path, '\n'.join([
            '[server]',                                    # 1
            'workers = "four"',                            # 2
            '[listener.public]',                           # 3
            'bind = ["127.0.0.1:0"]',                      # 4
            '[timeouts]',                                  # 5
            'connect = 2',                                 # 6
            '[pool.web]',                                  # 7
            'backends = ["127.0.0.1:9001", "nonsense"]',   # 8
            'balence = "round_robin"',                     # 9
            '[[route]]',                                   # 10
            'host = "a.example"',                          # 11
            'pool = "wbe"',                                # 12
            '']))
        _, err = run_once(['check', '-c', file], tmp_path, code=2)
        places = re.findall(rf'^weir: {re.escape(str(file))}:(\d+):(\d+): \S', err, re.M)
        assert [int(line) for line, _ in places] == [2, 6, 8, 9, 12], err
        assert all(int(column) >= 1 for _, column in places)

    @pytest.mark.parametrize('section, key, meant', [
        ('[pool.web]', 'servers = []', 'backends'),
        ('[pool.web]', 'balence = "random"', 'balance'),
        ('[server]', 'nbthread = 4', 'workers'),
        ('[listener.public]', 'port = 80', 'bind'),
        ('[[route]]', 'proxy_pass = "http://web"', 'pool'),
        ('[log]', 'acess = "off"', 'access')])
    def test_unknown_key_suggests_ours(self, tmp_path, section, key, meant):
        """A typo or another proxy's word is answered with ours."""
        file = write(tmp_path, f'{section}\n{key}\n')
        _, err = run_once(['check', '-c', file], tmp_path, code=2)
        line = next(line for line in err.splitlines() if line.startswith(f'weir: {file}:2:1: '))
        assert key.split()[0] in line and f'did you mean "{meant}"?' in line

    def test_value_of_another_proxy(self, tmp_path):
        """leastconn is HAProxy's word for least_requests."""
        file = write(tmp_path, '[pool.web]\nbalance = "leastconn"\n')
        _, err = run_once(['check', '-c', file], tmp_path, code=2)
        assert re.search(r'weir\.toml:2:\d+: .*did you mean "least_requests"\?', err)

    @pytest.mark.parametrize('section, key', [
        ('[listener.public]', 'proxy_protocol = "required"'),
        ('[pool.web]', 'sticky = "weir"'),
        ('[pool.web]', 'when_down = "hold"'),
        ('[pool.web]', 'max_in_flight = 5'),
        ('[pool.web]', 'balance = "hash"'),
        ('[server]', 'secret_file = "/tmp/key"')])
    def test_key_of_a_later_version(self, tmp_path, section, key):
        """A key whose feature is not there yet is refused off its default, never silently ignored."""
        file = write(tmp_path, f'{section}\n{key}\n')
        _, err = run_once(['check', '-c', file], tmp_path, code=2)
        assert re.search(r'weir\.toml:2:\d+: .*not available in this version', err), err

    @pytest.mark.parametrize('section, key', [
        ('[listener.extra]\nbind = ["127.0.0.1:0"]', 'proxy_protocol = "off"'),
        ('[pool.extra]\nbackends = ["127.0.0.1:9001"]', 'sticky = ""'),
        ('[pool.extra]\nbackends = ["127.0.0.1:9001"]', 'queue = { size = 1000, timeout = "10s" }'),
        ('[dns]', 'servers = []'), ('[tracing]', 'endpoint = ""')])
    def test_key_of_a_later_version_at_its_default(self, tmp_path, section, key):
        """At its default such a key is accepted."""
        file = write(tmp_path, to_toml(configuration(POOL)) + f'\n{section}\n{key}\n')
        run_once(['check', '-c', file], tmp_path, code=0)

    def test_syntax_error(self, tmp_path):
        """TOML that does not parse is told with its place."""
        file = write(tmp_path, '[server]\nname = "weir\n')
        _, err = run_once(['check', '-c', file], tmp_path, code=2)
        assert re.search(rf'^weir: {re.escape(str(file))}:\d+:\d+: ', err, re.M)

    def test_missing_file(self, tmp_path):
        """The file that is not there is named."""
        file = tmp_path / 'nowhere.toml'
        _, err = run_once(['check', '-c', file], tmp_path, code=2)
        assert str(file) in err and 'weir: ' in err

    def test_route_files_are_checked_with_their_own_names(self, tmp_path):
        """An error in a file of [routes] files names that file; relative globs start at weir.toml."""
        (tmp_path / 'routes.d').mkdir()
        extra = tmp_path / 'routes.d' / 'shop.toml'
        extra.write_text('[[route]]\nhost = "shop.example"\npool = "shop"\n')
        config = configuration(POOL)
        config['routes']['files'] = ['routes.d/*.toml']
        file = write(tmp_path, config)
        _, err = run_once(['check', '-c', file], tmp_path.parent, code=1)
        assert f'{extra}:3:' in err

    def test_dump_shows_values_with_their_origin(self, tmp_path):
        """--dump: what is effective and where it comes from, the file with its line or the default."""
        config = configuration({'web': {'backends': ['127.0.0.1:9001'], 'retries': 7}})
        file = write(tmp_path, config)
        line_of_retries = file.read_text().splitlines().index('retries = 7') + 1
        out, _ = run_once(['check', '-c', file, '--dump'], tmp_path, code=0)
        retries = next(line for line in out.splitlines() if re.match(r'\s*retries = 7\b', line))
        assert f'weir.toml:{line_of_retries}' in retries
        drain_notice = next(line for line in out.splitlines() if re.match(r'\s*drain_notice = "0s"', line))
        assert 'default' in drain_notice

    def test_no_colours_in_a_pipe(self, tmp_path):
        """Colours are for terminals."""
        file = write(tmp_path, 'nonsense = 1\n')
        out, err = run_once(['check', '-c', file], tmp_path, code=2, environment={'NO_COLOR': ''})
        assert '\x1b' not in out + err


class TestRun:
    def test_says_which_file(self, run_weir, backend):
        """It always says which file it serves."""
        weir = run_weir({'web': [backend.address]})
        weir.wait_log(str(weir.file))

    def test_without_a_file_says_what_it_looked_for(self, tmp_path):
        """No -c and no file: both places are named."""
        _, err = run_once(['run'], tmp_path, code=2)
        assert 'weir.toml' in err and '/etc/weir/weir.toml' in err

    def test_missing_file(self, tmp_path):
        """A file that was asked for and is not there."""
        file = tmp_path / 'nowhere.toml'
        _, err = run_once(['run', '-c', file], tmp_path, code=2)
        assert str(file) in err

    def test_default_file_of_this_folder(self, tmp_path, backend):
        """./weir.toml is found without -c."""
        write(tmp_path, configuration({'web': [backend.address]}))
        weir = Program(['run'], tmp_path)
        try:
            weir.wait_log(msg='ready')
            weir.signal(15)
            weir.wait_exit(0)
        finally:
            weir.kill()

    def test_broken_toml(self, tmp_path):
        """It does not start: exit 2, with the place."""
        file = write(tmp_path, '[server\n')
        _, err = run_once(['run', '-c', file], tmp_path, code=2)
        assert re.search(rf'^weir: {re.escape(str(file))}:1:\d+: ', err, re.M)

    def test_invalid_configuration(self, tmp_path):
        """The same messages as check, the same exit code, and nothing is bound."""
        file = write(tmp_path, '[server]\nworkers = -1\nnmae = "x"\n')
        _, err = run_once(['run', '-c', file], tmp_path, code=2)
        assert 'weir.toml:2:' in err and 'weir.toml:3:' in err
        assert 'msg=listening' not in err

    def test_used_port(self, tmp_path):
        """A used port: the message names the address and the cause; exit 1."""
        with socket.socket() as holder:
            holder.bind(('127.0.0.1', 0))
            holder.listen()
            taken = f'127.0.0.1:{holder.getsockname()[1]}'
            file = write(tmp_path, configuration(POOL, listener={'public': {'bind': [taken]}}))
            _, err = run_once(['run', '-c', file], tmp_path, code=1)
        assert taken in err and 'in use' in err
        assert 'msg=ready' not in err

    def test_used_admin_port(self, tmp_path):
        """The same for the admin interface."""
        with socket.socket() as holder:
            holder.bind(('127.0.0.1', 0))
            holder.listen()
            taken = f'127.0.0.1:{holder.getsockname()[1]}'
            file = write(tmp_path, configuration(POOL, admin={'bind': [taken]}))
            _, err = run_once(['run', '-c', file], tmp_path, code=1)
        assert taken in err and 'in use' in err

    def test_address_of_another_host(self, tmp_path):
        """An address that is not ours is named with the cause."""
        file = write(tmp_path, configuration(POOL, listener={'public': {'bind': ['192.0.2.1:8080']}}))
        _, err = run_once(['run', '-c', file], tmp_path, code=1)
        assert re.search(r'192\.0\.2\.1:8080: \w', err)

    def test_a_second_weir_on_the_same_port_does_not_start(self, run_weir, tmp_path, backend):
        """No SO_REUSEPORT: the second one fails instead of taking half of the connections."""
        first = run_weir({'web': [backend.address]})
        config = configuration(POOL, listener={'public': {'bind': [f'127.0.0.1:{first.port}']}})
        _, err = run_once(['run', '-c', write(tmp_path, config)], tmp_path, code=1)
        assert f'127.0.0.1:{first.port}' in err
        assert first.get().status == 200

    def test_ready_lines_name_every_address(self, run_weir, backend):
        """Each listener and each address has its own line with its real port."""
        weir = run_weir({'web': [backend.address]}, listener={
            'public': {'bind': ['127.0.0.1:0', '[::1]:0']}, 'inner': {'bind': ['127.0.0.1:0']}})
        assert {name: len(addresses) for name, addresses in weir.listeners.items()} == {
            'public': 2, 'inner': 1, 'admin': 1}
        assert '::1' in [ip for ip, _ in weir.listeners['public']]
        addresses = [address for addresses in weir.listeners.values() for address in addresses]
        assert len(set(addresses)) == 4 and all(port > 0 for _, port in addresses)
        assert weir.get(listener='inner').status == 200


def test_notify_socket(tmp_path, backend):
    """READY=1 goes to systemd's socket when there is one, and STOPPING=1 at the end."""
    path = tmp_path / 'notify'
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(path))
        receiver.settimeout(20)
        weir = Weir(tmp_path, configuration({'web': [backend.address]}), environment={'NOTIFY_SOCKET': str(path)})
        try:
            assert 'READY=1' in receiver.recv(4096).decode().split('\n')
            weir.stop()
        finally:
            weir.kill()
        said = receiver.recv(4096).decode()
        while 'STOPPING=1' not in said.split('\n'):
            said = receiver.recv(4096).decode()

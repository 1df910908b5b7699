"""conf/ and what `meson install` makes of it: what an administrator puts to use has to hold."""
import pathlib
import re
import subprocess
import tomllib

import pytest

from support.weir import BINARY, ROOT, run_once

CONF = ROOT / 'conf'


def directives(path):
    """Of a unit: (section, key) → values."""
    found, section = {}, ''
    for line in path.read_text().splitlines():
        if line.startswith('['):
            section = line.strip('[]')
        elif '=' in line and not line.startswith('#'):
            key, value = line.split('=', 1)
            found.setdefault((section, key), []).append(value)
    return found


@pytest.mark.parametrize('name', ['weir.toml', 'pair/weir.toml'])
def test_examples_are_valid(name, tmp_path):
    """Each example would start."""
    run_once(['check', '-c', CONF / name], tmp_path, 0)


class TestUnits:
    def test_exposure(self):
        """systemd-analyze security: 2.0 or better."""
        report = subprocess.run(['systemd-analyze', 'security', '--offline=true', str(CONF / 'weir.service')],
                                capture_output=True, text=True)
        level = re.search(r'Overall exposure level for weir.service: ([\d.]+)', report.stdout)
        assert level, report
        assert float(level[1]) <= 2.0

    def test_systemd_understands_them(self, tmp_path):
        """No unknown directive, no bad value, nothing missing."""
        paths = []
        for name in ('weir.service', 'weir.socket'):
            paths.append(str(tmp_path / name))
            (tmp_path / name).write_text((CONF / name).read_text().replace('/usr/bin/weir', BINARY))
        report = subprocess.run(['systemd-analyze', 'verify', '--man=no', *paths], capture_output=True, text=True)
        assert not [line for line in report.stderr.splitlines() if 'weir' in line], report.stderr

    def test_what_the_service_does(self):
        """Notification, reload by weir's own command, watchdog, restart, low ports and nothing else of root's."""
        unit = directives(CONF / 'weir.service')
        for key, value in {'Type': 'notify', 'ExecReload': '/usr/bin/weir reload', 'User': 'weir', 'Restart': 'on-failure',
                           'AmbientCapabilities': 'CAP_NET_BIND_SERVICE', 'CapabilityBoundingSet': 'CAP_NET_BIND_SERVICE',
                           'StateDirectory': 'weir', 'RuntimeDirectory': 'weir'}.items():
            assert unit['Service', key] == [value], key
        assert ('Service', 'ExecStartPre') not in unit
        assert ('Service', 'WatchdogSec') in unit and ('Service', 'LimitNOFILE') in unit
        user = re.search(r'^u (\S+) ', (CONF / 'weir.sysusers').read_text(), re.M)
        assert unit['Service', 'User'] == unit['Service', 'Group'] == [user[1]]

    def test_the_socket_belongs_to_a_listener(self):
        """FileDescriptorName= is a listener of the example."""
        socket = directives(CONF / 'weir.socket')
        listeners = tomllib.loads((CONF / 'pair/weir.toml').read_text())['listener']
        [name] = socket['Socket', 'FileDescriptorName']
        assert listeners[name]['bind'] == [':' + port for port in socket['Socket', 'ListenStream']]
        assert socket['Socket', 'Service'] == ['weir.service']


def keepalived_blocks(text):
    """The file as {name: {key: value or block}}; raises when braces or lines are not in order."""
    stack = [{}]
    for line in text.splitlines():
        words = line.split('#')[0].split()
        if not words:
            continue
        if words[-1] == '{':
            block = {}
            stack[-1][' '.join(words[:-1])] = block
            stack.append(block)
        elif words == ['}']:
            stack.pop()
        else:
            assert '{' not in line and '}' not in words, line
            stack[-1][words[0]] = ' '.join(words[1:])
    assert len(stack) == 1
    return stack[0]


class TestPair:
    @pytest.fixture
    def keepalived(self):
        return keepalived_blocks((CONF / 'keepalived.conf').read_text())

    @pytest.fixture
    def weir(self):
        return tomllib.loads((CONF / 'pair/weir.toml').read_text())

    def test_words(self, keepalived):
        """Words of keepalived.conf(5) only."""
        assert set(keepalived) == {'global_defs', 'vrrp_script weir_is_ready', 'vrrp_instance edge'}
        assert set(keepalived['global_defs']) == {'router_id', 'enable_script_security'}
        assert set(keepalived['vrrp_script weir_is_ready']) == {'script', 'user', 'interval', 'timeout', 'fall', 'rise', 'weight'}
        assert set(keepalived['vrrp_instance edge']) == {
            'state', 'nopreempt', 'priority', 'interface', 'virtual_router_id', 'advert_int', 'virtual_ipaddress', 'track_script'}

    def test_a_draining_node_loses_the_address(self, keepalived, weir):
        """The script asks this weir's /readyz, its failure is a fault (weight 0), and the address has moved before
        drain_notice is over."""
        script = keepalived['vrrp_script weir_is_ready']
        assert list(keepalived['vrrp_instance edge']['track_script']) == ['weir_is_ready']
        assert script['weight'] == '0'
        assert f'http://{weir["admin"]["bind"][0]}/readyz' in script['script']
        moved_after = int(script['interval']) * int(script['fall']) + 1 + int(keepalived['vrrp_instance edge']['advert_int'])
        assert moved_after < int(weir['server']['drain_notice'].rstrip('s'))
        # nopreempt works from BACKUP only.
        assert keepalived['vrrp_instance edge']['state'] == 'BACKUP'

    def test_one_name(self, keepalived, weir):
        """router_id and [server] name are the same, so that logs of both can be read side by side."""
        assert keepalived['global_defs']['router_id'] == weir['server']['name']


    def test_the_script_of_the_pair(self, run_weir, backend, keepalived):
        """The very command of keepalived.conf: 0 in service, a failure when the node is drained or gone."""
        weir = run_weir({'web': [backend.address]})
        command = keepalived['vrrp_script weir_is_ready']['script'].strip('"').replace('127.0.0.1:8042', '127.0.0.1:%d' % weir.admin[1])

        def run():
            return subprocess.run(command.split(), timeout=20).returncode
        assert run() == 0
        weir.admin_get('/api/drain', method='POST')
        assert run() != 0
        weir.admin_get('/api/ready', method='POST')
        assert run() == 0
        weir.stop()
        assert run() != 0


@pytest.mark.plain
def test_install(tmp_path):
    """meson install: units with the path of the installed binary, the account, the examples; nothing in /etc, which is
    the administrator's."""
    folder = pathlib.Path(BINARY).parent
    subprocess.run(['meson', 'install', '--no-rebuild', '--quiet', '-C', str(folder), '--destdir', str(tmp_path)],
                   check=True, capture_output=True)
    root = tmp_path / 'usr/local'
    installed = {str(path.relative_to(root)) for path in tmp_path.rglob('*') if path.is_file()}
    assert installed == {
        'bin/weir', 'lib/systemd/system/weir.service', 'lib/systemd/system/weir.socket', 'lib/sysusers.d/weir.conf',
        'share/weir/weir.toml', 'share/weir/logrotate', 'share/weir/keepalived.conf', 'share/weir/pair/weir.toml',
        'share/doc/weir/README.md', *(f'share/doc/weir/docs/{path.name}' for path in (ROOT / 'docs').glob('*.md'))}
    unit = directives(root / 'lib/systemd/system/weir.service')
    assert unit['Service', 'ExecStart'] == ['/usr/local/bin/weir run -c /etc/weir/weir.toml']
    assert unit['Service', 'ExecReload'] == ['/usr/local/bin/weir reload']
    assert unit['Unit', 'Documentation'] == [
        'file:/usr/local/share/doc/weir/README.md file:/usr/local/share/weir/weir.toml']

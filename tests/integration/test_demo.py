"""`weir demo`: what it prints works when pasted."""
import re
import subprocess

import pytest

from support.text import parse_logfmt
from support.weir import Program
from support.wire import Peer, request_bytes


@pytest.fixture
def demo(tmp_path):
    program = Program(['demo', '--port', '0', '--admin-port', '0'], tmp_path)
    try:
        program.wait_log(msg='ready')
        yield program
        program.signal(15)
        program.wait_exit(0)
    finally:
        program.kill()


def printed_curls(demo, least=3):
    """The curl lines on stdout; they come as a block."""
    lines = []

    def pick(line):
        if 'curl ' in line:
            lines.append(line[line.index('curl '):])
        return len(lines) >= least
    demo.stdout.wait(pick, f'{least} curl lines')
    return [line[line.index('curl '):] for line in demo.stdout.all() if 'curl ' in line]


def shell(command):
    """Runs a pasted line as a shell does; (what it printed, the status it got)."""
    pasted = re.sub(r'^curl ', 'curl --max-time 20 -w "\\n%{http_code}" ', command)
    finished = subprocess.run(['sh', '-c', pasted], capture_output=True, text=True, timeout=60)
    assert finished.returncode == 0, (command, finished.stderr)
    body, _, status = finished.stdout.rpartition('\n')
    return body, int(status)


def test_printed_curl_lines_work(demo):
    """Every printed line runs as it is and is answered by a runner with 200."""
    commands = printed_curls(demo)
    for command in commands:
        body, status = shell(command)
        assert status == 200, (command, body)
        assert body


def test_hosts_are_under_localhost(demo):
    """Host names that a browser finds without any setup."""
    hosts = set(re.findall(r'https?://([^/:\s\'"]+)', '\n'.join(printed_curls(demo))))
    assert hosts and all(host == 'localhost' or host.endswith('.localhost') or host == '127.0.0.1' for host in hosts)


def test_runners_are_told_apart(demo):
    """The sample table sends different hosts to different runners."""
    answers = {shell(command)[0] for command in printed_curls(demo)}
    assert len(answers) >= 2


def test_proxy_and_admin_answer(demo):
    """Both listeners are on the ports of the ready lines, and the admin interface says it is ready."""
    addresses = {}
    for line in demo.stderr.all():
        fields = parse_logfmt(line)
        if fields.get('msg') == 'listening':
            ip, _, port = fields['address'].rpartition(':')
            addresses.setdefault(fields['listener'], (ip.strip('[]'), int(port)))
    assert 'admin' in addresses and len(addresses) >= 2
    with Peer.connect(addresses['admin']) as client:
        client.send(request_bytes('GET', '/readyz', 'localhost'))
        assert client.read_response().status == 200


def test_writes_no_file(demo, tmp_path):
    """It needs no file and writes none."""
    shell(printed_curls(demo)[0])
    assert list(tmp_path.iterdir()) == []


def test_used_port(demo, tmp_path):
    """A second demo on the same port says so and exits with 1."""
    port = next(fields['address'].rpartition(':')[2] for fields in map(parse_logfmt, demo.stderr.all())
                if fields.get('msg') == 'listening' and fields['listener'] != 'admin')
    second = Program(['demo', '--port', port, '--admin-port', '0'], tmp_path)
    try:
        second.wait_exit(1)
        assert port in second.log() and 'in use' in second.log()
    finally:
        second.kill()

"""The access log: where its lines go, in which format, and that nobody waits for them."""
import fcntl
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import stat
import subprocess
import threading

import pytest

from support.text import parse_logfmt
from support.wait import Lines, until
from support.weir import ROOT, configuration
from support.wire import request_bytes, response_bytes

HOSTILE_AGENT = 'x" status=200 "\\ \x80\xff\xc3\xa9 ","status":200,"'
COMBINED = re.compile(r'(\S+) - - \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000)\] "((?:[^"\\]|\\.)*)" '
                      r'(\d{3}|-) (\d+|-) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"')


class LogFile:
    """A file that weir writes and a test reads."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def lines(self):
        try:
            text = self.path.read_text('latin-1')
        except FileNotFoundError:
            return []
        assert not text or text.endswith('\n'), f'half a line: {text[-80:]!r}'
        return text.splitlines()

    def wait(self, count):
        """So many lines, no more and no less."""
        lines = until(lambda: len(self.lines()) >= count and self.lines(), lambda: f'{count} lines; {self.lines()}')
        assert len(lines) == count
        return lines


def with_file(run_weir, backend, **log):
    weir = run_weir({'web': [backend.address]}, log={'access': 'access.log', **log})
    return weir, LogFile(weir.folder / 'access.log')


def pairs(line):
    """A JSON object whose names stand once each."""
    found = json.loads(line, object_pairs_hook=list)
    names = [name for name, _ in found]
    assert len(names) == len(set(names)), names
    return dict(found)


class TestFormats:
    def test_file_beside_the_configuration(self, run_weir, backend):
        """A relative path is relative to weir.toml; the file is for owner and group alone."""
        weir, log = with_file(run_weir, backend)
        assert weir.get('/x?secret=1').status == 200
        fields = parse_logfmt(log.wait(1)[0])
        assert fields['path'] == '/x' and fields['status'] == '200' and fields['pool'] == 'web'
        assert stat.S_IMODE(log.path.stat().st_mode) & 0o137 == 0
        assert not weir.stdout.all()

    def test_query(self, run_weir, backend):
        """query = true shows the query."""
        weir, log = with_file(run_weir, backend, query=True)
        weir.get('/x?a=1&b=2')
        assert parse_logfmt(log.wait(1)[0])['path'] == '/x?a=1&b=2'

    def test_json(self, run_weir, backend):
        """The same names as logfmt; numbers are numbers."""
        weir, log = with_file(run_weir, backend, access_format='json')
        weir.get('/x', fields={'User-Agent': 'curl/8', 'Referer': 'http://ref/'})
        fields = pairs(log.wait(1)[0])
        assert fields['status'] == 200 and fields['tries'] == 1 and fields['reused'] is False
        assert isinstance(fields['duration'], float) and fields['bytes_in'] == 0
        assert fields['user_agent'] == 'curl/8' and fields['referer'] == 'http://ref/'
        assert fields['msg'] == 'request' and fields['proto'] == 'HTTP/1.1'
        assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z', fields['time'])

    def test_combined(self, run_weir, backend):
        """Apache's combined format."""
        weir, log = with_file(run_weir, backend, access_format='combined')
        weir.get('/x', fields={'User-Agent': 'curl/8', 'Referer': 'http://ref/'})
        client, _, request, status, _, referer, agent = COMBINED.fullmatch(log.wait(1)[0]).groups()
        assert (client, request, status) == ('127.0.0.1', 'GET /x HTTP/1.1', '200')
        assert (referer, agent) == ('http://ref/', 'curl/8')

    @pytest.mark.parametrize('access_format', ['logfmt', 'json', 'combined'])
    def test_hostile_request(self, run_weir, backend, access_format):
        """Quotes, backslashes and bytes that are no text forge nothing, in any format."""
        weir, log = with_file(run_weir, backend, access_format=access_format, query=True)
        path = '/"\\"{}[]=%0a?"status":200'
        assert weir.get(path, fields=[('User-Agent', HOSTILE_AGENT), ('Referer', '\x9b31m\\')]).status == 200
        line = log.wait(1)[0]
        assert line.isascii() and line.isprintable()
        if access_format == 'logfmt':
            fields = parse_logfmt(line)
            assert fields['user_agent'] == HOSTILE_AGENT and fields['path'] == path
        elif access_format == 'json':
            fields = pairs(line)
            expected = HOSTILE_AGENT.encode('latin-1').decode('utf-8', 'replace')
            assert fields['user_agent'] == expected and fields['path'] == path and fields['status'] == 200
        else:
            groups = COMBINED.fullmatch(line).groups()
            assert groups[3] == '200' and groups[6].startswith('x\\" status=200 \\"\\\\ \\x80')

    def test_own_log_as_json(self, run_weir, backend):
        """format = "json" is for weir's own log, from "starting" on."""
        weir, log = with_file(run_weir, backend)
        weir.reload(configuration({'web': [backend.address]}, log={'access': 'access.log', 'format': 'json'}))
        line = weir.stderr.wait(lambda line: line.startswith('{') and line, 'a line in JSON')
        assert pairs(line)['msg'] == 'reloaded'


@pytest.mark.parametrize('data, reason, expected', [
    (b'GET /a HTTP/1.1\r\nHost: a.example\r\nExpect: more\r\n\r\n', 'expectation_failed',
     {'method': 'GET', 'host': 'a.example', 'path': '/a', 'proto': 'HTTP/1.1', 'status': '417'}),
    (b'GET /' + b'a' * 9000 + b' HTTP/1.1\r\nHost: a.example\r\n\r\n', 'uri_too_long',
     {'method': 'GET', 'path': None, 'status': '414'}),
    (b'PUT /b HTTP/1.1\r\nHost: A.Example\r\n' + b'X: y\r\n' * 101 + b'\r\n', 'head_too_large',
     {'method': 'PUT', 'host': 'a.example', 'path': '/b', 'status': '431'}),
    (b'CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n', 'not_implemented',
     {'method': 'CONNECT', 'host': 'a.example', 'path': None, 'status': '501'}),
    (b'GET /c HTTP/2.0\r\nHost: a.example\r\n\r\n', 'version_not_supported',
     {'method': 'GET', 'proto': None, 'status': '505'}),
    (b'\x16\x03\x01\x02\x00\r\n\r\n', 'bad_request', {'method': None, 'host': None, 'proto': None})],
    ids=['417', '414', '431', '501', '505', '400'])
def test_refused_request_says_what_is_known(run_weir, backend, data, reason, expected):
    """A request that was refused is logged with the method, the host and the path, where they were understood."""
    weir = run_weir({'web': [backend.address]})
    with weir.connect() as client:
        client.send(data)
        line = weir.wait_access(reason=reason)
    assert {name: line.get(name) for name in expected} == expected


class TestRotation:
    def test_rename_and_usr1(self, run_weir, backend):
        """Lines before the signal stand in the old file, those after it in a new one, none is lost."""
        weir, log = with_file(run_weir, backend)
        for number in range(5):
            weir.get(f'/old/{number}')
        log.wait(5)
        old = LogFile(log.path.rename(weir.folder / 'access.log.1'))
        weir.signal(signal.SIGUSR1)
        weir.wait_log(msg='access log reopened', file=str(log.path))
        for number in range(3):
            weir.get(f'/new/{number}')
        assert [parse_logfmt(line)['path'] for line in log.wait(3)] == ['/new/0', '/new/1', '/new/2']
        assert [parse_logfmt(line)['path'] for line in old.lines()] == [f'/old/{number}' for number in range(5)]

    def test_create_mode(self, run_weir, backend):
        """A file that logrotate has made (create) is taken as it is."""
        weir, log = with_file(run_weir, backend)
        log.path.rename(weir.folder / 'access.log.1')
        log.path.touch(0o600)
        weir.signal(signal.SIGUSR1)
        weir.wait_log(msg='access log reopened')
        weir.get('/')
        log.wait(1)
        assert stat.S_IMODE(log.path.stat().st_mode) == 0o600

    def test_folder_is_gone(self, run_weir, backend):
        """Reopening fails: lines go on to the old file, and weir says why."""
        weir = run_weir({'web': [backend.address]}, log={'access': 'off'})
        (weir.folder / 'log').mkdir()
        weir.reload(configuration({'web': [backend.address]}, log={'access': 'log/access.log'}))
        (weir.folder / 'log').rename(weir.folder / 'gone')
        weir.signal(signal.SIGUSR1)
        assert 'No such file' in weir.wait_log(msg='the access log stays as it is')['reason']
        weir.get('/')
        LogFile(weir.folder / 'gone' / 'access.log').wait(1)

    def test_nothing_to_reopen(self, run_weir, backend):
        """USR1 without a log file is harmless."""
        weir = run_weir({'web': [backend.address]})
        weir.signal(signal.SIGUSR1)
        weir.wait_log(msg='no log files to reopen')

    def test_logrotate(self, run_weir, backend, tmp_path):
        """conf/logrotate, with the file and the command of this test in their places."""
        logrotate = shutil.which('logrotate', path='/usr/sbin:/usr/bin:/sbin:/bin')
        assert logrotate, 'logrotate is not installed (scripts/install test)'
        weir, log = with_file(run_weir, backend)
        weir.get('/old')
        log.wait(1)
        text = (ROOT / 'conf' / 'logrotate').read_text()
        assert text.count('/var/log/weir/*.log') == 1 and text.count('systemctl kill') == 1
        text = text.replace('/var/log/weir/*.log', str(log.path))
        text = re.sub(r'systemctl kill.*', f'kill -USR1 {weir.pid}', text)
        text = re.sub(r'^\s*(su|create) .*\n', '', text, flags=re.M)
        rules = tmp_path / 'rules'
        rules.write_text(text)
        rules.chmod(0o644)
        log.path.parent.chmod(0o755)
        subprocess.run([logrotate, '--force', '--state', tmp_path / 'state', rules], check=True, timeout=60)
        weir.wait_log(msg='access log reopened')
        weir.get('/new')
        assert parse_logfmt(log.wait(1)[0])['path'] == '/new'
        old = LogFile(weir.folder / 'access.log.1')
        assert [parse_logfmt(line)['path'] for line in old.lines()] == ['/old']


def drain_pipe(path):
    """All lines of a FIFO until its writers are gone."""
    lines = Lines()

    def read():
        with open(path, 'rb', buffering=1 << 16) as fifo:
            for line in fifo:
                lines.append(line.decode())
        lines.end()
    threading.Thread(target=read, daemon=True).start()
    return lines


class TestNobodyWaits:
    def fill(self, weir, requests, agent='a' * 2000):
        """So many requests over one connection; each is answered."""
        with weir.connect() as client:
            for number in range(requests):
                client.send(request_bytes('GET', f'/{number}', 'a.example', {'User-Agent': agent}))
                assert client.read_response().status == 200

    def test_stalled_fifo(self, run_weir, backend):
        """Nobody reads the FIFO: requests go on, lines are dropped and counted, and the end comes all the same.
        What was taken is whole lines, in order."""
        weir = run_weir({'web': [backend.address]}, log={'access': 'off'})
        fifo = weir.folder / 'fifo'
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        weir.reload(configuration({'web': [backend.address]}, log={'access': str(fifo)}))
        sent = 0
        while not weir.metric('weir_access_log_dropped_total'):
            self.fill(weir, 200, 'a' * 8000)
            sent += 200
            assert sent < 5000, 'nothing is dropped'
        weir.wait_log(msg='access log lines are dropped: its reader is too slow', file=str(fifo))
        os.set_blocking(reader, True)
        weir.signal(signal.SIGTERM)
        weir.wait_exit()
        with open(reader, 'rb') as rest:
            paths = [parse_logfmt(line.decode().rstrip('\n'))['path'] for line in rest]
        assert paths == [f'/{number % 200}' for number in range(len(paths))] and 0 < len(paths) < sent

    def test_reader_comes_back(self, run_weir, backend):
        """A reader that comes late gets what waited; nothing was lost meanwhile."""
        weir = run_weir({'web': [backend.address]}, log={'access': 'off'})
        fifo = weir.folder / 'fifo'
        os.mkfifo(fifo)
        weir.reload(configuration({'web': [backend.address]}, log={'access': str(fifo)}))
        self.fill(weir, 100)
        lines = drain_pipe(fifo)
        lines.wait(lambda line: ' path=/99 ' in line, 'the last line')
        assert len(lines.all()) == 100
        assert weir.metric('weir_access_log_dropped_total') == 0

    def test_full_disk(self, run_weir, backend):
        """A full disk is said once with its reason, and costs no request."""
        weir = run_weir({'web': [backend.address]}, log={'access': '/dev/full'})
        self.fill(weir, 50)
        line = weir.wait_log(msg='the access log cannot be written', file='/dev/full')
        assert line['level'] == 'error' and line['error'] == 'No space left on device'
        self.fill(weir, 50)
        weir.stop()
        assert sum('cannot be written' in line for line in weir.stderr.all()) == 1
        assert weir.wait_log(msg='access log lines were not written at the end')['lines'] == '100'

    def test_disk_gets_room_again(self, run_weir, backend):
        """A file that may not grow takes part of a line; when it may again the rest comes first."""
        weir, log = with_file(run_weir, backend)
        limits = resource.prlimit(weir.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(weir.pid, resource.RLIMIT_FSIZE, (5000, limits[1]))
        self.fill(weir, 10)
        assert weir.wait_log(msg='the access log cannot be written')['error'] == 'File too large'
        assert log.path.stat().st_size == 5000
        resource.prlimit(weir.pid, resource.RLIMIT_FSIZE, limits)
        weir.wait_log(msg='the access log is written again')
        lines = log.wait(10)
        assert [parse_logfmt(line)['path'] for line in lines] == [f'/{number}' for number in range(10)]
        assert weir.metric('weir_access_log_dropped_total') == 0

    @pytest.mark.skipif(os.geteuid() != 0, reason='stands for test_full_disk where mounting is not allowed')
    def test_full_tmpfs(self, run_weir, backend):
        """The same on a file system that is full, with its room back by a deleted file."""
        weir = run_weir({'web': [backend.address]}, log={'access': 'off'})
        disk = weir.folder / 'disk'
        disk.mkdir()
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk], check=True)
        try:
            (disk / 'filler').write_bytes(b'x' * 40960)
            weir.reload(configuration({'web': [backend.address]}, log={'access': 'disk/access.log'}))
            self.fill(weir, 20)
            assert weir.wait_log(msg='the access log cannot be written')['error'] == 'No space left on device'
            self.fill(weir, 1)
            (disk / 'filler').unlink()
            weir.wait_log(msg='the access log is written again')
            self.fill(weir, 1)
            log = LogFile(disk / 'access.log')
            weir.stop()
            assert len(log.lines()) == 22
            assert all(parse_logfmt(line)['status'] == '200' for line in log.lines())
        finally:
            subprocess.run(['umount', '-l', disk], check=True)

    def test_flags_of_stdout_stay(self, run_weir, backend):
        """stdout is shared with others: nothing of it is changed."""
        weir = run_weir({'web': [backend.address]})
        weir.get('/')
        weir.wait_access(path='/')
        assert not fcntl.fcntl(weir.process.stdout.fileno(), fcntl.F_GETFL) & os.O_NONBLOCK


class TestEnd:
    def test_flushed_at_the_end(self, run_weir, backend):
        """Every request before TERM has its line."""
        weir, log = with_file(run_weir, backend)
        for number in range(20):
            weir.get(f'/{number}')
        weir.stop()
        assert len(log.lines()) == 20

    def test_requests_that_end_during_the_drain(self, run_weir, manual_backend):
        """So has one that is answered while weir drains."""
        weir, log = with_file(run_weir, manual_backend)
        with weir.connect() as client:
            client.send(request_bytes('GET', '/slow', 'a.example'))
            peer = manual_backend.accept()
            peer.read_request()
            weir.signal(signal.SIGTERM)
            weir.wait_draining()
            peer.send(response_bytes(b'late'))
            assert client.read_response().text == 'late'
        weir.wait_exit()
        assert parse_logfmt(log.lines()[0])['path'] == '/slow'

    def test_half_a_line_of_a_crash(self, run_weir, backend, tmp_path):
        """A file that ends within a line, after a crash of the machine, gets its first line on a line of its own."""
        file = tmp_path / 'crashed.log'
        file.write_text('whole\nhal')
        weir = run_weir({'web': [backend.address]}, log={'access': str(file)})
        weir.get('/')
        weir.stop()
        lines = LogFile(file).lines()
        assert lines[:2] == ['whole', 'hal'] and parse_logfmt(lines[2])['path'] == '/'

    def test_file_that_cannot_be_opened(self, run_weir, backend):
        """At a start weir says which file and why; on a reload the old log stays."""
        weir, log = with_file(run_weir, backend)
        weir.reload(configuration({'web': [backend.address]}, log={'access': 'missing/access.log'}))
        line = weir.wait_log(msg='the configuration has an error')
        assert line['error'].startswith(f'access: there is no folder {weir.folder}/missing ')
        assert re.fullmatch(r'.*/weir\.toml:\d+:\d+', line['place'])
        weir.get('/')
        log.wait(1)


class TestReload:
    def test_switching(self, run_weir, backend):
        """On, to another file, to another format, off: each line is in one place, in one format."""
        pools = {'web': [backend.address]}
        weir = run_weir(pools, log={'access': 'off'})
        first, second = (LogFile(weir.folder / name) for name in ('a.log', 'b.log'))
        weir.get('/none')
        weir.reload(configuration(pools, log={'access': 'a.log'}))
        weir.get('/a')
        weir.reload(configuration(pools, log={'access': 'b.log'}))
        weir.get('/b')
        second.wait(1)
        weir.reload(configuration(pools, log={'access': 'b.log', 'access_format': 'json'}))
        weir.get('/json')
        weir.reload(configuration(pools, log={'access': 'off'}))
        weir.get('/none')
        assert [parse_logfmt(line)['path'] for line in first.wait(1)] == ['/a']
        lines = second.wait(2)
        assert parse_logfmt(lines[0])['path'] == '/b' and pairs(lines[1])['path'] == '/json'
        files = pathlib.Path(f'/proc/{weir.pid}/fd')
        until(lambda: not any(str(file.resolve()).endswith('.log') for file in files.iterdir()), 'log files closed')

    @pytest.mark.tsan
    def test_under_load(self, run_weir, backend):
        """Two workers log while the log is switched and reopened: no line is lost, doubled or mixed."""
        pools = {'web': [backend.address]}
        configs = [configuration(pools, server={'workers': 2}, log={'access': 'access.log', 'access_format': form})
                   for form in ('logfmt', 'json')]
        weir = run_weir(config=configs[0])
        sent, stop = [], threading.Event()

        def ask(name):
            number = 0
            with weir.connect() as client:
                while not stop.is_set():
                    path = f'/{name}/{number}'
                    client.send(request_bytes('GET', path, 'a.example'))
                    assert client.read_response().status == 200
                    sent.append(path)
                    number += 1
        threads = [threading.Thread(target=ask, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for number in range(6):
            weir.reload(configs[(number + 1) % 2])
            (weir.folder / 'access.log').rename(weir.folder / f'access.log.{number}')
            before = len(weir.stderr.all())
            weir.signal(signal.SIGUSR1)
            weir.wait_log(msg='access log reopened', start=before)
        stop.set()
        for thread in threads:
            thread.join()
        weir.stop()
        seen = []
        for path in weir.folder.glob('access.log*'):
            for line in LogFile(path).lines():
                seen.append((pairs(line) if line.startswith('{') else parse_logfmt(line))['path'])
        assert sorted(seen) == sorted(sent) and len(sent) > 20

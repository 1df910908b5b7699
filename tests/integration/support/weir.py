"""weir itself: the real binary with a configuration of its own in a folder of its own, on ports that
the kernel chooses, read from the ready lines."""
import contextlib
import copy
import itertools
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import threading
from typing import NamedTuple
from urllib.parse import quote

from support.text import Metrics, parse_logfmt, to_toml
from support.wait import DEADLINE_SECONDS, Lines, until
from support.wire import Peer, request_bytes

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = os.environ.get('WEIR_BIN', str(ROOT / 'build' / 'weir'))
COMPLAINTS = re.compile(r'ERROR: AddressSanitizer|ERROR: LeakSanitizer|runtime error:|WARNING: ThreadSanitizer'
                        r'|CHECK failed|terminate called|Assertion')

# Everything that runs now, for the report of a failed test.
running = []

DEFAULTS = {
    'server': {'workers': 1, 'drain_timeout': '5s'},
    'listener': {'public': {'bind': ['127.0.0.1:0']}},
    'admin': {'bind': ['127.0.0.1:0']},
    'routes': {'watch': False},
    'log': {'access': 'stdout'},
}


def configuration(pools=None, routes=None, watch=False, **sections):
    """DEFAULTS with `sections` merged in. `pools`: name → list of backends or dict of keys. `routes`:
    (host or host/path, pool) pairs or dicts; without them `*` goes to the first pool. `watch`: whether
    a changed file is reloaded without being told."""
    config = copy.deepcopy(DEFAULTS)
    config['routes']['watch'] = watch
    for name, content in sections.items():
        if name == 'listener':
            for listener, keys in content.items():
                config['listener'].setdefault(listener, {}).update(keys)
        else:
            config.setdefault(name, {}).update(content)
    pools = pools or {}
    config['pool'] = {name: {'backends': pool} if isinstance(pool, list) else pool for name, pool in pools.items()}
    if routes is None:
        routes = [('*', name) for name in list(pools)[:1]]
    config['route'] = [route if isinstance(route, dict) else _route(*route) for route in routes]
    return config


def _route(place, pool):
    host, slash, path = place.partition('/')
    return {'host': host, 'pool': pool, **({'path': slash + path} if slash else {})}


class Row(NamedTuple):
    """One row of failure.def."""
    reason: str
    status: int
    side: str
    token: str


def _read_failures():
    rows = re.findall(r'^FAILURE\((\w+),\s*(\d+),\s*k(\w+),\s*\w+,\s*\w+,\s*"(\w*)",',
                      (ROOT / 'include/weir/base/failure.def').read_text(), re.M)
    return {name: Row(name, int(status), side.lower(), token) for name, status, side, token in rows}


FAILURES = _read_failures()


class Program:
    """A running process whose output is collected line by line."""

    def __init__(self, arguments, folder, open_files=None, environment=None, launcher=(), pass_fds=()):
        """`launcher`: a command that ends in executing weir, in front of it; it may inherit `pass_fds`."""
        def limit():
            if open_files:
                resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, open_files))

        # Only a child that has something to do between fork and exec may need the slower way.
        self.process = subprocess.Popen(
            [*launcher, BINARY, *map(str, arguments)], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env={**os.environ, 'NO_COLOR': '1', **(environment or {})}, pass_fds=pass_fds,
            preexec_fn=limit if open_files else None)
        self.stdout, self.stderr = Lines(), Lines()
        self._readers = [threading.Thread(target=self._read, args=pair, daemon=True) for pair in
                         ((self.process.stdout, self.stdout), (self.process.stderr, self.stderr))]
        for reader in self._readers:
            reader.start()
        running.append(self)

    @staticmethod
    def _read(pipe, lines):
        for line in pipe:
            lines.append(line.decode('utf-8', 'backslashreplace').rstrip('\n'))
        lines.end()

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        self.process.send_signal(number)

    def is_running(self):
        return self.process.poll() is None

    def wait_exit(self, code=0, deadline_seconds=DEADLINE_SECONDS):
        """Waits for the end, which has to have this exit code and a clean log."""
        try:
            self.process.wait(deadline_seconds)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f'still running after {deadline_seconds:g} s') from error
        for reader in self._readers:
            reader.join(DEADLINE_SECONDS)
        self.forget()
        self.check_log()
        assert self.process.returncode == code, f'exit code {self.process.returncode}, not {code}\n{self.log()}'

    def check_log(self):
        for line in self.stderr.all():
            assert not COMPLAINTS.search(line), f'weir complained:\n{self.log()}'

    def log(self):
        return '\n'.join(self.stderr.all()[-60:])

    def kill(self):
        if self.is_running():
            self.process.kill()
        self.process.wait()
        self.forget()

    def forget(self):
        if self in running:
            running.remove(self)

    # --- what the log says ---

    def wait_log(self, *words, start=0, **fields):
        """A line of the log with these words somewhere in it and these fields, as a dict."""
        def pick(line):
            if not all(word in line for word in words):
                return None
            parsed = parse_logfmt(line)
            return parsed if fields.items() <= parsed.items() else None
        return self.stderr.wait(pick, f'log line with {words} {fields}', start)

    def wait_draining(self):
        self.wait_log(msg='draining')

    # --- what the kernel says ---

    def cpu_seconds(self):
        fields = pathlib.Path(f'/proc/{self.pid}/stat').read_text().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def pss_kib(self):
        return self._memory_kib('Pss')

    def anonymous_kib(self):
        """Without pages of files, whose share depends on who else maps them."""
        return self._memory_kib('Anonymous')

    def _memory_kib(self, kind):
        text = pathlib.Path(f'/proc/{self.pid}/smaps_rollup').read_text()
        return int(re.search(rf'^{kind}:\s+(\d+) kB', text, re.M)[1])

    def open_descriptors(self):
        return {int(name) for name in os.listdir(f'/proc/{self.pid}/fd')}

    @contextlib.contextmanager
    def no_more_descriptors(self):
        """While this lasts the process cannot get another descriptor."""
        before = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)
        taken = self.open_descriptors()
        lowest_free = next(number for number in itertools.count() if number not in taken)
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (lowest_free, before[1]))
        try:
            yield
        finally:
            resource.prlimit(self.pid, resource.RLIMIT_NOFILE, before)


class Weir(Program):
    """`weir run`, ready. `listeners` maps a name to its addresses; `admin` is the admin interface's."""

    def __init__(self, folder, config, **options):
        self.folder = pathlib.Path(folder)
        self.file = self.folder / 'weir.toml'
        self.write(config)
        super().__init__(['run', '-c', self.file], self.folder, **options)
        self.listeners = {}
        self.wait_ready()

    def write(self, config):
        """Replaces weir.toml, as an editor does: in one step. `config`: TOML text or a dict."""
        draft = self.folder / '.weir.toml.draft'
        draft.write_text(config if isinstance(config, str) else to_toml(config))
        draft.rename(self.file)

    def wait_ready(self):
        def pick(line):
            fields = parse_logfmt(line) if line.startswith('time=') else {}
            if fields.get('msg') == 'listening':
                self.listeners.setdefault(fields['listener'], []).append(_address(fields['address']))
            return fields.get('msg') == 'ready'
        try:
            self.stderr.wait(pick, 'msg=ready')
        except AssertionError:
            self.kill()
            raise

    @property
    def address(self):
        """Of the public listener."""
        return self.listeners['public'][0]

    @property
    def port(self):
        return self.address[1]

    @property
    def admin(self):
        return self.listeners['admin'][0]

    def url(self, path='/', host='127.0.0.1'):
        return f'http://{host}:{self.port}{path}'

    # --- requests ---

    def connect(self, listener='public', **options):
        return Peer.connect(self.listeners[listener][0], **options)

    def get(self, target='/', host='a.example', method='GET', fields=(), body=None, listener='public'):
        """One request on a connection of its own."""
        with self.connect(listener) as client:
            client.send(request_bytes(method, target, host, fields, body))
            return client.read_response(method)

    def raw(self, data):
        """Sends bytes on a connection of its own; one response, then the connection has to end."""
        with self.connect() as client:
            client.send(data)
            response = client.read_response()
            client.expect_end()
            return response

    # --- the admin interface ---

    def admin_get(self, target, fields=(), method='GET'):
        with Peer.connect(self.admin) as client:
            client.send(request_bytes(method, target, 'localhost', fields))
            return client.read_response(method)

    def api(self, target, method='GET', status=200, fields=(), host='localhost', address=None):
        """One request to the admin interface; its JSON, after a look at its status."""
        with Peer.connect(address or self.admin) as client:
            client.send(request_bytes(method, target, host, fields))
            response = client.read_response(method)
        assert response.status == status, (response.head, response.body)
        assert response.get('Content-Type') == 'application/json', response.head
        return json.loads(response.body)

    def set_backend(self, pool, address, state, status=200):
        """POST /api/pools/POOL/backends/ADDRESS/STATE."""
        return self.api(f'/api/pools/{quote(pool, safe="*")}/backends/{quote(address, safe="")}/{state}', 'POST', status)

    def pool(self, name):
        """/api/pools/NAME: its backends by address."""
        return {backend['address']: backend for backend in self.api(f'/api/pools/{name}')['backends']}

    def status(self):
        response = self.admin_get('/api/status')
        assert response.status == 200, response
        return json.loads(response.body)

    def metrics(self):
        response = self.admin_get('/metrics')
        assert response.status == 200, response
        return Metrics(response.text)

    def metric(self, name, **labels):
        return self.metrics().sum(name, **labels)

    def wait_metric(self, name, value, **labels):
        """Until the sum of the series is `value`."""
        seen = []

        def probe():
            seen[:] = [self.metric(name, **labels)]
            return seen[0] == value
        until(probe, lambda: f'{name}{labels} is {value}; it is {seen}')

    def wait_failure(self, reason, count=1):
        self.wait_metric('weir_failures_total', count, side=FAILURES[reason].side, reason=reason)

    def wait_access(self, **fields):
        """The first line of the access log with these fields, as a dict."""
        def pick(line):
            parsed = parse_logfmt(line)
            return parsed if fields.items() <= parsed.items() else None
        return self.stdout.wait(pick, f'access log line with {fields}')

    # --- changes ---

    def reload(self, config=None):
        """Writes `config`, sends HUP, and waits until the reload is over."""
        before = self.metric('weir_config_reloads_total')
        if config is not None:
            self.write(config)
        self.signal(signal.SIGHUP)
        self.wait_metric('weir_config_reloads_total', before + 1)

    def stop(self, code=0):
        """Ends it the way an administrator does; the exit has to be clean."""
        self.signal(signal.SIGTERM)
        self.wait_exit(code)
        for line in self.stdout.all():
            parse_logfmt(line)


def _address(text):
    if text.startswith('unix:'):
        return text.removeprefix('unix:')
    ip, _, port = text.rpartition(':')
    return ip.strip('[]'), int(port)


def expect_failure(response, reason, server_name='weir'):
    """An answer of weir's own, as CONTRACT §4 wants it. Returns its details."""
    row = FAILURES[reason]
    assert response.status == row.status, (response.head, response.body)
    proxy_status = response.get('Proxy-Status') or ''
    match = re.fullmatch(r'(\S+); error=(\w+); details="((?:[^"\\]|\\.)*)"', proxy_status)
    assert match, f'Proxy-Status: {proxy_status}'
    assert match[1] == server_name and match[2] == row.token, proxy_status
    assert not re.search(r'\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+\]|unix:', match[3]), f'an address: {proxy_status}'
    assert reason in response.text, response.text
    assert response.get('X-Request-Id'), response.head.fields
    assert response.get('Date'), response.head.fields
    return match[3]


def run_once(arguments, folder, code=None, environment=None):
    """Runs the binary to its end. Returns (stdout, stderr)."""
    finished = subprocess.run(
        [BINARY, *map(str, arguments)], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, env={**os.environ, 'NO_COLOR': '1', **(environment or {})})
    assert not COMPLAINTS.search(finished.stderr), finished.stderr
    if code is not None:
        assert finished.returncode == code, f'exit {finished.returncode}\n{finished.stdout}\n{finished.stderr}'
    return finished.stdout, finished.stderr

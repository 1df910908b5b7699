"""weir beside HAProxy and nginx on this machine: CPU per request, rates, latencies, memory.

  scripts/bench                        small and typical, median of 5 rounds
  scripts/bench idle large upload …    other scenarios (scripts/bench --list)
  scripts/bench syscalls               system calls per request of weir alone
  scripts/bench small -p weir,nginx -r 8 -d 0.7 --log --json FILE

All proxies of a scenario are measured in turn, started fresh each time, in as many rounds as asked: A B C
A B C. The proxy has one thread on core 0; load generator and backends are on core 1. --two: two threads,
nothing pinned.

cpu_us, the key figure, is the proxy's own run time (scheduler accounting, which includes the loopback
work inside its system calls) per finished request. It does not depend on the load generator keeping up; rps
does. Figures with @R are taken at a fixed rate that is the same for all. "vs best" compares medians with the
best peer (above 1: weir is better); "paired" is the median over the rounds of the ratio within one round.

On virtual machines the host may move the two cores apart, which makes all work across them slower by a
quarter. xcore measures that around every sample; samples in the far state are taken again, and medians
use near samples where there are any (column near: 1 = all of them). Run nothing else meanwhile.
"""
import argparse
import json
import os
import pathlib
import re
import resource
import select
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TMP = pathlib.Path(os.environ.get('BENCH_TMP') or pathlib.Path(tempfile.gettempdir()) / 'weir-bench')
PORT, ADMIN_PORT = 18080, 18042
BACKEND_PORTS = [19101, 19102, 19103, 19104]
POOLS = 4
TICKS = os.sysconf('SC_CLK_TCK')
NEAR_NS = 150  # a cache-line round trip between cores that share a cache takes about 60 ns, else about 350

BROWSER_FIELDS = [
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
    'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,'
    'application/signed-exchange;v=b3;q=0.7',
    'Accept-Encoding: gzip, deflate, br, zstd',
    'Accept-Language: en-GB,en;q=0.9,de;q=0.8,fr;q=0.7',
    'Cache-Control: max-age=0',
    'Referer: https://bench.test/catalogue/shoes?page=3&sort=price',
    'Sec-Ch-Ua: "Not/A)Brand";v="8", "Chromium";v="126", "Google Chrome";v="126"',
    'Sec-Ch-Ua-Mobile: ?0',
    'Sec-Ch-Ua-Platform: "Linux"',
    'Sec-Fetch-Dest: document',
    'Sec-Fetch-Mode: navigate',
    'Sec-Fetch-Site: same-origin',
    'Sec-Fetch-User: ?1',
    'Upgrade-Insecure-Requests: 1',
    'Priority: u=0, i',
    'Cookie: session=2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae; _ga=GA1.1.1204927411.1718000000; '
    'theme=dark; consent=analytics%3D1%26ads%3D0; cart=9b74c9897bac770ffc029102a200c5de',
]


def output_of(command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


def build_tools():
    TMP.mkdir(parents=True, exist_ok=True)
    for name, libraries in (('backend', []), ('load', ['-lssl', '-lcrypto']), ('xcore', ['-lpthread'])):
        source, program = HERE / f'{name}.c', TMP / name
        if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
            subprocess.run(['gcc', '-O2', '-w', '-o', program, source, *libraries], check=True)
    (TMP / 'browser.fields').write_text(''.join(field + '\r\n' for field in BROWSER_FIELDS))


# Processes. Each runs in a session of its own, and what is measured is the session.

def session_pids(session):
    pids = []
    for entry in os.listdir('/proc'):
        if entry.isdigit():
            try:
                fields = pathlib.Path(f'/proc/{entry}/stat').read_text().rsplit(')', 1)[1].split()
            except OSError:
                continue
            if int(fields[3]) == session and fields[0] not in 'ZX':
                pids.append(int(entry))
    return pids


def cpu_of(session):
    """(run time in ns, user s, system s) of all living processes of a session."""
    run_ns, user, system = 0, 0.0, 0.0
    for pid in session_pids(session):
        try:
            fields = pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
            user += int(fields[11]) / TICKS
            system += int(fields[12]) / TICKS
            for task in os.listdir(f'/proc/{pid}/task'):
                run_ns += int(pathlib.Path(f'/proc/{pid}/task/{task}/schedstat').read_text().split()[0])
        except OSError:
            pass
    return run_ns, user, system


def memory_of(session):
    """Proportional share of memory in KiB."""
    total = 0
    for pid in session_pids(session):
        try:
            found = re.search(r'^Pss:\s+(\d+)', pathlib.Path(f'/proc/{pid}/smaps_rollup').read_text(), re.M)
            total += int(found[1]) if found else 0
        except OSError:
            pass
    return total


def raise_open_files():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def spawn(command, core=None, log='spawn.log'):
    command = [str(part) for part in command]
    if core is not None:
        command = ['taskset', '-c', str(core)] + command
    with open(TMP / log, 'ab') as out:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                                preexec_fn=raise_open_files)


def stop(process):
    if process is None:
        return
    for number, patience in ((signal.SIGTERM, 1.0), (signal.SIGKILL, 2.0)):
        for pid in session_pids(process.pid):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            process.poll()
            if not session_pids(process.pid):
                process.wait()
                return
            time.sleep(0.01)


def wait_for_port(port, seconds=20.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection(('127.0.0.1', port), 0.5).close()
            return True
        except OSError:
            time.sleep(0.005)
    return False


def require_free(*ports):
    """Another program on a port would be measured in place of ours."""
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(('127.0.0.1', port))
            except OSError as error:
                raise RuntimeError(f'port {port} is in use; does another benchmark run?') from error


def get(path, port=PORT, host='bench.test', timeout=3.0):
    with socket.create_connection(('127.0.0.1', port), timeout) as connection:
        connection.settimeout(timeout)
        connection.sendall(f'GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n'.encode())
        received = b''
        while piece := connection.recv(65536):
            received += piece
        return received


# The proxies.

class Setting:
    """What a scenario asks of a proxy. large: big buffers; hosts: size of the route table; marker: the pool of
    marker.bench.test, by which a reload is seen to have happened."""

    def __init__(self, threads=1, pinned=True, log=False, large=False, hosts=0, no_delay=False):
        self.threads, self.pinned, self.log = threads, pinned, log
        self.large, self.hosts, self.no_delay = large, hosts, no_delay
        self.marker = 0

    def map_file(self, line):
        """Writes one line for each of the hosts, made by line(host, pool), after the marker's."""
        path = TMP / f'map.{line("h", "p").encode().hex()}.{self.hosts}'
        body = path.with_suffix('.body')
        if not body.exists():
            with open(body, 'w') as file:
                file.writelines(line(f'h{i}.bench.test', f'pool{i % POOLS}') for i in range(self.hosts))
        with open(path, 'w') as file, open(body) as source:
            file.write(line('marker.bench.test', f'pool{self.marker}'))
            shutil.copyfileobj(source, file, 1 << 20)
        return path


class Proxy:
    name = ''
    program = ''
    is_peer = True

    def __init__(self):
        self.process = None
        self.folder = TMP / self.name
        self.load_ms = 0.0

    def available(self):
        return shutil.which(str(self.program)) is not None

    def supports(self, scenario):
        return True

    def start(self, setting):
        require_free(PORT)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o777)
        begin = time.monotonic()
        log = f'{self.name}.log'
        (TMP / log).unlink(missing_ok=True)
        self.process = spawn(self.command(setting), 0 if setting.pinned else None, log)
        if not wait_for_port(PORT, 60):
            self.stop()
            raise RuntimeError(f'did not start: {(TMP / log).read_text()[-800:]}')
        self.load_ms = (time.monotonic() - begin) * 1e3

    def stop(self):
        stop(self.process)
        self.process = None

    @property
    def session(self):
        return self.process.pid


class Haproxy(Proxy):
    name = 'haproxy'
    program = '/usr/sbin/haproxy'

    def configuration(self, setting):
        servers = '\n'.join(f'  server s{i} 127.0.0.1:{port}' for i, port in enumerate(BACKEND_PORTS))
        route, pools = '', f'backend b\n{servers}\n'
        if setting.hosts:
            hosts = setting.map_file(lambda host, pool: f'{host} {pool}\n')
            route = f'  use_backend %[req.hdr(host),field(1,:),lower,map_str({hosts},pool0)]\n'
            pools += ''.join(f'backend pool{k}\n  server s 127.0.0.1:{BACKEND_PORTS[k]}\n' for k in range(POOLS))
        return f'''global
  nbthread {setting.threads}
  maxconn 9900
  stats socket {self.folder}/sock level admin expose-fd listeners
{"  log stdout format raw local0" if setting.log else ""}
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout http-keep-alive 60s
  option http-keep-alive
  option forwardfor
  http-reuse always
{"  option http-no-delay" if setting.no_delay else ""}
{"  log global" if setting.log else ""}
{"  option httplog" if setting.log else ""}
frontend f
  bind 127.0.0.1:{PORT} backlog 4096
{route}  default_backend b
{pools}'''

    def command(self, setting):
        (self.folder / 'haproxy.cfg').write_text(self.configuration(setting))
        return [self.program, '-W' if setting.hosts else '-db', '-f', self.folder / 'haproxy.cfg']

    def reload(self, setting):
        (self.folder / 'haproxy.cfg').write_text(self.configuration(setting))
        os.kill(self.process.pid, signal.SIGUSR2)


class Nginx(Proxy):
    name = 'nginx'
    program = '/usr/sbin/nginx'
    buffers = ''

    def configuration(self, setting):
        def upstream(name, ports):
            servers = ' '.join(f'server 127.0.0.1:{port};' for port in ports)
            return (f'upstream {name} {{ {servers} keepalive 512; keepalive_requests 1000000000; '
                    f'keepalive_timeout 300s; }}\n')

        log = f'access_log {self.folder}/access.log combined;' if setting.log else 'access_log off;'
        buffers = self.buffers
        if setting.large:
            buffers = 'proxy_buffer_size 64k; proxy_buffers 16 64k; proxy_busy_buffers_size 256k;'
        shared = 'reuseport' if setting.threads > 1 else ''
        pools, target, hosts = upstream('b', BACKEND_PORTS), 'b', ''
        if setting.hosts:
            target = '$pool'
            pools += ''.join(upstream(f'pool{k}', [BACKEND_PORTS[k]]) for k in range(POOLS))
            hosts = (f'map_hash_max_size {max(2048, setting.hosts * 2)}; map_hash_bucket_size 128; '
                     f'map $host $pool {{ default pool0; '
                     f'include {setting.map_file(lambda host, pool: f"{host} {pool};" + chr(10))}; }}\n')
        passing = (f'proxy_pass http://{target}; proxy_http_version 1.1; proxy_set_header Connection ""; '
                   'proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; '
                   'proxy_request_buffering off; proxy_max_temp_file_size 0;')
        return f'''worker_processes {setting.threads}; pid {self.folder}/pid; error_log {self.folder}/error.log;
daemon off; worker_rlimit_nofile 20000; user root;
events {{ worker_connections 19000; }}
http {{ {log} keepalive_timeout 300s; keepalive_requests 1000000000; client_max_body_size 0; sendfile off;
tcp_nodelay on; server_tokens off;
client_body_temp_path {self.folder}/cb; proxy_temp_path {self.folder}/pt; fastcgi_temp_path {self.folder}/ft;
uwsgi_temp_path {self.folder}/ut; scgi_temp_path {self.folder}/st;
{hosts}{pools}
server {{ listen 127.0.0.1:{PORT} backlog=4096 {shared}; server_name _;
location / {{ {passing} {buffers} }}
location /sse/ {{ {passing} proxy_buffering off; }} }} }}
'''

    def command(self, setting):
        (self.folder / 'nginx.conf').write_text(self.configuration(setting))
        return [self.program, '-p', self.folder, '-c', self.folder / 'nginx.conf']

    def reload(self, setting):
        (self.folder / 'nginx.conf').write_text(self.configuration(setting))
        os.kill(self.process.pid, signal.SIGHUP)


class Nginx16k(Nginx):
    """With buffers of 16 KiB an answer of 8 KiB needs one read instead of three."""
    name = 'nginx-16k'
    buffers = 'proxy_buffer_size 16k; proxy_buffers 8 16k;'


class Weir(Proxy):
    name = 'weir'
    program = os.environ.get('BENCH_WEIR') or ROOT / 'build/weir'
    is_peer = False

    def configuration(self, setting):
        def pool(name, ports):
            backends = ', '.join(f'"127.0.0.1:{port}"' for port in ports)
            return f'[pool.{name}]\nbackends = [{backends}]\nbalance = "round_robin"\nmax_idle = 512\n\n'

        pools, default, files = pool('b', BACKEND_PORTS), 'b', ''
        if setting.hosts:
            pools += ''.join(pool(f'pool{k}', [BACKEND_PORTS[k]]) for k in range(POOLS))
            default = 'pool0'
            link = self.folder / 'hosts.map'
            hosts = setting.map_file(lambda host, pool: f'{host} {pool}\n')
            if not link.is_symlink():
                link.symlink_to(hosts)
            files = f'[routes]\nfiles = ["{link}"]\nwatch = false\n\n'
        return f'''[server]
workers = {setting.threads}

[listener.public]
bind = ["127.0.0.1:{PORT}"]

[admin]
bind = ["127.0.0.1:{ADMIN_PORT}"]

[timeouts]
client_idle = "300s"
backend_idle = "300s"

[log]
level = "warn"
access = "{self.folder / 'access.log' if setting.log else 'off'}"

{files}{pools}[[route]]
host = "*"
pool = "{default}"
'''

    def command(self, setting):
        (self.folder / 'weir.toml').write_text(self.configuration(setting))
        return [self.program, 'run', '-c', self.folder / 'weir.toml']

    def reload(self, setting):
        (self.folder / 'weir.toml').write_text(self.configuration(setting))
        os.kill(self.process.pid, signal.SIGHUP)


class Direct(Proxy):
    """No proxy: the load generator asks a backend on core 0. What remains when a proxy costs nothing."""
    name = 'direct'
    program = TMP / 'backend'
    is_peer = False

    def supports(self, scenario):
        return not scenario.startswith(('routes', 'reload'))

    def command(self, setting):
        return [self.program, PORT]


PROXIES = {proxy.name: proxy for proxy in (Haproxy, Nginx, Nginx16k, Weir, Direct)}


# Measuring.

round_trips_under_load = []


def round_trip_ns(seconds):
    return float(output_of([TMP / 'xcore', seconds]))


def run_load(setting, proxy, arguments, seconds, during=None):
    """Runs the load generator. Returns (its report, the proxy's use of CPU and memory, what during returned)."""
    command = [TMP / 'load', '-p', PORT, '-H', 'bench.test', '-d', seconds, '-x', 0.06, *arguments]
    if setting.pinned:
        command = ['taskset', '-c', '1', *command]
    load = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            preexec_fn=raise_open_files)
    load.stderr.readline()  # it says when it begins to measure
    before, begin = cpu_of(proxy.session), time.monotonic()
    extra = during() if during else None
    # A little less than its own window, so that all of ours is under load.
    time.sleep(max(0.0, seconds * 0.97 - (time.monotonic() - begin)))
    after, end = cpu_of(proxy.session), time.monotonic()
    if setting.pinned:
        time.sleep(max(0.0, seconds + 0.01 - (time.monotonic() - begin)))
        round_trips_under_load.append(round_trip_ns(0.004))
    memory = memory_of(proxy.session)
    try:
        report, _ = load.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        load.kill()
        load.wait()
        raise RuntimeError('the load generator did not end') from None
    report = json.loads(report)
    run_ns, user, system = (late - early for early, late in zip(before, after))
    usage = {'run_ns': run_ns, 'user_share': user / ((user + system) or 1), 'seconds': end - begin,
             'share_of_report': (end - begin) / report['seconds'], 'memory_kib': memory}
    return report, usage, extra


def cost(usage, count):
    count = max(1.0, count * usage['share_of_report'])
    cpu_us = usage['run_ns'] / 1e3 / count
    return {'cpu_us': cpu_us, 'user_us': cpu_us * usage['user_share'], 'sys_us': cpu_us * (1 - usage['user_share']),
            'busy': usage['run_ns'] / 1e9 / usage['seconds']}


def latencies(report, suffix=''):
    return {f'{name}{suffix}': report[f'{name}_us'] for name in ('p50', 'p99', 'p999')}


def errors(report):
    return report['bad'] + report['errs_connect'] + report['errs_io']


def kept_open(path, rate, fields=()):
    """Kept-open connections, 64 of them: as fast as they go, then at a fixed rate."""
    def run(setting, proxy, seconds):
        arguments = ['-P', path, '-c', 64, *fields]
        report, usage, _ = run_load(setting, proxy, arguments, seconds)
        figures = {'rps': report['rps'], **cost(usage, report['requests']), **latencies(report)}
        at_rate, usage, _ = run_load(setting, proxy, [*arguments, '-r', rate], seconds)
        figures |= {'cpu_us@R': cost(usage, at_rate['requests'])['cpu_us'], **latencies(at_rate, '@R'),
                    'errors': errors(report) + errors(at_rate)}
        return figures
    return run


def idle(setting, proxy, seconds, connections=9700):
    """Memory of an idle kept-open client connection, and what the others feel of them."""
    arguments = ['-P', '/b/128', '-c', 100, '-r', 5000]
    run_load(setting, proxy, arguments, 1.0)
    base = memory_of(proxy.session)
    report, usage, _ = run_load(setting, proxy, [*arguments, '-i', connections], seconds)
    return {'KiB_per_idle': (usage['memory_kib'] - base) / connections, 'base_MiB': base / 1024,
            'idle_ok': report['idle_ok'], 'cpu_us@R': cost(usage, report['requests'])['cpu_us'],
            **latencies(report, '@R'), 'errors': errors(report)}


def silent(setting, proxy, seconds, connections=9700, patience=14.0):
    """2,000 requests a second, alone and beside connections that never say a word; and when those end (weir's
    request_head is 10 s from accept)."""
    raise_open_files()
    arguments = ['-P', '/b/128', '-c', 64, '-r', 2000]
    alone, _, _ = run_load(setting, proxy, arguments, seconds)
    opened, ages, watch = {}, [], select.epoll()
    try:
        for _ in range(connections):
            held = socket.create_connection(('127.0.0.1', PORT))
            opened[held.fileno()] = held, time.monotonic()
            watch.register(held, select.EPOLLIN)
        beside, _, _ = run_load(setting, proxy, arguments, seconds)
        give_up = time.monotonic() + patience
        while opened and time.monotonic() < give_up:
            for descriptor, _ in watch.poll(0.1):
                held, since = opened.pop(descriptor)
                ages.append(time.monotonic() - since)
                held.close()
    finally:
        for held, _ in opened.values():
            held.close()
        watch.close()
    return {**latencies(alone, '@R'), **latencies(beside, '@R+silent'), 'ended': len(ages),
            'first_s': min(ages, default=-1.0), 'last_s': max(ages, default=-1.0), 'errors': errors(alone) + errors(beside)}


def large(arguments):
    """10 MiB at a time, one way."""
    def run(setting, proxy, seconds):
        report, usage, _ = run_load(setting, proxy, [*arguments, '-c', 8], seconds)
        gib = report['bytes'] / (1 << 30) * usage['share_of_report'] or 1e-9
        cpu_ms = usage['run_ns'] / 1e6 / gib
        return {'MBps': report['MBps'], 'cpu_ms_GiB': cpu_ms, 'user_ms_GiB': cpu_ms * usage['user_share'],
                'memory_MiB': usage['memory_kib'] / 1024, 'errors': errors(report)}
    return run


def connection_each(setting, proxy, seconds):
    """A new connection for every request."""
    report, usage, _ = run_load(setting, proxy, ['-P', '/b/128', '-c', 64, '-m', 'close'], seconds)
    return {'cps': report['rps'], **cost(usage, report['requests']), **latencies(report), 'errors': errors(report)}


def routes(count):
    """Loading and serving a table of many hosts, each asked for at random."""
    def run(setting, proxy, seconds):
        memory = memory_of(proxy.session)
        report, usage, _ = run_load(setting, proxy, ['-P', '/b/128', '-c', 64, '-R', count], seconds)
        return {'load_ms': proxy.load_ms, 'MiB': memory / 1024, 'rps': report['rps'],
                **cost(usage, report['requests']), 'errors': errors(report)}
    return run


def backend_connections():
    return json.loads(get('/stat', BACKEND_PORTS[0]).split(b'\r\n\r\n', 1)[1])['accepted']


def reload(count):
    """A reload under load: how long until it serves the new table, and what the requests feel of it."""
    def run(setting, proxy, seconds):
        def during():
            time.sleep(1.0)
            connections, wanted = backend_connections(), (setting.marker + 1) % POOLS
            setting.marker = wanted
            proxy.reload(setting)
            begin, peak, took = time.monotonic(), 0, -1.0
            while took < 0 and time.monotonic() - begin < seconds + 20:
                try:
                    if get('/who', host='marker.bench.test', timeout=1.0).endswith(str(BACKEND_PORTS[wanted]).encode()):
                        took = (time.monotonic() - begin) * 1e3
                except OSError:
                    pass
                peak = max(peak, memory_of(proxy.session))
                time.sleep(0.01)
            return took, backend_connections() - connections, peak / 1024

        report, _, (took, connections, peak) = run_load(
            setting, proxy, ['-P', '/b/128', '-c', 64, '-R', count, '-r', 5000],
            seconds + (2 if count <= 100000 else 7), during)
        return {'reload_ms': took, 'new_backend_conns': connections, 'peak_MiB': peak, **latencies(report),
                'max': report['max_us'], 'errors': errors(report), 'reconnects': report['reconnects']}
    return run


def event_streams(setting, proxy, seconds):
    """1000 streams with ten events a second each: how late they arrive."""
    report, usage, _ = run_load(setting, proxy, ['-P', '/sse/100', '-c', 1000, '-m', 'sse', '-w', 1], seconds)
    return {'events_s': report['events'] / report['seconds'], 'cpu_us_event': cost(usage, report['events'])['cpu_us'],
            **latencies(report), 'MiB': usage['memory_kib'] / 1024, 'errors': errors(report)}


# name: (function, further settings)
SCENARIOS = {
    'small': (kept_open('/b/128', 15000), {}),
    'typical': (kept_open('/t/8192', 12000, ['-b', TMP / 'browser.fields']), {}),
    'idle': (idle, {}),
    'silent': (silent, {}),
    'large': (large(['-P', f'/b/{10 << 20}']), {'large': True}),
    'upload': (large(['-P', '/b/16', '-u', 10 << 20]), {'large': True}),
    'close': (connection_each, {}),
    'sse': (event_streams, {}),
    'sse-nodelay': (event_streams, {'no_delay': True}),
}
for size, short in ((1000, '1k'), (100000, '100k'), (1000000, '1m')):
    SCENARIOS[f'routes-{short}'] = (routes(size), {'hosts': size})
    SCENARIOS[f'reload-{short}'] = (reload(size), {'hosts': size})

HIGHER_IS_BETTER = ('rps', 'MBps', 'cps', 'events_s')
KEY_FIGURES = ('cpu_us', 'cpu_ms_GiB', 'cpu_us_event', 'KiB_per_idle', 'reload_ms')


def sample(proxy, setting, function, arguments):
    """One measurement; again while the host has the two cores far apart."""
    figures = {}
    for _ in range(arguments.tries):
        deadline = time.monotonic() + arguments.wait
        while round_trip_ns(0.008) >= NEAR_NS and time.monotonic() < deadline:
            time.sleep(0.2)
        round_trips_under_load.clear()
        near = round_trip_ns(0.008) < NEAR_NS
        try:
            proxy.start(setting)
            figures = function(setting, proxy, arguments.seconds)
        finally:
            proxy.stop()
        near = near and round_trip_ns(0.008) < NEAR_NS and all(ns < NEAR_NS for ns in round_trips_under_load)
        if near:
            break
    return {'near': float(near), **figures}


def run_scenario(name, arguments):
    function, further = SCENARIOS[name]
    proxies = [PROXIES[proxy]() for proxy in arguments.proxies.split(',')]
    proxies = [proxy for proxy in proxies if proxy.available() and proxy.supports(name)]
    samples, notes = {proxy.name: [] for proxy in proxies}, {}
    for _ in range(arguments.rounds):
        for proxy in proxies:
            setting = Setting(threads=2 if arguments.two else 1, pinned=not arguments.two, log=arguments.log, **further)
            try:
                samples[proxy.name].append(sample(proxy, setting, function, arguments))
            except (RuntimeError, OSError, ValueError, subprocess.SubprocessError) as error:
                notes[proxy.name] = str(error)[:600]
                samples[proxy.name].append(None)  # keeps the rounds of all proxies side by side
    print_table(name, arguments, proxies, samples, notes)
    return {'scenario': name, 'two': arguments.two, 'log': arguments.log, 'rounds': arguments.rounds,
            'seconds': arguments.seconds, 'samples': samples, 'notes': notes}


def print_table(name, arguments, proxies, samples, notes):
    measured = {proxy: [figures for figures in rows if figures] for proxy, rows in samples.items()}
    measured = {proxy: rows for proxy, rows in measured.items() if rows}
    columns = list(dict.fromkeys(key for rows in measured.values() for figures in rows for key in figures))
    medians = {}
    for proxy, rows in measured.items():
        rows = [figures for figures in rows if figures['near']] or rows
        medians[proxy] = {key: statistics.median(figures[key] for figures in rows) for key in columns}
    peers = [proxy.name for proxy in proxies if proxy.is_peer and proxy.name in medians]

    key = next((figure for figure in KEY_FIGURES if figure in columns), None)
    rate = next((figure for figure in HIGHER_IS_BETTER if figure in columns), None)
    best = min((medians[peer][key] for peer in peers), default=None) if key else None
    best_rate = max((medians[peer][rate] for peer in peers), default=None) if rate else None

    def number(value):
        return f'{value:.0f}' if abs(value) >= 100 else f'{value:.1f}' if abs(value) >= 10 else f'{value:.2f}'

    def ratio(a, b):
        return f'{a / b:.2f}x' if a is not None and b else '-'

    def paired(proxy):
        ratios = []
        for rows in zip(*(samples[other] for other in [proxy, *peers])):
            if peers and all(rows) and rows[0][key]:
                ratios.append(min(row[key] for row in rows[1:]) / rows[0][key])
        return f'{statistics.median(ratios):.2f}x' if ratios else '-'

    how = 'two threads, nothing pinned' if arguments.two else 'proxy on core 0 with one thread'
    log = ', access log on' if arguments.log else ''
    print(f'\n### {name} ({how}{log}), median of {arguments.rounds}\n')
    head = ['proxy', *columns]
    if key:
        head += [f'{key} vs best', f'{key} paired']
    if rate:
        head.append(f'{rate} vs best')
    print(f'| {" | ".join(head)} |\n|{"---|" * len(head)}')
    for proxy, figures in medians.items():
        cells = [proxy, *(number(figures[column]) for column in columns)]
        if key:
            cells += [ratio(best, figures[key]), paired(proxy)]
        if rate:
            cells.append(ratio(figures[rate], best_rate))
        print(f'| {" | ".join(cells)} |')
    for proxy, note in notes.items():
        print(f'{proxy}: {note}')
    if any(figures['errors'] for rows in measured.values() for figures in rows):
        print('There were errors: these figures say nothing.')
    sys.stdout.flush()


def system_calls(arguments):
    """Counts weir's system calls over a known number of requests on connections that are all open already."""
    connections, rounds = 64, 200
    proxy = Weir()
    trace = TMP / 'strace.out'
    tracer, clients = None, []
    request = b'GET /b/128 HTTP/1.1\r\nHost: bench.test\r\n\r\n'

    def ask_all():
        for client in clients:
            client.sendall(request)
        for client in clients:
            received = b''
            while b'\r\n\r\n' not in received or len(received.split(b'\r\n\r\n', 1)[1]) < 128:
                piece = client.recv(65536)
                if not piece:
                    raise RuntimeError('weir closed a connection')
                received += piece

    try:
        proxy.start(Setting(pinned=False))
        clients = [socket.create_connection(('127.0.0.1', PORT), 10) for _ in range(connections)]
        for _ in range(3):
            ask_all()
        tracer = subprocess.Popen(['strace', '-f', '-y', '-p', str(proxy.process.pid), '-o', str(trace)],
                                  stderr=subprocess.PIPE, text=True, start_new_session=True)
        tasks = len(os.listdir(f'/proc/{proxy.process.pid}/task'))
        attached = 0
        while attached < tasks:
            line = tracer.stderr.readline()
            if not line:
                raise RuntimeError('strace could not attach')
            attached += len(re.findall(r'attached', line)) if 'threads' not in line else tasks
        for _ in range(rounds):
            ask_all()
        tracer.send_signal(signal.SIGINT)
        tracer.communicate(timeout=30)
        tracer = None
    finally:
        for client in clients:
            client.close()
        if tracer:
            tracer.kill()
        proxy.stop()

    requests = connections * rounds
    on_sockets, others = {}, {}
    for line in trace.read_text(errors='replace').splitlines():
        found = re.match(r'\d+\s+(\w+)\((\d+<(?:socket|TCP)[^>]*>)?', line)
        if found:
            counts = on_sockets if found[2] else others
            counts[found[1]] = counts.get(found[1], 0) + 1
    print(f'\n### system calls of weir, {requests} requests over {connections} kept-open connections, one worker\n')
    print('| call | per request |\n|---|---|')
    for counts, where in ((on_sockets, ' on a socket'), (others, '')):
        for name, count in sorted(counts.items(), key=lambda item: -item[1]):
            if count / requests >= 0.005 or name == 'epoll_ctl':
                print(f'| {name}{where} | {count / requests:.2f} |')
    print(f'\nsocket calls per request: {sum(on_sockets.values()) / requests:.2f}')
    print(f'epoll_ctl per request: {others.get("epoll_ctl", 0) / requests:.2f}')


def main():
    parser = argparse.ArgumentParser(prog='scripts/bench', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('scenario', nargs='*', default=['small', 'typical'])
    parser.add_argument('-p', dest='proxies', default='haproxy,nginx,nginx-16k,weir', metavar='A,B')
    parser.add_argument('-r', dest='rounds', type=int, default=5)
    parser.add_argument('-d', dest='seconds', type=float, default=1.0, help='of each measurement')
    parser.add_argument('--two', action='store_true', help='two threads, nothing pinned')
    parser.add_argument('--log', action='store_true', help='access logs on')
    parser.add_argument('--tries', type=int, default=2, help='for a sample in the near state')
    parser.add_argument('--wait', type=float, default=3.0, help='seconds to wait for the near state')
    parser.add_argument('--json', metavar='FILE', help='also write every sample')
    parser.add_argument('--list', action='store_true')
    arguments = parser.parse_args()
    if arguments.list:
        print('scenarios:', *SCENARIOS, 'syscalls')
        print('proxies:', *(f'{name}{"" if PROXIES[name]().available() else " (absent)"}' for name in PROXIES))
        return
    for wrong in set(arguments.scenario) - set(SCENARIOS) - {'syscalls'}:
        parser.error(f'no such scenario: {wrong} (scripts/bench --list)')
    for wrong in set(arguments.proxies.split(',')) - set(PROXIES):
        parser.error(f'no such proxy: {wrong} (scripts/bench --list)')
    if not arguments.two and os.cpu_count() < 2:
        parser.error('two cores are needed')

    build_tools()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        require_free(PORT, *BACKEND_PORTS)
    except RuntimeError as error:
        sys.exit(f'scripts/bench: {error}')
    backend = spawn([TMP / 'backend', f'{BACKEND_PORTS[0]}-{BACKEND_PORTS[-1]}'], None if arguments.two else 1)
    try:
        if not wait_for_port(BACKEND_PORTS[0]):
            sys.exit('the backend did not start (ports in use?)')
        results = []
        for name in arguments.scenario:
            if name == 'syscalls':
                system_calls(arguments)
            else:
                results.append(run_scenario(name, arguments))
            if arguments.json:
                pathlib.Path(arguments.json).write_text(json.dumps(results, indent=1))
    finally:
        stop(backend)


if __name__ == '__main__':
    main()

"""The routing table of weir beside HAProxy's map and nginx's: a million hosts, and reloads under load.

  scripts/bench table                    all parts, one table at the end
  scripts/bench table load reload …      parts: load, reload, random, lookup, diff
  scripts/bench table --soak 600         one change a second for so long: is memory flat?
  scripts/bench table -n 100000 -r 1     fewer hosts, fewer rounds

load: a map of HOST POOL lines with names of 22 characters; the time from start to the first accepted connection, less
that with an empty map, and memory per host over the empty process; for weir also with an address of its own per host.
reload: one line of it changes, under 10,000 requests a second to random hosts, beside 1,000 open WebSockets: the time
from the rename of the file (peers: from the signal) to the first answer by the new table, less weir's debounce;
what failed, was cut or opened anew; p99 beside the same load without a change; memory at its peak.
random: CPU per request with random hosts beside one host. lookup: nanoseconds, caches cold. diff: `weir diff` of
two tables of 100,000 hosts.

Proxies take turns, each with one thread on core 0, load and backends on core 1. Run nothing else meanwhile.
"""
import argparse
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

import bench
from bench import BACKEND_PORTS, PORT, TMP

FORMAT = 'app%07d.example.com'
MARKER = 'marker0000.example.com'
POOLS = bench.POOLS
DEBOUNCE_MS = 200  # of weir, when nothing else changes meanwhile


class Setting(bench.Setting):
    """A table of `hosts` names. inline: an address of its own for each instead of a pool."""

    def __init__(self, hosts, inline=False):
        super().__init__(hosts=max(hosts, 1))
        self.count, self.inline, self.written = hosts, inline, {}

    def map_file(self, line):
        """The file that is served, written if it does not say so yet."""
        path = TMP / f'table.{line("h", "p").encode().hex()}'
        if self.written.get(path) != self.marker:
            os.replace(self.write_next(line), path)
            self.written[path] = self.marker
        return path

    def write_next(self, line):
        body = TMP / f'body.{line("h", "p").encode().hex()}.{self.count}{".inline" if self.inline else ""}'
        if not body.exists():
            with open(body, 'w') as file:
                file.writelines(line(FORMAT % i, self.target(i)) for i in range(self.count))
        new = TMP / 'table.new'
        with open(new, 'w') as file, open(body) as source:
            file.write(line(MARKER, f'pool{self.marker}'))
            shutil.copyfileobj(source, file, 1 << 20)
        return new

    def target(self, number):
        if not self.inline:
            return f'pool{number % POOLS}'
        return f'10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}:8080'


class Nginx(bench.Nginx):
    def configuration(self, setting):
        upgrade = ('location /echo { proxy_pass http://$pool; proxy_http_version 1.1; '
                   'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; '
                   'proxy_read_timeout 1h; } location /sse/')
        return super().configuration(setting).replace('location /sse/', upgrade)


class Weir(bench.Weir):
    """Notices the change of the file by itself."""

    def configuration(self, setting):
        self.map = TMP / f'table.{b"h p".hex()}0a'
        return super().configuration(setting).replace('watch = false', 'watch = true')

    def prepare(self, setting):
        return setting.write_next(lambda host, pool: f'{host} {pool}\n')

    def reload(self, setting, new=None):
        os.replace(new or self.prepare(setting), self.map)


PROXIES = {'weir': Weir, 'haproxy': bench.Haproxy, 'nginx': Nginx}


class Tunnels(threading.Thread):
    """WebSockets to one host: each says a word now and then, which has to come back."""

    def __init__(self, count):
        super().__init__(daemon=True)
        self.sockets, self.lost, self.ending = [], 0, threading.Event()
        for _ in range(count):
            self.sockets.append(self.open())
        self.watch = select.epoll()
        self.by_fd = {}
        for tunnel in self.sockets:
            tunnel.setblocking(False)
            self.by_fd[tunnel.fileno()] = tunnel
            self.watch.register(tunnel, select.EPOLLIN)
        self.start()

    @staticmethod
    def open():
        tunnel = socket.create_connection(('127.0.0.1', PORT), 10)
        tunnel.sendall(f'GET /echo HTTP/1.1\r\nHost: {MARKER}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
                       'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'.encode())
        head = b''
        while b'\r\n\r\n' not in head:
            piece = tunnel.recv(4096)
            if not piece:
                raise RuntimeError(f'no tunnel: {head!r}')
            head += piece
        if b' 101 ' not in head.split(b'\r\n')[0]:
            raise RuntimeError(f'no tunnel: {head!r}')
        return tunnel

    def run(self):
        at = 0
        while not self.ending.wait(0.01):
            for _ in range(10):  # each once a second
                at = (at + 1) % len(self.sockets)
                try:
                    if self.sockets[at].fileno() >= 0:
                        self.sockets[at].send(b'ping')
                except OSError:
                    pass  # read() will say so
            self.read()

    def read(self):
        for fd, _ in self.watch.poll(0):
            tunnel = self.by_fd[fd]
            try:
                is_gone = not tunnel.recv(65536)
            except BlockingIOError:
                continue
            except OSError:
                is_gone = True
            if is_gone:
                self.lost += 1
                self.watch.unregister(fd)
                tunnel.close()

    def close(self):
        """How many were closed by somebody else, those included that do not answer any more."""
        self.ending.set()
        self.join()
        self.read()
        for tunnel in self.sockets:
            if tunnel.fileno() < 0:
                continue
            try:
                tunnel.setblocking(True)
                tunnel.settimeout(5)
                tunnel.send(b'last')
                if not tunnel.recv(65536):
                    self.lost += 1
            except OSError:
                self.lost += 1
            tunnel.close()
        return self.lost


def anonymous_kib(session):
    """Memory that no file backs, what its processes share counted once."""
    total = 0
    for pid in bench.session_pids(session):
        try:
            for line in pathlib.Path(f'/proc/{pid}/smaps_rollup').read_text().splitlines():
                if line.startswith('Pss_Anon:'):
                    total += int(line.split()[1])
        except OSError:
            pass
    return total


def load(proxy, arguments, inline=False):
    """One start with the table and one without."""
    figures = {}
    for hosts in (0, arguments.hosts):
        setting = Setting(hosts, inline)
        for end in ('', ';'):  # written before the clock runs
            setting.map_file(lambda host, pool: f'{host} {pool}{end}\n')
        proxy.start(setting)
        try:
            time.sleep(0.5)
            figures[hosts] = proxy.load_ms, anonymous_kib(proxy.session)
        finally:
            proxy.stop()
    (empty_ms, empty_kib), (ms, kib) = figures[0], figures[arguments.hosts]
    return {'load ms': ms - empty_ms, 'bytes a host': (kib - empty_kib) * 1024 / arguments.hosts}


def served_by(host, timeout=1.0):
    return int(bench.get('/who', host=host, timeout=timeout).split(b'\r\n\r\n', 1)[1])


def reload(proxy, arguments):
    """The same load twice, without a change and with one every 1.5 s."""
    setting = Setting(arguments.hosts)
    proxy.start(setting)
    tunnels = None
    try:
        tunnels = Tunnels(arguments.tunnels)
        command = ['-P', '/b/128', '-c', 64, '-R', arguments.hosts, '-F', FORMAT.replace('d', 'ld'), '-r', 10000, '-w', 1.5]
        seconds = 1.5 * arguments.changes + 0.5
        opened, memory, times = [], [], []

        def calm():
            time.sleep(0.5)
            begin = bench.backend_connections()
            for _ in range(20):
                time.sleep((seconds - 1) / 20)
                memory.append(bench.memory_of(proxy.session))
            opened.append(bench.backend_connections() - begin - 1)

        def change():
            time.sleep(0.5)
            begin = bench.backend_connections()
            asked, peak = 0, 0
            for _ in range(arguments.changes):
                started = time.monotonic()
                setting.marker = (setting.marker + 1) % POOLS
                if isinstance(proxy, Weir):
                    new = proxy.prepare(setting)
                    at = time.monotonic()
                    proxy.reload(setting, new)
                else:
                    proxy.reload(setting)
                    at = time.monotonic()
                took = None
                while took is None and time.monotonic() - at < 20:
                    asked += 1
                    try:
                        if served_by(MARKER) == BACKEND_PORTS[setting.marker]:
                            took = time.monotonic() - at
                    except OSError:
                        pass
                    peak = max(peak, bench.memory_of(proxy.session))
                    time.sleep(0.005)
                if took is None:
                    raise RuntimeError('the change was never served')
                times.append(took * 1e3)
                while time.monotonic() - started < 1.4:
                    peak = max(peak, bench.memory_of(proxy.session))
                    time.sleep(0.01)
            # Each of our own questions came on a connection of its own, but to the proxy.
            opened.append(bench.backend_connections() - begin - 1)
            return peak

        before, _, _ = bench.run_load(setting, proxy, command, seconds, calm)
        beside, _, peak = bench.run_load(setting, proxy, command, seconds, change)
        lost, tunnels = tunnels.close(), None
        own = DEBOUNCE_MS if isinstance(proxy, Weir) else 0
        return {'served after ms': statistics.median(times) - own, 'served at worst ms': max(times) - own,
                'requests failed': bench.errors(beside), 'of': beside['requests'], 'tunnels closed': lost,
                'clients disconnected': beside['reconnects'], 'backend connections': max(0, opened[1] - opened[0]),
                'p99 us calm': before['p99_us'], 'p99 us': beside['p99_us'],
                'p99 ms more': (beside['p99_us'] - before['p99_us']) / 1e3,
                'peak memory': peak / statistics.median(memory)}
    finally:
        if tunnels:
            tunnels.close()
        proxy.stop()


def random_hosts(proxy, arguments):
    """Random hosts beside one, each twice, A B B A."""
    setting = Setting(arguments.hosts)
    proxy.start(setting)
    try:
        costs = {'one': [], 'random': []}
        for which in ('one', 'random', 'random', 'one'):
            hosts = (['-R', arguments.hosts, '-F', FORMAT.replace('d', 'ld')] if which == 'random'
                     else ['-H', FORMAT % 4711])
            report, usage, _ = bench.run_load(setting, proxy, ['-P', '/b/128', '-c', 64, *hosts], arguments.seconds)
            costs[which].append((bench.cost(usage, report['requests'])['cpu_us'], report['rps'], bench.errors(report)))
        one, some = (statistics.mean(row[0] for row in costs[which]) for which in ('one', 'random'))
        rates = [statistics.mean(row[1] for row in costs[which]) for which in ('one', 'random')]
        return {'cpu us one host': one, 'cpu us random': some, 'random at % of one': 100 * one / some,
                'rps at % of one': 100 * rates[1] / rates[0],
                'errors': sum(row[2] for rows in costs.values() for row in rows)}
    finally:
        proxy.stop()


def lookup(arguments):
    program = bench.ROOT / 'build/lookup-bench'
    figures = {}
    for line in bench.output_of([program, arguments.hosts]).splitlines():
        name, _, value = line.rpartition(' ')
        figures[name] = float(value)
    return figures


def diff(arguments):
    """`weir diff` of two tables of 100,000 hosts, one of them with a changed line."""
    folder = TMP / 'diff'
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ('a', 'b'):
        with open(folder / f'{name}.map', 'w') as file:
            for i in range(100000):
                file.write(f'{FORMAT % i} pool{(i + (name == "b" and i == 4711)) % POOLS}\n')
        pools = ''.join(f'[pool.pool{k}]\nbackends = ["127.0.0.1:{BACKEND_PORTS[k]}"]\n' for k in range(POOLS))
        (folder / f'{name}.toml').write_text(
            f'[listener.public]\nbind = ["127.0.0.1:{PORT}"]\n[routes]\nfiles = ["{name}.map"]\n{pools}')
    times = []
    for _ in range(arguments.rounds):
        begin = time.monotonic()
        result = subprocess.run([Weir.program, 'diff', folder / 'a.toml', folder / 'b.toml'], capture_output=True, text=True)
        times.append(time.monotonic() - begin)
        if result.returncode != 1:
            return {'weir diff': f'exit code {result.returncode}: {(result.stderr or result.stdout).strip()[:80]}'}
    return {'weir diff s': statistics.median(times)}


def soak(arguments):
    """One change a second under load; prints what memory does."""
    proxy, setting = Weir(), Setting(arguments.hosts)
    proxy.start(setting)
    tunnels = None
    try:
        tunnels = Tunnels(arguments.tunnels)
        samples, served = [], 0

        def change():
            nonlocal served
            end = time.monotonic() + arguments.soak - 2
            while time.monotonic() < end:
                started = time.monotonic()
                setting.marker = (setting.marker + 1) % POOLS
                proxy.reload(setting)
                while time.monotonic() - started < 0.95:
                    time.sleep(0.05)
                try:
                    served += served_by(MARKER) == BACKEND_PORTS[setting.marker]
                except OSError:
                    pass  # not served
                samples.append(bench.memory_of(proxy.session) / 1024)
                while time.monotonic() - started < 1:
                    time.sleep(0.005)

        command = ['-P', '/b/128', '-c', 64, '-R', arguments.hosts, '-F', FORMAT.replace('d', 'ld'), '-r', 10000, '-w', 1]
        report, _, _ = bench.run_load(setting, proxy, command, arguments.soak, change)
        lost, tunnels = tunnels.close(), None
        tenth = max(1, len(samples) // 10)
        print(f'\n### one change a second for {arguments.soak} s, {arguments.hosts} hosts\n')
        print('| after s | MiB, median |\n|---|---|')
        for i in range(0, len(samples) - tenth + 1, tenth):
            print(f'| {i + tenth} | {statistics.median(samples[i:i + tenth]):.1f} |')
        print(f'\nserved within the second: {served} of {len(samples)}; requests {report["requests"]}, '
              f'failed {bench.errors(report)}, clients disconnected {report["reconnects"]}, tunnels closed {lost}, '
              f'p99 {report["p99_us"]:.0f} us')
    finally:
        if tunnels:
            tunnels.close()
        proxy.stop()


# name of a row: (what weir is to reach, by its own figure and the other's)
TARGETS = {
    'load ms': ('half of haproxy', lambda weir, peers: weir <= peers['haproxy'] / 2 if 'haproxy' in peers else None),
    'bytes a host': ('64', lambda weir, peers: weir <= 64),
    'bytes a host, inline': ('512', lambda weir, peers: weir <= 512),
    'served after ms': ('300', lambda weir, peers: weir <= 300),
    'requests failed': ('0', lambda weir, peers: weir == 0),
    'tunnels closed': ('0', lambda weir, peers: weir == 0),
    'clients disconnected': ('0', lambda weir, peers: weir == 0),
    'backend connections': ('0', lambda weir, peers: weir <= 0),
    'p99 ms more': ('0.5', lambda weir, peers: weir <= 0.5),
    'peak memory': ('1.3', lambda weir, peers: weir < 1.3),
    'random at % of one': ('95', lambda weir, peers: weir >= 95),
    'exact, cold ns': ('300', lambda weir, peers: weir <= 300),
    'weir diff s': ('0.3', lambda weir, peers: weir <= 0.3),
}


def run_rounds(name, function, proxies, arguments, table):
    samples = {proxy: [] for proxy in proxies}
    for _ in range(arguments.rounds):
        for proxy in proxies:
            try:
                samples[proxy].append(function(PROXIES[proxy](), arguments))
                print(f'{name} {proxy}:', {key: round(value, 2) for key, value in samples[proxy][-1].items()}, file=sys.stderr)
            except (RuntimeError, OSError, ValueError, subprocess.SubprocessError) as error:
                print(f'{name} {proxy}: {error}', file=sys.stderr)
    for proxy, rows in samples.items():
        for key in rows[0] if rows else ():
            table.setdefault(key, {})[proxy] = statistics.median(row[key] for row in rows)


def number(value):
    if isinstance(value, str):
        return value
    return f'{value:.0f}' if abs(value) >= 100 else f'{value:.1f}' if abs(value) >= 10 else f'{value:.2f}'


def print_table(table, proxies, arguments):
    print(f'\n### a table of {arguments.hosts} hosts, medians of {arguments.rounds}\n')
    print(f'| | {" | ".join(proxies)} | weir is to reach | |\n|{"---|" * (len(proxies) + 3)}')
    for row, figures in table.items():
        text, reached = TARGETS.get(row, ('', None))
        verdict = ''
        if reached and not isinstance(figures.get('weir'), (str, type(None))):
            is_so = reached(figures['weir'], figures)
            verdict = '' if is_so is None else 'yes' if is_so else 'NO'
        cells = [number(figures[proxy]) if proxy in figures else '' for proxy in proxies]
        print(f'| {row} | {" | ".join(cells)} | {text} | {verdict} |')


PARTS = ('load', 'reload', 'random', 'lookup', 'diff')


def main():
    parser = argparse.ArgumentParser(prog='scripts/bench table', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('part', nargs='*', default=list(PARTS))
    parser.add_argument('-n', dest='hosts', type=int, default=1000000)
    parser.add_argument('-p', dest='proxies', default='weir,haproxy,nginx', metavar='A,B')
    parser.add_argument('-r', dest='rounds', type=int, default=3)
    parser.add_argument('-d', dest='seconds', type=float, default=1.5, help='of each throughput')
    parser.add_argument('--changes', type=int, default=4, help='in each reload run')
    parser.add_argument('--tunnels', type=int, default=1000)
    parser.add_argument('--soak', type=int, default=0, metavar='SECONDS')
    parser.add_argument('--json', metavar='FILE')
    arguments = parser.parse_args()
    for wrong in set(arguments.part) - set(PARTS):
        parser.error(f'no such part: {wrong} ({", ".join(PARTS)})')
    for wrong in set(arguments.proxies.split(',')) - set(PROXIES):
        parser.error(f'no such proxy: {wrong} ({", ".join(PROXIES)})')
    proxies = [name for name in arguments.proxies.split(',') if PROXIES[name]().available()]

    bench.build_tools()
    bench.raise_open_files()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bench.require_free(PORT, *BACKEND_PORTS)
    backend = bench.spawn([TMP / 'backend', f'{BACKEND_PORTS[0]}-{BACKEND_PORTS[-1]}'], 1)
    try:
        if not bench.wait_for_port(BACKEND_PORTS[0]):
            sys.exit('the backend did not start (ports in use?)')
        if arguments.soak:
            return soak(arguments)
        table = {}
        for part in arguments.part:
            if part == 'load':
                run_rounds('load', load, proxies, arguments, table)
                inline = {}
                run_rounds('inline', lambda proxy, how: load(proxy, how, inline=True),
                           [name for name in proxies if name == 'weir'], arguments, inline)
                table.update({f'{key}, inline': value for key, value in inline.items()})
            elif part == 'reload':
                run_rounds('reload', reload, proxies, arguments, table)
            elif part == 'random':
                run_rounds('random', random_hosts, proxies, arguments, table)
            else:
                for key, value in (lookup if part == 'lookup' else diff)(arguments).items():
                    table[key] = {'weir': value}
        print_table(table, proxies, arguments)
        if arguments.json:
            pathlib.Path(arguments.json).write_text(json.dumps(table, indent=1))
    finally:
        bench.stop(backend)


if __name__ == '__main__':
    main()

"""One long body after the other through weir, HAProxy and nginx: CPU per GiB, memory over idle.

  scripts/bench stream                 10 GiB each way in every framing
  scripts/bench stream --gib 1 -p weir
  scripts/bench stream --rounds 3      medians

The proxy has one thread on core 0, client and backend are on core 1. Memory is the most that the proxy's
proportional share grew over what it had after a short transfer. The slow ones are 64 MiB with a side that
takes 16 MiB a second.
"""
import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time

import bench

GIB = 1 << 30
SLOW_BYTES, SLOW_RATE = 64 << 20, 16 << 20
# name: (direction, framing, what the client takes a second, what the backend takes)
KINDS = {
    'download, length': ('down', 'length', 0, 0),
    'download, chunked': ('down', 'chunked', 0, 0),
    'download, until close': ('down', 'close', 0, 0),
    'upload, length': ('up', 'length', 0, 0),
    'upload, chunked': ('up', 'chunked', 0, 0),
    'download, slow client': ('down', 'length', SLOW_RATE, 0),
    'upload, slow backend': ('up', 'length', 0, SLOW_RATE),
}


def build():
    source, program = bench.HERE / 'stream.c', bench.TMP / 'stream'
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(['gcc', '-O2', '-w', '-o', program, source], check=True)
    return program


def transfer(program, proxy, kind, count):
    """Moves `count` bytes; (CPU ms per GiB, MiB a second, KiB over idle)."""
    direction, framing, client_rate, backend_rate = KINDS[kind]
    idle_kib = bench.memory_of(proxy.session)
    before = bench.cpu_of(proxy.session)[0]
    client = subprocess.Popen(
        ['taskset', '-c', '1', str(program), 'client', str(bench.PORT), direction, framing, str(count),
         str(client_rate), str(backend_rate)], stdout=subprocess.PIPE, text=True)
    most_kib = idle_kib
    while client.poll() is None:
        most_kib = max(most_kib, bench.memory_of(proxy.session))
        time.sleep(0.05)
    run_ns = bench.cpu_of(proxy.session)[0] - before
    report = client.stdout.read()
    if client.returncode != 0:
        raise RuntimeError(f'{kind}: {report or "broke"}')
    seconds = json.loads(report)['seconds']
    return run_ns / 1e6 / (count / GIB), count / (1 << 20) / seconds, most_kib - idle_kib


def measure(program, proxy, arguments):
    """Every kind, on a proxy started afresh."""
    proxy.start(bench.Setting(large=True))
    try:
        found = {}
        for kind, (*_, client_rate, backend_rate) in KINDS.items():
            transfer(program, proxy, kind, 1 << 20)  # connections and first buffers
            is_slow = client_rate or backend_rate
            found[kind] = transfer(program, proxy, kind, SLOW_BYTES if is_slow else int(arguments.gib * GIB))
        return found
    finally:
        proxy.stop()


def print_table(names, samples, arguments):
    print(f'\n### {arguments.gib:g} GiB each, median of {arguments.rounds}\n')
    head = ['', *(f'{name} ms/GiB' for name in names), *(f'{name} MiB/s' for name in names),
            *(f'{name} KiB over idle' for name in names)]
    print(f'| {" | ".join(head)} |\n|{"---|" * len(head)}')
    for kind in KINDS:
        columns = [[statistics.median(sample[kind][figure] for sample in samples[name]) for name in names]
                   for figure in range(3)]
        print(f'| {kind} | {" | ".join(f"{value:.0f}" for column in columns for value in column)} |')
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(prog='scripts/bench stream', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('-p', dest='proxies', default='haproxy,nginx,weir', metavar='A,B')
    parser.add_argument('--gib', type=float, default=10)
    parser.add_argument('--rounds', type=int, default=1)
    arguments = parser.parse_args()
    if os.cpu_count() < 2:
        parser.error('two cores are needed')
    bench.TMP.mkdir(parents=True, exist_ok=True)
    program = build()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bench.require_free(bench.PORT, *bench.BACKEND_PORTS)
    del bench.BACKEND_PORTS[1:]
    names = [name for name in arguments.proxies.split(',') if bench.PROXIES[name]().available()]
    backend = bench.spawn([program, 'backend', bench.BACKEND_PORTS[0]], 1)
    try:
        bench.wait_for_port(bench.BACKEND_PORTS[0])
        samples = {name: [] for name in names}
        for _ in range(arguments.rounds):
            for name in names:
                samples[name].append(measure(program, bench.PROXIES[name](), arguments))
        print_table(names, samples, arguments)
    finally:
        bench.stop(backend)


if __name__ == '__main__':
    main()

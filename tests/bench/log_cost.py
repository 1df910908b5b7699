"""What the access log costs a request of scenario `typical`: one weir, whose log a reload turns on and off in turn.

  scripts/bench log [-r ROUNDS] [-d SECONDS]

Between two starts a process differs from itself by more than the log costs. A round is a pair, in which without and
with come first in turn, so that a drift of the machine cancels itself; it counts only if the host had both cores near
each other all the time (bench.py). All threads of weir count, the log's own and its writes included.
"""
import argparse
import statistics
import sys
import time

import bench


def reloads(weir):
    """How many are done."""
    text = bench.get('/metrics', bench.ADMIN_PORT, '127.0.0.1').decode()
    return sum(float(line.rsplit(' ', 1)[1]) for line in text.splitlines()
               if line.startswith('weir_config_reloads_total'))


def switch(weir, is_on):
    before = reloads(weir)
    weir.reload(bench.Setting(log=is_on))
    while reloads(weir) == before:
        time.sleep(0.01)


def measure(weir, seconds):
    arguments = ['-P', '/t/8192', '-c', 64, '-b', bench.TMP / 'browser.fields']
    report, usage, _ = bench.run_load(bench.Setting(), weir, arguments, seconds)
    if bench.errors(report):
        raise RuntimeError(f'{bench.errors(report)} requests failed')
    return bench.cost(usage, report['requests'])['cpu_us']


def pair_of(weir, seconds, is_on_first):
    """(us without, us with), or None when the cores were far apart."""
    bench.round_trips_under_load.clear()
    figures = {}
    for is_on in (is_on_first, not is_on_first):
        switch(weir, is_on)
        figures[is_on] = measure(weir, seconds)
    near = all(ns < bench.NEAR_NS for ns in bench.round_trips_under_load)
    return (figures[False], figures[True]) if near else None


def main():
    parser = argparse.ArgumentParser(prog='scripts/bench log', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('-r', dest='rounds', type=int, default=20, help='that count')
    parser.add_argument('-d', dest='seconds', type=float, default=0.7, help='of each of the two measurements')
    arguments = parser.parse_args()
    bench.build_tools()
    bench.require_free(bench.PORT, *bench.BACKEND_PORTS)
    backend = bench.spawn([bench.TMP / 'backend', f'{bench.BACKEND_PORTS[0]}-{bench.BACKEND_PORTS[-1]}'], 1)
    weir = bench.Weir()
    rounds, far = [], 0
    try:
        bench.wait_for_port(bench.BACKEND_PORTS[0])
        weir.start(bench.Setting())
        while len(rounds) < arguments.rounds and far < 3 * arguments.rounds:
            figures = pair_of(weir, arguments.seconds, bool((len(rounds) + far) % 2))
            if figures is None:
                far += 1
                continue
            rounds.append(figures)
            print(f'{figures[0]:.2f} -> {figures[1]:.2f} us: {figures[1] - figures[0]:+.2f}', flush=True)
    finally:
        weir.stop()
        bench.stop(backend)
    if not rounds:
        sys.exit('scripts/bench: the host kept the cores apart in every round')
    costs = sorted(later - earlier for earlier, later in rounds)
    middle = statistics.quantiles(costs, n=4) if len(costs) > 1 else costs * 3
    print(f'access log: {statistics.median(costs):.2f} us per request (quartiles {middle[0]:.2f} and {middle[2]:.2f}, '
          f'{len(rounds)} rounds, {far} with cores apart left out)')


if __name__ == '__main__':
    main()

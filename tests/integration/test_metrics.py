"""Metrics by route, pool and backend (CONTRACT §5), and the real Prometheus that scrapes them."""
import json
import re
import subprocess
import urllib.parse
import urllib.request

import pytest

from support.backends import refused_address
from support.wait import DEADLINE_SECONDS, until
from support.weir import configuration


@pytest.fixture
def weir(run_weir, backend):
    return run_weir({'web': [backend.address]}, [('a.example', 'web')])


def test_requests_count_for_their_route(weir):
    """By route and class; what found no route counts for _none."""
    for _ in range(3):
        assert weir.get('/').status == 200
    assert weir.get('/', host='unknown.example').status == 404
    weir.wait_metric('weir_route_requests_total', 3, route='web', code='2xx')
    weir.wait_metric('weir_route_requests_total', 1, route='_none', code='4xx')
    weir.wait_metric('weir_route_failures_total', 1, route='_none', reason='no_route')
    weir.wait_metric('weir_route_request_duration_seconds_count', 3, route='web')


def test_refused_heads_count_for_no_route(run_weir, backend):
    """What was not understood has no route, and is counted once."""
    weir = run_weir({'web': [backend.address]})
    weir.raw(b'GET / HTTP/1.1\r\n\r\n')
    weir.wait_metric('weir_route_requests_total', 1, route='_none', code='4xx')
    weir.wait_metric('weir_route_failures_total', 1, route='_none', reason='bad_request')


def test_attempts_count_for_their_backend_and_pool(run_weir, backend):
    """Connections new and reused, statuses, durations, what is idle and in flight."""
    weir = run_weir({'web': [backend.address]})
    for _ in range(3):
        assert weir.get('/').status == 200
    labels = {'pool': 'web', 'backend': backend.address}
    weir.wait_metric('weir_backend_requests_total', 3, code='2xx', **labels)
    weir.wait_metric('weir_backend_connections_total', 1, pool='web', how='new')
    weir.wait_metric('weir_backend_connections_total', 2, pool='web', how='reused')
    weir.wait_metric('weir_backend_connect_duration_seconds_count', 1, pool='web')
    weir.wait_metric('weir_backend_response_head_duration_seconds_count', 3, pool='web')
    weir.wait_metric('weir_backend_connections_idle', 1, **labels)
    weir.wait_metric('weir_backend_in_flight', 0, **labels)
    weir.wait_metric('weir_backend_up', 1, **labels)
    weir.wait_metric('weir_pools', 1, state='up')
    weir.wait_metric('weir_backends', 1, state='unchecked')


def test_failed_attempts_and_retries_are_seen(run_weir, backend):
    """An attempt without an answer counts as none, and its repetition as a retry."""
    dead, kept = refused_address()
    weir = run_weir({'web': {'backends': [dead, backend.address], 'balance': 'round_robin'}})
    for _ in range(4):
        assert weir.get('/').status == 200
    weir.wait_metric('weir_backend_requests_total', 4, pool='web', backend=backend.address, code='2xx')
    metrics = weir.metrics()
    failed = metrics.sum('weir_backend_requests_total', pool='web', backend=dead, code='none')
    assert failed >= 1
    assert metrics.sum('weir_retries_total', pool='web') == failed
    kept.close()


def test_a_drained_backend_is_not_up(run_weir, backend):
    """backend_up, backends and pools follow what an administrator says."""
    weir = run_weir({'web': [backend.address]})
    weir.set_backend('web', backend.address, 'drain')
    weir.wait_metric('weir_backend_up', 0, pool='web', backend=backend.address)
    weir.wait_metric('weir_backends', 1, state='drain')
    weir.wait_metric('weir_backends', 0, state='unchecked')
    weir.wait_metric('weir_pools', 1, state='down')


def test_series_leave_with_their_route(run_weir, backend):
    """After a reload without it; those that stay go on where they were."""
    pools = {'old': [backend.address], 'web': [backend.address]}
    weir = run_weir(pools, [('old.example', 'old'), ('a.example', 'web')])
    weir.get('/', host='old.example')
    weir.get('/')
    weir.wait_metric('weir_route_requests_total', 1, route='old', code='2xx')
    pools.pop('old')
    weir.reload(configuration(pools, [('a.example', 'web')]))
    weir.get('/')
    weir.wait_metric('weir_route_requests_total', 2, route='web', code='2xx')
    until(lambda: not weir.metrics().find('weir_route_requests_total', route='old'), 'the series has left')
    assert not weir.metrics().find('weir_retries_total', pool='old')


def test_series_are_bounded(run_weir, backend):
    """Beyond max_routes there is one series for the rest."""
    names = [f'r{number}' for number in range(6)]
    weir = run_weir({name: [backend.address] for name in names},
                    [(f'{name}.example', name) for name in names], metrics={'max_routes': 3})
    for name in names:
        assert weir.get('/', host=f'{name}.example').status == 200
    until(lambda: weir.metrics().sum('weir_route_requests_total', code='2xx') == 6, 'all are counted')
    metrics = weir.metrics()
    shown = {sample.labels['route'] for sample in metrics.find('weir_route_requests_total')}
    assert len(shown) == 4 and '_other' in shown and '_none' in shown
    assert len({sample.labels['backend'] + sample.labels['pool'] for sample in metrics.find('weir_backend_up')}) == 3


def test_workers_load_is_seen(weir):
    """worker_busy_seconds_total grows with work; loop_lag_seconds is looked at."""
    before = weir.metrics().sum('weir_worker_busy_seconds_total')
    for _ in range(20):
        weir.get('/')
    until(lambda: weir.metrics().sum('weir_worker_busy_seconds_total') > before, 'it grows')
    until(lambda: weir.metrics().sum('weir_loop_lag_seconds_count') >= 1, 'it was looked at')


def test_promtool_finds_nothing_to_say(weir, backend):
    """`promtool check metrics` accepts a page with every kind of series."""
    weir.get('/')
    weir.get('/', host='unknown.example')
    page = weir.admin_get('/metrics').text
    checked = subprocess.run(['promtool', 'check', 'metrics'], input=page, text=True, capture_output=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert not checked.stdout + checked.stderr


@pytest.fixture
def prometheus(tmp_path):
    """prometheus(target) → query(text): its value, or None."""
    started = []

    def start(target):
        (tmp_path / 'prometheus.yml').write_text(f'''
global: {{scrape_interval: 100ms, scrape_timeout: 100ms}}
scrape_configs:
- job_name: weir
  static_configs: [{{targets: ['{target}']}}]
''')
        log = open(tmp_path / 'prometheus.log', 'w+b')
        started.append(subprocess.Popen(
            ['prometheus', f'--config.file={tmp_path}/prometheus.yml', f'--storage.tsdb.path={tmp_path}/data',
             '--web.listen-address=127.0.0.1:0'], cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=log, stderr=log))

        def address():
            text = (tmp_path / 'prometheus.log').read_text()
            found = re.search(r'msg="Listening on" address=(\S+)', text)
            return found and found[1]
        base = until(address, lambda: (tmp_path / 'prometheus.log').read_text())

        def query(text):
            url = f'http://{base}/api/v1/query?query=' + urllib.parse.quote(text)
            try:
                with urllib.request.urlopen(url, timeout=DEADLINE_SECONDS) as answer:
                    result = json.load(answer)['data']['result']
            except OSError:
                return None
            return float(result[0]['value'][1]) if result else None
        return query
    yield start
    for process in started:
        process.kill()
        process.wait()


def test_prometheus_scrapes_it(weir, prometheus):
    """The real one, by the admin address: the target is up and its numbers arrive."""
    query = prometheus('%s:%d' % weir.admin)
    until(lambda: query('up{job="weir"}') == 1, 'the target is up')
    for _ in range(5):
        weir.get('/')
    count = 'sum(weir_requests_total{listener="public",code="2xx"})'
    until(lambda: query(count) == 5, lambda: f'{count} is {query(count)}')
    assert query('histogram_quantile(0.9, sum by (le) (weir_request_duration_seconds_bucket))') is not None

"""Hot reload: the whole table in one step, on HUP and on file change; nothing else is touched."""
import re
import signal
import threading

import pytest

from support.text import to_toml
from support.wait import until
from support.weir import configuration, expect_failure
from support.wire import request_bytes, response_bytes


def named(make_backend, *names):
    """A backend for each name that answers with it."""
    return [make_backend(lambda request, peer, name=name: response_bytes(name.encode())) for name in names]


def table(*routes, **pools):
    return configuration({name: [backend.address] for name, backend in pools.items()}, list(routes))


class TestHup:
    def test_route_added_changed_removed(self, run_weir, make_backend):
        """Each change is served once the reload is over, and nothing else changes."""
        one, two = named(make_backend, 'one', 'two')
        weir = run_weir(config=table(('a.example', 'one'), one=one))
        expect_failure(weir.get(host='b.example'), 'no_route')
        weir.reload(table(('a.example', 'one'), ('b.example', 'two'), one=one, two=two))
        assert (weir.get(host='a.example').text, weir.get(host='b.example').text) == ('one', 'two')
        weir.reload(table(('a.example', 'two'), ('b.example', 'two'), two=two))
        assert (weir.get(host='a.example').text, weir.get(host='b.example').text) == ('two', 'two')
        weir.reload(table(('b.example', 'two'), two=two))
        expect_failure(weir.get(host='a.example'), 'no_route')
        assert weir.get(host='b.example').text == 'two'

    def test_generation_and_result(self, run_weir, backend):
        """The generation grows with each applied change; the metrics say how the reload went."""
        weir = run_weir(config=table(('a.example', 'web'), web=backend))
        before = weir.metric('weir_config_generation')
        weir.reload(table(('a.example', 'web'), ('b.example', 'web'), web=backend))
        assert weir.metric('weir_config_generation') > before
        assert weir.metric('weir_routes') == 2
        assert weir.metric('weir_config_last_reload_successful') == 1
        assert weir.status()['generation'] == weir.metric('weir_config_generation')

    def test_unchanged_file(self, run_weir, backend):
        """HUP without a change is no failure and changes nothing."""
        weir = run_weir({'web': [backend.address]})
        weir.reload()
        assert weir.metric('weir_config_last_reload_successful') == 1
        assert weir.get().status == 200

    def test_backend_of_a_pool_is_replaced(self, run_weir, make_backend):
        """Requests after the reload go to the new backend only."""
        one, two = named(make_backend, 'one', 'two')
        weir = run_weir(config=table(('*', 'web'), web=one))
        assert weir.get().text == 'one'
        weir.reload(table(('*', 'web'), web=two))
        assert [weir.get().text for _ in range(10)] == ['two'] * 10

    def test_kept_open_connection_of_a_removed_backend_is_closed(self, run_weir, manual_backend, backend):
        """What a reload removed is not kept open for nobody."""
        weir = run_weir(config=configuration({'web': [manual_backend.address]}))
        with weir.connect() as client:
            client.send(request_bytes())
            peer = manual_backend.accept()
            peer.read_request()
            peer.send(response_bytes())
            client.read_response()
            weir.reload(configuration({'web': [backend.address]}))
            peer.expect_cut()

    def test_several_signals_at_once(self, run_weir, make_backend):
        """A burst of HUPs ends with the last version."""
        one, two = named(make_backend, 'one', 'two')
        weir = run_weir(config=table(('*', 'web'), web=one))
        weir.write(table(('*', 'web'), web=two))
        for _ in range(20):
            weir.signal(signal.SIGHUP)
        until(lambda: weir.get().text == 'two', 'the new backend')


class TestBrokenFile:
    def test_keeps_the_old_table_and_says_so(self, run_weir, backend):
        """Syntax and meaning alike: the old table serves on, the log has file, line and column, the metric
        says so; once mended, the next reload works."""
        good = table(('a.example', 'web'), web=backend)
        weir = run_weir(config=good)
        generation = weir.metric('weir_config_generation')
        for broken, line in (('[server\nname = "x"\n', 1), ('[server]\nworkers = "x"\n', 2), ('[pool.web]\nbakends = []\n', 2)):
            start = len(weir.stderr.all())
            weir.reload(broken)
            weir.wait_log(f'{weir.file}:{line}:', start=start)
            assert weir.metric('weir_config_last_reload_successful') == 0
            assert weir.metric('weir_config_generation') == generation
            assert weir.get().status == 200
        weir.reload(good | {'route': [{'host': 'b.example', 'pool': 'web'}]})
        assert weir.metric('weir_config_last_reload_successful') == 1
        assert weir.get(host='b.example').status == 200

    def test_missing_file(self, run_weir, backend):
        """A file that has gone keeps the old table, too."""
        weir = run_weir({'web': [backend.address]})
        weir.file.unlink()
        weir.reload()
        weir.wait_log(str(weir.file), level='error')
        assert weir.get().status == 200

    def test_all_errors_are_in_the_log(self, run_weir, backend):
        """Not only the first one."""
        weir = run_weir({'web': [backend.address]})
        weir.reload('[server]\nworkers = "x"\nnmae = "y"\n')
        weir.wait_log(f'{weir.file}:2:')
        weir.wait_log(f'{weir.file}:3:')


class TestRestartKeys:
    def test_workers_needs_a_restart(self, run_weir, backend):
        """A reload that changes `workers` says so and applies the rest."""
        config = table(('a.example', 'web'), web=backend)
        weir = run_weir(config=config)
        weir.reload(config | {'server': {'workers': 2, 'drain_timeout': '5s'}, 'route': [{'host': 'b.example', 'pool': 'web'}]})
        weir.wait_log('[server] workers')
        assert weir.get(host='b.example').status == 200


    def test_is_pending_until_the_value_is_what_runs(self, run_weir, backend):
        """The reload's answer and the status say what a restart has yet to apply; an answer without news says
        when the last news came."""
        config = configuration({'web': [backend.address]})
        weir = run_weir(config=config)
        assert weir.status()['pending_restart'] == []
        weir.reload(config | {'server': {'workers': 7}})
        answer = weir.api('/api/reload', 'POST')
        warning = answer['warnings'][0]
        assert warning.startswith('[server] workers was ') and ', is 7: ' in warning
        assert re.fullmatch(r'no change since [0-9:]+Z \(HUP: settings\)', answer['summary'])
        status = weir.status()
        assert [key['key'] for key in status['pending_restart']] == ['[server] workers']
        assert status['config']['last_reload']['message'] == answer['summary']
        assert status['config']['last_change']['cause'] == 'HUP'
        weir.write(config)
        assert weir.api('/api/reload', 'POST')['warnings'] == []
        assert weir.status()['pending_restart'] == []


class TestFileChange:
    @pytest.fixture
    def watched(self):
        """watched(config) → the same, with watch = true."""
        return lambda config: config | {'routes': dict(config['routes'], watch=True)}

    def test_of_weir_toml(self, run_weir, make_backend, watched):
        """A rename over weir.toml and a write in place are both seen."""
        one, two = named(make_backend, 'one', 'two')
        weir = run_weir(config=watched(table(('*', 'web'), web=one)))
        weir.write(watched(table(('*', 'web'), web=two)))
        until(lambda: weir.get().text == 'two', 'the renamed file is served')
        text = weir.file.read_text().replace(two.address, one.address)
        weir.file.write_text(text)
        until(lambda: weir.get().text == 'one', 'the rewritten file is served')

    def test_of_route_files(self, run_weir, backend, watched, tmp_path):
        """A new file, a changed one and a deleted one of [routes] files."""
        folder = tmp_path / 'routes.d'
        folder.mkdir()
        config = watched(table(('a.example', 'web'), web=backend))
        config['routes']['files'] = [f'{folder}/*.toml']
        weir = run_weir(config=config)
        extra = folder / 'b.toml'
        extra.write_text('[[route]]\nhost = "b.example"\npool = "web"\n')
        until(lambda: weir.get(host='b.example').status == 200, 'the new file is served')
        extra.write_text('[[route]]\nhost = "c.example"\npool = "web"\n')
        until(lambda: weir.get(host='c.example').status == 200, 'the changed file is served')
        assert weir.get(host='b.example').status == 404
        extra.unlink()
        until(lambda: weir.get(host='c.example').status == 404, 'the deleted file is gone')
        assert weir.get(host='a.example').status == 200

    def test_broken_and_mended(self, run_weir, make_backend, watched):
        """A broken file is told once it is seen, the mended one is served."""
        one, two = named(make_backend, 'one', 'two')
        weir = run_weir(config=watched(table(('*', 'web'), web=one)))
        weir.write('nonsense\n')
        weir.wait_log(f'{weir.file}:1:')
        assert weir.get().text == 'one'
        weir.write(watched(table(('*', 'web'), web=two)))
        until(lambda: weir.get().text == 'two', 'the mended file is served')

    def test_symlink(self, run_weir, make_backend, watched, tmp_path):
        """weir.toml as a symlink that is turned to another file, as deployments do."""
        one, two = named(make_backend, 'one', 'two')
        (tmp_path / 'two.toml').write_text(to_toml(watched(table(('*', 'web'), web=two))))
        weir = run_weir(config=watched(table(('*', 'web'), web=one)))
        link = weir.folder / 'next'
        link.symlink_to(tmp_path / 'two.toml')
        link.rename(weir.file)
        until(lambda: weir.get().text == 'two', 'the linked file is served')
        (tmp_path / 'two.toml').write_text(to_toml(watched(table(('*', 'web'), web=one))))
        until(lambda: weir.get().text == 'one', 'a change behind the link is served')

    def test_watch_off(self, run_weir, make_backend):
        """watch = false: only HUP reloads."""
        one, two = named(make_backend, 'one', 'two')
        weir = run_weir(config=table(('*', 'web'), web=one))
        weir.write(table(('*', 'web'), web=two))
        assert weir.get().text == 'one'
        weir.reload()
        assert weir.get().text == 'two'


class TestWhatSurvives:
    def test_client_connection(self, run_weir, make_backend):
        """A kept-open client connection goes on and its next request sees the new table."""
        one, two = named(make_backend, 'one', 'two')
        weir = run_weir(config=table(('*', 'web'), web=one))
        with weir.connect() as client:
            assert client.send(request_bytes()).read_response().text == 'one'
            weir.reload(table(('*', 'web'), web=two))
            assert client.send(request_bytes()).read_response().text == 'two'

    def test_request_in_flight(self, run_weir, manual_backend, backend):
        """A request under way ends at the backend where it began, even when that is gone from the table."""
        weir = run_weir(config=configuration({'web': [manual_backend.address]}))
        with weir.connect() as client:
            client.send(request_bytes('POST', fields={'Content-Length': '10'}) + b'12345')
            peer = manual_backend.accept()
            peer.read_head()
            weir.reload(configuration({'other': [backend.address]}))
            client.send(b'67890')
            assert peer.read_exactly(10) == b'1234567890'
            peer.send(response_bytes(b'old'))
            assert client.read_response().text == 'old'
            assert client.send(request_bytes()).read_response().text == 'ok'

    def test_backend_connection(self, run_weir, backend):
        """Kept-open backend connections go on when pool and address stay."""
        weir = run_weir(config=table(('a.example', 'web'), web=backend))
        weir.get()
        for number in range(3):
            weir.reload(table(('a.example', 'web'), (f'b{number}.example', 'web'), web=backend))
            assert weir.get().status == 200
        assert backend.connection_count == 1

    def test_counters(self, run_weir, backend):
        """No counter falls."""
        weir = run_weir(config=table(('a.example', 'web'), web=backend))
        for _ in range(5):
            weir.get()
        weir.wait_metric('weir_requests_total', 5)
        weir.reload(table(('b.example', 'web'), web=backend))
        assert weir.metric('weir_requests_total') == 5


@pytest.mark.tsan
def test_whole_table_in_one_step(run_weir, make_backend):
    """Two workers under load while the table is replaced: no request fails, and whoever has seen a version
    through one host never sees an older one through the other."""
    backend = make_backend(lambda request, peer: response_bytes(request.head.get('Host').encode()))

    def version(number):
        # a.example keeps its pool, whose setting changes; b.example moves to another pool each time.
        pools = {'kept': {'backends': [backend.address], 'host': str(number)},
                 f'moved{number % 2}': {'backends': [backend.address], 'host': str(number)}}
        return configuration(pools, [('a.example', 'kept'), ('b.example', f'moved{number % 2}')], server={'workers': 2})
    weir = run_weir(config=version(0))
    problems, is_over = [], threading.Event()

    def work():
        try:
            seen = 0
            with weir.connect() as client:
                while not is_over.is_set():
                    client.send(b''.join(request_bytes(host=f'{name}.example') for name in 'abab'))
                    for _ in range(4):
                        answer = client.read_response()
                        if answer.status != 200 or int(answer.text) < seen:
                            problems.append((seen, answer))
                        seen = int(answer.text)
        except Exception as problem:
            problems.append(problem)

    clients = [threading.Thread(target=work) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        for number in range(1, 16):
            weir.reload(version(number))
    finally:
        is_over.set()
        for client in clients:
            client.join()
    assert problems == []
    assert weir.get(host='a.example').text == weir.get(host='b.example').text == '15'


@pytest.mark.tsan
@pytest.mark.plain  # Instrumented, it needs most of the time that a reload may take here.
def test_large_table(run_weir, backend):
    """Twenty thousand hosts load, reload and are found."""
    def config(count):
        hosts = [f'host{number}.example' for number in range(count)]
        return configuration({'web': [backend.address]}, [{'hosts': hosts, 'pool': 'web'}], server={'workers': 2})
    weir = run_weir(config=config(20_000))
    assert weir.get(host='host19999.example').status == 200
    weir.reload(config(10_000))
    assert weir.get(host='host19999.example').status == 200  # too many at once
    weir.api('/api/reload?force=1', 'POST')
    assert weir.get(host='host19999.example').status == 404
    assert weir.get(host='host9999.example').status == 200

"""Fixtures: weir with a configuration, peers around it, and a clean end for all of them."""
import itertools

import pytest

pytest.register_assert_rewrite('support')

from support import servers
from support import weir as weir_module
from support.backends import AutoBackend, ManualBackend
from support.weir import Weir, configuration


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what the processes it ran have said."""
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    for number, program in enumerate([*weir_module.running, *getattr(item, 'ended_programs', [])]):
        report.sections.append((f'log of weir {number}', program.log()))
        report.sections.append((f'stdout of weir {number}', '\n'.join(program.stdout.all()[-20:])))


def _keep_for_report(request, program):
    if not hasattr(request.node, 'ended_programs'):
        request.node.ended_programs = []
    request.node.ended_programs.append(program)


class Starter:
    """Starts any number of weirs; all that still run at the end of the test have to end cleanly."""

    def __init__(self, folder, request=None):
        self._folder, self._request = folder, request
        self._numbers = itertools.count()
        self._started = []

    def __call__(self, pools=None, routes=None, config=None, process=None, **sections):
        folder = self._folder / f'weir{next(self._numbers)}'
        folder.mkdir()
        made = Weir(folder, config or configuration(pools, routes, **sections), **(process or {}))
        self._started.append(made)
        return made

    def finish(self):
        problems = []
        for program in self._started:
            if self._request:
                _keep_for_report(self._request, program)
            if program not in weir_module.running:
                continue
            try:
                program.stop()
            except AssertionError as problem:
                problems.append(str(problem))
                program.kill()
        assert not problems, '\n'.join(problems)


@pytest.fixture
def run_weir(tmp_path, request):
    """run_weir(pools, routes, **sections) → Weir, ready; `process` holds options of Program."""
    starter = Starter(tmp_path, request)
    yield starter
    starter.finish()


@pytest.fixture(scope='module')
def run_shared_weir(tmp_path_factory):
    """The same, for one weir that the tests of a module share; they must not disturb each other."""
    starter = Starter(tmp_path_factory.mktemp('shared'))
    yield starter
    starter.finish()


@pytest.fixture
def manual_backend():
    """A backend whose connections the test drives byte by byte."""
    backend = ManualBackend()
    yield backend
    backend.close()


@pytest.fixture
def make_backend():
    """make_backend(answer) → AutoBackend; without `answer` it says `ok`."""
    made = []

    def make(answer=None, **options):
        made.append(AutoBackend(answer, **options))
        return made[-1]
    yield make
    for backend in made:
        backend.close()


@pytest.fixture
def backend(make_backend):
    """A backend that answers `ok` to everything."""
    return make_backend()


def _server(make):
    @pytest.fixture(scope='session', name=make.__name__)
    def fixture(tmp_path_factory):
        server = make(tmp_path_factory.mktemp(make.__name__))
        yield server
        server.kill()
    return fixture


nginx = _server(servers.nginx)
gunicorn = _server(servers.gunicorn)
node = _server(servers.node)

"""The whole test suite in one process: builds, runs the parts two at a time, adds up what they report.

scripts/test starts it. A step is one command; it yields a Count read from the command's own report, and
its output is shown in full only when something in it failed.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARTS = ['lint', 'unit', 'sim', 'integration', 'asan', 'tsan']
STEP_TIMEOUT_SECONDS = 900
# Seeds of a full run: (batches, seeds per batch). A batch is what counts as one test.
SIM_BATCHES = {'test': (20, 2000), 'asan': (10, 500)}


class Count(NamedTuple):
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __str__(self):
        return f'{self.passed} passed, {self.failed} failed, {self.skipped} skipped'


class Finished(NamedTuple):
    returncode: int
    output: str


def add(counts):
    return Count(*map(sum, zip(*counts))) if counts else Count()


class Runner:
    """Runs commands in sessions of their own, so that none of their children outlives the suite."""

    def __init__(self):
        self.lock = threading.Lock()
        self.running = set()
        self.stopping = False

    def run(self, command, environment=None):
        with self.lock:
            if self.stopping:
                return Finished(130, 'interrupted')
            process = subprocess.Popen(
                [str(part) for part in command], cwd=ROOT, env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, errors='replace', start_new_session=True)
            self.running.add(process)
        try:
            output, _ = process.communicate(timeout=STEP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill(process)
            output = process.communicate()[0] + f'\nended by the suite after {STEP_TIMEOUT_SECONDS} s'
        finally:
            with self.lock:
                self.running.discard(process)
        return Finished(process.returncode, output)

    @staticmethod
    def kill(process):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def stop(self):
        with self.lock:
            self.stopping = True
            for process in self.running:
                self.kill(process)


runner = Runner()


# Reading what the tools report. Each returns a Count in which an unreadable report is a failure.

def count_summary(finished):
    """The last line of the form 'N passed, N failed, N skipped', as the lint prints it."""
    found = re.findall(r'^(\d+) passed, (\d+) failed, (\d+) skipped$', finished.output, re.M)
    if not found:
        return Count(failed=1)
    passed, failed, skipped = map(int, found[-1])
    if finished.returncode != 0 and failed == 0:
        failed = 1
    return Count(passed, failed, skipped)


def count_doctest(finished, filtered):
    found = re.search(r'test cases:\s*(\d+) \|\s*(\d+) passed \|\s*(\d+) failed(?: \|\s*(\d+) skipped)?',
                      finished.output)
    if not found:
        return Count(failed=1)
    _, passed, failed, skipped = (int(number or 0) for number in found.groups())
    # doctest calls skipped what a filter left out, too.
    return Count(passed, max(failed, int(finished.returncode != 0)), 0 if filtered else skipped)


def count_pytest(finished, report):
    try:
        suites = list(xml.etree.ElementTree.parse(report).getroot().iter('testsuite'))
    except (OSError, xml.etree.ElementTree.ParseError):
        return Count(failed=1)
    total, failed, skipped = (
        sum(int(suite.get(name)) for suite in suites for name in names)
        for names in (['tests'], ['failures', 'errors'], ['skipped']))
    # 5: nothing was selected, which only a filter may do.
    if finished.returncode not in (0, 5) and failed == 0:
        failed = 1
    return Count(max(0, total - failed - skipped), failed, skipped)


# The steps. Each is a function of nothing that returns (Count, output to show when something failed).

def sanitizer_options(log=''):
    return {
        'ASAN_OPTIONS': f'{log}detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1',
        'UBSAN_OPTIONS': f'{log}print_stacktrace=1',
        'TSAN_OPTIONS': f'{log}second_deadlock_stack=1',
    }


def cases(program, pattern):
    """A doctest program."""
    command = [program, '--no-colors=true']
    if pattern:
        command.append(f'--test-case=*{pattern}*')
    finished = runner.run(command, sanitizer_options())
    return count_doctest(finished, bool(pattern)), finished.output


def sim_batches(kind):
    program = f'build-{kind}/tests/sim/sim-tests'
    batches, seeds = SIM_BATCHES[kind]
    counts, shown = [], ''
    for batch in range(batches):
        command = [program, '--seeds', seeds, '--seed', 1 + batch * seeds]
        finished = runner.run(command, sanitizer_options())
        good = finished.returncode == 0
        counts.append(Count(passed=int(good), failed=int(not good)))
        if not good:
            shown += f'$ {" ".join(map(str, command))}\n{finished.output}\n'
    return add(counts), shown


def sim_mutations():
    """Each guard of the core removed in turn: a test passes when some seed notices."""
    finished = runner.run(['build-test/tests/sim/sim-tests', '--mutations'])
    found = re.search(r'^guards: (\d+) noticed, (\d+) unnoticed$', finished.output, re.M)
    count = Count(int(found[1]), int(found[2])) if found else Count()
    return count._replace(failed=max(count.failed, int(finished.returncode != 0))), finished.output


def integration(kind, marker, pattern):
    folder = f'build-{kind}'
    report = ROOT / folder / f'pytest.{marker.replace(" ", "-") or "all"}.xml'
    report.unlink(missing_ok=True)
    reports = ROOT / folder / 'sanitizer'
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir(parents=True)
    environment = {**sanitizer_options(f'log_path={reports}/report:'), 'WEIR_BIN': str(ROOT / folder / 'weir'),
                   'PYTHONDONTWRITEBYTECODE': '1'}
    if kind != 'test':
        # How long a test waits for what must come: instrumented code is slow, and two steps share the cores.
        environment['WEIR_TEST_DEADLINE'] = '60'
    command = ['/usr/bin/python3', '-m', 'pytest', 'tests/integration', '-q', '--no-header', '-rfEs',
               '-p', 'no:cacheprovider', '-o', 'faulthandler_timeout=120', f'--junitxml={report}', '-m', marker]
    if pattern:
        command += ['-k', pattern]
    if kind == 'tsan':
        # g++ 12's TSan does not know the address layout of kernels with much randomisation.
        command = ['setarch', os.uname().machine, '-R', *command]
    finished = runner.run(command, environment)
    output = finished.output
    counts = [count_pytest(finished, report)]
    # A test that looks only at the answers would not see that the program complained at its end.
    for complaint in sorted(reports.iterdir()):
        counts.append(Count(failed=1))
        output += f'\n{complaint.name}:\n{complaint.read_text(errors="replace")}'
    return add(counts), output


def fuzz_replay():
    """Every fuzzer's replay program runs over its corpus: fuzz/corpus/NAME with build-asan/fuzz/replay-NAME."""
    counts, shown = [], ''
    for corpus in sorted((ROOT / 'fuzz/corpus').iterdir()):
        finished = runner.run([f'build-asan/fuzz/replay-{corpus.name}', corpus], sanitizer_options())
        good = finished.returncode == 0
        counts.append(Count(passed=int(good), failed=int(not good)))
        if not good:
            shown += f'{corpus.name}:\n{finished.output}\n'
    return add(counts), shown


def lint():
    finished = runner.run(['/usr/bin/python3', 'tests/lint/lint.py'])
    return count_summary(finished), finished.output


def build(kind):
    # Optimised, only what needs its speed: compiling all of it twice would double the time of a first run.
    targets = ['weir', 'tests/sim/sim-tests'] if kind == 'test' else []
    finished = runner.run(['scripts/build', kind, *targets])
    return Count(failed=int(finished.returncode != 0)), finished.output


def plan(parts, pattern):
    """(builds, steps); a step names the build it needs, or None. Long ones first: they run two at a time."""
    steps = []

    def want(part_names, name, needs, function, *arguments):
        if parts & set(part_names):
            steps.append((name, needs, lambda: function(*arguments)))

    if not pattern:
        want(['lint'], 'lint', None, lint)
    want(['integration', 'asan'], 'integration, ASan and UBSan', 'asan', integration, 'asan', 'not plain', pattern)
    if not pattern:
        want(['sim'], 'simulation', 'test', sim_batches, 'test')
        want(['sim'], 'simulation, guards removed', 'test', sim_mutations)
    want(['integration', 'tsan'], 'integration, TSan', 'tsan', integration, 'tsan', 'tsan', pattern)
    if not pattern:
        want(['asan', 'sim'], 'simulation, ASan and UBSan', 'asan', sim_batches, 'asan')
    want(['integration'], 'integration, not instrumented', 'test', integration, 'test', 'plain', pattern)
    want(['unit', 'asan'], 'unit, ASan and UBSan', 'asan', cases, 'build-asan/tests/unit/unit-tests', pattern)
    want(['sim', 'asan'], 'scenarios, ASan and UBSan', 'asan', cases, 'build-asan/tests/sim/sim-scenarios', pattern)
    if not pattern and (ROOT / 'fuzz/corpus').is_dir():
        want(['asan'], 'fuzz corpora, ASan and UBSan', 'asan', fuzz_replay)
    needed = {needs for _, needs, _ in steps}
    return [kind for kind in ('test', 'asan', 'tsan') if kind in needed], steps


def timed(name, function):
    start = time.monotonic()
    try:
        count, output = function()
    except OSError as error:
        count, output = Count(failed=1), str(error)
    seconds = time.monotonic() - start
    verdict = 'FAIL' if count.failed else 'ok'
    total = '' if name.startswith('build') else f': {count}'
    shown = f'{output.rstrip()}\n' if count.failed or count.skipped else ''
    print(f'{shown}{verdict:4} {seconds:6.1f} s  {name}{total}', flush=True)
    return count


def main():
    parser = argparse.ArgumentParser(prog='scripts/test', description=__doc__)
    parser.add_argument('part', nargs='*', metavar='PART', help=' '.join(PARTS) + ' (default: all)')
    parser.add_argument('-k', dest='pattern', default='', help='only cases whose name contains this')
    arguments = parser.parse_args()
    unknown = set(arguments.part) - set(PARTS)
    if unknown:
        parser.error(f'no such part: {", ".join(sorted(unknown))} (parts are {", ".join(PARTS)})')

    builds, steps = plan(set(arguments.part or PARTS), arguments.pattern)
    counts, broken = [], set()
    for name, needs, function in [step for step in steps if step[1] is None]:
        counts.append(timed(name, function))
    for kind in builds:
        counts.append(timed(f'build {kind}', lambda: build(kind)))
        if counts[-1].failed:
            broken.add(kind)
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        pending = [pool.submit(timed, name, function)
                   for name, needs, function in steps if needs is not None and needs not in broken]
        try:
            counts += [future.result() for future in pending]
        except BaseException:
            # The pool waits for its threads, and they for their commands.
            runner.stop()
            raise

    total = add(counts)
    if total.passed == 0 and total.failed == 0:
        print('no test ran', flush=True)
    print(total, flush=True)
    skips_allowed = os.environ.get('CI') != 'true'
    return 0 if total.passed and not total.failed and (skips_allowed or not total.skipped) else 1


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        status = main()
    except KeyboardInterrupt:
        status = 130
    finally:
        runner.stop()
    sys.exit(status)

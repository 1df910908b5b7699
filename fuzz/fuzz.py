"""Runs fuzz targets that are built, one after the other: unpacks a corpus, fuzzes, packs what is worth keeping,
writes a line into LOG.md. scripts/fuzz starts it: fuzz.py SECONDS TARGET…
"""
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / 'build-fuzz'
LOG = ROOT / 'fuzz/LOG.md'
# A corpus stays small enough to be replayed in a second and read by people.
MAX_INPUTS = {'exchange': 400}
DEFAULT_MAX_INPUTS = 1000
MAX_PACKED_BYTES = 600_000
# Longer inputs reach nothing new, but cost. A story needs so many choices.
MAX_INPUT_BYTES = {'exchange': 3000, 'config': 3000}
DEFAULT_MAX_INPUT_BYTES = 2000
# A story whose choices are used up soon is a dull one: long inputs from the start.
FURTHER_OPTIONS = {'exchange': ['-len_control=0']}
INPUT_TIMEOUT_SECONDS = 30

ESCAPES = {'r': b'\r', 'n': b'\n', 't': b'\t', '\\': b'\\'}


def packed_line(data):
    """An input as a line of text, the way replay_main.cc reads it."""
    line = ''
    for byte in data:
        char = chr(byte)
        named = next((f'\\{name}' for name, value in ESCAPES.items() if value == bytes([byte])), None)
        line += named or (char if 0x20 <= byte < 0x7f else f'\\x{byte:02x}')
    return '\\x23' + line[1:] if line.startswith('#') else line


def unpacked_line(line):
    parts = re.split(r'\\(x[0-9a-f]{2}|.)', line)
    data = b''
    for literal, escape in zip(parts[::2], parts[1::2] + [None]):
        data += literal.encode('latin-1')
        if escape is not None:
            data += bytes([int(escape[1:], 16)]) if escape[0] == 'x' else ESCAPES[escape]
    return data


def unpack(file, folder):
    folder.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        return
    lines = [line for line in file.read_text('latin-1').split('\n') if line and not line.startswith('#')]
    for number, line in enumerate(lines):
        (folder / f'{file.stem}-{number}').write_bytes(unpacked_line(line))


def pack(inputs, file, max_inputs):
    """The smallest first, which is the order in which the merge found each to reach something new."""
    lines = sorted({packed_line(data) for data in inputs if data}, key=lambda line: (len(line), line))
    kept, size = [], 0
    for line in lines[:max_inputs]:
        size += len(line) + 1
        if size > MAX_PACKED_BYTES:
            break
        kept.append(line)
    file.write_text('# Found and minimised by scripts/fuzz; made anew by each run.\n' + '\n'.join(kept) + '\n',
                    'latin-1')
    return len(kept)


def children_cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def commit():
    def git(*arguments):
        return subprocess.run(['git', *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    changed = git('status', '--porcelain', '--', 'src', 'include', 'tests/sim', 'fuzz/*.cc', 'fuzz/*.h')
    return git('rev-parse', '--short', 'HEAD') + ('+' if changed else '')


class Fuzzer:
    def __init__(self, target):
        self.target = target
        # A copy, so that a build beside a long run changes nothing.
        self.program = BUILD / 'run' / target
        self.program.parent.mkdir(parents=True, exist_ok=True)
        self.program.unlink(missing_ok=True)
        shutil.copy2(BUILD / 'fuzz' / f'fuzz-{target}', self.program)
        self.commit = commit()
        self.corpus = ROOT / 'fuzz/corpus' / target
        self.work = BUILD / 'corpus' / target
        self.merged = BUILD / 'merged' / target
        self.findings = BUILD / 'findings'

    def command(self, *options):
        longest = MAX_INPUT_BYTES.get(self.target, DEFAULT_MAX_INPUT_BYTES)
        command = [self.program, f'-max_len={longest}', f'-timeout={INPUT_TIMEOUT_SECONDS}', '-rss_limit_mb=3000',
                   f'-artifact_prefix={self.findings}/{self.target}-', *options]
        dictionary = ROOT / 'fuzz/dict' / f'{self.target}.dict'
        command += FURTHER_OPTIONS.get(self.target, [])
        return [str(part) for part in command + ([f'-dict={dictionary}'] if dictionary.exists() else [])]

    def run(self, seconds):
        """(whether it found something, its figures)"""
        for folder in (self.work, self.merged):
            shutil.rmtree(folder, ignore_errors=True)
        self.findings.mkdir(parents=True, exist_ok=True)
        for file in ('seeds.txt', 'found.txt'):
            unpack(self.corpus / file, self.work)
        began, cpu = time.monotonic(), children_cpu_seconds()
        finished = subprocess.run(self.command(f'-max_total_time={seconds}', '-print_final_stats=1', self.work),
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors='replace')
        output = finished.stderr
        figures = {'seconds': round(time.monotonic() - began), 'cpu': round(children_cpu_seconds() - cpu)}
        executions = re.search(r'number_of_executed_units: (\d+)', output)
        covered = re.findall(r'cov: (\d+) ft: (\d+)', output)
        figures['executions'] = int(executions[1]) if executions else 0
        figures['edges'], figures['features'] = covered[-1] if covered else ('-', '-')
        if finished.returncode != 0:
            print(shortened(output), flush=True)
        return finished.returncode != 0, figures

    def store(self):
        """What adds something to the seeds, as found.txt; how many that are."""
        unpack(self.corpus / 'seeds.txt', self.merged)
        seeds = {path.name for path in self.merged.iterdir()}
        subprocess.run(self.command('-merge=1', self.merged, self.work), stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True)
        return pack([path.read_bytes() for path in self.merged.iterdir() if path.name not in seeds],
                    self.corpus / 'found.txt', MAX_INPUTS.get(self.target, DEFAULT_MAX_INPUTS))


def shortened(output):
    """Of libFuzzer's output what is about the finding."""
    lines = output.splitlines()
    first = next((i for i, line in enumerate(lines)
                  if re.search(r'does not hold|CHECK failed|runtime error|ERROR: |Sanitizer', line)), len(lines) - 40)
    return '\n'.join(line[:2000] for line in lines[max(first, 0):])


def log(fuzzer, figures, inputs, is_broken):
    rate = figures['executions'] / max(figures['seconds'], 1)
    cells = [time.strftime('%Y-%m-%d %H:%M', time.gmtime()), fuzzer.target, figures['seconds'], figures['cpu'],
             f'{figures["executions"]:,}', f'{rate:,.0f}', figures['edges'], figures['features'], inputs,
             1 if is_broken else 0, fuzzer.commit]
    line = '| ' + ' | '.join(map(str, cells)) + ' |'
    with LOG.open('a') as file:
        file.write(line + '\n')
    print(line, flush=True)


def main():
    seconds, targets = int(sys.argv[1]), sys.argv[2:]
    broken = []
    for fuzzer in [Fuzzer(target) for target in targets]:
        print(f'{fuzzer.target}: {seconds} s', flush=True)
        is_broken, figures = fuzzer.run(seconds)
        log(fuzzer, figures, fuzzer.store(), is_broken)
        if is_broken:
            broken.append(fuzzer.target)
    if broken:
        print(f'found in {", ".join(broken)}: see {BUILD}/findings; again: scripts/build asan && '
              'build-asan/fuzz/replay-TARGET FILE')
    return 1 if broken else 0


if __name__ == '__main__':
    sys.exit(main())

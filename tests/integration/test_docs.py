"""What README.md and docs/ show is run: each fenced block by its mark.

    ```toml              a piece of a configuration: `weir check` accepts it with what it lacks added
    ```toml weir.toml    a whole file: accepted as it stands, and there for the commands below it
    ```sh                commands, each run in a folder and a network of their own
    ```nginx             accepted by nginx -t

A line `weir run` of a `sh` block runs beside the lines behind it; a comment `# weir.toml: ok (…)` is what the line has
to print. Lines that begin with ./scripts/ build or test weir itself: that script has to be there."""
import os
import re
import subprocess
import sys
from typing import NamedTuple

import pytest

from support.weir import BINARY, ROOT, run_once

DOCUMENTS = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]


class Block(NamedTuple):
    document: str
    line: int
    kind: str
    name: str
    text: str


def blocks_of(document):
    found = []
    for match in re.finditer(r'^```(\w*) *(\S*)\n(.*?)^```$', document.read_text(), re.M | re.S):
        line = document.read_text()[:match.start()].count('\n') + 1
        found.append(Block(document.name, line, *match.groups()))
    return found


BLOCKS = [block for document in DOCUMENTS for block in blocks_of(document)]


def of_kind(kind):
    chosen = [block for block in BLOCKS if block.kind == kind]
    return pytest.mark.parametrize('block', chosen, ids=[f'{block.document}:{block.line}' for block in chosen])


def whole(text):
    """A piece with a listener, and with the pools that its routes name."""
    if '[listener' not in text:
        text += '\n[listener.docs]\nbind = ["127.0.0.1:0"]\n'
    for pool in sorted(set(re.findall(r'\bpool = "(.+?)"', text))):
        if f'[pool.{pool}]' not in text:
            text += f'\n[pool.{pool}]\nbackends = ["127.0.0.1:9001"]\n'
    return text


@of_kind('toml')
def test_configuration(tmp_path, block):
    """weir accepts it, with the pages that it names."""
    for page in re.findall(r'"(pages/.+?)"', block.text):
        (tmp_path / 'pages').mkdir(exist_ok=True)
        (tmp_path / page).write_text('sorry')
    (tmp_path / 'weir.toml').write_text(block.text if block.name else whole(block.text))
    run_once(['check'], tmp_path, code=0)


@of_kind('nginx')
def test_nginx(tmp_path, block):
    """nginx accepts it, so that the comparison is a fair one."""
    (tmp_path / 'nginx.conf').write_text(block.text)
    done = subprocess.run(['nginx', '-t', '-p', tmp_path, '-c', tmp_path / 'nginx.conf', '-g',
                           f'pid {tmp_path}/pid; error_log {tmp_path}/log;'],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def lines_of(block):
    """(command, comment) of each line; continued lines are one."""
    joined = re.sub(r'\\\n\s*', '', block.text)
    for line in filter(None, map(str.strip, joined.splitlines())):
        command, _, comment = re.match(r'((?:[^#]|(?<=\S)#)*)(# )?(.*)', line).groups()
        yield command.strip(), comment


def script_of(block):
    """One shell script that runs the block: commands in order, `weir run` beside the others until the end."""
    parts = ['set -eu', 'trap \'kill $(jobs -p) 2>/dev/null || true\' EXIT']
    for command, comment in lines_of(block):
        if command.startswith('./scripts/'):
            parts.append(f'test -x {ROOT / command.split()[0]}')
        elif re.match(r'weir (run|demo)\b', command):
            parts += [f'{command} >access.log 2>weir.log & started=$!',
                      'until grep -q msg=ready weir.log; do kill -0 $started; sleep 0.02; done']
        elif command.endswith('&'):
            port = re.search(r'\b(\d{4,5})\b', command)[1]
            parts += [f'{command.rstrip("&")} >/dev/null 2>&1 & started=$!',
                      f'until (: <>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do kill -0 $started; sleep 0.02; done']
        elif comment.startswith('weir.toml: ok'):
            parts += [f'{command} >out', f'grep -qxF "{comment}" out || {{ cat out; exit 9; }}']
        elif command:
            parts.append(command)
    return '\n'.join(parts)


# Brings the loopback of a new network up, then becomes the shell.
ENTER = '''
import fcntl, os, socket, struct, sys
with socket.socket() as any_socket:
    request = struct.pack('16sh14x', b'lo', 1)  # IFF_UP
    fcntl.ioctl(any_socket, 0x8914, request)    # SIOCSIFFLAGS
os.execvp('bash', ['bash', '-x', '-c', sys.argv[1]])
'''


@of_kind('sh')
def test_commands(tmp_path, block):
    """Every command succeeds, after the files that the document showed before it."""
    folder = tmp_path / 'scratch'
    folder.mkdir()
    for earlier in BLOCKS:
        if earlier.document == block.document and earlier.line < block.line and earlier.kind == 'toml' and earlier.name:
            (folder / earlier.name).write_text(earlier.text)
    programs = tmp_path / 'programs'
    programs.mkdir()
    (programs / 'weir').symlink_to(BINARY)
    own = ['unshare', '--net'] if os.geteuid() == 0 else ['unshare', '--user', '--map-root-user', '--net']
    done = subprocess.run(
        [*own, sys.executable, '-c', ENTER, script_of(block)], cwd=folder, capture_output=True, text=True, timeout=120,
        env={**os.environ, 'PATH': f'{programs}:{os.environ["PATH"]}', 'NO_COLOR': '1'})
    logs = '\n'.join(file.read_text() for file in folder.glob('*.log'))
    assert done.returncode == 0, f'{done.stdout}\n{done.stderr}\n{logs}'


@pytest.mark.parametrize('document', DOCUMENTS, ids=[document.name for document in DOCUMENTS])
def test_names_exist(document):
    """Files, links and Class::function names in the text are real."""
    text = document.read_text()
    for link in re.findall(r'\]\((?!https?:)([^)#]+)', text):
        assert (document.parent / link).exists(), link
    for file in re.findall(r'(?<![\w/.-])((?:src|include|tests|conf|docs|scripts)/[\w./-]*\w)', text):
        is_pattern = file.endswith('/X')
        assert is_pattern or (ROOT / file).exists() or list(ROOT.glob(file + '*')), file
    sources = '\n'.join(path.read_text() for folder in ('src', 'include') for path in (ROOT / folder).rglob('*.*'))
    for owner, function in set(re.findall(r'`(\w+)::(\w+)`', text)):
        is_there = re.search(rf'\b{owner}::{function}\b', sources) or re.search(rf'\b{function}\(', sources)
        assert is_there, f'{owner}::{function}'


def test_every_block_is_marked():
    """Nothing that looks like a configuration or a command goes unmarked."""
    for block in BLOCKS:
        if block.kind == '':
            assert not re.search(r'^\[\[?\w+', block.text, re.M), block


def section(text, title):
    """What stands below that heading, up to the next one of any level."""
    return re.search(rf'^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)', text, re.M | re.S)[1]


def rows_of(text):
    """Cells of the table rows."""
    return [[cell.strip() for cell in line.split('|')[1:-1]] for line in text.splitlines() if line.startswith('| ')]


def test_every_metric_is_listed():
    """The README's metrics are those of metrics.def, with the same labels."""
    rows = re.findall(r'^METRIC\((\w+), \w+, "([^"]*)"', (ROOT / 'src/observe/metrics.def').read_text(), re.M)
    expected = {name: labels.replace(',', ', ') for name, labels in rows}
    listed = {}
    for cells in rows_of(section((ROOT / 'README.md').read_text(), 'Metrics'))[1:]:
        for name in re.findall(r'`(\w+)`', cells[0]):
            assert name not in listed, name
            listed[name] = cells[1]
    assert listed == expected


SECTIONS = (ROOT / 'src/config/sections.h').read_text()
LATER = re.findall(r'\blater(?:_table)?<(?!Nothing).*?>\(\s*"(\w+)"', SECTIONS)
LATER_BELOW = re.findall(r'\blater<Nothing, .*?>\(\s*"(\w+)"', re.search(r'kDnsKeys.*?---- ', SECTIONS, re.S)[0])
NEVER = re.findall(r'\bnever<\w+>\("(\w+)"', SECTIONS)


def test_what_is_not_available():
    """The README's list is that of the key tables."""
    text = section((ROOT / 'README.md').read_text(), 'Not available in this version').replace('\n', ' ')
    at_default, always = re.search(r'this version": (.*?)\. Always refused: (.*)\.', text).groups()
    keys = [word for part in at_default.split(' · ') for word in
            re.sub(r'^(`\[+\w+\]+`|pools:) ', '', part).replace(' ', '').split(',')]
    assert sorted(keys) == sorted(LATER + LATER_BELOW)
    for key in NEVER:
        assert re.search(rf'\b{key}\b', always), key


@pytest.mark.parametrize('name', ['from-haproxy.md', 'from-nginx.md'])
def test_daggers(name):
    """In the tables of words † stands where a key or value is not in this version, and nowhere else."""
    marked = 0
    for cells in rows_of(section((ROOT / 'docs' / name).read_text(), 'Word by word')):
        spans = re.findall(r'`([^`]+)`', cells[1])
        is_later = any(span.startswith(('balance = "hash"', 'balance = "random"'))
                       or re.match(r'(?:\[+\w+\]+ )?(\w*)', span)[1] in LATER for span in spans)
        assert ('†' in cells[1]) == is_later, cells
        marked += is_later
    assert marked >= 3

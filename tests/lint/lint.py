"""Checks what no compiler does: who includes whom, calls that would break the simulation, and that tables,
tests and documents name the same things. Each check is one test; the last line is the sum.
"""
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Which contexts a context builds on. What those build on is visible through their headers, and so allowed.
BUILDS_ON = {
    'base': [],
    'net': ['base'],
    'http': ['base'],
    'config': ['base'],
    'observe': ['base'],
    'wire': ['net', 'http'],
    'backend': ['wire', 'http', 'net', 'config', 'observe'],
    'route': ['http', 'config'],
    'table': ['route', 'backend', 'config'],
    'proxy': ['route', 'backend', 'wire', 'http', 'observe', 'config'],
    'actions': ['proxy'],
    'admin': ['table', 'backend', 'wire', 'observe', 'config'],
    'cli': ['wire', 'config'],
    'server': ['actions', 'admin', 'cli', 'proxy', 'table'],
}

# Libraries that only some contexts may see; all others are everyone's.
LIBRARY_USERS = {
    r'uv\.h|uv/.*': ['net'],
    r'ares.*\.h': ['net'],
    r'openssl/.*': ['net'],
    r'(llhttp/)?llhttp\.h': ['http'],
    r'toml\+\+/.*|toml\+\+\.h|toml\.hpp': ['config'],
    r'prometheus/.*': ['observe'],
    r'nlohmann/.*': ['admin', 'cli'],
}

# Under virtual time and a seed, these would bring in the real world. base and net wrap them.
BANNED_CALLS = {
    r'\b(steady|system|high_resolution|file|utc)_clock::now\b': 'take a Clock',
    r'(?<![\w.>])(::|std::)?(time\s*\(\s*(NULL|nullptr|0|&)|(gettimeofday|clock_gettime|timespec_get)\s*\()': 'take a Clock',
    r'\brandom_device\b|(?<![\w.>])(::|std::)?(s?rand|rand_r|srandom|[dlm]rand48|getrandom|arc4random)\s*\(':
        'take an Rng',
    r'\bthis_thread::sleep|(?<![\w.>])(::|std::)?(sleep|usleep|nanosleep|clock_nanosleep)\s*\(': 'use a Timer',
    r'(?<![\w.>])(::|std::)?(getaddrinfo|gethostbyname\w*|getnameinfo)\s*\(': 'resolving blocks',
}
UNBOUND_CONTEXTS = {'base', 'net'}
# The process takes its seed from the system in one place.
SEED_FILE = 'src/server/machine.cc'

MAX_LINES = {'.h': 150, '.cc': 400}


def tracked_files():
    """Files of the work tree that are in git or could be added to it, as pathlib paths below ROOT."""
    listed = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], cwd=ROOT,
                            check=True, capture_output=True, text=True).stdout
    return sorted(path for path in map(pathlib.Path, filter(None, listed.split('\0'))) if (ROOT / path).is_file())


FILES = tracked_files()


def read(path):
    return (ROOT / path).read_text(errors='replace')


def below(*folders, suffixes=None):
    return [path for path in FILES
            if any(path.is_relative_to(folder) for folder in folders)
            and (suffixes is None or path.suffix in suffixes)]


def sources(*folders):
    return below(*folders, suffixes={'.h', '.cc', '.def', '.c'})


def without_comments(text):
    """Comments and string contents blanked, lines kept; an #include keeps its name."""
    def blank(match):
        token = match.group(0)
        if token.startswith('/'):
            return re.sub(r'[^\n]', ' ', token)
        return token if '\n' in token else '""'
    text = re.sub(r'^(\s*#\s*include\s*)"([^"]*)"', r'\1<./\2>', text, flags=re.M)
    return re.sub(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def includes(path):
    """(line number, name, quoted) of every #include."""
    for number, line in enumerate(without_comments(read(path)).splitlines(), 1):
        found = re.match(r'\s*#\s*include\s*<(\./)?([^>]+)>', line)
        if found:
            yield number, found.group(2), bool(found.group(1))


def context_of(path):
    """The context that a file belongs to: src/CTX, include/weir/CTX, tests/unit/CTX; else None."""
    for pattern in (r'src/(\w+)/', r'include/weir/(\w+)/', r'tests/unit/(\w+)/'):
        found = re.match(pattern, path.as_posix())
        if found:
            return found.group(1)
    return None


def visible_from(context):
    seen, waiting = {context, 'base'}, [context]
    while waiting:
        for other in BUILDS_ON[waiting.pop()]:
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return seen


# The checks. Each yields its complaints; a docstring is its name in the report.

def check_contexts_known():
    """every folder of the code is a context with a place in the order"""
    for path in sources('src', 'include/weir'):
        context = context_of(path)
        if context not in BUILDS_ON:
            yield f'{path}: {context} is not in BUILDS_ON'


def check_include_direction():
    """contexts include only what they build on"""
    for path in sources('src', 'include/weir'):
        context = context_of(path)
        for number, name, _ in includes(path):
            found = re.match(r'weir/(\w+)/', name)
            if found and context in BUILDS_ON and found.group(1) not in visible_from(context):
                yield f'{path}:{number}: {context} may not include {name}'


def check_private_headers():
    """headers in src/ are included only by their own context"""
    private = {path.as_posix() for path in below('src', suffixes={'.h', '.def'})}
    for path in sources('src', 'include', 'tests/unit', 'tests/sim'):
        for number, name, quoted in includes(path):
            beside = os.path.normpath((path.parent / name).as_posix())
            target = beside if quoted and beside in private else None
            target = target or next((p for p in (name, f'src/{name}') if p in private), None)
            if not target:
                continue
            if context_of(path) != context_of(pathlib.Path(target)):
                yield f'{path}:{number}: {name} is private'
            elif path.is_relative_to('include'):
                yield f'{path}:{number}: a public header shows the private {name}'


def check_libraries():
    """libraries are seen only by the context that wraps them"""
    for path in sources('src', 'include', 'tests/unit', 'tests/sim', 'fuzz'):
        for number, name, _ in includes(path):
            for pattern, users in LIBRARY_USERS.items():
                if not re.fullmatch(pattern, name):
                    continue
                if context_of(path) not in users:
                    yield f'{path}:{number}: <{name}> belongs to {", ".join(users)}'
                elif path.is_relative_to('include'):
                    yield f'{path}:{number}: a public header shows <{name}>'


def check_banned_calls():
    """clocks, chance, sleep and blocking names stay in base and net"""
    for path in sources('src', 'include'):
        if context_of(path) in UNBOUND_CONTEXTS or path.as_posix() == SEED_FILE:
            continue
        for number, line in enumerate(without_comments(read(path)).splitlines(), 1):
            for pattern, instead in BANNED_CALLS.items():
                found = re.search(pattern, line)
                if found:
                    yield f'{path}:{number}: {found.group(0).strip()}: {instead}'


def check_notes_to_self():
    """no unfinished work is marked in the files"""
    for path in FILES:
        if path.is_relative_to('tests/lint') or path.is_relative_to('fuzz/corpus'):
            continue
        for number, line in enumerate(read(path).splitlines(), 1):
            found = re.search(r'\b(TODO|FIXME|XXX|HACK)\b', line)
            if found:
                yield f'{path}:{number}: {found.group(0)}'


def check_sleepless_tests():
    """tests wait for events and never sleep"""
    for path in below('tests/integration', suffixes={'.py'}):
        if path.is_relative_to('tests/integration/support'):
            continue
        for number, line in enumerate(read(path).splitlines(), 1):
            if re.search(r'\b(time|asyncio)\.sleep\b|from time import.*\bsleep\b', line):
                yield f'{path}:{number}: waiting belongs to tests/integration/support'
    for path in sources('tests/unit', 'tests/sim'):
        for number, line in enumerate(without_comments(read(path)).splitlines(), 1):
            if re.search(r'\bthis_thread::sleep|(?<![\w.>])(::|std::)?(sleep|usleep|nanosleep)\s*\(', line):
                yield f'{path}:{number}: a test sleeps'


def rule_list():
    for line in read('tests/lint/rules.txt').splitlines():
        if line and not line.startswith('#'):
            yield line.split(None, 1)[0]


def text_of_tests(*folders):
    return '\n'.join(read(path) for path in below(*folders, suffixes={'.cc', '.h', '.py', '.def'}))


def check_rules_named():
    """every HTTP rule is named by a test"""
    named = set(re.findall(r'\bR\d\d\b', text_of_tests('tests/unit', 'tests/sim', 'tests/integration')))
    for number in rule_list():
        if number not in named:
            yield f'tests/lint/rules.txt: no test names {number}'


def check_rules_known():
    """tests and code name no HTTP rule that is not in the list"""
    known = set(rule_list())
    for path in sources('src', 'include', 'tests', 'fuzz') + below('tests', suffixes={'.py'}):
        if path.is_relative_to('tests/lint'):
            continue
        for number in sorted(set(re.findall(r'\bR\d\d\b', read(path))) - known):
            yield f'{path}: {number} is not in tests/lint/rules.txt'


def check_failures_tested():
    """every way in which a request can end is named by a test"""
    tests = text_of_tests('tests/integration', 'tests/sim', 'tests/unit/proxy', 'tests/unit/wire')
    for name in re.findall(r'^FAILURE\((\w+)', read('include/weir/base/failure.def'), re.M):
        # As text in the tests of the real program, as an enumerator in C++.
        enumerator = 'k' + ''.join(part.capitalize() for part in name.split('_'))
        if not re.search(rf'\b({name}|{enumerator})\b', tests):
            yield f'include/weir/base/failure.def: no test names {name}'


def check_guards_tested():
    """every guard of the core is known to the simulation"""
    used = text_of_tests('tests/sim') + '\n'.join(read(path) for path in sources('src', 'include')
                                                  if path.name != 'guard.def')
    for name in re.findall(r'^GUARD\((\w+)', read('include/weir/base/guard.def'), re.M):
        if not re.search(rf'\b{name}\b', used):
            yield f'include/weir/base/guard.def: {name} guards nothing'


def check_readme_commands():
    """the two commands of the README exist"""
    readme = read('README.md') if pathlib.Path('README.md') in FILES else ''
    for command in ('scripts/run', 'scripts/test'):
        if f'./{command}' not in readme:
            yield f'README.md: does not name ./{command}'
    for path in below('scripts', '.ci'):
        if read(path).startswith('#!') and not os.access(ROOT / path, os.X_OK):
            yield f'{path}: is not executable'


def check_meson_lists():
    """every source file is in a list of meson's"""
    lists = {path.parent: read(path) for path in FILES if path.name == 'meson.build'}
    for path in below('src', 'tests/unit', 'tests/sim', 'fuzz', suffixes={'.cc'}):
        if path.is_relative_to('fuzz') and f"'{path.stem}':" in lists[path.parent]:
            continue
        if not any(f"'{path.relative_to(folder).as_posix()}'" in lists.get(folder, '') for folder in path.parents):
            yield f'{path}: would not be compiled'


def check_fuzz_targets():
    """every fuzz target has a corpus to start from, and every corpus a target"""
    targets = set(re.findall(r"^  '(\w+)': \[\w+_dep", read('fuzz/meson.build'), re.M))
    corpora = {path.parent.name for path in below('fuzz/corpus') if path.name == 'seeds.txt'}
    for name in sorted(targets ^ corpora):
        yield f'fuzz/corpus/{name}/seeds.txt: a target without seeds, or seeds without a target'


def long_files():
    for path in below('src', 'include', 'tests/unit', 'tests/sim', 'fuzz'):
        lines = read(path).count('\n')
        if path.suffix in MAX_LINES and lines > MAX_LINES[path.suffix]:
            yield f'{path}: {lines} lines'


def main():
    failed = passed = 0
    for name, check in list(globals().items()):
        if not name.startswith('check_'):
            continue
        complaints = list(check())
        failed += bool(complaints)
        passed += not complaints
        print('FAIL' if complaints else 'ok  ', check.__doc__)
        for complaint in complaints:
            print('    ', complaint)
    for file in long_files():
        print('note', 'long file:', file)
    print(f'{passed} passed, {failed} failed, 0 skipped')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())

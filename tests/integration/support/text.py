"""The text formats that weir writes and reads: logfmt, Prometheus, TOML. Strict readers: what a
lenient tool might forgive is an error here."""
import json
import math
import re
from typing import NamedTuple

_PAIR = re.compile(r'([a-z_][a-z0-9_]*)=(?:"((?:[^"\\\x00-\x1f\x7f-\U0010ffff]|\\.)*)"|([^\s"=\\]*))(?: |$)')
_ESCAPE = re.compile(r'\\(?:x([0-9a-f]{2})|(.))')


def parse_logfmt(line):
    """One line as a dict; raises ValueError when it is not clean logfmt."""
    fields, position = {}, 0
    while position < len(line):
        match = _PAIR.match(line, position)
        if not match:
            raise ValueError(f'not logfmt at {position}: {line!r}')
        key, quoted, plain = match.groups()
        if key in fields:
            raise ValueError(f'{key} twice: {line!r}')
        fields[key] = plain if quoted is None else _ESCAPE.sub(_unescape, quoted)
        position = match.end()
    return fields


def _unescape(match):
    if match[1]:
        return chr(int(match[1], 16))
    return {'n': '\n', 'r': '\r', 't': '\t'}.get(match[2], match[2])


class Sample(NamedTuple):
    name: str
    labels: dict
    value: float


_NAME = r'[a-zA-Z_:][a-zA-Z0-9_:]*'
_SAMPLE = re.compile(rf'({_NAME})(?:\{{(.*)\}})? (\S+)$')
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,|$)')
_TYPES = {'counter', 'gauge', 'histogram', 'summary', 'untyped'}


class Metrics:
    """A scrape: Prometheus text format 0.0.4, parsed as strictly as promtool would."""

    def __init__(self, text):
        self.types, self.helps, self.samples = {}, {}, []
        assert text.endswith('\n'), 'the last line has no end'
        finished, family = set(), None
        for line in text[:-1].split('\n'):
            if line.startswith('# HELP '):
                _, _, name, help_text = (line.split(' ', 3) + [''])[:4]
                assert name not in self.helps, f'two HELP lines of {name}'
                self.helps[name] = help_text
            elif line.startswith('# TYPE '):
                _, _, name, kind = line.split(' ')
                assert kind in _TYPES and name not in self.types, line
                self.types[name] = kind
            else:
                sample = self._sample(line)
                name = self.family_of(sample.name)
                assert name, f'no TYPE before {line}'
                if name != family:
                    assert name not in finished, f'{name} is not in one piece'
                    finished.add(family)
                    family = name
                self.samples.append(sample)
        keys = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in self.samples]
        assert len(keys) == len(set(keys)), 'a series twice'

    @staticmethod
    def _sample(line):
        match = _SAMPLE.match(line)
        assert match, f'not a sample: {line!r}'
        name, inside, value = match.groups()
        labels, position = {}, 0
        while inside and position < len(inside):
            label = _LABEL.match(inside, position)
            assert label and label[1] not in labels, f'bad labels: {line!r}'
            labels[label[1]] = label[2].replace('\\n', '\n').replace('\\"', '"').replace('\\\\', '\\')
            position = label.end()
        return Sample(name, labels, float(value.replace('Inf', 'inf').replace('Nan', 'nan')))

    def family_of(self, name):
        """The family that a sample's name belongs to, or None."""
        if name in self.types:
            return name
        for suffix in ('_bucket', '_sum', '_count'):
            base = name.removesuffix(suffix)
            if base != name and self.types.get(base) in ('histogram', 'summary'):
                return base
        return None

    def check_histograms(self):
        """Buckets grow, end with +Inf, and +Inf equals _count."""
        for name, kind in self.types.items():
            if kind != 'histogram':
                continue
            series = {}
            for sample in self.samples:
                if sample.name == f'{name}_bucket':
                    key = tuple(sorted((k, v) for k, v in sample.labels.items() if k != 'le'))
                    series.setdefault(key, []).append((float(sample.labels['le'].replace('Inf', 'inf')), sample.value))
            for key, buckets in series.items():
                assert buckets == sorted(buckets) and math.isinf(buckets[-1][0]), (name, key)
                counts = [count for _, count in buckets]
                assert counts == sorted(counts), (name, key)
                assert self.sum(f'{name}_count', **dict(key)) == counts[-1], (name, key)

    def find(self, name, **labels):
        return [s for s in self.samples if s.name == name and labels.items() <= s.labels.items()]

    def sum(self, name, **labels):
        """The sum of the series that carry these labels; 0 when there is none."""
        return sum(sample.value for sample in self.find(name, **labels))


def to_toml(config):
    """Sections as nested dicts: 'listener' and 'pool' hold named tables, 'route' is a list."""
    parts = []
    for section, content in config.items():
        if section == 'route':
            parts += [_table('[[route]]', route) for route in content]
        elif section in ('listener', 'pool'):
            parts += [_table(f'[{section}.{_key(name)}]', table) for name, table in content.items()]
        else:
            parts.append(_table(f'[{section}]', content))
    return '\n'.join(parts)


def _key(name):
    return name if re.fullmatch(r'[A-Za-z0-9_-]+', name) else json.dumps(name)


def _table(header, table):
    return header + '\n' + ''.join(f'{_key(key)} = {_value(value)}\n' for key, value in table.items())


def _value(value):
    if isinstance(value, dict):
        return '{ ' + ', '.join(f'{_key(key)} = {_value(item)}' for key, item in value.items()) + ' }'
    if isinstance(value, list):
        return '[' + ', '.join(map(_value, value)) + ']'
    return json.dumps(value)

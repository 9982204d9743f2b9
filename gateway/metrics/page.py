"""The text page (exposition format 0.0.4), kept as texts of which only changed ones are made again."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import accumulate
from operator import itemgetter
from pathlib import Path
from typing import Any

from gateway.metrics.numbers import go_float
from gateway.metrics.reader import DirectoryReader, FileReader, Values

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
# Below it a number's text is Python's own.
_PLAIN = 1e6


class Line:
    """One sample of a counter or gauge: the sum over the files that have it."""

    __slots__ = ("family", "position", "prefix", "sources")

    def __init__(self, family: Family, prefix: str) -> None:
        self.family = family
        self.position = len(family.texts)
        self.prefix = prefix
        self.sources: dict[FileReader, int] = {}

    def drop(self, file: FileReader) -> None:
        self.sources.pop(file, None)

    def text(self) -> str:
        total = 0.0
        for file, index in self.sources.items():
            total += file.values[index]
        return f"{self.prefix}{_number(total)}\n" if self.sources else ""


class Block:
    """All samples of one histogram child."""

    __slots__ = ("_braces", "_comma", "_fetch", "_name", "_prefixes", "family", "position", "sources")

    def __init__(self, family: Family, name: str, labels: str) -> None:
        self.family = family
        self.position = len(family.texts)
        self._name = name
        self._comma = f"{labels}," if labels else ""
        self._braces = f"{{{labels}}}" if labels else ""
        # By file: where each edge's value is, and the sum's (None).
        self.sources: dict[FileReader, dict[float | None, int]] = {}
        self._prefixes: list[str] = []
        self._fetch: list[tuple[FileReader, Callable[[Values], tuple[float, ...]]]] = []

    def add(self, file: FileReader, edge: float | None, index: int) -> None:
        """Where one of the samples is."""
        self.sources.setdefault(file, {})[edge] = index
        self._fetch = []

    def drop(self, file: FileReader) -> None:
        self.sources.pop(file, None)
        self._fetch = []

    def text(self) -> str:
        if not self._fetch and not self._prepare():
            return ""
        found = [fetch(file.values) for file, fetch in self._fetch]
        *buckets, total = found[0] if len(found) == 1 else map(sum, zip(*found, strict=True))
        counts = list(accumulate(buckets))
        lines = [f"{prefix}{_number(count)}\n" for prefix, count in zip(self._prefixes, counts, strict=True)]
        lines.append(f"{self._name}_count{self._braces} {_number(counts[-1])}\n")
        lines.append(f"{self._name}_sum{self._braces} {_number(total)}\n")
        return "".join(lines)

    def _prepare(self) -> bool:
        edges = sorted({edge for places in self.sources.values() for edge in places if edge is not None})
        if not edges:
            return False
        self._prefixes = [f'{self._name}_bucket{{{self._comma}le="{go_float(edge)}"}} ' for edge in edges]
        self._fetch = [(file, _fetcher(places, [*edges, None])) for file, places in self.sources.items()]
        return True


def _fetcher(places: dict[float | None, int], wanted: list[float | None]) -> Callable[[Values], tuple[float, ...]]:
    """Values in this order; 0 where a process died before it had made all of a histogram."""
    indices = [places.get(edge) for edge in wanted]
    if None not in indices:
        return itemgetter(*indices)
    return lambda values: tuple([0.0 if index is None else values[index] for index in indices])


class Family:
    """Header and children's texts of one metric."""

    def __init__(self, name: str, kind: str, help_text: str) -> None:
        shown = f"{name}_total" if kind == "counter" else name
        escaped = help_text.replace("\\", r"\\").replace("\n", r"\n")
        self.header = f"# HELP {shown} {escaped}\n# TYPE {shown} {kind}\n"
        self.texts: list[str] = []
        self.children: dict[str, Line | Block] = {}

    def text(self) -> str:
        body = "".join(self.texts)
        return self.header + body if body else ""


class Page:
    """Follows a directory of multiprocess files and renders it."""

    def __init__(self, directory: Path) -> None:
        self._directory = DirectoryReader(directory)
        self._families: dict[str, Family] = {}
        # Which child each entry of a file belongs to.
        self._places: dict[FileReader, list[Line | Block]] = {}

    def render(self) -> bytes:
        """The page as of now."""
        for child in self._changed():
            child.family.texts[child.position] = child.text()
        return "".join([family.text() for family in self._families.values()]).encode()

    def _changed(self) -> set[Line | Block]:
        changed: set[Line | Block] = set()
        for gone in self._directory.look():
            orphans = set(self._places.pop(gone))
            for child in orphans:
                child.drop(gone)
            changed |= orphans
        for file in self._directory.files.values():
            places = self._places.setdefault(file, [])
            fresh, indices = file.poll()
            changed.update(map(places.__getitem__, indices))
            for key in fresh:
                places.append(self._place(file, key, len(places)))
                changed.add(places[-1])
        return changed

    def _place(self, file: FileReader, key: str, index: int) -> Line | Block:
        family_name, sample, labels, help_text = json.loads(key)
        family = self._families.get(family_name)
        if family is None:
            family = self._families[family_name] = Family(family_name, file.kind, help_text)
        if file.kind == "histogram":
            edge = labels.pop("le", None)
            block = _block(family, family_name, _labels(labels))
            block.add(file, None if edge is None else float(edge), index)
            return block
        line = _line(family, sample, _labels(labels))
        line.sources[file] = index
        return line


def _line(family: Family, sample: str, labels: str) -> Line:
    child = family.children.get(labels)
    if not isinstance(child, Line):
        braces = f"{{{labels}}}" if labels else ""
        child = family.children[labels] = Line(family, f"{sample}{braces} ")
        family.texts.append("")
    return child


def _block(family: Family, name: str, labels: str) -> Block:
    block = family.children.get(labels)
    if not isinstance(block, Block):
        block = family.children[labels] = Block(family, name, labels)
        family.texts.append("")
    return block


def _labels(labels: dict[str, Any]) -> str:
    return ",".join([f'{name}="{_escape(value)}"' for name, value in sorted(labels.items())])


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    return repr(value) if -_PLAIN < value < _PLAIN else go_float(value)

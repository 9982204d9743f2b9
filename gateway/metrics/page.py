"""The text page (exposition format 0.0.4), kept as lines of which only changed ones are made again."""

from __future__ import annotations

import json
from pathlib import Path

from gateway.metrics.numbers import go_float
from gateway.metrics.reader import DirectoryReader, FileReader

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class Line:
    """One sample of a counter or gauge: the sum over the files that have it."""

    __slots__ = ("position", "prefix", "sources")

    def __init__(self, prefix: str, position: int) -> None:
        self.prefix = prefix
        self.position = position
        self.sources: dict[FileReader, int] = {}

    def total(self) -> float:
        return sum([file.values[index] for file, index in self.sources.items()])

    def text(self) -> str:
        return f"{self.prefix}{go_float(self.total())}\n" if self.sources else ""


class Block:
    """All samples of one histogram child."""

    __slots__ = ("buckets", "labels", "name", "position", "total")

    def __init__(self, name: str, labels: str, position: int) -> None:
        self.name = name
        self.labels = labels
        self.position = position
        self.buckets: dict[float, Line] = {}
        self.total: Line | None = None

    def text(self) -> str:
        if not any(line.sources for line in self.buckets.values()):
            return ""
        comma = f"{self.labels}," if self.labels else ""
        count = 0.0
        lines = []
        for edge, line in sorted(self.buckets.items()):
            count += line.total()
            lines.append(f'{self.name}_bucket{{{comma}le="{go_float(edge)}"}} {go_float(count)}\n')
        braces = f"{{{self.labels}}}" if self.labels else ""
        total = self.total.total() if self.total else 0.0
        lines.append(f"{self.name}_count{braces} {go_float(count)}\n")
        lines.append(f"{self.name}_sum{braces} {go_float(total)}\n")
        return "".join(lines)


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
        self._places: dict[FileReader, list[tuple[Family, Line | Block]]] = {}
        self._lines: dict[FileReader, list[Line]] = {}

    def render(self) -> bytes:
        """The page as of now."""
        for family, child in self._changed():
            family.texts[child.position] = child.text()
        return "".join([family.text() for family in self._families.values()]).encode()

    def _changed(self) -> set[tuple[Family, Line | Block]]:
        changed: set[tuple[Family, Line | Block]] = set()
        for gone in self._directory.look():
            changed.update(self._places.pop(gone))
            for line in self._lines.pop(gone):
                del line.sources[gone]
        for file in self._directory.files.values():
            places = self._places.setdefault(file, [])
            fresh, indices = file.poll()
            changed.update([places[i] for i in indices])
            for key in fresh:
                places.append(self._place(file, key, len(places)))
                changed.add(places[-1])
        return changed

    def _place(self, file: FileReader, key: str, index: int) -> tuple[Family, Line | Block]:
        family_name, sample, labels, help_text = json.loads(key)
        family = self._families.get(family_name)
        if family is None:
            family = self._families[family_name] = Family(family_name, file.kind, help_text)
        if file.kind == "histogram":
            block, line = _block_line(family, family_name, sample, labels)
            child: Line | Block = block
        else:
            child = line = _line(family, sample, labels)
        line.sources[file] = index
        self._lines.setdefault(file, []).append(line)
        return family, child


def _line(family: Family, sample: str, labels: dict[str, str]) -> Line:
    text = _labels(labels)
    child = family.children.get(text)
    if not isinstance(child, Line):
        braces = f"{{{text}}}" if text else ""
        child = family.children[text] = Line(f"{sample}{braces} ", len(family.texts))
        family.texts.append("")
    return child


def _block_line(family: Family, name: str, sample: str, labels: dict[str, str]) -> tuple[Block, Line]:
    edge = labels.pop("le", None)
    text = _labels(labels)
    block = family.children.get(text)
    if not isinstance(block, Block):
        block = family.children[text] = Block(name, text, len(family.texts))
        family.texts.append("")
    if edge is None:
        block.total = block.total or Line(sample, block.position)
        return block, block.total
    return block, block.buckets.setdefault(float(edge), Line(sample, block.position))


def _labels(labels: dict[str, str]) -> str:
    return ",".join([f'{name}="{_escape(value)}"' for name, value in sorted(labels.items())])


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")

"""What a process counts with: children by metric name and label values, living in its own files."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Sequence
from functools import cache
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import Final

from gateway.metrics.catalogue import Metric, catalogue
from gateway.metrics.cells import CellFile
from gateway.metrics.numbers import go_float

_INF: Final = float("inf")
_GAP: Final = "\x00"


class Number:
    """A counter's or a gauge's child: a cell of a file."""

    __slots__ = ("cell", "file")

    def __init__(self, file: CellFile, cell: int) -> None:
        self.file = file
        self.cell = cell

    def add(self, amount: float) -> None:
        self.file.view[self.cell] += amount

    def set(self, value: float) -> None:
        self.file.view[self.cell] = value

    @property
    def value(self) -> float:
        return self.file.view[self.cell]


class Distribution:
    """A histogram's child: a cell per bucket, and the sum's as the last one. Readers cumulate buckets, the file does not."""

    __slots__ = ("cells", "edges", "file")

    def __init__(self, file: CellFile, edges: tuple[float, ...], cells: tuple[int, ...]) -> None:
        self.file = file
        self.edges = edges
        self.cells = cells

    def observe(self, value: float) -> None:
        view, cells = self.file.view, self.cells
        view[cells[-1]] += value
        view[cells[bisect_left(self.edges, value)]] += 1.0


class Meter:
    """Children of one process. `slot` names its files: a restarted process goes on with them."""

    def __init__(self, directory: Path, slot: str) -> None:
        self._directory = directory
        self._slot = slot
        self._files: dict[str, CellFile] = {}

    def number(self, name: str, *values: str) -> Number:
        """The counter or gauge child. Raises OSError when its file cannot grow."""
        metric = catalogue()[name]
        file = self._file(metric)
        return Number(file, file.cell(entry_key(metric, metric.name, metric.labels, values)))

    def begin(self, name: str, *values: str) -> bool:
        """Whether the counter's child is new; it is there afterwards. Raises OSError."""
        metric = catalogue()[name]
        file = self._file(metric)
        key = entry_key(metric, metric.name, metric.labels, values)
        new = key not in file.cells
        if new:
            file.cell(key)
        return new

    def distribution(self, name: str, *values: str) -> Distribution:
        """The histogram child. Raises OSError when its file cannot grow."""
        metric = catalogue()[name]
        file = self._file(metric)
        labels = (*metric.labels, "le")
        keys = [
            entry_key(metric, f"{metric.name}_bucket", labels, (*values, go_float(edge)))
            for edge in (*metric.buckets, _INF)
        ]
        keys.append(entry_key(metric, f"{metric.name}_sum", metric.labels, values))
        return Distribution(file, metric.buckets, file.cells_of(keys))

    def close(self) -> None:
        """Close the files; no child may be used afterwards."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _file(self, metric: Metric) -> CellFile:
        name = file_name(metric, self._slot)
        file = self._files.get(name)
        if file is None:
            file = self._files[name] = CellFile(self._directory / name)
        return file


def file_name(metric: Metric, slot: str) -> str:
    """The name stock readers derive type and gauge mode from."""
    kind = f"gauge_{metric.mode}" if metric.kind == "gauge" else metric.kind
    return f"{kind}_{slot}.db"


def entry_key(metric: Metric, sample: str, labels: Sequence[str], values: Sequence[str]) -> str:
    """The JSON that prometheus_client's mmap_key writes for one sample."""
    template, order = _template(metric.name, sample, tuple(labels))
    if len(values) != len(order):
        raise ValueError(f"{metric.name} has the labels {', '.join(labels)}")
    return template % tuple([encode_basestring_ascii(values[index]) for index in order])


@cache
def _template(name: str, sample: str, labels: tuple[str, ...]) -> tuple[str, tuple[int, ...]]:
    """The text with gaps, and which value goes into each: ten thousand keys start with this many times as many series."""
    metric = catalogue()[name]
    order = sorted(range(len(labels)), key=lambda index: labels[index])
    pairs = dict.fromkeys(labels, _GAP)
    text = json.dumps([metric.family, sample, pairs, metric.help], sort_keys=True)
    return text.replace("%", "%%").replace(json.dumps(_GAP), "%s"), tuple(order)

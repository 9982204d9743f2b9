"""What a process counts with: children by metric name and label values, living in its own files."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Sequence
from functools import cache
from json.encoder import encode_basestring_ascii
from pathlib import Path

from gateway.metrics.catalogue import Metric, catalogue
from gateway.metrics.cells import CellFile
from gateway.metrics.numbers import go_float

_INF = float("inf")
_GAP = "\x00"


class Number:
    """A counter's or a gauge's child."""

    __slots__ = ("_cell", "_file")

    def __init__(self, file: CellFile, cell: int) -> None:
        self._file = file
        self._cell = cell

    def add(self, amount: float) -> None:
        self._file.view[self._cell] += amount

    def set(self, value: float) -> None:
        self._file.view[self._cell] = value

    @property
    def value(self) -> float:
        return self._file.view[self._cell]


class Distribution:
    """A histogram's child. Buckets are not cumulated in the file; readers do that."""

    __slots__ = ("_cells", "_edges", "_file", "_sum")

    def __init__(self, file: CellFile, edges: tuple[float, ...], total: int, cells: tuple[int, ...]) -> None:
        self._file = file
        self._edges = edges
        self._sum = total
        self._cells = cells

    def observe(self, value: float) -> None:
        view = self._file.view
        view[self._sum] += value
        view[self._cells[bisect_left(self._edges, value)]] += 1.0


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
        keys = [entry_key(metric, f"{metric.name}_sum", metric.labels, values)]
        keys += [
            entry_key(metric, f"{metric.name}_bucket", labels, (*values, go_float(edge)))
            for edge in (*metric.buckets, _INF)
        ]
        total, *cells = file.cells_of(keys)
        return Distribution(file, metric.buckets, total, tuple(cells))

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

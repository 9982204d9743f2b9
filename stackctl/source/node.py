"""A parsed value with its place: YAML and JSON become the same tree."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from stackctl.problem import Position
from stackctl.source.align import align

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Lines:
    """A file's text, asked for the position of an offset."""

    file: str
    starts: tuple[int, ...]

    @classmethod
    def of(cls, file: str, text: str) -> Lines:
        return cls(file, (0, *(index + 1 for index, char in enumerate(text) if char == "\n")))

    def position(self, offset: int) -> Position:
        low, high = 0, len(self.starts)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.starts[middle] <= offset else (low, middle)
        return Position(self.file, low + 1, offset - self.starts[low] + 1)


@dataclass(frozen=True)
class Placed:
    """A text and, for each of its characters, where it stands in its file.

    `raw` is the text as written, quotes and escapes included, from offset `start` of the file on; `skip` characters
    of the decoded text come before this part of it.
    """

    text: str
    lines: Lines
    raw: str
    start: int
    skip: int = 0
    whole: str = ""

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """The offset in the file of each character, and of the end. Worked out only when somebody asks."""
        found = align(self.raw, self.whole or self.text, self.start)
        return found[self.skip : self.skip + len(self.text) + 1]

    def part(self, start: int, end: int) -> Placed:
        """Characters `start` to `end` as a text of its own, at the same place."""
        whole = self.whole or self.text
        return Placed(self.text[start:end], self.lines, self.raw, self.start, self.skip + start, whole)

    def at(self, index: int = 0) -> Position:
        """The position of character `index`; beyond the end, of the last one."""
        return self.lines.position(self.offsets[min(index, len(self.offsets) - 1)])

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Node:
    """One value: `data` is a scalar, a list of nodes or a mapping of nodes."""

    data: Any
    lines: Lines
    start: int
    placed: Placed | None = None
    keys: dict[str, int] = field(default_factory=dict)
    """Offsets of a mapping's keys."""

    @property
    def position(self) -> Position:
        return self.lines.position(self.start)

    def key_position(self, name: str) -> Position:
        """Where the key `name` stands; the mapping itself if it has none."""
        return self.lines.position(self.keys.get(name, self.start))

    def get(self, *path: str) -> Node:
        """The value below `path`; an empty node at this place if there is none, so that lookups chain."""
        node = self
        for name in path:
            found = node.data.get(name) if isinstance(node.data, dict) else None
            node = found if isinstance(found, Node) else Node(None, node.lines, node.start)
        return node

    def items(self) -> Iterator[tuple[str, Node]]:
        """The entries of a mapping; none for anything else."""
        if isinstance(self.data, dict):
            yield from self.data.items()

    def __iter__(self) -> Iterator[Node]:
        """The items of a list; none for anything else."""
        if isinstance(self.data, list):
            yield from self.data

    def __bool__(self) -> bool:
        return self.data is not None

    @property
    def text(self) -> str:
        """A scalar as text; empty for anything else."""
        return self.placed.text if self.placed else ""

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.data, dict):
            return {name: node.plain() for name, node in self.data.items()}
        if isinstance(self.data, list):
            return [node.plain() for node in self.data]
        return self.data

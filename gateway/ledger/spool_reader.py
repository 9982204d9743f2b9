"""The accountant's side of spools: what is new in them, and their end."""

from __future__ import annotations

import fcntl
import logging
import mmap
import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import orjson

from gateway.ledger.row import Row, Values
from gateway.ledger.spool import END_CELL, MAGIC, START, SUFFIX

_log: Final = logging.getLogger("gateway.ledger")
_FIELDS: Final = len(Row._fields)
# A directory's time of change has the resolution of the kernel's tick: younger than this it says nothing.
_SETTLED_S: Final = 0.1
# A tenth of a millisecond; two megabytes at once are two, in which a worker on the same core stands still.
_FREED_AT_ONCE: Final = 128 << 10


class _Spool:
    """A spool file as the accountant sees it."""

    def __init__(self, path: Path) -> None:
        """Raises OSError, and ValueError for what is no spool."""
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._memory = mmap.mmap(self._file, 0, access=mmap.ACCESS_READ)
            if self._memory[: len(MAGIC)] != MAGIC:
                raise ValueError(f"{path.name} is no spool")
        except (OSError, ValueError):
            os.close(self._file)
            raise
        self._ends = memoryview(self._memory)[:START].cast("Q")

    @property
    def end(self) -> int:
        """The end of the last whole row."""
        return self._ends[END_CELL]

    @property
    def abandoned(self) -> bool:
        """Whether nobody writes to it any more."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def data(self, start: int, end: int) -> bytes:
        """The bytes between two row ends."""
        return self._memory[start:end]

    def line_end(self, start: int) -> int:
        """The end of the line that `start` is in."""
        return self._memory.find(b"\n", start) + 1

    def close(self) -> None:
        self._ends.release()
        self._memory.close()
        os.close(self._file)


class SpoolReader:
    """The accountant's side: how far each file has been read, and what is new."""

    def __init__(self, directory: Path, positions: dict[str, int]) -> None:
        self._directory = directory
        self._names: list[str] = []
        self._listed = -1.0
        # None stands for a file that is no spool.
        self._open: dict[str, _Spool | None] = {}
        # Files without a name whose blocks are still to be given back.
        self._deleted: deque[int] = deque()
        self.positions = dict(positions)

    def names(self) -> list[str]:
        """Spool files that exist, oldest part first."""
        changed = os.stat(self._directory).st_mtime  # noqa: PTH116 - twenty times a second
        if changed != self._listed:
            self._names = sorted(path.name for path in self._directory.glob(f"*{SUFFIX}"))
            self._listed = changed if time.time() - changed > _SETTLED_S else -1.0
        return list(self._names)

    def position(self, name: str) -> int:
        """Where the next row of a file starts."""
        return self.positions.get(name, START)

    def read(self, name: str, limit: int = 1 << 20) -> list[Values]:
        """New whole rows of about `limit` bytes; moves the position."""
        spool = self._spool(name)
        position = self.position(name)
        if spool is None or spool.end <= position:
            return []
        end = spool.end
        if end - position > limit:
            end = spool.line_end(position + limit)
        data = spool.data(position, end)
        rows = _rows(data)
        if rows is not None:
            self.positions[name] = end
            return rows
        rows = []
        for line in data.splitlines(keepends=True):
            if (row := _row(line)) is not None:
                rows.append(row)
            elif b"\0" in line and not spool.abandoned:
                # A processor that orders stores freely may show the end before the row.
                break
            else:
                # One bad line must not keep all later rows out of the ledger.
                _log.error("%s: the row at byte %d is not readable and is left out", name, position)
            position += len(line)
        self.positions[name] = position
        return rows

    def between(self, name: str, start: int, end: int) -> list[Values]:
        """Rows that were read before, once more; the position stays."""
        return [row for _, row in self._again(name, start, end)]

    def starts(self, name: str, start: int, end: int) -> list[int]:
        """Where each of the rows starts that were read between two positions."""
        return [at for at, _ in self._again(name, start, end)]

    def _again(self, name: str, start: int, end: int) -> Iterator[tuple[int, Values]]:
        spool = self._spool(name)
        lines = spool.data(start, end).splitlines(keepends=True) if spool is not None else []
        for line in lines:
            if (row := _row(line)) is not None:
                yield start, row
            start += len(line)

    def remove_if_finished(self, name: str) -> bool:
        """Delete a file that was read to its end and that nobody writes to any more; `free_some` frees what it held."""
        spool = self._spool(name)
        if spool is None or not spool.abandoned or spool.end > self.position(name):
            return False
        spool.close()
        path = self._directory / name
        self._deleted.append(os.open(path, os.O_WRONLY | os.O_CLOEXEC))
        path.unlink()
        self.positions.pop(name, None)
        del self._open[name]
        return True

    def free_some(self) -> None:
        """Give back a piece of what deleted files still hold. With this process the rest goes, too."""
        if not self._deleted:
            return
        file = self._deleted[0]
        left = os.fstat(file).st_size - _FREED_AT_ONCE
        if left > 0:
            with suppress(OSError):
                os.ftruncate(file, left)
                return
        os.close(file)
        self._deleted.popleft()

    def _spool(self, name: str) -> _Spool | None:
        if name not in self._open:
            try:
                self._open[name] = _Spool(self._directory / name)
            except ValueError as error:
                # It must not keep the others out of the ledger.
                _log.error("%s and is left alone", error)
                self._open[name] = None
        return self._open[name]


def _rows(data: bytes) -> list[Values] | None:
    """All rows of lines at once, half as much work as one by one; None if one of them may be no row."""
    try:
        # Line breaks in texts are escaped.
        found: list[Values] = orjson.loads(b"[%b]" % data[:-1].replace(b"\n", b","))
    except ValueError:
        return None
    whole = len(found) == data.count(b"\n") and set(map(type, found)) == {list} and set(map(len, found)) == {_FIELDS}
    return found if whole else None


def _row(line: bytes) -> Values | None:
    """None for a line that is no row."""
    try:
        row = orjson.loads(line)
    except ValueError:
        return None
    return row if type(row) is list and len(row) == _FIELDS else None

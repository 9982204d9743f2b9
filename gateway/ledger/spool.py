"""Spools: one file of JSON lines per worker run, written through a mapping and read by the accountant.

Layout: 8 bytes of magic, the end of the last whole row as an aligned uint64, then the rows. A line is the list of a
row's fields in the order of `Row`: half the bytes and the time of an object with names. A row is copied into the mapping
and then the end is moved behind it, without a system call: from there on it is in the page cache and survives the
worker's death, so the answer may go out. Nothing is synced: losing the machine's power loses the last seconds, losing
any process loses nothing. Blocks are allocated before rows are copied to them, so a full disk is an error, no SIGBUS.
"""

from __future__ import annotations

import fcntl
import logging
import mmap
import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from gateway.errors import SpoolFullError
from gateway.ledger.row import Row, Values

_log: Final = logging.getLogger("gateway.ledger")
_MAGIC: Final = b"spool 3\n"
_START: Final = 16
_END_CELL: Final = 1
# What of it is written stays in a worker's memory, and to give it back takes a millisecond for every 4 MiB, in one go.
_FILE_SIZE: Final = 2 << 20
_STEP: Final = 256 << 10
_SUFFIX: Final = ".spool"
_FIELDS: Final = len(Row._fields)
# A directory's time of change has the resolution of the kernel's tick: younger than this it says nothing.
_SETTLED_S: Final = 0.1


class SpoolWriter:
    """The worker's side. `session` is the worker run's name and stands in the file names."""

    def __init__(self, directory: Path, session: str) -> None:
        self._directory = directory
        self.session = session
        self._part = 0
        self._waiting: deque[bytes] = deque()
        # The end of the last row, and up to where blocks are allocated.
        self._end = self._room = 0
        self._open()

    @property
    def position(self) -> tuple[str, int]:
        """(file name, end of the last row): what the accountant may count as seen."""
        return self._name, self._end

    def append(self, row: tuple[Any, ...]) -> None:
        """Write one row, the values of `Row`'s fields in their order.

        Raises SpoolFullError when it could only be kept in memory for now.
        """
        line = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
        end = self._end + len(line)
        if end > self._room or self._waiting:
            self._waiting.append(line)
            self.flush()
            return
        self._memory[self._end : end] = line
        self._end = self._ends[_END_CELL] = end

    def flush(self) -> None:
        """Write rows that are still in memory. Raises SpoolFullError when that is not possible."""
        while self._waiting:
            line = self._waiting[0]
            self._make_room(len(line))
            end = self._end + len(line)
            self._memory[self._end : end] = line
            self._end = self._ends[_END_CELL] = end
            self._waiting.popleft()

    def close(self) -> None:
        """Unmap and close the file, which lets the accountant delete it."""
        self._ends.release()
        self._memory.close()
        os.close(self._file)

    def _make_room(self, size: int) -> None:
        """For so many bytes at the end, in the next file if need be."""
        try:
            if self._end + size > _FILE_SIZE:
                self._begin_next()
            while self._end + size > self._room:
                os.posix_fallocate(self._file, self._room, _STEP)
                self._room += _STEP
        except OSError as error:
            raise SpoolFullError(f"{self._name}: {error}") from None

    def _begin_next(self) -> None:
        """Raises OSError when there is no room for another file; then this one is still open."""
        before = self._ends, self._memory, self._file
        self._part += 1
        try:
            self._open()
        except OSError:
            self._part -= 1
            raise
        before[0].release()
        before[1].close()
        os.close(before[2])

    def _open(self) -> None:
        name = f"{self.session}.{self._part:06d}{_SUFFIX}"
        draft = self._directory / f"{name}.draft"
        file = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            # Locked before it gets its name: whoever can lock a spool knows that nobody writes to it any more.
            fcntl.flock(file, fcntl.LOCK_EX)
            os.ftruncate(file, _FILE_SIZE)
            os.posix_fallocate(file, 0, _STEP)
            memory = mmap.mmap(file, _FILE_SIZE)
            # There is nothing to read ahead: with this a file system's readahead would make all of its pages at once.
            memory.madvise(mmap.MADV_RANDOM)
            memory[: len(_MAGIC)] = _MAGIC
            ends = memoryview(memory)[:_START].cast("Q")
            ends[_END_CELL] = _START
            draft.rename(self._directory / name)
        except OSError:
            os.close(file)
            draft.unlink(missing_ok=True)
            raise
        self._file, self._memory, self._ends, self._name = file, memory, ends, name
        self._end, self._room = _START, _STEP


def session_of(name: str) -> str:
    """The worker run that wrote a spool file."""
    return name.split(".", 1)[0]


class _Spool:
    """A spool file as the accountant sees it."""

    def __init__(self, path: Path) -> None:
        """Raises OSError, and ValueError for what is no spool."""
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._memory = mmap.mmap(self._file, 0, access=mmap.ACCESS_READ)
            if self._memory[: len(_MAGIC)] != _MAGIC:
                raise ValueError(f"{path.name} is no spool")
        except (OSError, ValueError):
            os.close(self._file)
            raise
        self._ends = memoryview(self._memory)[:_START].cast("Q")

    @property
    def end(self) -> int:
        """The end of the last whole row."""
        return self._ends[_END_CELL]

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
        self.positions = dict(positions)

    def names(self) -> list[str]:
        """Spool files that exist, oldest part first."""
        changed = os.stat(self._directory).st_mtime  # noqa: PTH116 - twenty times a second
        if changed != self._listed:
            self._names = sorted(path.name for path in self._directory.glob(f"*{_SUFFIX}"))
            self._listed = changed if time.time() - changed > _SETTLED_S else -1.0
        return list(self._names)

    def position(self, name: str) -> int:
        """Where the next row of a file starts."""
        return self.positions.get(name, _START)

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
        """Delete a file that was read to its end and that nobody writes to any more."""
        spool = self._spool(name)
        if spool is None or not spool.abandoned or spool.end > self.position(name):
            return False
        spool.close()
        (self._directory / name).unlink()
        self.positions.pop(name, None)
        del self._open[name]
        return True

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

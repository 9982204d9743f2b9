"""Spools: one file of JSON lines per worker run, written through a mapping and read by the accountant (spool_reader).

Layout: 8 bytes of magic, the end of the last whole row as an aligned uint64, then the rows. A line is the list of a
row's fields in the order of `Row`: half the bytes and the time of an object with names. A row is copied into the mapping
and then the end is moved behind it, without a system call: from there on it is in the page cache and survives the
worker's death, so the answer may go out. Nothing is synced: losing the machine's power loses the last seconds, losing
any process loses nothing. Blocks are allocated before rows are copied to them, so a full disk is an error, no SIGBUS.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from collections import deque
from pathlib import Path
from typing import Any, Final

import orjson

from gateway.errors import SpoolFullError

MAGIC: Final = b"spool 3\n"
START: Final = 16
END_CELL: Final = 1
# What of it is written stays in a worker's memory, and to give it back takes a millisecond for every 4 MiB, in one go.
_FILE_SIZE: Final = 2 << 20
_STEP: Final = 256 << 10
SUFFIX: Final = ".spool"


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
        self._end = self._ends[END_CELL] = end

    def flush(self) -> None:
        """Write rows that are still in memory. Raises SpoolFullError when that is not possible."""
        while self._waiting:
            line = self._waiting[0]
            self._make_room(len(line))
            end = self._end + len(line)
            self._memory[self._end : end] = line
            self._end = self._ends[END_CELL] = end
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
        name = f"{self.session}.{self._part:06d}{SUFFIX}"
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
            memory[: len(MAGIC)] = MAGIC
            ends = memoryview(memory)[:START].cast("Q")
            ends[END_CELL] = START
            draft.rename(self._directory / name)
        except OSError:
            os.close(file)
            draft.unlink(missing_ok=True)
            raise
        self._file, self._memory, self._ends, self._name = file, memory, ends, name
        self._end, self._room = START, _STEP


def session_of(name: str) -> str:
    """The worker run that wrote a spool file."""
    return name.split(".", 1)[0]

"""Spools: one append-only file of JSON lines per worker run, read by the accountant.

A line is the list of a row's fields in the order of `Row`: half the bytes and the time of an object with names. Rows of
one turn of the loop are one `write(2)`, after which they survive the worker's death; answers go out after it. Rows are
in the page cache, not synced: losing the machine's power loses the last seconds, losing any process loses nothing.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson

from gateway.errors import SpoolFullError
from gateway.ledger.row import Row

_log = logging.getLogger("gateway.ledger")
_ROTATE_AT = 32 << 20
_MOST_AT_ONCE = 256
_SUFFIX = ".spool"
# A directory's time of change has the resolution of the kernel's tick: younger than this it says nothing.
_SETTLED_S = 0.1


class SpoolWriter:
    """The worker's side. `session` is the worker run's name and stands in the file names.

    `later` calls something at the loop's next turn; without it rows are written at once.
    """

    def __init__(
        self, directory: Path, session: str, later: Callable[[Callable[[], None]], object] | None = None
    ) -> None:
        self._directory = directory
        self._session = session
        self._later = later
        self._soon = False
        self._part = 0
        self._waiting: deque[bytes] = deque()
        self._open()

    @property
    def position(self) -> tuple[str, int]:
        """(file name, bytes written): what the accountant may count as seen."""
        return self._name, self._size

    def append(self, row: Sequence[Any]) -> None:
        """Write one row, the values of `Row`'s fields in their order, before anything that is called later than this.

        Without `later` it raises SpoolFullError when the row could only be kept in memory for now.
        """
        self._waiting.append(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
        if self._later is None:
            self.flush()
        elif not self._soon:
            self._soon = True
            self._later(self._flush_soon)

    def flush(self) -> None:
        """Write rows that are still in memory. Raises SpoolFullError when that is not possible."""
        while self._waiting:
            rows = [self._waiting[i] for i in range(min(len(self._waiting), _MOST_AT_ONCE))]
            self._write(b"".join(rows))
            for _ in rows:
                self._waiting.popleft()

    def _flush_soon(self) -> None:
        self._soon = False
        try:
            self.flush()
        except SpoolFullError as error:
            _log.error("ledger rows wait in memory: %s", error)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write(self, line: bytes) -> None:
        try:
            written = os.write(self._file, line)
            if written != len(line):
                os.ftruncate(self._file, self._size)
                raise OSError(f"{written} of {len(line)} bytes written")
        except OSError as error:
            raise SpoolFullError(f"{self._name}: {error}") from None
        self._size += written
        if self._size >= _ROTATE_AT:
            os.close(self._file)
            self._part += 1
            self._open()

    def _open(self) -> None:
        self._name = f"{self._session}.{self._part:06d}{_SUFFIX}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        draft = self._directory / f"{self._name}.draft"
        self._file = os.open(draft, flags, 0o600)
        # Locked before it gets its name: whoever can lock a spool knows that nobody writes to it any more.
        fcntl.flock(self._file, fcntl.LOCK_EX)
        draft.rename(self._directory / self._name)
        self._size = 0


def _row(line: bytes) -> Row:
    """Raises ValueError and TypeError."""
    found = orjson.loads(line)
    # Earlier versions wrote objects; rows of theirs may still wait.
    return Row(**found) if isinstance(found, dict) else Row(*found)


def session_of(name: str) -> str:
    """The worker run that wrote a spool file."""
    return name.split(".", 1)[0]


class SpoolReader:
    """The accountant's side: how far each file has been read, and what is new."""

    def __init__(self, directory: Path, positions: dict[str, int]) -> None:
        self._directory = directory
        self._names: list[str] = []
        self._listed = -1.0
        self.positions = dict(positions)

    def names(self) -> list[str]:
        """Spool files that exist, oldest part first."""
        changed = os.stat(self._directory).st_mtime  # noqa: PTH116 - twenty times a second
        if changed != self._listed:
            self._names = sorted(path.name for path in self._directory.glob(f"*{_SUFFIX}"))
            self._listed = changed if time.time() - changed > _SETTLED_S else -1.0
        return list(self._names)

    def read(self, name: str, limit: int = 1 << 20) -> list[tuple[int, Row]]:
        """New whole rows of one file with the offset each one starts at; moves the position."""
        position = self.positions.setdefault(name, 0)
        path = f"{self._directory}/{name}"
        if os.stat(path).st_size <= position:  # noqa: PTH116 - mostly nothing is new
            return []
        with open(path, "rb") as file:  # noqa: PTH123
            file.seek(position)
            data = file.read(limit)
        rows: list[tuple[int, Row]] = []
        end = data.rfind(b"\n") + 1
        for line in data[:end].splitlines(keepends=True):
            try:
                rows.append((position, _row(line)))
            except (ValueError, TypeError):
                # One bad line must not keep all later rows out of the ledger.
                _log.error("%s: the row at byte %d is not readable and is left out", name, position)
            position += len(line)
        self.positions[name] = position
        return rows

    def between(self, name: str, start: int, end: int) -> list[Row]:
        """Rows that were read before, once more; the position stays."""
        with (self._directory / name).open("rb") as file:
            file.seek(start)
            lines = file.read(end - start).splitlines()
        rows = []
        for line in lines:
            try:
                rows.append(_row(line))
            except (ValueError, TypeError):
                continue
        return rows

    def remove_if_finished(self, name: str) -> bool:
        """Delete a file that was read to its end and that nobody writes to any more."""
        path = self._directory / name
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            # Half a row at the end was never answered for: its writer died in the middle.
            rest = file.seek(0, os.SEEK_END) - self.positions.get(name, 0)
            if rest and b"\n" in self._tail(name, rest):
                return False
            path.unlink()
        self.positions.pop(name, None)
        return True

    def _tail(self, name: str, size: int) -> bytes:
        with (self._directory / name).open("rb") as file:
            file.seek(-size, os.SEEK_END)
            return file.read()

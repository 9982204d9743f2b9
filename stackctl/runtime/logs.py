"""Read the log files of a stack, also while supervisord rotates them."""

from __future__ import annotations

import os
import time
from collections import deque
from typing import TYPE_CHECKING, TextIO

from stackctl.errors import UsageError
from stackctl.runtime.environment import SUPERVISOR

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stackctl.stack import StackDir

LOGGED = ("gateway", "prometheus", "alertmanager", "inbox", SUPERVISOR)
_POLL_S = 0.2


def logs(stack: StackDir, part: str | None = None, *, lines: int = 50, follow: bool = False) -> Iterator[str]:
    """The last lines of one part's log, or of every part's, each after its part's name; `follow` waits for more.

    Raises UsageError for an unknown part or a stack that has never run.
    """
    if part is not None and part not in LOGGED:
        raise UsageError(f"there is no part '{part}'", remedy=f"known here: {', '.join(LOGGED)}")
    if not stack.logs.is_dir():
        raise UsageError(f"{stack.root} has no logs: the stack has never run", remedy="run `stackctl up`")
    return _read(stack, (part,) if part else LOGGED[:-1], lines, follow)


def log_file(stack: StackDir, part: str) -> Path:
    """Where a part's standard output and error go."""
    return stack.logs / f"{part}.log"


def log_sizes(stack: StackDir) -> dict[str, int]:
    """How long each log is now: `last_lines` from here on shows what one start had to say."""
    files = {part: log_file(stack, part) for part in LOGGED}
    return {part: file.stat().st_size if file.exists() else 0 for part, file in files.items()}


def last_lines(stack: StackDir, part: str, *, lines: int = 20, since: int = 0) -> tuple[str, ...]:
    """The end of a part's log, at most from byte `since` on; empty if there is none."""
    try:
        with log_file(stack, part).open(encoding="utf-8", errors="replace") as file:
            if since <= os.fstat(file.fileno()).st_size:
                file.seek(since)
            return tuple(line.rstrip("\n") for line in deque(file, maxlen=lines))
    except FileNotFoundError:
        return ()


def _read(stack: StackDir, parts: tuple[str, ...], lines: int, follow: bool) -> Iterator[str]:
    tails = [_Tail(part, log_file(stack, part), lines) for part in parts]
    try:
        for tail in tails:
            yield from tail.last()
        while follow:
            fresh = [line for tail in tails for line in tail.fresh()]
            yield from fresh
            if not fresh:
                time.sleep(_POLL_S)
    finally:
        for tail in tails:
            tail.close()


class _Tail:
    """A log file under its name, whichever file that is after a rotation."""

    def __init__(self, part: str, path: Path, lines: int) -> None:
        self._part, self._path, self._lines = part, path, lines
        self._file: TextIO | None = None
        self._partial = ""

    def last(self) -> Iterator[str]:
        if self._open():
            yield from deque(self._rest(), maxlen=self._lines)

    def fresh(self) -> Iterator[str]:
        if self._file is not None or self._open():
            yield from self._rest()
            if self._rotated():
                self.close()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> bool:
        try:
            self._file = self._path.open(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return False
        return True

    def _rest(self) -> Iterator[str]:
        while self._file is not None and (text := self._file.readline()):
            self._partial += text
            if text.endswith("\n"):
                yield f"{self._part:<12} | {self._partial.rstrip()}"
                self._partial = ""

    def _rotated(self) -> bool:
        assert self._file is not None  # noqa: S101 for the type checker
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return True
        opened = os.fstat(self._file.fileno())
        return (named.st_dev, named.st_ino) != (opened.st_dev, opened.st_ino) or named.st_size < self._file.tell()

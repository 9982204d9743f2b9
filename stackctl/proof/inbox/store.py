"""Where the inbox keeps its messages: JSON lines, appended and flushed to disk before the sender is answered."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from stackctl.errors import UnavailableError
from stackctl.proof.inbox.message import Message

if TYPE_CHECKING:
    from pathlib import Path

    from stackctl.proof.inbox.message import Source

MAX_FILE_BYTES = 4 * 1024 * 1024
MAX_MESSAGES = 2000


class StoreInUseError(UnavailableError):
    """Another inbox writes to the same directory."""


class Store:
    """Keeps the newest messages of one directory.

    `messages.jsonl` grows to `max_bytes`, then becomes `messages.1.jsonl` and replaces the one before: at most twice
    `max_bytes` on disk. The `max_messages` newest are held in memory. A line that a crash cut in half is dropped when
    the store is opened. Raises StoreInUseError if another process has the directory open, OSError if it is unusable.
    """

    def __init__(self, root: Path, *, max_bytes: int = MAX_FILE_BYTES, max_messages: int = MAX_MESSAGES) -> None:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._root = root
        self._max_bytes = max_bytes
        self._lock = _lock(root)
        self._messages: deque[Message] = deque(maxlen=max_messages)
        self._seq = 0
        for path in (self._old, self._current):
            self._load(path)
        self._file = self._open()

    @property
    def _current(self) -> Path:
        return self._root / "messages.jsonl"

    @property
    def _old(self) -> Path:
        return self._root / "messages.1.jsonl"

    @property
    def last(self) -> int:
        """The number of the newest message ever received."""
        return self._seq

    def add(self, source: Source, payload: dict[str, Any]) -> Message:
        """Keep one message; when this returns, it is on disk."""
        message = Message(self._seq + 1, round(time.time(), 3), source, payload)
        line = {"seq": message.seq, "received": message.received, "source": source, "payload": payload}
        self._append(line)
        self._seq = message.seq
        self._messages.append(message)
        return message

    def messages(self, *, since: int = 0, contains: list[str] | None = None) -> list[Message]:
        """Messages after number `since` that contain every given text, oldest first."""
        return [m for m in self._messages if m.seq > since and m.contains(contains or [])]

    def clear(self) -> int:
        """Forget every message; numbering goes on. Returns how many there were."""
        count = len(self._messages)
        self._messages.clear()
        os.close(self._file)
        self._old.unlink(missing_ok=True)
        # The new file replaces the old one in one step, and remembers how far the numbering got.
        fresh = self._root / "messages.jsonl.new"
        fresh.write_text(json.dumps({"seq": self._seq, "cleared": round(time.time(), 3)}) + "\n", encoding="utf-8")
        fresh.replace(self._current)
        self._file = self._open()
        return count

    def close(self) -> None:
        os.close(self._file)
        os.close(self._lock)

    def _append(self, line: dict[str, Any]) -> None:
        data = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        size = os.fstat(self._file).st_size
        if size and size + len(data) > self._max_bytes:
            self._rotate()
        start = os.fstat(self._file).st_size
        try:
            _write_all(self._file, data)
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, start)
            raise

    def _rotate(self) -> None:
        os.close(self._file)
        self._current.replace(self._old)
        self._file = self._open()

    def _open(self) -> int:
        return os.open(self._current, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _load(self, path: Path) -> None:
        if not path.exists():
            return
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.truncate(path, whole)
        for raw in data[:whole].splitlines():
            self._remember(raw)

    def _remember(self, raw: bytes) -> None:
        try:
            line = json.loads(raw)
            self._seq = max(self._seq, int(line["seq"]))
            if "payload" in line:
                self._messages.append(Message(line["seq"], line["received"], line["source"], line["payload"]))
        except (ValueError, KeyError, TypeError):
            return  # a damaged line costs itself, not the messages around it


def _lock(root: Path) -> int:
    handle = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise StoreInUseError(f"another inbox already keeps its messages in {root}") from None
    return handle


def _write_all(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]

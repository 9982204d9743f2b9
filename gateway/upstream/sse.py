"""Splitting a stream of bytes into server-sent events."""

from __future__ import annotations

from typing import Final

_MOST_PENDING: Final = 8 << 20


class EventSplitter:
    """Feed bytes, get whole events (without the blank line that ends them)."""

    def __init__(self) -> None:
        self._pending = b""

    @property
    def pending(self) -> bool:
        """Whether a part of an event waits for its rest."""
        return bool(self._pending)

    def feed(self, data: bytes) -> list[bytes]:
        """Events completed by `data`. Raises ValueError when one never ends."""
        data = self._pending + data if self._pending else data
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n")
        *events, self._pending = data.split(b"\n\n")
        if len(self._pending) > _MOST_PENDING:
            raise ValueError("an event is larger than 8 MiB")
        return [event for event in events if event.strip()]

    def rest(self) -> bytes:
        """What came after the last blank line."""
        rest, self._pending = self._pending.strip(), b""
        return rest


def data_of(event: bytes) -> bytes:
    """The data of an event, of its only line or of several joined."""
    if event.startswith(b"data:") and b"\n" not in event:
        return event[5:].strip()
    return b"\n".join(line[5:].strip() for line in event.split(b"\n") if line.startswith(b"data:"))

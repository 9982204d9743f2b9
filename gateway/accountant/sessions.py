"""Connections of workers: what is pushed to them, and waiting until all have taken it in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from gateway import wire

# A worker that does not answer a push for this long is stuck; its lease stays held, so nothing is exceeded.
_PATIENCE_S = 2.0


class Session:
    """One connected worker run."""

    def __init__(self, name: str, writer: asyncio.StreamWriter) -> None:
        self.name = name
        self._writer = writer
        self._expected: dict[int, asyncio.Future[dict[str, list[int]]]] = {}

    def send(self, message: wire.Message) -> None:
        """Queue a message; a lost connection shows at the reading side."""
        if not self._writer.is_closing():
            self._writer.write(wire.pack(message))

    def acknowledged(self, number: int, returned: dict[str, list[int]]) -> None:
        """The worker has taken a push in and returns what was left of its leases."""
        future = self._expected.pop(number, None)
        if future is not None and not future.done():
            future.set_result(returned)

    def push(self, number: int, message: wire.Message) -> asyncio.Future[dict[str, list[int]]]:
        """Send a push; the future ends with the acknowledgement."""
        future = asyncio.get_running_loop().create_future()
        self._expected[number] = future
        self.send({**message, "number": number})
        return future

    def end(self) -> None:
        """The connection is gone: nobody needs to wait for it."""
        for future in self._expected.values():
            if not future.done():
                future.set_result({})
        self._expected.clear()


class Sessions:
    """All connected workers."""

    def __init__(self) -> None:
        self.connected: dict[str, Session] = {}
        self._number = 0

    async def push(
        self, message: wire.Message, to: Iterable[str] | None = None
    ) -> list[tuple[str, dict[str, list[int]]]]:
        """Push to some or all workers and wait for them: (session, leases given back) of each."""
        names = list(self.connected) if to is None else [name for name in to if name in self.connected]
        self._number += 1
        waiting = {name: self.connected[name].push(self._number, message) for name in names}
        if waiting:
            await asyncio.wait(waiting.values(), timeout=_PATIENCE_S)
        return [(name, future.result()) for name, future in waiting.items() if future.done()]

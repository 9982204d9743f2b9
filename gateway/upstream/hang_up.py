"""Which idle connections the other side has closed, before anything is written to them."""

from __future__ import annotations

import asyncio
import contextlib
import select


class HangUps:
    """Of one event loop. The loop would say so too, but only after the requests that are about to be written.

    A connection is watched until its socket is closed. Where the system has no epoll nothing is seen, and a request
    that meets a closed connection is sent again (decision 146).
    """

    def __init__(self) -> None:
        self._epoll = select.epoll() if hasattr(select, "epoll") else None
        self._turn = -1
        self._seen: frozenset[int] = frozenset()

    def watch(self, transport: asyncio.BaseTransport) -> int:
        """Returns by what `seen` knows it."""
        number: int = transport.get_extra_info("socket").fileno()
        if self._epoll is not None:
            # A user may only watch so much; then a request may have to be sent again.
            with contextlib.suppress(OSError):
                self._epoll.register(number, select.EPOLLRDHUP)
        return number

    def seen(self, number: int, turn: int) -> bool:
        """Asks the system, which takes about a microsecond, once for all that are sent in the same turn."""
        if turn != self._turn and self._epoll is not None:
            self._turn = turn
            found = self._epoll.poll(0)
            self._seen = frozenset(at for at, _ in found) if found else frozenset()
        return number in self._seen

    def close(self) -> None:
        """Watch no more."""
        if self._epoll is not None:
            self._epoll.close()

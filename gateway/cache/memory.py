"""Entries in one worker's memory: bounded by bytes, the least lately used go first."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from gateway.cache.store import Entry

_OVERHEAD: Final = 300
"""Bytes an entry costs beside its body."""


# Until when, the answer, who gave it, when it was stored. The garbage collector does not look through plain tuples of
# plain values, and there may be a hundred thousand.
_Kept = tuple[float, bytes, str, float]


class MemoryStore:
    """At most `most_bytes` of answers."""

    def __init__(self, most_bytes: int = 64 * 1024 * 1024, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most_bytes
        self._clock = clock
        self._bytes = 0
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()

    async def get(self, identity: bytes) -> Entry | None:
        return self.find(identity)

    async def put(self, identity: bytes, entry: Entry, ttl_s: float) -> None:
        self.keep(identity, entry.body, entry.deployment, entry.stored, ttl_s)

    def find(self, identity: bytes) -> Entry | None:
        """As `get`, without waiting."""
        kept = self._kept.get(identity)
        if kept is None:
            return None
        if kept[0] <= self._clock():
            self._drop(identity)
            return None
        self._kept.move_to_end(identity)
        return Entry(*kept[1:])

    def keep(self, identity: bytes, body: bytes, deployment: str, stored: float, ttl_s: float) -> None:
        """As `put`, without waiting."""
        size = len(body) + _OVERHEAD
        self._drop(identity)
        if size > self._most or ttl_s <= 0:
            return
        while self._bytes + size > self._most:
            self._drop(next(iter(self._kept)))
        self._kept[identity] = (self._clock() + ttl_s, body, deployment, stored)
        self._bytes += size

    async def close(self) -> None:
        self._kept.clear()
        self._bytes = 0

    def _drop(self, identity: bytes) -> None:
        kept = self._kept.pop(identity, None)
        if kept is not None:
            self._bytes -= len(kept[1]) + _OVERHEAD

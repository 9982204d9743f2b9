"""Entries in one worker's memory: bounded by bytes, the least lately used go first."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from gateway.cache.store import Entry

_OVERHEAD = 300
"""Bytes an entry costs beside its body."""


@dataclass(slots=True)
class _Kept:
    entry: Entry
    until: float


class MemoryStore:
    """At most `most_bytes` of answers."""

    def __init__(self, most_bytes: int = 64 * 1024 * 1024, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most_bytes
        self._clock = clock
        self._bytes = 0
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()

    async def get(self, identity: bytes) -> Entry | None:
        kept = self._kept.get(identity)
        if kept is None:
            return None
        if kept.until <= self._clock():
            self._drop(identity)
            return None
        self._kept.move_to_end(identity)
        return kept.entry

    async def put(self, identity: bytes, entry: Entry, ttl_s: float) -> None:
        size = len(entry.body) + _OVERHEAD
        self._drop(identity)
        if size > self._most or ttl_s <= 0:
            return
        while self._bytes + size > self._most:
            self._drop(next(iter(self._kept)))
        self._kept[identity] = _Kept(entry, self._clock() + ttl_s)
        self._bytes += size

    async def close(self) -> None:
        self._kept.clear()
        self._bytes = 0

    def _drop(self, identity: bytes) -> None:
        kept = self._kept.pop(identity, None)
        if kept is not None:
            self._bytes -= len(kept.entry.body) + _OVERHEAD

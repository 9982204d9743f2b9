"""The seam of a cache: where entries are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer: its bytes, the deployment that gave it, and when it was stored (Unix seconds)."""

    body: bytes
    deployment: str
    stored: float


class Store(Protocol):
    """Keeps entries by identity for a time. A store that fails answers None or nothing: a cache never breaks a call."""

    async def get(self, identity: bytes) -> Entry | None: ...

    async def put(self, identity: bytes, entry: Entry, ttl_s: float) -> None: ...

    async def close(self) -> None: ...

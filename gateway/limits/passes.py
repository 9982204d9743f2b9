"""What a worker knows of keys, so that most requests ask nobody."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

from gateway.errors import AccountantGoneError, ApiError
from gateway.limits.keys import Pass
from gateway.limits.link import AccountantLink

_MOST_UNKNOWN: Final = 4096


class Passes:
    """Passes by the key's SHA-256, and a bounded memory of hashes that belong to no key."""

    def __init__(self, link: AccountantLink) -> None:
        self._link = link
        self._known: dict[str, Pass] = {}
        self._unknown: OrderedDict[str, None] = OrderedDict()
        self._changes = 0

    def known(self, key_hash: str) -> Pass | None:
        """The pass of a key that was asked for before."""
        return self._known.get(key_hash)

    async def find(self, key_hash: str) -> Pass | None:
        """The pass of a key, or None when there is no such key. Raises ApiError 503 when nobody can tell."""
        found = self._known.get(key_hash)
        if found is not None or key_hash in self._unknown:
            return found
        before = self._changes
        try:
            raw = (await self._link.ask({"op": "look_up", "key": key_hash}))["pass"]
        except AccountantGoneError as error:
            message = f"Keys cannot be checked at the moment: {error}"
            raise ApiError(503, "service_unavailable", message) from None
        # An answer that was overtaken by a change is right for this request, not for the next.
        if before == self._changes:
            self._remember(key_hash, raw)
        return Pass(raw) if raw else None

    def forget(self, key_hash: str) -> None:
        """A key was made, changed or deleted."""
        self._changes += 1
        self._known.pop(key_hash, None)
        self._unknown.pop(key_hash, None)

    def forget_all(self) -> None:
        """The accountant was away: anything may have changed."""
        self._changes += 1
        self._known.clear()
        self._unknown.clear()

    def _remember(self, key_hash: str, raw: dict[str, Any] | None) -> None:
        if raw:
            self._known[key_hash] = Pass(raw)
            return
        self._unknown[key_hash] = None
        if len(self._unknown) > _MOST_UNKNOWN:
            self._unknown.popitem(last=False)

"""What a worker knows of keys, so that most requests ask nobody."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256
from typing import Any

from gateway import clock
from gateway.limits.link import AccountantLink

_MOST_UNKNOWN = 4096


class Pass:
    """A key as workers see it. `series` is its histogram label; `metered`: a budget applies."""

    __slots__ = (
        "alias", "blocked", "counted_singly", "expires", "hash", "metered", "models",
        "rated", "series", "series_of", "tags", "team", "team_id", "team_models", "unrestricted", "user_id", "user_models",
    )  # fmt: skip

    def __init__(self, raw: dict[str, Any]) -> None:
        self.hash: str = raw["hash"]
        self.alias: str = raw["alias"]
        self.series: str = raw["series"]
        self.team: str = raw["team"]
        self.team_id: str = raw["team_id"]
        self.models: frozenset[str] = frozenset(raw["models"])
        self.team_models: frozenset[str] = frozenset(raw["team_models"])
        self.blocked: bool = raw["blocked"]
        self.expires: float | None = raw["expires"]
        self.metered: bool = raw["metered"]
        self.rated: bool = raw["rated"]
        # Whether the accountant must be asked at every request.
        self.counted_singly: bool = raw.get("counted_singly", False)
        self.user_id: str = raw.get("user_id", "")
        self.user_models: frozenset[str] = frozenset(raw.get("user_models", ()))
        # Whether no list says which models it may call.
        self.unrestricted = not (self.models or self.team_models or self.user_models)
        self.tags: list[str] = raw.get("tags", [])
        # What the worker counts this key's requests with, kept here so that it goes when the pass goes.
        self.series_of: dict[tuple[object, ...], Any] = {}

    @property
    def expired(self) -> bool:
        return self.expires is not None and clock.now() >= self.expires

    def may_call(self, model: str, hidden: bool) -> bool:
        """A hidden model must be named by the key; an empty list allows every listed model."""
        for allowed in (self.team_models, self.user_models):
            if allowed and model not in allowed and not hidden:
                return False
        return model in self.models or (not self.models and not hidden)


class Passes:
    """Passes by the key's SHA-256, and a bounded memory of hashes that belong to no key."""

    def __init__(self, link: AccountantLink) -> None:
        self._link = link
        self._known: dict[str, Pass] = {}
        self._unknown: OrderedDict[str, None] = OrderedDict()
        self._changes = 0

    def known(self, secret: bytes) -> Pass | None:
        """The pass of a key that was asked for before."""
        return self._known.get(sha256(secret).hexdigest())

    async def find(self, secret: bytes) -> Pass | None:
        """The pass of a key, or None when there is no such key. Raises AccountantGoneError."""
        key_hash = sha256(secret).hexdigest()
        found = self._known.get(key_hash)
        if found is not None or key_hash in self._unknown:
            return found
        before = self._changes
        raw = (await self._link.ask({"op": "look_up", "key": key_hash}))["pass"]
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

"""A key as workers see it."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from gateway import clock


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


def hash_of(secret: bytes) -> str:
    """By what a key is known."""
    return sha256(secret).hexdigest()

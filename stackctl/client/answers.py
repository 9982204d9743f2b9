"""What the admin API answers, as types. Unknown fields are ignored: LiteLLM sends many more."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Team:
    """Who owns keys and pays for them; `spend` and `max_budget` in USD."""

    id: str
    alias: str
    max_budget: float | None = None
    spend: float = 0.0
    created: datetime | None = None

    @classmethod
    def parse(cls, body: dict[str, Any]) -> Team:
        return cls(
            id=str(body["team_id"]),
            alias=str(body.get("team_alias") or body["team_id"]),
            max_budget=_number(body.get("max_budget")),
            spend=_number(body.get("spend")) or 0.0,
            created=_time(body.get("created_at")),
        )


@dataclass(frozen=True)
class NewKey:
    """A key just made: the only moment at which the key itself is known."""

    key: str = field(repr=False)
    token: str
    alias: str

    @classmethod
    def parse(cls, body: dict[str, Any]) -> NewKey:
        return cls(key=str(body["key"]), token=str(body.get("token") or ""), alias=str(body.get("key_alias") or ""))


@dataclass(frozen=True)
class KeyInfo:
    """What is known of a key; never the key itself."""

    token: str
    alias: str
    team_id: str | None = None
    models: tuple[str, ...] = ()
    max_budget: float | None = None
    spend: float = 0.0
    blocked: bool = False

    @classmethod
    def parse(cls, body: dict[str, Any]) -> KeyInfo:
        info = body.get("info") or body
        return cls(
            token=str(info.get("token") or ""),
            alias=str(info.get("key_alias") or ""),
            team_id=info.get("team_id"),
            models=tuple(info.get("models") or ()),
            max_budget=_number(info.get("max_budget")),
            spend=_number(info.get("spend")) or 0.0,
            blocked=bool(info.get("blocked")),
        )


@dataclass(frozen=True)
class ChatAnswer:
    """The gateway's answer to one chat request, also when it is a refusal.

    `received` is the Unix time at which the whole answer was here; `cost` is in USD, None where it was not told.
    """

    status: int
    received: float
    seconds: float
    cost: float | None = None
    error: str = ""

    @property
    def ok(self) -> bool:
        return self.status == 200


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))


def _time(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) and value else None

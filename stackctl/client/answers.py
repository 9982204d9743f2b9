"""What the admin API answers, as types. Unknown fields are ignored: LiteLLM sends many more."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Team:
    """Who owns keys and pays for them; `spend` and `max_budget` in USD."""

    id: str
    alias: str
    max_budget: float | None = None
    spend: float = 0.0
    created: datetime | None = None
    budget_duration: str | None = None
    budget_reset_at: datetime | None = None
    soft_budget: float | None = None
    models: tuple[str, ...] = ()
    rpm_limit: int | None = None
    tpm_limit: int | None = None
    max_parallel_requests: int | None = None
    blocked: bool = False

    @classmethod
    def parse(cls, body: dict[str, Any]) -> Team:
        return cls(
            id=str(body["team_id"]),
            alias=str(body.get("team_alias") or body["team_id"]),
            max_budget=_number(body.get("max_budget")),
            spend=_number(body.get("spend")) or 0.0,
            created=_time(body.get("created_at")),
            budget_duration=body.get("budget_duration"),
            budget_reset_at=_time(body.get("budget_reset_at")),
            soft_budget=_number(body.get("soft_budget")),
            models=tuple(body.get("models") or ()),
            rpm_limit=body.get("rpm_limit"),
            tpm_limit=body.get("tpm_limit"),
            max_parallel_requests=body.get("max_parallel_requests"),
            blocked=bool(body.get("blocked")),
        )

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return _plain(self)


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
    """What is known of a key; never the key itself. Money in USD, limits per minute."""

    token: str
    alias: str
    team_id: str | None = None
    models: tuple[str, ...] = ()
    user_id: str | None = None
    max_budget: float | None = None
    soft_budget: float | None = None
    budget_duration: str | None = None
    budget_reset_at: datetime | None = None
    spend: float = 0.0
    rpm_limit: int | None = None
    tpm_limit: int | None = None
    max_parallel_requests: int | None = None
    blocked: bool = False
    created: datetime | None = None
    expires: datetime | None = None
    last_active: datetime | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, body: dict[str, Any]) -> KeyInfo:
        info = body.get("info") or body
        return cls(
            token=str(info.get("token") or body.get("key") or ""),
            alias=str(info.get("key_alias") or ""),
            team_id=info.get("team_id"),
            models=tuple(info.get("models") or ()),
            user_id=info.get("user_id"),
            max_budget=_number(info.get("max_budget")),
            # LiteLLM keeps a key's soft budget beside it.
            soft_budget=_number(
                info.get("soft_budget") or _mapping(info.get("litellm_budget_table")).get("soft_budget")
            ),
            budget_duration=info.get("budget_duration"),
            budget_reset_at=_time(info.get("budget_reset_at")),
            spend=_number(info.get("spend")) or 0.0,
            rpm_limit=info.get("rpm_limit"),
            tpm_limit=info.get("tpm_limit"),
            max_parallel_requests=info.get("max_parallel_requests"),
            blocked=bool(info.get("blocked")),
            created=_time(info.get("created_at")),
            expires=_time(info.get("expires")),
            last_active=_time(info.get("last_active")),
            metadata=_mapping(info.get("metadata")),
        )

    def as_json(self) -> dict[str, Any]:
        """Plain values; holds no secret."""
        return _plain(self) | {"state": self.state(datetime.now(UTC))}

    def state(self, now: datetime) -> str:
        """`active`, `blocked` or `expired`."""
        if self.blocked:
            return "blocked"
        return "expired" if self.expires is not None and self.expires <= now else "active"


@dataclass(frozen=True)
class Deployment:
    """Where a public model name may go, and at what price: USD per million tokens, None where nobody knows it."""

    model: str
    id: str
    upstream: str
    input_usd_per_million: float | None = None
    output_usd_per_million: float | None = None
    hidden: bool = False

    @classmethod
    def parse(cls, body: dict[str, Any]) -> Deployment:
        info = _mapping(body.get("model_info"))

        def million(name: str) -> float | None:
            each = _number(info.get(name)) if info.get("priced", True) else None
            return None if each is None else round(each * 1e6, 9)

        return cls(
            model=str(body["model_name"]),
            id=str(info.get("id") or ""),
            upstream=str(_mapping(body.get("litellm_params")).get("model") or ""),
            input_usd_per_million=million("input_cost_per_token"),
            output_usd_per_million=million("output_cost_per_token"),
            hidden=bool(info.get("hidden")),
        )

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True)
class SpendRow:
    """One request of the ledger. `cost` in USD; an empty text where the engine does not say.

    `model` is what the client asked for, `upstream` what the provider calls the model that answered.
    """

    request_id: str
    started: datetime
    cost: float
    prompt_tokens: int
    completion_tokens: int
    model: str
    team: str = ""
    key: str = ""
    user: str = ""
    tags: tuple[str, ...] = ()
    provider: str = ""
    upstream: str = ""
    success: bool = True
    priced: bool = True
    estimated: bool = False

    @classmethod
    def parse(cls, body: dict[str, Any]) -> SpendRow:
        metadata = _mapping(body.get("metadata"))
        return cls(
            request_id=str(body["request_id"]),
            started=_time(body["startTime"]) or datetime.fromtimestamp(0, UTC),
            cost=_number(body.get("spend")) or 0.0,
            prompt_tokens=int(body.get("prompt_tokens") or 0),
            completion_tokens=int(body.get("completion_tokens") or 0),
            model=str(body.get("model_group") or body.get("model") or ""),
            team=str(body.get("team_alias") or metadata.get("user_api_key_team_alias") or body.get("team_id") or ""),
            key=str(body.get("key_alias") or metadata.get("user_api_key_alias") or body.get("api_key") or ""),
            user=str(body.get("user") or body.get("end_user") or ""),
            tags=tuple(str(tag) for tag in _list(body.get("request_tags"))),
            provider=str(body.get("custom_llm_provider") or ""),
            # Its provider's name for the model; LiteLLM writes the provider before some.
            upstream=str(body.get("model") or "").removeprefix(f"{body.get('custom_llm_provider')}/"),
            success=body.get("status", "success") == "success",
            priced=bool(metadata.get("priced", True)),
            estimated=bool(metadata.get("estimated", False)),
        )


def change_of(body: dict[str, Any]) -> dict[str, Any]:
    """One entry of LiteLLM's /audit as plain values: when, who, what, whom, before and after, and all as a text."""
    before, after = _mapping(body.get("before_value")), _mapping(body.get("updated_values"))
    told = [f"{name}: {before.get(name, '-')} → {after.get(name, '-')}" for name in sorted(before | after)]
    return {
        "when": str(body.get("updated_at") or ""),
        "who": str(body.get("changed_by") or ""),
        "what": str(body.get("action") or ""),
        "whom": str(body.get("object_alias") or body.get("object_id") or ""),
        "before": before,
        "after": after,
        "text": "; ".join(told) if before and after else "",
    }


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


def _plain(answer: Any) -> dict[str, Any]:
    """A dataclass as JSON values."""
    return {name: _json_value(value) for name, value in asdict(answer).items()}


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))


def _mapping(value: object) -> dict[str, Any]:
    """LiteLLM sends some objects as JSON text."""
    found = json.loads(value) if isinstance(value, str) and value else value
    return found if isinstance(found, dict) else {}


def _list(value: object) -> list[Any]:
    found = json.loads(value) if isinstance(value, str) and value else value
    return found if isinstance(found, list) else []


def _time(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) and value else None

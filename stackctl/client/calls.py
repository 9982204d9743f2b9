"""The calls of the admin API as values: what to send, and how to read the answer.

The paths and fields are LiteLLM's ("Virtual Keys" and "Teams" in its API reference).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from stackctl.client.answers import Deployment, KeyInfo, NewKey, SpendRow, Team, change_of

T = TypeVar("T")


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request and the function that makes a typed value of its JSON answer."""

    method: str
    path: str
    parse: Callable[[Any], T]
    body: dict[str, Any] | None = None
    params: dict[str, str] = field(default_factory=dict)


def new_team(alias: str, *, team_id: str | None = None, max_budget: float | None = None, **fields: Any) -> Call[Team]:
    """`fields` are further fields of LiteLLM's /team/new; None means: not given."""
    body = _present(team_alias=alias, team_id=team_id, max_budget=max_budget, **fields)
    return Call("POST", "/team/new", Team.parse, body)


def update_team(team_id: str, remove: Sequence[str] = (), **fields: Any) -> Call[None]:
    """Change the given fields of a team; those named in `remove` are taken away."""
    body = _present(team_id=team_id, **fields) | dict.fromkeys(remove)
    return Call("POST", "/team/update", _nothing, body)


def block_team(team_id: str, blocked: bool) -> Call[None]:
    return Call("POST", "/team/block" if blocked else "/team/unblock", _nothing, {"team_id": team_id})


def list_teams() -> Call[list[Team]]:
    return Call("GET", "/team/list", lambda body: [Team.parse(team) for team in _items(body, "teams")])


def delete_teams(team_ids: Sequence[str]) -> Call[None]:
    return Call("POST", "/team/delete", _nothing, {"team_ids": list(team_ids)})


def generate_key(
    alias: str,
    *,
    team_id: str | None = None,
    models: Sequence[str] = (),
    max_budget: float | None = None,
    **fields: Any,
) -> Call[NewKey]:
    """`fields` are further fields of LiteLLM's /key/generate (budget_duration, rpm_limit, …); None means: not given."""
    body = _present(key_alias=alias, team_id=team_id, models=list(models) or None, max_budget=max_budget, **fields)
    return Call("POST", "/key/generate", NewKey.parse, body)


def update_key(key: str, remove: Sequence[str] = (), **fields: Any) -> Call[None]:
    """Change the given fields of a key, or take away those in `remove`; `key` is the key itself or its token."""
    return Call("POST", "/key/update", _nothing, _present(key=key, **fields) | dict.fromkeys(remove))


def rotate_key(key: str) -> Call[NewKey]:
    """A new secret for the same key; the old one stops working."""
    return Call("POST", f"/key/{quote(key, safe='')}/regenerate", NewKey.parse, {})


def block_key(key: str) -> Call[None]:
    return Call("POST", "/key/block", _nothing, {"key": key})


def unblock_key(key: str) -> Call[None]:
    return Call("POST", "/key/unblock", _nothing, {"key": key})


def spend_logs(start: datetime, end: datetime, *, request_id: str | None = None) -> Call[list[SpendRow]]:
    """The ledger's rows of a span of time, newest first."""
    params = {"start_date": start.isoformat(), "end_date": end.isoformat(), "summarize": "false"}
    if request_id:
        params["request_id"] = request_id
    return Call("GET", "/spend/logs", lambda body: [SpendRow.parse(row) for row in _items(body, "data")], params=params)


def delete_keys(*, aliases: Sequence[str] = (), keys: Sequence[str] = ()) -> Call[None]:
    body = {"key_aliases": list(aliases)} if aliases else {"keys": list(keys)}
    return Call("POST", "/key/delete", _nothing, body)


def key_info(key: str) -> Call[KeyInfo]:
    """`key` is the key itself or its token."""
    return Call("GET", "/key/info", KeyInfo.parse, params={"key": key})


KEYS_PER_PAGE = 100
"""The most that LiteLLM gives at once."""


def list_keys(page: int = 1) -> Call[list[KeyInfo]]:
    """One page; the last one is the first that is not full."""

    def parse(body: Any) -> list[KeyInfo]:
        return [KeyInfo.parse(key) for key in _items(body, "keys") if isinstance(key, dict)]

    return Call(
        "GET", "/key/list", parse, params={"return_full_object": "true", "size": str(KEYS_PER_PAGE), "page": str(page)}
    )


def changes(most: int) -> Call[list[dict[str, Any]]]:
    """Who changed what, newest first."""
    params = {"page": "1", "page_size": str(most)}
    return Call("GET", "/audit", lambda body: [change_of(one) for one in _items(body, "audit_logs")], params=params)


def storage() -> Call[dict[str, Any]]:
    """Which columns the gateway's database has and how long their texts are; the bundled gateway only."""
    return Call("GET", "/audit/storage", lambda body: {name: list(body[name]) for name in ("columns", "suspicious")})


def deployments() -> Call[list[Deployment]]:
    """What can be called and at what price; `/v1/models` names models only."""
    return Call("GET", "/model/info", lambda body: [Deployment.parse(model) for model in _items(body, "data")])


def models() -> Call[list[str]]:
    """The public names, each once."""

    def parse(body: Any) -> list[str]:
        return list(dict.fromkeys(each.model for each in deployments().parse(body) if not each.hidden))

    return Call("GET", "/model/info", parse)


def alive() -> Call[None]:
    return Call("GET", "/health/liveliness", _nothing)


def _present(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _items(body: Any, name: str) -> list[Any]:
    return list(body if isinstance(body, list) else body[name])


def _nothing(_body: Any) -> None:
    return None

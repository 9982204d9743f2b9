"""The calls of the admin API as values: what to send, and how to read the answer.

The paths and fields are LiteLLM's ("Virtual Keys" and "Teams" in its API reference).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from stackctl.client.answers import KeyInfo, NewKey, Team

T = TypeVar("T")


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request and the function that makes a typed value of its JSON answer."""

    method: str
    path: str
    parse: Callable[[Any], T]
    body: dict[str, Any] | None = None
    params: dict[str, str] = field(default_factory=dict)


def new_team(alias: str, *, team_id: str | None = None, max_budget: float | None = None) -> Call[Team]:
    body = _present(team_alias=alias, team_id=team_id, max_budget=max_budget)
    return Call("POST", "/team/new", Team.parse, body)


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
    budget_duration: str | None = None,
    rpm_limit: int | None = None,
    tpm_limit: int | None = None,
) -> Call[NewKey]:
    body = _present(
        key_alias=alias,
        team_id=team_id,
        models=list(models) or None,
        max_budget=max_budget,
        budget_duration=budget_duration,
        rpm_limit=rpm_limit,
        tpm_limit=tpm_limit,
    )
    return Call("POST", "/key/generate", NewKey.parse, body)


def delete_keys(*, aliases: Sequence[str] = (), keys: Sequence[str] = ()) -> Call[None]:
    body = {"key_aliases": list(aliases)} if aliases else {"keys": list(keys)}
    return Call("POST", "/key/delete", _nothing, body)


def key_info(key: str) -> Call[KeyInfo]:
    """`key` is the key itself or its token."""
    return Call("GET", "/key/info", KeyInfo.parse, params={"key": key})


def list_keys() -> Call[list[KeyInfo]]:
    def parse(body: Any) -> list[KeyInfo]:
        return [KeyInfo.parse(key) for key in _items(body, "keys") if isinstance(key, dict)]

    return Call("GET", "/key/list", parse, params={"return_full_object": "true", "size": "100"})


def models() -> Call[list[str]]:
    return Call("GET", "/v1/models", lambda body: [str(model["id"]) for model in _items(body, "data")])


def alive() -> Call[None]:
    return Call("GET", "/health/liveliness", _nothing)


def _present(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _items(body: Any, name: str) -> list[Any]:
    return list(body if isinstance(body, list) else body[name])


def _nothing(_body: Any) -> None:
    return None

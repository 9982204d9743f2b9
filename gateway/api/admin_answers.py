"""What the admin API answers, for its OpenAPI document: LiteLLM's fields and a few more.

They describe and are not applied: answers are made by `gateway.accountant.views`, and the fuzzer compares them with
these. Money in USD, times in ISO 8601 (UTC).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Owned(_Answer):
    models: list[str]
    spend: float
    total_spend: float
    max_budget: float | None
    soft_budget: float | None
    soft_budget_exceeded: bool
    budget_duration: str | None
    budget_reset_at: datetime | None
    rpm_limit: int | None
    tpm_limit: int | None
    max_parallel_requests: int | None
    tags: list[str]
    metadata: dict[str, Any]
    blocked: bool
    created_at: datetime | None
    updated_at: datetime | None


class KeyAnswer(_Owned):
    """A key; `token` and `token_id` are the SHA-256 of its secret, `key_name` its last four characters."""

    token: str
    token_id: str
    key_name: str
    key_alias: str
    team_id: str | None
    user_id: str | None
    expires: datetime | None


class MadeKey(KeyAnswer):
    """`key` is the secret: in this answer and nowhere else. After an update it is the hash."""

    key: str


class ListedKey(KeyAnswer):
    """`last_active`: its latest request."""

    last_active: datetime | None


class KeyInfoAnswer(_Answer):
    """`key` is its hash."""

    key: str
    info: KeyAnswer


class KeyPage(_Answer):
    """Hashes, or objects with `return_full_object`."""

    keys: list[str] | list[ListedKey]
    total_count: int
    current_page: int
    total_pages: int


class ResetSpend(_Answer):
    """What is spent of this period is 0 now."""

    key_hash: str
    spend: float


class DeletedKeysAnswer(_Answer):
    """As they were named."""

    deleted_keys: list[str]


class TeamAnswer(_Owned):
    """A team and its keys."""

    team_id: str
    team_alias: str
    keys: list[KeyAnswer]


class TeamInfoAnswer(_Answer):
    """`team_memberships` is LiteLLM's and always empty."""

    team_id: str
    team_info: TeamAnswer
    keys: list[KeyAnswer]
    team_memberships: list[Any]


class TeamUpdate(_Answer):
    """The team after the change."""

    team_id: str
    data: TeamAnswer


class DeletedTeamsAnswer(_Answer):
    """Their ids."""

    deleted_teams: list[str]


class UserAnswer(_Owned):
    """A user and its keys."""

    user_id: str
    user_alias: str
    user_email: str | None
    user_role: str | None
    keys: list[KeyAnswer]


class MadeUser(UserAnswer):
    """`key`: the secret of the key that was made for the user, unless none was wanted; `token` its hash."""

    key: str | None = None
    token: str | None = None
    expires: datetime | None = None


class UserInfoAnswer(_Answer):
    """`teams` is LiteLLM's and always empty: keys belong to teams here, users do not."""

    user_id: str
    user_info: UserAnswer
    keys: list[KeyAnswer]
    teams: list[Any]


class UserUpdate(_Answer):
    """The user after the change."""

    user_id: str
    data: UserAnswer


class UserPage(_Answer):
    """One page of users."""

    users: list[UserAnswer]
    total_count: int
    current_page: int
    total_pages: int


class DeletedUsersAnswer(_Answer):
    """Their ids."""

    deleted_users: list[str]


class RowAnswer(_Answer):
    """One request. `metadata` holds the kinds of tokens, `cost_nano_usd`, `estimated`, `priced` and the attempts."""

    request_id: str
    call_type: str
    api_key: str
    key_alias: str
    team_id: str
    team_alias: str
    user: str
    end_user: str
    spend: float
    total_tokens: int
    prompt_tokens: int
    completion_tokens: int
    startTime: datetime  # noqa: N815 LiteLLM's name
    endTime: datetime  # noqa: N815 LiteLLM's name
    completionStartTime: datetime | None  # noqa: N815 LiteLLM's name
    request_duration_ms: int
    model: str
    model_id: str
    model_group: str
    served_model: str
    custom_llm_provider: str
    cache_hit: Literal["True", "False"]
    request_tags: list[str]
    status: Literal["success", "failure"]
    metadata: dict[str, Any]


class RowPage(_Answer):
    """Newest first."""

    data: list[RowAnswer]
    total: int
    page: int
    page_size: int
    total_pages: int


class ChangeAnswer(_Answer):
    """Who changed what; values before and after of the fields that differ."""

    id: str
    updated_at: datetime
    changed_by: str
    changed_by_api_key: str
    action: str
    table_name: str
    object_id: str
    object_alias: str
    before_value: dict[str, Any]
    updated_values: dict[str, Any]


class ChangePage(_Answer):
    """Newest first."""

    audit_logs: list[ChangeAnswer]
    total: int
    page: int
    page_size: int
    total_pages: int


class ColumnAnswer(_Answer):
    """A column of the database; `suspicious` when its longest text may be a prompt or an answer."""

    table: str
    column: str
    type: str
    longest_text: int
    suspicious: bool


class StorageAnswer(_Answer):
    """Every column, and the suspicious ones again."""

    columns: list[ColumnAnswer]
    suspicious: list[ColumnAnswer]


class ModelAnswer(_Answer):
    """One deployment of a model; `model_info` holds its price per token, or `priced: false`."""

    model_name: str
    litellm_params: dict[str, Any]
    model_info: dict[str, Any]


class ModelsAnswer(_Answer):
    """Every deployment."""

    data: list[ModelAnswer]


ANSWERS: dict[str, Any] = {
    "/key/generate": MadeKey,
    "/key/update": MadeKey,
    "/key/regenerate": MadeKey,
    "/key/{key}/regenerate": MadeKey,
    "/key/{key}/reset_spend": ResetSpend,
    "/key/block": KeyAnswer,
    "/key/unblock": KeyAnswer,
    "/key/delete": DeletedKeysAnswer,
    "/key/info": KeyInfoAnswer,
    "/key/list": KeyPage,
    "/team/new": TeamAnswer,
    "/team/update": TeamUpdate,
    "/team/block": TeamAnswer,
    "/team/unblock": TeamAnswer,
    "/team/delete": DeletedTeamsAnswer,
    "/team/info": TeamInfoAnswer,
    "/team/list": list[TeamAnswer],
    "/user/new": MadeUser,
    "/user/update": UserUpdate,
    "/user/block": UserAnswer,
    "/user/unblock": UserAnswer,
    "/user/delete": DeletedUsersAnswer,
    "/user/info": UserInfoAnswer,
    "/user/list": UserPage,
    "/spend/logs": list[RowAnswer],
    "/spend/logs/v2": RowPage,
    "/audit": ChangePage,
    "/audit/storage": StorageAnswer,
    "/model/info": ModelsAnswer,
    "/v1/model/info": ModelsAnswer,
}


def answer_of(path: str) -> dict[int | str, dict[str, Any]]:
    """FastAPI's `responses` of a path; empty for one that is not described."""
    return {200: {"model": ANSWERS[path], "description": "Done"}} if path in ANSWERS else {}


def _open_path(summary: str, refusal: str | None, schema: dict[str, Any]) -> dict[str, Any]:
    shown = {"description": "Done", "content": {"application/json": {"schema": schema}}}
    responses: dict[str, Any] = {"200": shown}
    if refusal is not None:
        responses["503"] = {"description": refusal, "content": {"application/json": {"schema": {}}}}
    return {"get": {"summary": summary, "security": [], "responses": responses}}


_PROVIDERS = {"type": "object", "required": ["providers", "healthy_endpoints", "unhealthy_endpoints", "healthy_count"]}
_READY = {"type": "object", "required": ["status", "version", "workers"]}
# Answered outside of FastAPI, by any worker and without a key.
OPEN_PATHS: dict[str, Any] = {
    "/health/liveliness": _open_path("Whether the process answers", "It is shutting down", {"type": "string"}),
    "/health/readiness": _open_path("Whether requests are let in", "Not now; `status` says why", _READY),
    "/health": _open_path(
        "Providers and deployments by the requests that went there anyway; nobody is asked and nothing is spent",
        "The accountant or its database does not answer",
        _PROVIDERS,
    ),
}

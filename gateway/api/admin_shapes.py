"""Bodies of the admin API, by LiteLLM's field names."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from gateway import period
from gateway.api.litellm_fields import without_idle


def _duration(text: str) -> str:
    period.seconds(text)
    return text


Alias = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\s\x00-\x1f]+$")]
Duration = Annotated[str, AfterValidator(_duration)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
Dollars = Annotated[float, Field(ge=0, le=1_000_000_000, allow_inf_nan=False)]
Secret = Annotated[str, Field(min_length=16, max_length=200, pattern=r"^sk-[!-~]+$")]
Given = Annotated[str, Field(max_length=300)]
Tag = Annotated[str, Field(min_length=1, max_length=128)]


class _Fields(BaseModel):
    # A field that would have no effect is refused: silence would look like a limit that holds.
    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _idle(cls, body: Any) -> Any:
        return without_idle(body, cls.model_fields) if isinstance(body, dict) else body


class _Owner(_Fields):
    models: list[Alias] | None = None
    max_budget: Dollars | None = None
    soft_budget: Dollars | None = None
    budget_duration: Duration | None = None
    rpm_limit: Count | None = None
    tpm_limit: Count | None = None
    max_parallel_requests: Count | None = None
    metadata: dict[str, Any] | None = None
    tags: Annotated[list[Tag], Field(max_length=16)] | None = None
    blocked: bool | None = None


class KeyFields(_Owner):
    """What a key has."""

    key_alias: Alias | None = None
    team_id: Alias | None = None
    user_id: Alias | None = None
    duration: Duration | None = None


class NewKey(KeyFields):
    """`key`: an own value instead of a random one."""

    key: Secret | None = None


class ChangedKey(KeyFields):
    """`key`: the secret or its hash. Fields that are left out stay."""

    key: Given


class RotatedKey(KeyFields):
    """`key`: the secret or its hash; `new_key`: an own value instead of a random one."""

    key: Given | None = None
    new_key: Secret | None = None
    key_alias: None = None


class NamedKey(_Fields):
    """`key`: the secret or its hash."""

    key: Given


class DeletedKeys(_Fields):
    """By secret or hash, or by alias."""

    keys: list[Given] | None = None
    key_aliases: list[Given] | None = None


class _TeamFields(_Owner):
    team_alias: Alias | None = None


class NewTeam(_TeamFields):
    """`team_id`: an own id instead of a random one."""

    team_id: Alias | None = None


class ChangedTeam(_TeamFields):
    """Fields that are left out stay."""

    team_id: Given


class NamedTeam(_Fields):
    """One team."""

    team_id: Given


class DeletedTeams(_Fields):
    """Their keys are deleted with them."""

    team_ids: list[Given]


class _UserFields(_Owner):
    user_alias: Alias | None = None
    user_email: Annotated[str, Field(max_length=320)] | None = None
    user_role: Literal["proxy_admin", "proxy_admin_viewer", "internal_user", "internal_user_viewer"] | None = None


class NewUser(_UserFields):
    """`user_id`: an own id instead of a random one. As LiteLLM does, a key is made for the user unless
    `auto_create_key` is false; `key_alias`, `duration` and `team_id` are that key's."""

    user_id: Alias | None = None
    auto_create_key: bool = True
    key_alias: Alias | None = None
    duration: Duration | None = None
    team_id: Alias | None = None


class ChangedUser(_UserFields):
    """Fields that are left out stay."""

    user_id: Given


class NamedUser(_Fields):
    """One user."""

    user_id: Given


class DeletedUsers(_Fields):
    """Their keys are deleted with them."""

    user_ids: list[Given]


POSTS: dict[str, type[BaseModel]] = {
    "/key/generate": NewKey,
    "/key/update": ChangedKey,
    "/key/regenerate": RotatedKey,
    "/key/block": NamedKey,
    "/key/unblock": NamedKey,
    "/key/delete": DeletedKeys,
    "/team/new": NewTeam,
    "/team/update": ChangedTeam,
    "/team/block": NamedTeam,
    "/team/unblock": NamedTeam,
    "/team/delete": DeletedTeams,
    "/user/new": NewUser,
    "/user/update": ChangedUser,
    "/user/block": NamedUser,
    "/user/unblock": NamedUser,
    "/user/delete": DeletedUsers,
}

"""Why a request cannot be translated. Both name the field."""

from __future__ import annotations

from typing import Any


class UnsupportedError(Exception):
    """The upstream has nothing like this field; another deployment may have."""

    def __init__(self, field: str, why: str = "is not supported by this model's provider") -> None:
        super().__init__(f"`{field}` {why}")
        self.field = field


class WrongRequestError(Exception):
    """The field is wrong, whoever answers."""

    def __init__(self, field: str, what: str) -> None:
        super().__init__(f"`{field}` {what}")
        self.field = field


def an_object(value: Any, field: str) -> dict[str, Any]:
    """Raises WrongRequestError for anything else."""
    if not isinstance(value, dict):
        raise WrongRequestError(field, "must be an object")
    return value


def a_list(value: Any, field: str) -> list[Any]:
    """Raises WrongRequestError for anything else."""
    if not isinstance(value, list):
        raise WrongRequestError(field, "must be a list")
    return value


def a_text(value: Any, field: str) -> str:
    """Raises WrongRequestError for anything else."""
    if not isinstance(value, str):
        raise WrongRequestError(field, "must be text")
    return value

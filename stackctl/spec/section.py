"""What every mapping of the spec has in common.

Modules of pydantic models are without `from __future__ import annotations`: it makes texts of the annotations, and
pydantic would compile each one anew at every start of the command line (docs/decisions/140).
"""

from typing import Annotated, Any, Self, cast

from pydantic import BaseModel, ConfigDict, Field

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$"

Port = Annotated[int, Field(ge=1, le=65535)]
Name = Annotated[str, Field(pattern=_NAME, max_length=120)]


def empty_list() -> list[Any]:
    """A default factory. pydantic asks for its signature, which of the built-in `list` inspect has to parse as text."""
    return []


def empty_dict() -> dict[str, Any]:
    """A default factory, like `empty_list`."""
    return {}


class Section(BaseModel):
    """A mapping of the spec: unknown fields are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @classmethod
    def defaults(cls) -> Self:
        """What the section is when the spec does not name it.

        Calling the class would do the same, and have pydantic build a validator for it although only the one of the
        whole spec is ever used: half of the time it takes to import the spec.
        """
        return cast("Self", cls.model_construct())

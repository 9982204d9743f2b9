"""What every mapping of the spec has in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Port = Annotated[int, Field(ge=1, le=65535)]


class Section(BaseModel):
    """A mapping of the spec: unknown fields are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)

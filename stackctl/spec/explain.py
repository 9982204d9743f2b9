"""What the fields of the spec mean, from the model itself."""

from __future__ import annotations

import difflib
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from stackctl.errors import UsageError
from stackctl.spec.model import Spec


def explain_field(name: str) -> list[dict[str, Any]]:
    """The field and everything below it: name, default and explanation.

    An empty name explains the whole spec; raises UsageError for a name the spec does not have.
    """
    fields = list(_walk(Spec, ""))
    chosen = [field for field in fields if not name or field["name"] == name or field["name"].startswith(f"{name}.")]
    if not chosen:
        near = difflib.get_close_matches(name, [field["name"] for field in fields], n=1)
        remedy = f"did you mean '{near[0]}'?" if near else "run `stackctl explain` for all of them"
        raise UsageError(f"the spec has no field '{name}'", remedy=remedy)
    return chosen


def _walk(model: type[BaseModel], prefix: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name, info in model.model_fields.items():
        path = f"{prefix}{info.alias or name}"
        inner = _section(info.annotation)
        explanation = info.description or (inner.__doc__ if inner else "") or ""
        found.append({"name": path, "default": None if inner else _default(info), "explanation": explanation})
        if inner is not None:
            found += _walk(inner, f"{path}.")
    return found


def _section(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((inner for inner in map(_section, get_args(annotation)) if inner is not None), None)


def _default(info: FieldInfo) -> str | None:
    value = info.get_default(call_default_factory=False)
    return None if value is PydanticUndefined or value is None else str(value)

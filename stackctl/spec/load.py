"""Read stack.yaml into a Spec, or say precisely what is wrong with it."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from stackctl.errors import SpecError, UsageError
from stackctl.problem import Problem
from stackctl.spec.document import Document
from stackctl.spec.model import Spec
from stackctl.spec.own import OwnFile, read_own_files

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_TYPE_NAMES = {"int": "a whole number", "float": "a number", "string": "a text", "bool": "true or false"}


@dataclass(frozen=True)
class SpecFile:
    """A valid spec together with the document it came from and the user's own files beside it."""

    spec: Spec
    document: Document
    sha256: str
    own: tuple[OwnFile, ...] = ()

    def problem(self, id_: str, message: str, path: tuple[str | int, ...], remedy: str = "") -> Problem:
        """A problem at the key of `path`, for checks that only a later stage can make."""
        return Problem(id_, message, position=self.document.position(path, key=True), remedy=remedy)


def load_spec(file: Path) -> SpecFile:
    """Parse and validate a spec file.

    Raises UsageError if it or a file of the user's beside it cannot be read, SpecError with a position for every
    fault in it.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(
            f"{file} does not exist", remedy="run `stackctl init` or give the stack's directory with -C"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from error
    return replace(parse_spec(text, str(file)), own=read_own_files(file.parent))


def parse_spec(text: str, file: str = "stack.yaml") -> SpecFile:
    """Validate the text of a spec; `file` is only named in problems."""
    document = Document(text, file)
    if not isinstance(document.data, dict):
        raise SpecError([Problem("spec/type", "a spec is a mapping", position=document.position(()))])
    try:
        spec = Spec.model_validate(document.data)
        return SpecFile(spec, document, hashlib.sha256(text.encode()).hexdigest())
    except ValidationError as error:
        faults = [_problem(document, detail) for detail in error.errors(include_url=False)]
        raise SpecError(sorted(faults, key=lambda fault: fault.position)) from None


def _problem(document: Document, detail: ErrorDetails) -> Problem:
    path, kind = _path_in(document.data, detail["loc"]), detail["type"]
    if kind == "extra_forbidden":
        field = str(path[-1])
        near = difflib.get_close_matches(field, _fields_at(path[:-1]), n=1)
        remedy = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(_fields_at(path[:-1]))}"
        return Problem(
            "spec/unknown-field",
            f"unknown field '{field}'",
            position=document.position(path, key=True),
            remedy=remedy,
        )
    if kind == "missing":
        return Problem("spec/missing-field", f"{_dotted(path)} is missing", position=document.position(path[:-1]))
    if kind == "fault":
        path = (*path, *detail["ctx"]["path"])
    return Problem("spec/value", f"{_dotted(path)}: {_plain_message(detail)}", position=document.position(path))


def _dotted(path: tuple[str | int, ...]) -> str:
    """A path as people write it: models[0].name."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).lstrip(".") or "the spec"


def _plain_message(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "fault":
        return str(context["message"])
    if kind == "literal_error":
        return f"{detail['input']!r} is not one of {context['expected']}"
    for stem, wanted in _TYPE_NAMES.items():
        if kind in (f"{stem}_type", f"{stem}_parsing"):
            return f"{detail['input']!r} is not {wanted}"
    if kind == "string_pattern_mismatch":
        return f"{detail['input']!r} does not have the form {context['pattern']}"
    message = detail["msg"].removeprefix("Value error, ")
    return message[0].lower() + message[1:]


def _path_in(data: Any, location: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """pydantic names union branches in a location; keep only the steps that exist in the document."""
    path: list[str | int] = []
    for index, step in enumerate(location):
        last = index == len(location) - 1
        inside = (isinstance(data, dict) and step in data) or (
            isinstance(data, list) and isinstance(step, int) and step < len(data)
        )
        if inside:
            data = data[step]
            path.append(step)
        elif last and isinstance(data, dict):
            path.append(step)
    return tuple(path)


def _fields_at(path: tuple[str | int, ...]) -> list[str]:
    """The names of the fields a spec may have at `path`, aliases applied."""
    model: Any = Spec
    for step in path:
        if isinstance(step, int):
            continue
        model = _model_of(model.model_fields[step].annotation) if step in model.model_fields else model
        if model is None:
            return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_of(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _model_of(argument)
        if found is not None:
            return found
    return None

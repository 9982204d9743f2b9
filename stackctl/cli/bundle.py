"""render, explain: from the spec to the bundle, without running anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackctl.cli.options import HERE, Directory, Force, Json
from stackctl.cli.output import command
from stackctl.result import Exit, Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from stackctl.render import Drift

_BY_HAND = "move the change into stack.yaml, or run `stackctl render --force`"


@command("render")
def render(
    directory: Directory = HERE,
    check_only: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if the bundle is out of date.")
    ] = False,
    show_diff: Annotated[
        bool, typer.Option("--diff", help="Write nothing; show what would change; exit 1 if anything.")
    ] = False,
    force: Force = False,
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Write the bundle: every file the stack runs on, from stack.yaml."""
    from stackctl.problem import Position, Problem
    from stackctl.render import Change, drift, render_bundle, unified_diff, write
    from stackctl.runtime.base import locked_images
    from stackctl.spec import load_spec
    from stackctl.stack import StackDir

    stack = StackDir(directory)
    source = load_spec(stack.spec)
    bundle = render_bundle(source, locked_images(stack, source.spec))
    if not (check_only or show_diff):
        return Result(
            _drift_data(write(bundle, stack.bundle, force=force), len(bundle.files), str(stack.bundle)), view=_written
        )
    changes = drift(bundle, stack.bundle)
    data = _drift_data(changes, len(bundle.files), str(stack.bundle))
    if show_diff:
        data["diff"] = unified_diff(bundle, stack.bundle, changes)
    problems = [
        Problem(
            "render/drift",
            f"{item.change}",
            position=Position(str(stack.bundle / item.path)),
            remedy=_BY_HAND if item.change is Change.HAND_EDITED else "run `stackctl render`",
        )
        for item in changes
    ]
    view = _diff if show_diff else _up_to_date
    return Result(data, problems, Exit.NO if changes else Exit.YES, view)


@command("explain")
def explain(
    field: Annotated[str, typer.Argument(help="A field of the spec, such as prometheus.scrape_interval.")] = "",
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Say what a field of the spec means, what it defaults to and why."""
    from stackctl.spec.explain import explain_field

    return Result({"fields": explain_field(field)}, view=_explained)


def _drift_data(changes: list[Drift], count: int, directory: str) -> dict[str, Any]:
    return {
        "bundle": directory,
        "files": count,
        "changes": [{"path": item.path, "change": str(item.change)} for item in changes],
    }


def _written(data: dict[str, Any]) -> Iterable[RenderableType]:
    for item in data["changes"]:
        yield f"{item['change']:12} {item['path']}"
    yield f"{data['bundle']}: {data['files']} files, {len(data['changes'])} changed"


def _up_to_date(data: dict[str, Any]) -> Iterable[RenderableType]:
    if not data["changes"]:
        yield f"{data['bundle']} is up to date"


def _diff(data: dict[str, Any]) -> Iterable[RenderableType]:
    from rich.syntax import Syntax
    from rich.text import Text

    from stackctl.cli.output import console

    if not data["diff"]:
        yield f"{data['bundle']} is up to date"
    elif console().is_terminal:
        yield Syntax(data["diff"], "diff", background_color="default")
    else:
        yield Text(data["diff"].rstrip("\n"))


def _explained(data: dict[str, Any]) -> Iterable[RenderableType]:
    from rich.text import Text

    for field in data["fields"]:
        default = f"  (default: {field['default']})" if field["default"] is not None else ""
        yield Text.assemble((field["name"], "bold"), default)
        if field["explanation"]:
            yield Text(f"    {field['explanation']}")

"""import: a spec from a deployment that exists already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from stackctl.cli.options import HERE, Directory, Json
from stackctl.cli.output import command
from stackctl.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

adopt = typer.Typer(help="Make a spec from a deployment that exists already.", rich_markup_mode=None)


@adopt.callback()
def _root() -> None:
    """Make a spec from a deployment that exists already."""


@adopt.command("litellm")
@command("import litellm")
def litellm(
    config: Annotated[Path, typer.Argument(help="LiteLLM's config.yaml.")],
    directory: Directory = HERE,
    name: Annotated[str, typer.Option(help="The stack's name.")] = "llm",
    workers: Annotated[int, typer.Option(min=1, max=64, help="What --num_workers says today.")] = 1,
    version: Annotated[
        str, typer.Option(help="The LiteLLM release, such as 1.102.4; the newest known by default.")
    ] = "",
    runtime: Annotated[Literal["local", "compose"], typer.Option(help="What shall run it.")] = "compose",
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Write a stack.yaml that serves the models of a LiteLLM configuration, and say what has no place in it."""
    from stackctl.adopt import adopt_litellm
    from stackctl.scaffold import adopt_stack
    from stackctl.stack import StackDir

    adopted = adopt_litellm(config, name=name, workers=workers, version=version, runtime=runtime)
    made = adopt_stack(StackDir(directory), adopted.text)
    return Result({"created": [str(path) for path in made]}, adopted.problems, view=_created)


def _created(data: dict[str, Any]) -> Iterable[RenderableType]:
    for path in data["created"]:
        yield f"created {path}"

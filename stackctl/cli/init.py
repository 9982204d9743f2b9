"""init: a new stack directory."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from stackctl.cli.options import HERE, Json
from stackctl.cli.output import command
from stackctl.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from stackctl.scaffold import Answers


@command("init")
def init(
    directory: Annotated[Path, typer.Argument(help="Where the stack shall live.")] = HERE,
    name: Annotated[str, typer.Option(help="The stack's name; the directory's name by default.")] = "",
    demo: Annotated[
        bool, typer.Option("--demo", help="Use the built-in mock provider and free ports: no account needed.")
    ] = False,
    slack_channel: Annotated[str, typer.Option(help="Send alerts to this Slack channel, such as '#llm-spend'.")] = "",
    workers: Annotated[int, typer.Option(help="Worker processes of the gateway.", min=1)] = 2,
    runtime: Annotated[Literal["local", "compose"], typer.Option(help="Plain processes, or Docker Compose.")] = "local",
    defaults: Annotated[bool, typer.Option("--defaults", help="Ask nothing.")] = False,
    json_output: Json = False,
) -> Result:
    """Write a commented stack.yaml and its secrets. Asks on a terminal; never overwrites."""
    from stackctl.scaffold import DEFAULT_PORTS, Answers, create_stack, free_ports
    from stackctl.stack import StackDir

    stack = StackDir(directory)
    answers = Answers(
        name=name or _name_from(directory),
        provider="mock" if demo else "openai",
        workers=workers,
        slack_channel=slack_channel,
        runtime=runtime,
        ports=free_ports() if demo else dict(DEFAULT_PORTS),
    )
    if not (defaults or json_output) and sys.stdin.isatty() and not stack.spec.exists():
        answers = _ask(answers)
    made = create_stack(stack, answers)
    return Result({"stack": str(directory), "created": [str(path) for path in made]}, view=_created)


def _name_from(directory: Path) -> str:
    letters = "".join(letter if letter.isalnum() else "-" for letter in directory.resolve().name.lower())
    return letters.encode("ascii", "ignore").decode().strip("-")[:40] or "llm"


def _ask(answers: Answers) -> Answers:
    from dataclasses import replace

    name = typer.prompt("Name of the stack", default=answers.name, err=True)
    mock = typer.confirm(
        "Try it with the built-in mock provider (no account)?", default=answers.provider == "mock", err=True
    )
    channel = typer.prompt(
        "Slack channel for alerts (empty: the stack's own inbox)",
        default=answers.slack_channel,
        show_default=False,
        err=True,
    )
    return replace(answers, name=name, provider="mock" if mock else "openai", slack_channel=channel)


def _created(data: dict[str, Any]) -> Iterable[RenderableType]:
    for path in data["created"]:
        yield f"created {path}"
    where = "" if data["stack"] == "." else f" -C {data['stack']}"
    yield f"next: stackctl up{where}"

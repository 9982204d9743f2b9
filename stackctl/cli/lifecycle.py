"""up, down, status, logs, open: a stack's life."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackctl.cli.options import HERE, Directory, Force, Json
from stackctl.cli.output import command
from stackctl.result import Exit, Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

_COLOURS = {"running": "green", "starting": "yellow", "failed": "red", "stopped": "red"}


@command("up")
def up(
    directory: Directory = HERE,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running if a part fails to start.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for every part to be ready.")] = 60,
    force: Force = False,
    json_output: Json = False,
) -> Result:
    """Render the bundle, start every part and wait until all of them are really ready."""
    from stackctl.checks.secrets import require_secrets
    from stackctl.cli.progress import progress
    from stackctl.render import render_bundle, write
    from stackctl.runtime import local
    from stackctl.spec import load_spec
    from stackctl.stack import StackDir

    stack, watcher = StackDir(directory.resolve()), progress(as_json=json_output)
    source = load_spec(stack.spec)
    require_secrets(source, stack.root)
    with watcher.phase("render the bundle"):
        write(render_bundle(source), stack.bundle, force=force)
    state = local.up(stack, source.spec, watcher, keep=keep, timeout_s=timeout)
    return Result(state.as_json() | {"directory": str(directory)}, view=_running)


@command("down")
def down(
    directory: Directory = HERE,
    json_output: Json = False,
) -> Result:
    """Stop every part. Metrics, ledger and logs stay."""
    from stackctl.cli.progress import progress
    from stackctl.runtime import local
    from stackctl.stack import StackDir

    local.down(StackDir(directory.resolve()), progress(as_json=json_output))
    return Result({"directory": str(directory)}, view=lambda data: [f"{data['directory']}: nothing is running"])


@command("status")
def status(
    directory: Directory = HERE,
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Where each part listens, whether it is healthy, its version and pid. Works from any terminal."""
    from stackctl.runtime import local
    from stackctl.spec import load_spec
    from stackctl.stack import StackDir

    stack = StackDir(directory.resolve())
    state = local.status(stack, load_spec(stack.spec).spec)
    return Result(state.as_json(), exit_code=Exit.YES if state.healthy else Exit.NO, view=_parts)


def logs(
    part: Annotated[str, typer.Argument(help="gateway, prometheus, alertmanager or inbox; all by default.")] = "",
    directory: Directory = HERE,
    lines: Annotated[int, typer.Option("--lines", "-n", help="Lines from the end of each log.", min=0)] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more.")] = False,
) -> None:
    """Show what the parts logged, each line with its part."""
    from stackctl.cli.output import console
    from stackctl.runtime import local
    from stackctl.stack import StackDir

    for line in local.logs(StackDir(directory.resolve()), part or None, lines=lines, follow=follow):
        console().print(line, markup=False)


@command("open")
def open_(
    part: Annotated[str, typer.Argument(help="gateway, prometheus, alertmanager or inbox.")] = "inbox",
    directory: Directory = HERE,
    json_output: Json = False,
) -> Result:
    """Open a part's page in the browser; where there is none, print its address."""
    from stackctl.errors import UsageError
    from stackctl.runtime import local
    from stackctl.spec import load_spec
    from stackctl.stack import StackDir

    urls = local.urls(load_spec(StackDir(directory).spec).spec)
    if part not in urls:
        raise UsageError(f"no part is named '{part}'", remedy=f"one of {', '.join(urls)}")
    if not json_output:
        typer.launch(urls[part])
    return Result({"part": part, "url": urls[part]}, view=lambda data: [data["url"]])


def _running(data: dict[str, Any]) -> Iterable[RenderableType]:
    yield from _parts(data)
    where = "" if data["directory"] == "." else f" -C {data['directory']}"
    yield f"prove it: stackctl validate{where}    stop it: stackctl down{where}"


def _parts(data: dict[str, Any]) -> Iterable[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    table = Table("part", "state", "healthy", "url", "version", "pid", box=None, pad_edge=False)
    for part in data["parts"]:
        healthy = Text("yes", "green") if part["healthy"] else Text(part["reason"] or "no", "red")
        state = Text(part["state"], _COLOURS.get(part["state"], ""))
        table.add_row(part["name"], state, healthy, part["url"], part["version"] or "-", str(part["pid"] or "-"))
    yield table

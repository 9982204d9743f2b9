"""up, down, status, logs, open: a stack's life."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackctl.cli.options import HERE, Directory, Force, Json
from stackctl.cli.output import command
from stackctl.result import Exit, Result

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rich.console import RenderableType

    from stackctl.render import Bundle, Drift
    from stackctl.runtime.base import Runtime
    from stackctl.spec import Spec
    from stackctl.stack import StackDir

_COLOURS = {"running": "green", "starting": "yellow", "failed": "red", "stopped": "red"}


@command("up")
def up(
    directory: Directory = HERE,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running if a part fails to start.")] = False,
    timeout: Annotated[
        float | None,
        typer.Option(
            help="Seconds to wait for every part to be ready.",
            show_default="60; compose: 180; LiteLLM: 180, on compose 300",
        ),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until every part is ready; `up` always does.")] = True,  # noqa: ARG001
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    force: Force = False,
    json_output: Json = False,
) -> Result:
    """Render the bundle, start every part and wait until all of them are really ready."""
    from stackctl.checks.doctor.denied_version import examine_spec
    from stackctl.checks.secrets import require_secrets
    from stackctl.cli.progress import progress
    from stackctl.render import drift, render_bundle, write
    from stackctl.runtime.base import locked_images, runtime_of
    from stackctl.spec import load_spec
    from stackctl.stack import StackDir

    stack, watcher = StackDir(directory.resolve()), progress(as_json=json_output)
    source = load_spec(stack.spec)
    runtime = runtime_of(stack, source.spec)
    if dry_run:
        bundle = render_bundle(source, locked_images(stack, source.spec))
        return _dry_run(stack, source.spec, bundle, drift(bundle, stack.bundle))
    for problem in examine_spec(source):
        watcher.note(f"{problem.severity}: {problem}")
    runtime.prepare(watcher)
    require_secrets(source, stack.root)
    bundle = render_bundle(source, locked_images(stack, source.spec))
    with watcher.phase("render the bundle"):
        write(bundle, stack.bundle, force=force)
    options = {} if timeout is None else {"timeout_s": timeout}
    state = runtime.up(watcher, keep=keep, **options)
    return Result(state.as_json() | {"directory": str(directory)}, view=_running)


@command("down")
def down(
    directory: Directory = HERE,
    volumes: Annotated[
        bool, typer.Option("--volumes", help="Remove the stored data too: metrics, ledger, messages.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json_output: Json = False,
) -> Result:
    """Stop every part. Metrics, ledger and logs stay unless --volumes is given."""
    from stackctl.cli.progress import progress
    from stackctl.errors import UsageError

    if volumes and not yes:
        if not sys.stdin.isatty():
            raise UsageError("--volumes removes the ledger and every metric of this stack", remedy="confirm with --yes")
        if not typer.confirm("Remove the ledger and every metric of this stack?", err=True):
            return Result(
                {"directory": str(directory)},
                exit_code=Exit.NO,
                view=lambda data: [f"{data['directory']}: left as it is"],
            )
    _runtime(directory).down(progress(as_json=json_output), volumes=volumes)
    return Result({"directory": str(directory)}, view=lambda data: [f"{data['directory']}: nothing is running"])


@command("status")
def status(
    directory: Directory = HERE,
    output: Annotated[
        str, typer.Option("--output", "-o", help="`json` (as --json) or `env` (NAME=value lines); a table by default.")
    ] = "",
    json_output: Json = False,
) -> Result:
    """Where each part listens, whether it is healthy, its version and image. Works from any terminal."""
    from stackctl.cli.output import emit
    from stackctl.errors import UsageError

    if output not in ("", "json", "env"):
        raise UsageError(f"there is no output '{output}'", remedy="json or env")
    state = _runtime(directory).status()
    exit_code = Exit.YES if state.healthy else Exit.NO
    result = Result(state.as_json(), exit_code=exit_code, view=_env if output == "env" else _parts)
    if output == "json" and not json_output:
        emit(result, "status", as_json=True)
        return Result(exit_code=exit_code)
    return result


def logs(
    part: Annotated[str, typer.Argument(help="gateway, prometheus, alertmanager, inbox, …; all by default.")] = "",
    directory: Directory = HERE,
    lines: Annotated[int, typer.Option("--lines", "-n", help="Lines from the end of each log.", min=0)] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more.")] = False,
) -> None:
    """Show what the parts logged, each line with its part."""
    from stackctl.cli.output import console

    shown = False
    for line in _runtime(directory).logs(part or None, lines=lines, follow=follow):
        console().print(line, markup=False)
        shown = True
    if lines and not shown:
        console(stderr=True).print("nothing is logged yet: `stackctl up` starts the stack")


@command("restart")
def restart(
    part: Annotated[str, typer.Argument(help="One part; all by default.")] = "",
    directory: Directory = HERE,
    json_output: Json = False,
) -> Result:
    """Restart one part or all, and wait until they are ready again."""
    from stackctl.cli.progress import progress

    state = _runtime(directory).restart(progress(as_json=json_output), part or None)
    return Result(state.as_json() | {"directory": str(directory)}, view=_running)


@command("pull")
def pull(directory: Directory = HERE, json_output: Json = False) -> Result:
    """Fetch the container images of a Compose stack, so that `up` needs no registry."""
    from stackctl.cli.progress import progress

    pulled = _runtime(directory).pull(progress(as_json=json_output))
    return Result({"images": pulled}, view=lambda data: data["images"] or ["this runtime has no images"])


@command("open")
def open_(
    part: Annotated[str, typer.Argument(help="gateway, prometheus, alertmanager, inbox or grafana.")] = "inbox",
    directory: Directory = HERE,
    json_output: Json = False,
) -> Result:
    """Open a part in the browser."""
    from stackctl.errors import UsageError

    urls = _runtime(directory).urls()
    if part not in urls:
        raise UsageError(f"no part is named '{part}'", remedy=f"one of {', '.join(urls)}")
    if not json_output:
        typer.launch(urls[part])
    return Result({"part": part, "url": urls[part]}, view=lambda data: [data["url"]])


def _runtime(directory: Path) -> Runtime:
    from stackctl.runtime.base import runtime_of
    from stackctl.spec import load_spec
    from stackctl.stack import StackDir

    stack = StackDir(directory.resolve())
    return runtime_of(stack, load_spec(stack.spec).spec)


def _dry_run(stack: StackDir, spec: Spec, bundle: Bundle, changes: list[Drift]) -> Result:
    from stackctl.runtime.compose.lifecycle import ComposeRuntime
    from stackctl.runtime.compose.plan import Plan

    files = [{"path": item.path, "change": str(item.change)} for item in changes]
    plan = ComposeRuntime(stack, spec).dry_run(bundle) if spec.runtime == "compose" else Plan()
    data = {
        "secrets": list(plan.passwords),
        "files": files,
        "images": [{"image": image, "action": action} for image, action in plan.images.items()],
        "services": [{"service": step.service, "action": step.action} for step in plan.steps],
    }
    return Result(data, view=_planned)


def _planned(data: dict[str, Any]) -> Iterable[RenderableType]:
    for name in data["secrets"]:
        yield f"{'make':12} secrets/{name}"
    for item in data["files"]:
        yield f"{item['change']:12} {item['path']}"
    for item in data["images"]:
        yield f"{item['action']:12} {item['image']}"
    for step in data["services"]:
        yield f"{step['action']:12} {step['service']}"
    if not (data["secrets"] or data["files"] or data["images"]) and all(
        step["action"] == "keep" for step in data["services"]
    ):
        yield "nothing would change"


def _env(data: dict[str, Any]) -> Iterable[RenderableType]:
    yield f"STACKCTL_NAME={data['name']}"
    yield f"STACKCTL_STATE={data['state']}"
    for part in data["parts"]:
        if part["url"]:
            yield f"STACKCTL_{part['name'].upper()}_URL={part['url']}"


def _running(data: dict[str, Any]) -> Iterable[RenderableType]:
    yield from _parts(data)
    where = "" if data["directory"] == "." else f" -C {data['directory']}"
    yield f"prove it: stackctl validate{where}    stop it: stackctl down{where}"


def _parts(data: dict[str, Any]) -> Iterable[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    last = "image" if any(part["image"] for part in data["parts"]) else "pid"
    table = Table("part", "state", "healthy", "url", "version", last, box=None, pad_edge=False)
    for part in data["parts"]:
        healthy = Text("yes", "green") if part["healthy"] else Text(part["reason"] or "no", "red")
        state = Text(part["state"], _COLOURS.get(part["state"], ""))
        table.add_row(part["name"], state, healthy, part["url"] or "-", part["version"] or "-", str(part[last] or "-"))
    yield table

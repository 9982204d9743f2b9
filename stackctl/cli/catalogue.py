"""catalogue: what each engine version exposes, and what an upgrade would break."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackctl.cli.options import Json
from stackctl.cli.output import command
from stackctl.result import Exit, Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from stackctl.catalogue.metric import Catalogue

catalogue = typer.Typer(help="What each engine version exposes.", rich_markup_mode=None, no_args_is_help=False)
_TIMEOUT_S = 15.0


@catalogue.command("list")
@command("catalogue list")
def list_lines(
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Every engine version line there is a catalogue of."""
    from stackctl.catalogue.load import catalogue_lines, load_catalogue
    from stackctl.catalogue.signals import load_signals

    rows = [
        {
            "line": line,
            "learned_from": load_catalogue(line).learned_from,
            "metrics": len(load_catalogue(line).metrics),
            "signals": len(load_signals(line).supported),
            "unsupported": dict(load_signals(line).unsupported),
        }
        for line in catalogue_lines()
    ]
    return Result({"catalogues": rows}, view=_list)


@catalogue.command("show")
@command("catalogue show")
def show(
    name: Annotated[str, typer.Argument(help="A line such as litellm-1.102, or a catalogue file.")],
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Every metric of one catalogue, and the signals it supplies."""
    from stackctl.catalogue.signals import signals_of

    found = _open(name)
    signals = signals_of(found)
    metrics = [
        {
            "name": metric.name,
            "type": metric.type,
            "unit": metric.unit,
            "labels": list(metric.labels),
            "needs": metric.needs,
            "help": metric.help,
        }
        for metric in found.metrics.values()
    ]
    records = {record.record: list(record.labels) for record in signals.records.values()}
    data = {"line": found.line, "metrics": metrics, "records": records, "unsupported": dict(signals.unsupported)}
    return Result(data, view=_show)


@catalogue.command("capture")
@command("catalogue capture")
def capture(
    url: Annotated[str, typer.Argument(help="A gateway's metrics page, such as http://127.0.0.1:4000/metrics.")],
    line: Annotated[str, typer.Option(help="What to call it.")] = "captured",
    token_file: Annotated[Path | None, typer.Option(help="A file with the bearer token the page demands.")] = None,
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Learn a catalogue from a live gateway and print it."""
    from stackctl.catalogue.capture import capture_catalogue

    return Result({"catalogue": capture_catalogue(_fetch(url, token_file), line, url)}, view=_captured)


@catalogue.command("diff")
@command("catalogue diff")
def diff(
    old: Annotated[str, typer.Argument(help="The catalogue of today: a line or a file.")],
    new: Annotated[str, typer.Argument(help="The catalogue to come: a line or a file.")],
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Say which rules and panels an upgrade would break; exit 1 if any."""
    from stackctl.catalogue.diff import diff_catalogues
    from stackctl.render.dashboards.upgrade import broken_panels

    found = diff_catalogues(_open(old), _open(new))
    data = found.as_json() | {"broken_panels": broken_panels(found)}
    return Result(data, exit_code=Exit.NO if found.breaks else Exit.YES, view=_diff)


def _open(name: str) -> Catalogue:
    """A catalogue by its line or from a file; raises UsageError."""
    from stackctl.catalogue.load import load_catalogue, parse_catalogue
    from stackctl.errors import UsageError

    path = Path(name)
    if not path.is_file():
        return load_catalogue(name)
    try:
        return parse_catalogue(path.read_text(encoding="utf-8"), path.stem)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{name} cannot be read: {error}") from error


def _fetch(url: str, token_file: Path | None) -> str:
    import httpx

    from stackctl.errors import UnavailableError, UsageError

    headers = {}
    if token_file is not None:
        try:
            headers["Authorization"] = f"Bearer {token_file.read_text(encoding='utf-8').strip()}"
        except OSError as error:
            raise UsageError(f"{token_file} cannot be read: {error.strerror}") from error
    try:
        answer = httpx.get(url, headers=headers, timeout=_TIMEOUT_S, follow_redirects=True)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UnavailableError(f"{url} does not answer: {error}") from error
    if answer.status_code in (401, 403):
        raise UnavailableError(f"{url} demands a token", remedy="give it with --token-file")
    if answer.status_code != 200:
        raise UnavailableError(f"{url} answered {answer.status_code}")
    return answer.text


def _list(data: dict[str, Any]) -> Iterable[RenderableType]:
    from rich.table import Table

    table = Table("catalogue", "metrics", "signals", "learned from", box=None, pad_edge=False)
    for row in data["catalogues"]:
        signals = f"{row['signals']} of {row['signals'] + len(row['unsupported'])}"
        table.add_row(row["line"], str(row["metrics"]), signals, row["learned_from"])
    yield table


def _show(data: dict[str, Any]) -> Iterable[RenderableType]:
    from rich.table import Table

    metrics = Table("metric", "type", "unit", "labels", "needs", box=None, pad_edge=False)
    for metric in data["metrics"]:
        metrics.add_row(metric["name"], metric["type"], metric["unit"], ", ".join(metric["labels"]), metric["needs"])
    yield metrics
    records = Table("record", "labels", box=None, pad_edge=False)
    for name, labels in data["records"].items():
        records.add_row(name, ", ".join(labels))
    yield records
    for name, reason in data["unsupported"].items():
        yield f"no signal {name}: {reason}"


def _captured(data: dict[str, Any]) -> Iterable[RenderableType]:
    from rich.text import Text

    yield Text(data["catalogue"].rstrip("\n"))


def _diff(data: dict[str, Any]) -> Iterable[RenderableType]:
    for word in ("removed", "added"):
        for name in data[word]:
            yield f"{word:8} {name}"
    for name, (before, after) in data["types"].items():
        yield f"type     {name}: {before} became {after}"
    for name, change in data["labels"].items():
        signs = [f"-{label}" for label in change["removed"]] + [f"+{label}" for label in change["added"]]
        yield f"labels   {name}: {' '.join(signs)}"
    for name, reason in data["broken_signals"].items():
        yield f"BROKEN   signal {name}: {reason}"
    for name in data["broken_records"]:
        yield f"BROKEN   rule {name}"
    for name, labels in data["narrowed_records"].items():
        yield f"NARROWED rule {name} loses {', '.join(labels)}"
    for name in data["broken_alerts"]:
        yield f"BROKEN   alert {name}"
    for name, loss in data["broken_panels"].items():
        yield f"BROKEN   panel {name}: {loss}"
    if not data["broken_signals"] and not data["narrowed_records"]:
        yield "nothing that is rendered would break"

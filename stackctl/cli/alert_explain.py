"""alerts explain: why an alert fires or is silent, now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackctl.cli.options import HERE, Directory, Json
from stackctl.cli.output import command
from stackctl.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rich.console import RenderableType

    from stackctl.checks.live.api import LoadedAlert

_SHOWN = 100


@command("alerts explain")
def explain_alert(
    name: Annotated[str, typer.Argument(help="The alert's name.")],
    directory: Directory = HERE,
    prometheus: Annotated[
        str | None, typer.Option(metavar="URL", help="The Prometheus that runs the alert; the stack's own by default.")
    ] = None,
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Evaluate every part of an alert's expression now and say which one is empty, and why."""
    from stackctl.checks.live.api import Prometheus
    from stackctl.checks.live.explain import cause_of, explain
    from stackctl.promql import parse_query

    rules = []
    with Prometheus(prometheus or _own(directory)) as api:
        for alert in _named(api.alerts(), name, api.url):
            step = explain(parse_query(alert.query), api)
            rules.append(
                {
                    "name": alert.name,
                    "state": alert.state,
                    "health": alert.health,
                    "last_error": alert.last_error,
                    "for_s": alert.for_s,
                    "query": alert.query,
                    "cause": cause_of(step),
                    "parts": [part.as_json() for part in step.flat()],
                }
            )
    return Result({"prometheus": api.url, "rules": rules}, view=_view)


def _own(directory: Path) -> str:
    from stackctl.cli.prometheus_url import prometheus_url
    from stackctl.spec import load_spec
    from stackctl.stack import StackDir

    return prometheus_url(load_spec(StackDir(directory).spec))


def _named(alerts: list[LoadedAlert], name: str, url: str) -> list[LoadedAlert]:
    from stackctl.errors import UsageError
    from stackctl.promql.series import nearest

    found = [alert for alert in alerts if alert.name == name]
    if not found:
        near = nearest(name, {alert.name for alert in alerts})
        remedy = f"did you mean {near}?" if near else "is the rule file loaded?"
        raise UsageError(f"Prometheus at {url} runs no alert named {name}", remedy=remedy)
    return found


def _view(data: dict[str, Any]) -> Iterable[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    for rule in data["rules"]:
        yield Text.assemble((rule["name"], "bold"), f" is {rule['state']}")
        if rule["last_error"]:
            yield Text(f"evaluating it fails: {rule['last_error']}", "red")
        table = Table("part", "series", "labels", "remark", box=None, pad_edge=False)
        for part in rule["parts"]:
            text = part["expr"] if len(part["expr"]) <= _SHOWN else f"{part['expr'][: _SHOWN - 1]}…"
            colour = "" if part["series"] else "red"
            table.add_row(
                Text("  " * part["depth"] + text, colour),
                str(part["series"]),
                ", ".join(part["labels"]),
                part["remark"],
            )
        yield table
        if rule["cause"]:
            yield Text(f"It does not fire because: {rule['cause']}")
        elif rule["state"] == "pending":
            yield Text(f"Its condition holds; it fires when it has held for {rule['for_s']:g} s")

"""alerts: every alert as it will run, and the proof of single ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from stackctl.cli.alert_explain import explain_alert
from stackctl.cli.options import HERE, Directory, Json
from stackctl.cli.output import command
from stackctl.cli.proof import prove_named
from stackctl.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

alerts = typer.Typer(help="List and prove single alerts.", rich_markup_mode=None, no_args_is_help=False)


alerts.command("test")(prove_named)
alerts.command("explain")(explain_alert)


@alerts.command("list")
@command("alerts list")
def list_alerts(
    directory: Directory = HERE,
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Every enabled alert with its threshold, duration and severity, the spec's changes applied."""
    from stackctl.catalogue.rules import resolve_alerts
    from stackctl.proof.drivers.registry import registry
    from stackctl.spec import load_spec
    from stackctl.stack import StackDir

    rows = [
        {
            "name": alert.name,
            "severity": alert.severity,
            "threshold": alert.threshold,
            "unit": alert.threshold_unit,
            "for": str(alert.for_),
            "proof": registry()[alert.name].driver if alert.name in registry() else "inject",
            "summary": alert.summary,
        }
        for alert in resolve_alerts(load_spec(StackDir(directory).spec))
    ]
    return Result({"alerts": rows}, view=_table)


def _table(data: dict[str, Any]) -> Iterable[RenderableType]:
    from rich.table import Table

    table = Table("alert", "severity", "threshold", "for", "proven by", "summary", box=None, pad_edge=False)
    for row in data["alerts"]:
        threshold = "-" if row["threshold"] is None else f"{row['threshold']:g} {row['unit']}"
        table.add_row(row["name"], row["severity"], threshold, row["for"], row["proof"], row["summary"])
    yield table

"""spend: what was spent, by whom and on what."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackctl.cli.options import HERE, Directory, Json, Url
from stackctl.cli.output import command
from stackctl.problem import Severity
from stackctl.result import Exit, Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

spend = typer.Typer(help="What was spent, by whom and on what.", rich_markup_mode=None, invoke_without_command=True)

Since = Annotated[str, typer.Option(help="From this date, time, or this long ago (7d).")]
Until = Annotated[str, typer.Option(help="Up to this date or time; now by default.")]


class Dimension(StrEnum):
    """What spend can be summed by; the same names as `stackctl.spend.DIMENSIONS`."""

    TEAM = "team"
    KEY = "key"
    USER = "user"
    MODEL = "model"
    PROVIDER = "provider"
    TAG = "tag"
    DAY = "day"


@spend.callback()
@command("spend")
def report(
    context: typer.Context,
    by: Annotated[Dimension, typer.Option(help="Sum by this.")] = Dimension.TEAM,
    since: Since = "30d",
    until: Until = "",
    csv: Annotated[Path | None, typer.Option(help="Write the table to this CSV file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a self-contained report with charts to this file.")] = None,
    with_tests: Annotated[
        bool, typer.Option("--with-tests", help="Count the mock-priced spend of proofs too.")
    ] = False,
    directory: Directory = HERE,
    url: Url = "",
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """What was spent, from the ledger: by team, key, user, model, provider, tag or day."""
    if context.invoked_subcommand:
        return Result()
    from datetime import UTC, datetime

    from stackctl.cli.connect import connect
    from stackctl.client.ledger import ledger_rows
    from stackctl.spec.model import TEST_PREFIX
    from stackctl.spend import Span, sum_usd, totals_by
    from stackctl.spend.export import write_csv, write_html

    span = Span.parse(since, until, datetime.now(UTC))
    with connect(directory, url) as gateway:
        found = list(ledger_rows(gateway, span.start, span.end))
    rows = [row for row in found if with_tests or not row.key.startswith(TEST_PREFIX)]
    totals = totals_by(by, rows)
    written = [str(write_csv(csv, by, totals))] if csv else []
    written += [str(write_html(html, span, rows))] if html else []
    data = {
        "by": str(by),
        "since": span.start.isoformat(),
        "until": span.end.isoformat(),
        "requests": len(rows),
        "test_requests_left_out": len(found) - len(rows),
        "cost_usd": sum_usd(row.cost for row in rows),
        "totals": [total.as_json() for total in totals],
        "written": written,
    }
    return Result(data, view=_table)


@spend.command("reconcile")
@command("spend reconcile")
def reconcile(
    invoice: Annotated[Path | None, typer.Option(help="The provider's invoice as CSV.")] = None,
    date_column: Annotated[str, typer.Option(help="The invoice's column with the date.")] = "",
    model_column: Annotated[str, typer.Option(help="The invoice's column with the model.")] = "",
    cost_column: Annotated[str, typer.Option(help="The invoice's column with the cost in USD.")] = "",
    tolerance: Annotated[float, typer.Option(help="The share by which two sources may differ.", min=0)] = 0.01,
    since: Since = "7d",
    until: Until = "",
    directory: Directory = HERE,
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Compare the ledger with the metrics and with a provider's invoice, day by day and model by model."""
    from datetime import UTC, datetime

    from stackctl.cli.connect import connect
    from stackctl.client.ledger import ledger_rows
    from stackctl.runtime import urls
    from stackctl.spec import load_spec
    from stackctl.spec.model import TEST_PREFIX
    from stackctl.spend import Span
    from stackctl.spend.invoice import read_invoice
    from stackctl.spend.metrics import spend_by_day
    from stackctl.spend.reconcile import compare, findings
    from stackctl.stack import StackDir

    span = Span.parse(since, until, datetime.now(UTC))
    given = {"date": date_column, "model": model_column, "cost": cost_column}
    lines = read_invoice(invoice, {role: name for role, name in given.items() if name}) if invoice else None
    with connect(directory, "") as gateway:
        rows = [row for row in ledger_rows(gateway, span.start, span.end) if not row.key.startswith(TEST_PREFIX)]
    metrics = spend_by_day(urls(load_spec(StackDir(directory).spec).spec)["prometheus"], span, TEST_PREFIX)
    comparisons = compare(rows, metrics, lines)
    problems = findings(comparisons, tolerance)
    differs = any(problem.severity >= Severity.ERROR for problem in problems)
    data = {
        "since": span.start.isoformat(),
        "until": span.end.isoformat(),
        "rows": [item.as_json() for item in comparisons],
    }
    return Result(data, problems, Exit.NO if differs else Exit.YES, _comparisons)


def _comparisons(data: dict[str, Any]) -> Iterable[RenderableType]:
    from rich.table import Table

    table = Table("day", "model", box=None, pad_edge=False)
    for title in ("ledger USD", "metrics USD", "invoice USD", "difference", "estimated", "unpriced"):
        table.add_column(title, justify="right")
    for row in data["rows"]:
        money = [row[name] for name in ("ledger", "metrics", "invoice", "difference", "estimated")]
        shown = ["-" if value is None else f"{round(value, 6) + 0.0:,.6f}" for value in money]
        table.add_row(row["day"], row["model"], *shown, str(row["unpriced"] or "-"))
    yield table


def _table(data: dict[str, Any]) -> Iterable[RenderableType]:
    from rich.table import Table

    table = Table(data["by"], box=None, pad_edge=False)
    for title in ("USD", "requests", "failed", "input tokens", "output tokens", "unpriced", "estimated"):
        table.add_column(title, justify="right")
    for total in data["totals"]:
        numbers = [total[name] for name in ("requests", "failed", "prompt_tokens", "completion_tokens")]
        doubtful = [total["unpriced"] or "-", total["estimated"] or "-"]
        table.add_row(total["name"], f"{total['cost']:,.6f}", *(f"{n:,}" for n in numbers), *map(str, doubtful))
    yield table
    yield f"${data['cost_usd']:,.6f} for {data['requests']:,} requests, {data['since'][:16]} to {data['until'][:16]} UTC"
    if data["test_requests_left_out"]:
        yield f"{data['test_requests_left_out']:,} requests of proofs are left out (--with-tests counts them)"
    for file in data["written"]:
        yield f"written {file}"

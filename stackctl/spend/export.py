"""Totals as files: CSV for spreadsheets, a self-contained HTML page for chargeback."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from stackctl.errors import UsageError
from stackctl.spend.charts import bars, stacked_days
from stackctl.spend.totals import daily, sum_usd, totals_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackctl.client import SpendRow
    from stackctl.spend.span import Span
    from stackctl.spend.totals import Total

_COLUMNS = ("requests", "failed", "prompt_tokens", "completion_tokens", "cost_usd", "unpriced", "estimated")


def write_csv(path: Path, dimension: str, totals: Sequence[Total]) -> Path:
    """One line per total; raises UsageError if the file cannot be written."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((dimension, *_COLUMNS))
    for total in totals:
        numbers = (total.requests, total.failed, total.prompt_tokens, total.completion_tokens)
        writer.writerow((_plain(total.name), *numbers, f"{total.cost:.9f}", total.unpriced, total.estimated))
    return _write(path, text.getvalue())


def write_html(path: Path, span: Span, rows: Sequence[SpendRow]) -> Path:
    """A report that needs no network and no script: sums, charts per day and tables by team, key and model."""
    from stackctl.render.templates import fill_html

    sections = [(name, totals_by(name, rows)) for name in ("team", "key", "model", "user", "tag")]
    page = fill_html(
        "report/spend.html.j2",
        span=span,
        rows=rows,
        cost=sum_usd(row.cost for row in rows),
        by_day=stacked_days(span, daily("team", rows)),
        sections=[(name, totals, bars(totals)) for name, totals in sections],
        unpriced=sum(not row.priced for row in rows),
        estimated=sum(row.estimated for row in rows),
    )
    return _write(path, page)


def _plain(name: str) -> str:
    """A name that a spreadsheet does not take for a formula."""
    return f"'{name}" if name[:1] in ("=", "+", "-", "@") else name


def _write(path: Path, text: str) -> Path:
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {(error.strerror or str(error)).lower()}") from error
    return path

"""A provider's invoice as CSV: one line per day and model, whatever its columns are called."""

from __future__ import annotations

import csv
import difflib
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from stackctl.errors import UsageError

_KNOWN = {
    "date": ("date", "day", "usage_date", "start_time", "time_bucket", "usage_start_time"),
    "model": ("model", "model_name", "line_item", "sku", "model_id"),
    "cost": ("cost", "cost_usd", "amount", "amount_usd", "amount_value", "usd", "total_cost"),
}


@dataclass(frozen=True)
class InvoiceLine:
    """What a provider charged for one model on one day (UTC), in USD."""

    day: str
    model: str
    cost: float


def read_invoice(path: Path, columns: dict[str, str] | None = None) -> list[InvoiceLine]:
    """The lines of an invoice; `columns` maps date, model and cost to the file's own names.

    Raises UsageError with the line number for anything that is not a date or an amount.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            names = _columns(path, list(reader.fieldnames or []), columns or {})
            return [_line(path, reader.line_num, record, names) for record in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{path} cannot be read: {reason}", remedy="give a CSV file with a header") from error


def _columns(path: Path, header: list[str], given: dict[str, str]) -> dict[str, str]:
    lowered = {_plain(name): name for name in header}
    chosen: dict[str, str] = {}
    for role, known in _KNOWN.items():
        wanted = (_plain(given[role]),) if role in given else known
        found = next((lowered[name] for name in wanted if name in lowered), None)
        if found is None:
            near = difflib.get_close_matches(wanted[0], lowered, n=1)
            hint = f"is it '{lowered[near[0]]}'? " if near else ""
            raise UsageError(
                f"{path}:1: no column for the {role} among {', '.join(header) or 'nothing'}",
                remedy=f"{hint}name it with --{role}-column",
            )
        chosen[role] = found
    return chosen


def _plain(name: str) -> str:
    """`Amount (USD)` → `amount_usd`."""
    return "_".join(re.findall(r"[a-z0-9]+", name.lower()))


def _line(path: Path, number: int, record: dict[str, str | None], names: dict[str, str]) -> InvoiceLine:
    date, model, cost = ((record.get(names[role]) or "").strip() for role in ("date", "model", "cost"))
    try:
        day = datetime.fromisoformat(date).date().isoformat()
    except ValueError:
        raise UsageError(f"{path}:{number}: {date!r} is not a date", remedy="write it like 2026-11-23") from None
    try:
        return InvoiceLine(day, model, float(cost.replace("$", "").replace(",", "")))
    except ValueError:
        raise UsageError(f"{path}:{number}: {cost!r} is not an amount", remedy="write it like 12.34") from None

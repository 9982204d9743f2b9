"""Three sources, one story: differences are named by day and model, doubts beside them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from stackctl.client import SpendRow
from stackctl.errors import UsageError
from stackctl.spend.invoice import InvoiceLine, read_invoice
from stackctl.spend.metrics import growth
from stackctl.spend.reconcile import compare, findings

DAY = datetime(2026, 11, 23, 12, tzinfo=UTC)


def row(cost: float, model: str = "gpt-4o", **fields: object) -> SpendRow:
    values = {
        "request_id": "r",
        "started": DAY,
        "cost": cost,
        "prompt_tokens": 1,
        "completion_tokens": 1,
        "model": model,
    }
    return SpendRow(**(values | fields))  # type: ignore[arg-type]


def ids(invoice: float, metrics: float | None, rows: list[SpendRow]) -> set[str]:
    lines = [InvoiceLine("2026-11-23", "gpt-4o", invoice)]
    series = None if metrics is None else {("2026-11-23", "gpt-4o"): metrics}
    return {problem.id for problem in findings(compare(rows, series, lines), 0.01)}


def test_sources_that_agree_have_no_findings() -> None:
    assert ids(0.5, 0.5, [row(0.25), row(0.25)]) == set()


def test_a_difference_above_the_tolerance_is_found_on_each_source() -> None:
    assert ids(0.51, 0.5, [row(0.5)]) == {"spend/invoice-differs"}
    assert ids(0.5, 0.4, [row(0.5)]) == {"spend/metrics-differs"}
    assert ids(0.504, 0.5, [row(0.5)]) == set()


def test_a_model_that_only_one_source_knows_is_found() -> None:
    assert {
        problem.id for problem in findings(compare([row(1.0, "a")], None, [InvoiceLine("2026-11-23", "b", 1.0)]), 0.01)
    } == {"spend/invoice-differs"}
    assert len(compare([row(1.0, "a")], None, [InvoiceLine("2026-11-23", "b", 1.0)])) == 2


def test_metrics_are_compared_by_the_name_asked_for_and_an_invoice_by_the_provider_s() -> None:
    rows = [
        row(0.5, "fast", upstream="gpt-4o-mini"),
        row(0.25, "smart", upstream="gpt-4o-mini"),
        row(2.0, "smart", upstream="gpt-4o"),
        row(0.0, "smart", upstream="", success=False),
        row(1.0, "same", upstream="same"),
    ]
    day = "2026-11-23"
    metrics = {(day, "fast"): 0.5, (day, "smart"): 2.25, (day, "same"): 1.0}
    lines = [InvoiceLine(day, "gpt-4o-mini-2024-07-18", 0.75), InvoiceLine(day, "gpt-4o", 2.0)]
    found = compare(rows, metrics, [*lines, InvoiceLine(day, "same", 1.0)])
    assert [(c.model, c.ledger, c.metrics, c.invoice) for c in found] == [
        ("fast", 0.5, 0.5, None),
        ("gpt-4o", 2.0, None, 2.0),
        ("gpt-4o-mini", 0.75, None, 0.75),
        ("same", 1.0, 1.0, 1.0),
        ("smart", 2.25, 2.25, None),
    ]
    assert findings(found, 0.01) == []


def test_unpriced_and_estimated_parts_are_named() -> None:
    rows = [row(0.0, priced=False), row(0.5, estimated=True)]
    (comparison,) = compare(rows, None, None)
    assert (comparison.unpriced, comparison.estimated, comparison.difference) == (1, 0.5, None)
    assert {problem.id for problem in findings([comparison], 0.01)} == {"spend/unpriced"}


@pytest.mark.parametrize(
    ("samples", "grown"),
    [
        ([(0, 5.0), (15, 5.0), (30, 7.0)], 2.0),
        ([(15, 0.0), (30, 3.0)], 3.0),
        ([(15, 3.0)], 3.0),
        ([(0, 5.0), (15, 6.0), (30, 1.0), (45, 2.0)], 3.0),
        ([(0, 5.0)], 0.0),
        ([], 0.0),
    ],
)
def test_a_counter_grows_from_its_raw_samples(samples: list[tuple[float, float]], grown: float) -> None:
    assert growth(samples, start=10) == grown


def test_an_invoice_is_read_whatever_its_columns_are_called(tmp_path: Path) -> None:
    file = tmp_path / "i.csv"
    file.write_text('Usage Date,Line Item,Amount USD\n2026-11-23,gpt-4o,"$1,234.50"\n')
    assert read_invoice(file) == [InvoiceLine("2026-11-23", "gpt-4o", 1234.5)]
    file.write_text("Date,Model,Amount (USD)\n2026-11-23,gpt-4o,1\n")
    assert read_invoice(file) == [InvoiceLine("2026-11-23", "gpt-4o", 1.0)]
    file.write_text("when;what\n")
    with pytest.raises(UsageError, match="no column for the date"):
        read_invoice(file)
    file.write_text("d,m,c\n2026-11-23,x,1\n")
    assert read_invoice(file, {"date": "d", "model": "m", "cost": "c"})[0].cost == 1.0


@pytest.mark.parametrize(
    ("line", "fault"), [("soon,x,1", ":2: 'soon' is not a date"), ("2026-11-23,x,much", ":2: 'much' is not an amount")]
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, fault: str) -> None:
    file = tmp_path / "i.csv"
    file.write_text(f"date,model,cost\n{line}\n")
    with pytest.raises(UsageError, match=fault):
        read_invoice(file)

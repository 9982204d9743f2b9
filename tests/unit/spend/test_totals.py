"""Sums of ledger rows: nothing lost, nothing counted twice, and files that harm nobody."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackctl.client import SpendRow
from stackctl.errors import UsageError
from stackctl.spend import DIMENSIONS, Span, totals_by
from stackctl.spend.charts import COLOURS, stacked_days
from stackctl.spend.export import write_csv, write_html
from stackctl.spend.totals import daily

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
names = st.sampled_from(["", "a", "b", "c"])


def row(number: int = 0, **fields: object) -> SpendRow:
    values = {
        "request_id": str(number),
        "started": NOW,
        "cost": 0.25,
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "model": "m",
    }
    return SpendRow(**(values | fields))  # type: ignore[arg-type]


rows = st.lists(st.builds(row, st.integers(), team=names, key=names, user=names, model=names, cost=st.floats(0, 10)))


@given(rows, st.sampled_from([name for name in DIMENSIONS if name != "tag"]))
def test_the_totals_of_a_dimension_add_up_to_everything(found: list[SpendRow], dimension: str) -> None:
    totals = totals_by(dimension, found)
    assert sum(total.requests for total in totals) == len(found)
    assert sum(total.cost for total in totals) == pytest.approx(sum(r.cost for r in found))
    assert len({total.name for total in totals}) == len(totals)


def test_a_row_with_two_tags_counts_for_both() -> None:
    assert {total.name: total.requests for total in totals_by("tag", [row(tags=("x", "y")), row(tags=())])} == {
        "x": 1,
        "y": 1,
        "(none)": 1,
    }


@given(
    st.lists(
        st.tuples(st.sampled_from([f"team-{n}" for n in range(12)]), st.floats(0.01, 5), st.integers(0, 6)), min_size=1
    )
)
def test_the_stacks_of_a_chart_are_as_high_as_the_days_cost(spent: list[tuple[str, float, int]]) -> None:
    span = Span(NOW - timedelta(days=6), NOW + timedelta(seconds=1))
    found = [
        row(n, team=team, cost=cost, started=NOW - timedelta(days=day)) for n, (team, cost, day) in enumerate(spent)
    ]
    chart = stacked_days(span, daily("team", found))
    assert len(chart.legend) <= len(COLOURS)
    assert sum(block.height for block in chart.blocks) == pytest.approx(100 * sum(r.cost for r in found) / chart.top)
    assert all(-1e-6 <= block.y <= 100 and 0 <= block.x <= 100 for block in chart.blocks)


def test_a_name_cannot_become_a_formula_or_markup(tmp_path: Path) -> None:
    found = [row(team="=HYPERLINK(1)", key="<script>alert(1)</script>")]
    with write_csv(tmp_path / "t.csv", "team", totals_by("team", found)).open() as file:
        assert next(csv.DictReader(file))["team"] == "'=HYPERLINK(1)"
    page = write_html(tmp_path / "t.html", Span(NOW - timedelta(days=1), NOW), found).read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_page_needs_nothing_from_elsewhere_and_names_its_doubts(tmp_path: Path) -> None:
    found = [row(1, priced=False), row(2, estimated=True)]
    page = write_html(tmp_path / "t.html", Span(NOW - timedelta(days=1), NOW), found).read_text()
    assert "http" not in page
    assert "1 requests had no known price" in page


def test_a_file_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        write_csv(tmp_path / "no" / "t.csv", "team", [])


@pytest.mark.parametrize(
    ("since", "until", "start", "end"),
    [
        ("7d", "", NOW - timedelta(days=7), NOW),
        ("2026-11-01", "2026-11-02", datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)),
        ("2026-11-01T01:00:00+01:00", "1h", datetime(2026, 11, 1, tzinfo=UTC), NOW - timedelta(hours=1)),
    ],
)
def test_spans_are_read_as_people_write_them(since: str, until: str, start: datetime, end: datetime) -> None:
    assert Span.parse(since, until, NOW) == Span(start, end)


@pytest.mark.parametrize(("since", "until"), [("soon", ""), ("1h", "2h"), ("2026-13-01", "")])
def test_a_span_that_is_none_is_refused(since: str, until: str) -> None:
    with pytest.raises(UsageError):
        Span.parse(since, until, NOW)

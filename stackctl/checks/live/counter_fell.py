"""A counter that went down between two scrapes."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Position, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stackctl.checks.live.page import Page
    from stackctl.problem import Problem

CHECK = Check(
    "live/counter-fell",
    Severity.ERROR,
    "Prometheus takes every fall for a restart and adds the whole value again: rate() and increase() invent traffic.",
    "several workers answer without a shared PROMETHEUS_MULTIPROC_DIR; set it up, or run one worker",
)


def examine(pages: Sequence[Page], url: str) -> Iterator[Problem]:
    """Counter series whose value in one scrape is below that of the scrape before."""
    fell: dict[str, tuple[float, float]] = {}
    for before, after in pairwise(pages):
        for (name, labels), value in after.counters.items():
            last = before.counters.get((name, labels))
            if last is not None and value < last:
                fell.setdefault(name, (last, value))
        for (name, labels), value in before.counters.items():
            if value > 0 and (name, labels) not in after.counters:
                fell.setdefault(name, (value, 0.0))
    for name, (last, value) in sorted(fell.items()):
        yield CHECK.problem(
            f"the counter {name} fell from {last:g} to {value:g} between two scrapes", Position(url), name
        )

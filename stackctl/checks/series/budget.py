"""How many series the spec's models, keys and teams make, against a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.series.estimate import estimate
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Subject
    from stackctl.problem import Problem

CHECK = Check(
    "series/budget",
    Severity.WARNING,
    "Prometheus holds every series in memory; a scrape beyond sample_limit is dropped whole, and all alerts go blind.",
    "raise checks.max_series, or drop labels with metric_relabel_configs",
)
_LARGEST = 3


def examine(subject: Subject) -> Iterator[Problem]:
    """The estimate for the stack's engine against checks.max_series."""
    if subject.spec is None:
        return
    spec = subject.spec.spec
    counts = estimate(subject.series, subject.catalogues, spec, subject.artefacts.prometheus)
    total = sum(counts.values())
    if total > spec.checks.max_series:
        largest = sorted(counts.items(), key=lambda item: -item[1])[:_LARGEST]
        shown = ", ".join(f"{name} {count}" for name, count in largest)
        yield CHECK.problem(
            f"about {total} series are to be expected, the budget is {spec.checks.max_series}; the largest: {shown}",
            subject.spec.document.position(("checks", "max_series")),
            "checks.max_series",
        )

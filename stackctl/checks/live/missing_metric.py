"""A metric of the catalogue that the running gateway does not expose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Position, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stackctl.catalogue.metric import Catalogue
    from stackctl.checks.live.page import Page
    from stackctl.problem import Problem

CHECK = Check(
    "live/missing-metric",
    Severity.WARNING,
    "Rules and panels on it are empty at this gateway.",
    "is this the engine version the catalogue describes? `stackctl catalogue capture` learns the real one",
)


def examine(pages: Sequence[Page], catalogue: Catalogue, url: str) -> Iterator[Problem]:
    """Families no scrape showed; those that need a feature or traffic first are only remarked on."""
    seen = {name for page in pages for name in (*page.families, *page.labels)}
    for name, metric in sorted(catalogue.metrics.items()):
        known = {name, name.removesuffix("_total"), *(series.name for series in metric.series())}
        if known & seen:
            continue
        needs = f"; it needs {metric.needs}" if metric.needs else ""
        yield CHECK.problem(
            f"{url} does not expose {name}{needs}",
            Position(url),
            name,
            severity=Severity.INFO if metric.needs else None,
        )

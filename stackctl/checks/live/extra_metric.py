"""A metric of the running gateway that the catalogue does not have."""

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
    "live/extra-metric",
    Severity.INFO,
    "Rules on it are reported as unknown although they would work here.",
    "`stackctl catalogue capture` learns a catalogue from this gateway",
)
_EVERY_PROCESS = ("python_", "process_")
"""What prometheus_client adds to any Python process."""


def examine(pages: Sequence[Page], catalogue: Catalogue, url: str) -> Iterator[Problem]:
    """Series names on the page that no metric of the catalogue has."""
    seen = sorted({name for page in pages for name in page.labels})
    for name in seen:
        if name in catalogue.series or name.endswith("_created") or name.startswith(_EVERY_PROCESS):
            continue
        yield CHECK.problem(f"{url} exposes {name}, which {catalogue.line} does not have", Position(url), name)

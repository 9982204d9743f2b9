"""A series whose labels at the running gateway are not those of the catalogue."""

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
    "live/label-drift",
    Severity.ERROR,
    "Vector matching that the catalogue allows can fail here, and grouping by a label that is gone merges everything.",
    "use the catalogue of this version, or learn it with `stackctl catalogue capture`",
)
_ONE_PROCESS_LESS = frozenset({"pid"})
"""Present only while several workers share a gauge."""


def examine(pages: Sequence[Page], catalogue: Catalogue, url: str) -> Iterator[Problem]:
    """Label names on the page against the catalogue's, for every series both have."""
    shown: dict[str, set[str]] = {}
    for page in pages:
        for name, labels in page.labels.items():
            shown.setdefault(name, set()).update(labels)
    for name, labels in sorted(shown.items()):
        series = catalogue.series.get(name)
        if series is None:
            continue
        gone, new = series.labels - labels - _ONE_PROCESS_LESS, labels - series.labels
        if gone or new:
            parts = [f"lacks {', '.join(sorted(gone))}"] if gone else []
            parts += [f"also has {', '.join(sorted(new))}"] if new else []
            severity = None if gone else Severity.WARNING
            yield CHECK.problem(f"{name} {' and '.join(parts)} at {url}", Position(url), name, severity=severity)

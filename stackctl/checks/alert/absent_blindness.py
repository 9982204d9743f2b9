"""An alert that goes blind when its series disappears, with nobody to say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Severity
from stackctl.promql import Call, Selector, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Subject
    from stackctl.problem import Problem

CHECK = Check(
    "alert/absent-blindness",
    Severity.WARNING,
    "After an upgrade that renames or drops the series, the alert is silent for good and looks healthy.",
)


def examine(subject: Subject) -> Iterator[Problem]:
    """Alerts on series of a catalogue for which no alert says that they are gone.

    One absence alert per catalogue is enough: a target that loses its metrics loses them together, and a single
    renamed series is what `stackctl check --live` and `stackctl catalogue diff` find.
    """
    watched = _watched(subject)
    guarded = {series.catalogue for name in watched if (series := subject.series.get(name)) is not None}
    for item in subject.alerts:
        for name in sorted(item.result.metrics):
            series = subject.series.get(name)
            if series is None or name in watched or series.catalogue in guarded:
                continue
            yield CHECK.problem(
                f"nothing tells when {name} is absent",
                item.at(item.query.root.at),
                item.target,
                remedy=f"add an alert: absent({name}) and on () up == 1",
            )
            break


def _watched(subject: Subject) -> frozenset[str]:
    found: set[str] = set()
    for item in subject.alerts:
        for node in walk(item.query.root):
            if isinstance(node, Call) and node.function in ("absent", "absent_over_time"):
                for part in walk(node):
                    if isinstance(part, Selector):
                        found |= item.analysis.shapes[part].metrics
    return frozenset(found)

"""An alert that can never fire, whatever happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.replacements import rewrite_for
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Subject
    from stackctl.problem import Problem

CHECK = Check(
    "alert/never-fires",
    Severity.ERROR,
    "Silence from this alert means nothing.",
    "correct the part that is always empty",
)


def examine(subject: Subject) -> Iterator[Problem]:
    """Alerts whose expression has no result for any values: the cause is named."""
    for item in subject.alerts:
        death = item.result.dead
        if death is None:
            continue
        missing = {name for name in item.result.metrics if subject.names.shape_of(name) is None}
        if missing and not (subject.closed or any(subject.series.owns(name) for name in missing)):
            continue  # a series of somebody else's exporter may well exist
        yield CHECK.problem(
            f"{item.target} can never fire: {death.reason}",
            item.at(death.at) if item.query.text else item.placed.at(0),
            item.target,
            remedy=rewrite_for(missing) if missing else "",
        )

"""A unit id that Grafana does not know."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Severity
from stackctl.promql.series import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Subject
    from stackctl.problem import Problem

CHECK = Check(
    "dashboard/unit",
    Severity.ERROR,
    "Grafana shows the bare number with the unknown id behind it.",
)
_CUSTOM = re.compile(r"(?:prefix|suffix|time|si|count|currency|bool):.+", re.DOTALL)


def examine(subject: Subject) -> Iterator[Problem]:
    """Units of panels against Grafana's own registry, where that is known."""
    if not subject.units:
        return
    for dashboard in subject.artefacts.dashboards:
        for panel in dashboard.panels:
            for unit in panel.units:
                if unit.text in subject.units or _CUSTOM.fullmatch(unit.text):
                    continue
                near = nearest(unit.text, subject.units)
                yield CHECK.problem(
                    f"Grafana knows no unit '{unit.text}'",
                    unit.at(0),
                    f"{dashboard.uid or dashboard.title}/{panel.title}",
                    remedy=f"did you mean '{near}'?" if near else "choose one of Grafana's units",
                )

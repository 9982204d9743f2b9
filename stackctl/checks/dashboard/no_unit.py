"""A panel without a unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Subject
    from stackctl.problem import Problem

CHECK = Check(
    "dashboard/no-unit",
    Severity.WARNING,
    "0.8 may be seconds, dollars or a share: readers guess.",
    "set fieldConfig.defaults.unit",
)
_WITH_VALUES = frozenset(
    {"timeseries", "stat", "gauge", "bargauge", "heatmap", "histogram", "barchart", "piechart", "graph"}
)


def examine(subject: Subject) -> Iterator[Problem]:
    """Every panel that asks for data."""
    for dashboard in subject.artefacts.dashboards:
        for panel in dashboard.panels:
            if panel.targets and not panel.units and panel.type in _WITH_VALUES:
                target = f"{dashboard.uid or dashboard.title}/{panel.title}"
                yield CHECK.problem("the panel has no unit", panel.position, target)

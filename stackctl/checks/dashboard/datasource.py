"""A panel bound to one data source instead of the dashboard's variable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.artefacts import Dashboard
    from stackctl.checks.subject import Subject
    from stackctl.problem import Problem

CHECK = Check(
    "dashboard/datasource",
    Severity.WARNING,
    "On another Grafana the data source has another id: the panel says it was not found.",
    "add a data source variable and use ${datasource} everywhere",
)
_BUILT_IN = ("-- ", "grafana")


def examine(subject: Subject) -> Iterator[Problem]:
    """Data sources that are no variable, and variables nobody declares."""
    for dashboard in subject.artefacts.dashboards:
        for panel in dashboard.panels:
            if not panel.targets:
                continue
            target = f"{dashboard.uid or dashboard.title}/{panel.title}"
            if not panel.datasources:
                yield CHECK.problem("the panel names no data source", panel.position, target)
            for name, position in panel.datasources:
                if name.startswith(_BUILT_IN) or _is_variable(name, dashboard):
                    continue
                yield CHECK.problem(f"the panel is bound to the data source '{name}'", position, target)
                break


def _is_variable(name: str, dashboard: Dashboard) -> bool:
    bare = name.strip("${}[]")
    declared = {variable.name for variable in dashboard.variables if variable.type == "datasource"}
    return name != bare and bare in declared | dashboard.inputs

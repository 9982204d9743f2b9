"""Two dashboards with one uid, or a uid Grafana refuses."""

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
    "dashboard/duplicate-uid",
    Severity.ERROR,
    "Grafana's provisioning stops for all dashboards of the folder, or one replaces the other.",
    "give each dashboard a uid of its own",
)
_LONGEST = 40


def examine(subject: Subject) -> Iterator[Problem]:
    """Dashboards whose uid an earlier one has, or that is too long."""
    seen: dict[str, Dashboard] = {}
    for dashboard in subject.artefacts.dashboards:
        if len(dashboard.uid) > _LONGEST:
            yield CHECK.problem(
                f"the uid has {len(dashboard.uid)} characters; Grafana takes {_LONGEST}",
                dashboard.uid_position,
                dashboard.uid,
                consequence="Grafana refuses the dashboard.",
                remedy="shorten it",
            )
        first = seen.setdefault(dashboard.uid, dashboard)
        if dashboard.uid and first is not dashboard:
            yield CHECK.problem(
                f"{first.file} has the uid '{dashboard.uid}' too", dashboard.uid_position, dashboard.uid
            )

"""A panel without a description."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Subject
    from stackctl.problem import Problem

CHECK = Check(
    "dashboard/no-description",
    Severity.INFO,
    "Nobody knows what the panel shows, what is normal and what to do when it is not.",
    "say in one sentence what it shows",
)


def examine(subject: Subject) -> Iterator[Problem]:
    """Every panel that asks for data."""
    for dashboard in subject.artefacts.dashboards:
        for panel in dashboard.panels:
            if panel.targets and not panel.description.strip():
                target = f"{dashboard.uid or dashboard.title}/{panel.title}"
                yield CHECK.problem("the panel has no description", panel.position, target)

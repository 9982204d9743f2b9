"""An alert that does not say what it means, how bad it is or what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Subject
    from stackctl.problem import Problem

CHECK = Check(
    "alert/annotations",
    Severity.WARNING,
    "Whoever is woken does not know what happened, how bad it is or where to begin; routes cannot go by severity.",
)
_NEEDED = ("summary", "description")
_WANTED = ("runbook_url",)


def examine(subject: Subject) -> Iterator[Problem]:
    """Missing severity, summary and description; a missing runbook is worth a remark."""
    for rule in subject.rules:
        if not rule.alert:
            continue
        missing = [name for name in _NEEDED if name not in rule.annotations or not rule.annotations[name].text.strip()]
        missing += [] if rule.severity else ["the label severity"]
        if missing:
            yield CHECK.problem(
                f"missing: {', '.join(missing)}", rule.position, rule.name, remedy="add them to the rule"
            )
        wanted = [name for name in _WANTED if name not in rule.annotations]
        if wanted:
            yield CHECK.problem(
                f"missing: {', '.join(wanted)}",
                rule.position,
                rule.name,
                severity=Severity.INFO,
                remedy="link a page that says what to do",
                consequence="Whoever is woken has to find out alone what to do.",
            )

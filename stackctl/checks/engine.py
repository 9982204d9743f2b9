"""Run every static check over a subject."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.registry import static_checks

if TYPE_CHECKING:
    from stackctl.checks.subject import Subject
    from stackctl.problem import Problem


def examine(subject: Subject) -> list[Problem]:
    """All findings, in the order of files and lines, each once."""
    found = [problem for item in static_checks() for problem in item.examine(subject)]
    unique = {(problem.id, problem.position, problem.message): problem for problem in found}
    return sorted(unique.values(), key=lambda problem: (problem.position, -problem.severity, problem.id))

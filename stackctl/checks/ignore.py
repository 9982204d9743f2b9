"""Suppressions: findings that the spec passes over, each with a reason and a last day."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Severity

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable

    from stackctl.problem import Problem
    from stackctl.spec import SpecFile
    from stackctl.spec.checks import Ignore

CHECK = Check(
    "checks/ignore",
    Severity.ERROR,
    "What was accepted for a time has become permanent without anybody deciding it.",
    "correct what is passed over, or decide anew: give it a later day and a reason",
)


def apply_ignores(problems: Iterable[Problem], source: SpecFile, today: datetime.date) -> list[Problem]:
    """The problems that remain, and one for each suppression that has expired or that suppresses nothing."""
    ignores = source.spec.checks.ignore
    used: set[int] = set()
    kept: list[Problem] = []
    for problem in problems:
        hits = [index for index, ignore in enumerate(ignores) if _covers(ignore, problem)]
        used.update(hits)
        if not any(ignores[index].until >= today for index in hits):
            kept.append(problem)
    return kept + [
        _complaint(source, index, ignore, today)
        for index, ignore in enumerate(ignores)
        if ignore.until < today or index not in used
    ]


def _covers(ignore: Ignore, problem: Problem) -> bool:
    return fnmatchcase(problem.id, ignore.check) and fnmatchcase(problem.target or problem.position.file, ignore.target)


def _complaint(source: SpecFile, index: int, ignore: Ignore, today: datetime.date) -> Problem:
    position = source.document.position(("checks", "ignore", index))
    what = f"{ignore.check} for {ignore.target}"
    if ignore.until < today:
        return CHECK.problem(f"the suppression of {what} expired on {ignore.until}", position, ignore.target)
    return CHECK.problem(
        f"the suppression of {what} suppresses nothing",
        position,
        ignore.target,
        severity=Severity.INFO,
        remedy="remove it",
        consequence="It would hide a finding of the same kind that comes later.",
    )

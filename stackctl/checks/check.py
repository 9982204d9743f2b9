"""What every check is: an id, how much its findings matter, and what they lead to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackctl.problem import Position, Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from stackctl.checks.subject import Subject


@dataclass(frozen=True)
class Check:
    """A check's identity. Its page is docs/checks/<id>.md; `severity` is what a finding has unless it says otherwise."""

    id: str
    severity: Severity
    consequence: str
    remedy: str = ""

    def problem(
        self,
        message: str,
        position: Position,
        target: str = "",
        *,
        remedy: str = "",
        severity: Severity | None = None,
        consequence: str = "",
    ) -> Problem:
        """A finding of this check."""
        return Problem(
            self.id,
            message,
            severity or self.severity,
            position,
            consequence or self.consequence,
            remedy or self.remedy,
            target,
        )


@dataclass(frozen=True)
class StaticCheck:
    """A check that reads files only."""

    check: Check
    examine: Callable[[Subject], Iterable[Problem]]

"""A problem is data: what was found, where, what it leads to and what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class Severity(IntEnum):
    """How much a problem matters; comparable, so that `--fail-on` is a comparison."""

    INFO = 1
    WARNING = 2
    ERROR = 3

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, order=True)
class Position:
    """A place in a file; line and column count from 1, 0 means unknown."""

    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        parts = [self.file] + [str(n) for n in (self.line, self.column) if n]
        return ":".join(part for part in parts if part)


@dataclass(frozen=True)
class Problem:
    """One finding. `id` names the check and its page in docs/checks."""

    id: str
    message: str
    severity: Severity = Severity.ERROR
    position: Position = field(default_factory=Position)
    consequence: str = ""
    remedy: str = ""
    target: str = ""
    """What it is about: an alert's name, or dashboard uid/panel title. Suppressions name it."""
    evidence: str = ""
    """What was read or measured, where it is not plain from the message."""

    def as_json(self) -> dict[str, Any]:
        """The problem as the JSON envelope carries it."""
        return {
            "id": self.id,
            "target": self.target,
            "severity": str(self.severity),
            "message": self.message,
            "file": self.position.file,
            "line": self.position.line,
            "column": self.position.column,
            "consequence": self.consequence,
            "remedy": self.remedy,
        } | ({"evidence": self.evidence} if self.evidence else {})

    def __str__(self) -> str:
        where = f"{self.position}: " if str(self.position) else ""
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{where}{self.message}{remedy}"

"""What a check run looked at and what it found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from stackctl.problem import Problem


@dataclass(frozen=True)
class Checked:
    """One thing that was examined: by which tool and with what verdict. Nothing is 'ok' that nobody looked at."""

    what: str
    by: str
    verdict: str


@dataclass
class Report:
    """All that was examined and all that was found."""

    checked: list[Checked] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(self, what: str, by: str, problems: list[Problem]) -> None:
        """Record that `by` examined `what`."""
        self.checked.append(Checked(what, by, f"{len(problems)} problem(s)" if problems else "ok"))
        self.problems += problems

    def skip(self, what: str, reason: str) -> None:
        """Record that nobody examined `what`, and why."""
        self.checked.append(Checked(what, "-", f"not checked: {reason}"))

    def as_json(self) -> dict[str, Any]:
        rows = [{"what": row.what, "by": row.by, "verdict": row.verdict} for row in self.checked]
        return {"checked": rows}

"""What a command hands to the renderer: data, problems and an exit code."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rich.console import RenderableType

    from stackctl.problem import Problem

ENVELOPE_VERSION = 1


class Exit(IntEnum):
    """The documented exit codes; `verify-image` refines NO."""

    YES = 0
    NO = 1
    USAGE = 2
    UNAVAILABLE = 3
    INTERRUPTED = 130


@dataclass
class Result:
    """The outcome of one command.

    `data` is what `--json` prints, so it holds plain values only. `view` draws the same data for people.
    """

    data: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    exit_code: int = Exit.YES
    view: Callable[[dict[str, Any]], Iterable[RenderableType]] | None = None
    view_has_problems: bool = False
    """The view shows the problems itself: they are not printed again, one by one, on stderr."""

    def envelope(self, command: str) -> dict[str, Any]:
        """The versioned JSON envelope of the CLI contract."""
        return {
            "version": ENVELOPE_VERSION,
            "command": command,
            "ok": self.exit_code == Exit.YES,
            "data": self.data,
            "problems": [problem.as_json() for problem in self.problems],
        }

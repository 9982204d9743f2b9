"""What a doctor's check finds: a problem with its evidence, and the edits that would put it right."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackctl.checks.check import Check
    from stackctl.problem import Position, Problem, Severity
    from stackctl.source import Node


@dataclass(frozen=True)
class Edit:
    """One change of a text file: in `line` (from 1) replace `old` by `new`; with an empty `old`, insert `new` below it."""

    file: str
    line: int
    old: str
    new: str


@dataclass(frozen=True)
class Finding:
    """A problem and how to mend it; no edits where only a person can decide."""

    problem: Problem
    edits: tuple[Edit, ...] = ()


def found(
    check: Check,
    message: str,
    position: Position,
    *,
    evidence: str,
    edits: tuple[Edit, ...] = (),
    severity: Severity | None = None,
    remedy: str = "",
) -> Finding:
    """A finding of `check`; `evidence` is what was read or measured, word for word where that is possible."""
    problem = check.problem(message, position, severity=severity, remedy=remedy)
    return Finding(replace(problem, evidence=evidence), edits)


def is_block(node: Node) -> bool:
    """Whether a mapping or list is written line by line, so that a line can be added; `{a: b}` and `[a]` are not."""
    if isinstance(node.data, dict):
        return bool(node.keys) and node.start == min(node.keys.values())
    items = list(node)
    return bool(items) and items[0].start - node.start >= len("- ")

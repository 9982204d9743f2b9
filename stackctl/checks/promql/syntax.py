"""A query that is no PromQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Subject
    from stackctl.problem import Problem

CHECK = Check(
    "promql/syntax",
    Severity.ERROR,
    "Prometheus refuses the whole rule file, or the panel shows an error.",
    "correct the expression",
)


def examine(subject: Subject) -> Iterator[Problem]:
    """Every query that could not be read."""
    for item in subject.unreadable:
        yield CHECK.problem(f"not PromQL: {item.message}", item.placed.at(0), item.target)

"""A range or an offset that reaches further back than samples are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.artefacts.durations import shown
from stackctl.checks.check import Check
from stackctl.problem import Severity
from stackctl.promql import Expr, Selector, Subquery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Subject
    from stackctl.problem import Problem

CHECK = Check(
    "promql/beyond-retention",
    Severity.ERROR,
    "The older part of the range is empty: sums are too small, rates are of the wrong period, an offset finds nothing.",
)


def examine(subject: Subject) -> Iterator[Problem]:
    """Selectors and subqueries whose reach, those around them included, exceeds the retention."""
    for item in subject.expressions:
        for node, reach in _reaches(item.query.root, 0.0):
            if reach > subject.retention_s:
                yield CHECK.problem(
                    f"this looks back {shown(reach)}, but samples are kept for {shown(subject.retention_s)}",
                    item.at(node.at),
                    item.target,
                    remedy="shorten the range or raise prometheus.retention",
                )


def _reaches(expr: Expr, outer: float) -> Iterator[tuple[Expr, float]]:
    if isinstance(expr, Selector):
        yield expr, outer + (expr.range_s or 0.0) + expr.offset_s
        return
    inner = outer + expr.range_s + expr.offset_s if isinstance(expr, Subquery) else outer
    for child in expr.children:
        yield from _reaches(child, inner)

"""A ratio whose denominator can be zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Severity
from stackctl.promql import Binary, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Subject
    from stackctl.problem import Problem

CHECK = Check(
    "promql/zero-guard",
    Severity.WARNING,
    "Without traffic the ratio is NaN, and one event over nothing is +Inf: panels break, and +Inf is above any "
    "threshold.",
    "filter the denominator: a / (b > 0)",
)


def examine(subject: Subject) -> Iterator[Problem]:
    """Divisions by a vector that may hold zeros, and by the number zero."""
    for item in subject.expressions:
        for node in walk(item.query.root):
            if not isinstance(node, Binary) or node.op not in ("/", "%"):
                continue
            below = item.analysis.shapes[node.right]
            if below.dead is not None and below.kind == "unknown":
                continue  # an unknown metric is reported as such
            if below.values.contains(0):
                literal = below.kind == "scalar" and below.values.low == below.values.high
                yield CHECK.problem(
                    "a division by zero" if literal else "a ratio whose denominator may be 0",
                    item.at(node.at),
                    item.target,
                    severity=Severity.ERROR if literal else None,
                )

"""A latency threshold that the histogram's buckets cannot show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Severity
from stackctl.promql import Binary, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Expression, Subject
    from stackctl.problem import Problem
    from stackctl.promql import Shape

CHECK = Check(
    "promql/bucket-reach",
    Severity.ERROR,
    "A quantile never lies above the highest finite bucket edge: the comparison is never true, however slow it gets.",
)


def examine(subject: Subject) -> Iterator[Problem]:
    """Comparisons of a quantile with a number at or beyond the top edge, or between two edges."""
    for item in subject.expressions:
        for node in walk(item.query.root):
            if isinstance(node, Binary) and node.is_filter and node.op in (">", ">="):
                left, right = item.analysis.shapes[node.left], item.analysis.shapes[node.right]
                if left.kind == "quantile" and left.buckets and right.kind == "scalar":
                    yield from _examine(item, node, left, right.values.low)


def _examine(item: Expression, node: Binary, quantile: Shape, threshold: float) -> Iterator[Problem]:
    top = max(quantile.buckets)
    if threshold > top or (threshold == top and node.op == ">"):
        yield CHECK.problem(
            f"the threshold {threshold:g} is not below the highest finite bucket edge {top:g}",
            item.at(node.at),
            item.target,
            remedy=f"lower the threshold or add buckets above {threshold:g}",
        )
    elif threshold > 0 and threshold not in quantile.buckets:
        near = min(quantile.buckets, key=lambda edge: abs(edge - threshold))
        yield CHECK.problem(
            f"no bucket edge at the threshold {threshold:g}: the quantile near it is a guess between edges",
            item.at(node.at),
            item.target,
            severity=Severity.INFO,
            remedy=f"the nearest edge is {near:g}",
            consequence="Within a bucket the quantile is interpolated; it may cross the threshold without any request doing so.",
        )

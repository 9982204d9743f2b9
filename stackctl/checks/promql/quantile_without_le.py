"""histogram_quantile() of something that is no set of buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Severity
from stackctl.promql import Aggregate, Call, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Expression, Subject
    from stackctl.problem import Problem

CHECK = Check(
    "promql/quantile-without-le",
    Severity.ERROR,
    "histogram_quantile() drops every series without the label le: the result is empty.",
    "keep le: histogram_quantile(0.99, sum by (le, model) (rate(x_bucket[5m])))",
)


def examine(subject: Subject) -> Iterator[Problem]:
    """Quantiles whose argument has lost le, and quantiles of single series."""
    for item in subject.expressions:
        for node in walk(item.query.root):
            if isinstance(node, Call) and node.function == "histogram_quantile" and len(node.arguments) > 1:
                yield from _examine(item, node)


def _examine(item: Expression, node: Call) -> Iterator[Problem]:
    shape = item.analysis.shapes[node.arguments[1]]
    if not shape.may_have("le"):
        yield CHECK.problem("histogram_quantile() of series without the label le", item.at(node.at), item.target)
    elif not any(isinstance(part, Aggregate) for part in walk(node.arguments[1])) and _is_engine_series(item, node):
        yield CHECK.problem(
            "a quantile of every single series: nothing is summed by (le, …) first",
            item.at(node.at),
            item.target,
            severity=Severity.WARNING,
            consequence="Each process, key and status gets a quantile of its own, most of them of a handful of requests.",
        )


def _is_engine_series(item: Expression, node: Call) -> bool:
    """A recording rule has aggregated already; it carries no instance."""
    return item.analysis.shapes[node.arguments[1]].may_have("instance")

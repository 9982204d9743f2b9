"""rate() of a gauge, or delta() of a counter: the function does not fit the metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Severity
from stackctl.promql import Call, Selector, walk
from stackctl.promql.functions import RATES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Subject
    from stackctl.problem import Problem

CHECK = Check(
    "promql/rate-of-gauge",
    Severity.ERROR,
    "rate() takes every fall of the value for a restart and adds it up: the result is too high and means nothing.",
)
_DIFFERENCES = frozenset({"delta", "idelta"})


def examine(subject: Subject) -> Iterator[Problem]:
    """Calls of rate, increase and irate on gauges, of delta and idelta on counters."""
    for item in subject.expressions:
        for node in walk(item.query.root):
            if not isinstance(node, Call) or not node.arguments or not isinstance(node.arguments[0], Selector):
                continue
            selector = node.arguments[0]
            kind = item.analysis.shapes[selector].kind
            if node.function in RATES and kind in ("gauge", "rate", "quantile"):
                yield CHECK.problem(
                    f"{node.function}() of {selector.name}, which is no counter",
                    item.at(node.at),
                    item.target,
                    remedy="use delta(), deriv() or the value itself",
                )
            elif node.function in _DIFFERENCES and kind in ("counter", "bucket", "sum", "count"):
                yield CHECK.problem(
                    f"{node.function}() of the counter {selector.name}",
                    item.at(node.at),
                    item.target,
                    remedy="use increase()",
                    consequence="A restart makes the result negative.",
                )

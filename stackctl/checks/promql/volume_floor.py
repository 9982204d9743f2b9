"""An alert on a ratio that one event can set off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Severity
from stackctl.promql import Binary, Call, Expr, walk
from stackctl.promql.functions import RATES
from stackctl.promql.nodes import COMPARISONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Expression, Subject
    from stackctl.problem import Problem

CHECK = Check(
    "promql/volume-floor",
    Severity.INFO,
    "At night, when one request comes and fails, the ratio is 100 % and somebody is woken.",
    "add a floor: … and on (…) sum by (…) (increase(requests[5m])) >= 10",
)


def examine(subject: Subject) -> Iterator[Problem]:
    """Alerts on a ratio of rates without a second condition on the volume."""
    for item in subject.alerts:
        if any(_has_floor(node) for node in walk(item.query.root)):
            continue
        for node in walk(item.query.root):
            if isinstance(node, Binary) and node.op == "/" and all(_is_rate(part, item) for part in node.children):
                yield CHECK.problem("a ratio of rates without a volume floor", item.at(node.at), item.target)
                break


def _is_rate(expr: Expr, item: Expression) -> bool:
    shape = item.analysis.shapes[expr]
    calls = any(isinstance(node, Call) and node.function in RATES for node in walk(expr))
    return shape.kind != "scalar" and (calls or shape.kind == "rate")


def _has_floor(node: Expr) -> bool:
    if not isinstance(node, Binary) or node.op != "and":
        return False
    return any(isinstance(part, Binary) and part.op in COMPARISONS for part in walk(node.right))

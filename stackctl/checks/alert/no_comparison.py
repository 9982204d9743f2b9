"""An alert without a condition: it fires as long as its series exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Severity
from stackctl.promql import Aggregate, Binary, Call, Expr, Paren, Selector, Subquery, Unary, walk
from stackctl.promql.nodes import bare
from stackctl.promql.values import always_true

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Expression, Subject
    from stackctl.problem import Problem

CHECK = Check(
    "alert/no-comparison",
    Severity.ERROR,
    "The alert fires all the time, for every series, and is ignored within a day.",
    "compare with a threshold",
)
_CONDITIONAL_CALLS = frozenset({"absent", "absent_over_time"})


def examine(subject: Subject) -> Iterator[Problem]:
    """Alerts whose expression returns something whatever the values are."""
    for item in subject.alerts:
        root = item.query.root
        if _is_constant(root):
            continue  # vector(1) is a dead man's switch: always firing is its purpose
        if not _is_conditional(root):
            yield CHECK.problem("the expression compares nothing", item.at(root.at), item.target)
        yield from _vacuous(item)


def _is_constant(expr: Expr) -> bool:
    return not any(isinstance(node, Selector) for node in walk(expr))


def _is_conditional(expr: Expr) -> bool:
    match expr:
        case Binary(op="and"):
            return _is_conditional(expr.left) or _is_conditional(expr.right)
        case Binary(op="or"):
            return _is_conditional(expr.left) and _is_conditional(expr.right)
        case Binary(op="unless"):
            return True
        case Binary():
            return expr.is_filter or _is_conditional(expr.left) or _is_conditional(expr.right)
        case Call(function=name) if name in _CONDITIONAL_CALLS:
            return True
        case Call():
            return any(_is_conditional(argument) for argument in expr.arguments)
        case Aggregate() | Paren() | Unary() | Subquery():
            return _is_conditional(expr.operand)
    return False


def _vacuous(item: Expression) -> Iterator[Problem]:
    for node in _conditions(item.query.root):
        left, right = item.analysis.shapes[node.left], item.analysis.shapes[node.right]
        if right.kind == "scalar" and left.kind != "scalar" and always_true(node.op, left.values, right.values):
            yield CHECK.problem(
                f"the comparison `{node.op} {right.values.low:g}` is always true: values lie in {left.values}",
                item.at(node.at),
                item.target,
                remedy="choose a threshold that some values do not reach",
            )


def _conditions(expr: Expr) -> Iterator[Binary]:
    """The comparisons that decide by themselves; deeper ones, such as `>= 0` against NaN, only filter."""
    expr = bare(expr)
    if isinstance(expr, Binary) and expr.op in ("and", "or", "unless"):
        # Right of `and` and `unless`, `x offset 1h >= 0` asks whether the series was there at all.
        for child in expr.children if expr.op == "or" else (expr.left,):
            yield from _conditions(child)
    elif isinstance(expr, Binary) and expr.is_filter:
        yield expr

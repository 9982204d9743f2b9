"""A counter read as if its value meant something by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Severity
from stackctl.promql import Aggregate, Binary, Call, Expr, Selector, Subquery
from stackctl.promql.nodes import bare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Subject
    from stackctl.problem import Problem
    from stackctl.promql import Analysis

CHECK = Check(
    "promql/counter-without-rate",
    Severity.WARNING,
    "A counter falls to zero when a process restarts and otherwise only grows: a threshold on it is crossed once and "
    "for good, a graph of it shows uptime.",
    "use rate(…[5m]) or increase(…)",
)
_COUNTERS = frozenset({"counter", "bucket", "sum", "count"})
_VALUE_BLIND_CALLS = frozenset({"absent", "absent_over_time", "timestamp", "resets", "changes", "present_over_time"})
_VALUE_BLIND_AGGREGATES = frozenset({"count", "group"})


def examine(subject: Subject) -> Iterator[Problem]:
    """Selectors of counters whose value reaches the result without a rate."""
    for item in subject.expressions:
        if item.rule is None and item.panel is None:
            continue  # variables and annotations ask for labels and moments, not for values
        if item.rule is not None and not item.rule.alert and item.result.kind in _COUNTERS:
            continue  # what it records is a counter again, and is judged where it is used
        for node in _raw(item.query.root, item.analysis):
            yield CHECK.problem(f"the counter {node.name} is used without rate()", item.at(node.at), item.target)


def _raw(expr: Expr, analysis: Analysis) -> Iterator[Selector]:
    match expr:
        case Selector():
            if expr.range_s is None and expr.name and _is_counter(expr, analysis):
                yield expr
        case Call(function=name) if name in _VALUE_BLIND_CALLS:
            return
        case Call():
            for argument in expr.arguments:
                # A range selector below a function is a rate or at least asks for a range on purpose.
                if not isinstance(argument, Subquery):
                    yield from _raw(argument, analysis)
        case Aggregate(op=op) if op in _VALUE_BLIND_AGGREGATES:
            return
        case Binary(op="unless") if _is_birth(expr):
            return
        case Binary(op="and" | "unless"):
            yield from _raw(expr.left, analysis)
            if not _is_presence(expr.right):
                yield from _raw(expr.right, analysis)
        case _:
            for child in expr.children:
                yield from _raw(child, analysis)


def _is_birth(expr: Binary) -> bool:
    """`x unless x offset 10m`: series born since then, whose whole value is their increase."""
    left, right = bare(expr.left), bare(expr.right)
    same = isinstance(left, Selector) and isinstance(right, Selector) and left.name == right.name
    return same and isinstance(right, Selector) and right.offset_s > 0


def _is_presence(expr: Expr) -> bool:
    """`and on (…) metric` asks whether the series is there, not for its value."""
    return isinstance(bare(expr), Selector)


def _is_counter(node: Selector, analysis: Analysis) -> bool:
    shape = analysis.shapes[node]
    return shape.kind in _COUNTERS and not shape.dead

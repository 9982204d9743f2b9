"""Two vectors that can never meet: the operation returns nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Severity
from stackctl.promql import Binary, walk
from stackctl.promql.matching import half_blind, never_meet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Expression, Subject
    from stackctl.problem import Problem
    from stackctl.promql import Shape

CHECK = Check(
    "promql/dead-match",
    Severity.ERROR,
    "The result is always empty, however bad things are.",
    "aggregate both sides by the same labels, or name the shared ones with on (…)",
)


def examine(subject: Subject) -> Iterator[Problem]:
    """Binary operations between vectors whose labels differ."""
    for item in subject.expressions:
        for node in walk(item.query.root):
            if not isinstance(node, Binary) or node.op == "or" or node.filled:
                continue
            left, right = item.analysis.shapes[node.left], item.analysis.shapes[node.right]
            if "scalar" in (left.kind, right.kind):
                continue
            yield from _examine(item, node, left, right)


def _examine(item: Expression, node: Binary, left: Shape, right: Shape) -> Iterator[Problem]:
    reason = never_meet(node, left, right)
    if reason:
        effect = "leaves nothing out" if node.op == "unless" else "never matches"
        yield CHECK.problem(f"`{node.op}` {effect}: {reason}", item.at(node.at), item.target)
    elif lost := half_blind(node, left, right):
        names = ", ".join(lost)
        yield CHECK.problem(
            f"`{node.op}` matches only series without {names}: one side alone has it",
            item.at(node.at),
            item.target,
            severity=Severity.WARNING,
            consequence=f"Every series with a value in {names} is missing from the result.",
        )

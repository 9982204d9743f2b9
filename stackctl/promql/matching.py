"""Which labels and series survive matchers and vector matching, and when none can."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from stackctl.promql.shape import Death, Shape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackctl.promql.nodes import Binary, Matcher

DEAD_MATCH = "promql/dead-match"


def apply_matchers(base: Shape, matchers: Iterable[Matcher]) -> Shape:
    """What a selector with these matchers leaves of all series of a name."""
    shape = base
    for matcher in matchers:
        if matcher.variable:
            continue
        if matcher.op == "=" and matcher.value:
            possible = None if shape.possible is None else shape.possible
            shape = replace(
                shape,
                certain=shape.certain | {matcher.name} if shape.may_have(matcher.name) else shape.certain,
                possible=possible,
                fixed={**shape.fixed, matcher.name: matcher.value},
            )
        elif matcher.op == "=" and not matcher.value:
            shape = shape.less(frozenset({matcher.name}))
        elif demands_value(matcher) and shape.may_have(matcher.name):
            shape = replace(shape, certain=shape.certain | {matcher.name})
    for matcher in matchers:
        if not shape.may_have(matcher.name) and demands_value(matcher) and not matcher.variable:
            reason = f"no series has a label {matcher.name}, which {matcher} demands"
            return replace(shape, dead=shape.dead or Death(reason, matcher.at, "promql/unknown-label"))
    return shape


def demands_value(matcher: Matcher) -> bool:
    """Whether a series without the label is left out."""
    if matcher.op == "=":
        return bool(matcher.value)
    if matcher.op == "!=":
        return not matcher.value
    if matcher.op == "!~":
        return matcher.value in ("", ".*")
    return matcher.value in (".+", "..*") or (
        matcher.value.replace("|", "").isidentifier() and "||" not in matcher.value
    )


def match_vectors(expr: Binary, left: Shape, right: Shape) -> tuple[Shape, Death | None]:
    """The result's labels and values' owner, and why the sides can never meet (or None)."""
    if left.kind == "scalar" or right.kind == "scalar":
        return (right if left.kind == "scalar" else left), None
    reason = "" if expr.filled or expr.op == "unless" else never_meet(expr, left, right)
    return _result(expr, left, right), Death(reason, expr.at, DEAD_MATCH) if reason else None


def never_meet(expr: Binary, left: Shape, right: Shape) -> str:
    """Why no series of `left` can have the same matching labels as one of `right`; "" if some can."""
    for label in sorted(_compared(expr, left, right)):
        lacking = [("left", "right", left, right), ("right", "left", right, left)]
        for having, other, mine, theirs in lacking:
            if label in mine.certain and not theirs.may_have(label):
                return f"every series on the {having} has the label {label}, none on the {other} has it"
        mine_value, their_value = left.fixed.get(label), right.fixed.get(label)
        if mine_value and their_value and mine_value != their_value:
            return f'the label {label} is "{mine_value}" on the left and "{their_value}" on the right'
    return ""


def half_blind(expr: Binary, left: Shape, right: Shape) -> list[str]:
    """Labels that only some series of one side have and none of the other: those with a value are lost."""
    if left.kind == "scalar" or right.kind == "scalar" or left.possible is None or right.possible is None:
        return []
    only_one = left.possible ^ right.possible
    return sorted(label for label in _compared(expr, left, right) if label in only_one)


def _compared(expr: Binary, left: Shape, right: Shape) -> frozenset[str]:
    """The labels that must be equal on both sides, as far as either side is known."""
    if expr.on is not None and not expr.ignoring:
        return frozenset(expr.on)
    known = (left.possible or left.certain) | (right.possible or right.certain)
    return known - frozenset(expr.on or ())


def _result(expr: Binary, left: Shape, right: Shape) -> Shape:
    metrics = left.metrics | right.metrics
    if expr.op in ("and", "unless"):
        return replace(left, metrics=metrics)
    if expr.group:
        many, one = (left, right) if expr.group == "left" else (right, left)
        extra = frozenset(expr.group_labels)
        possible = None if many.possible is None else many.possible | extra
        certain = many.certain | (extra & one.certain)
        return replace(many, certain=certain, possible=possible, metrics=metrics)
    listed = frozenset(expr.on or ())
    if expr.on is not None and not expr.ignoring:
        # One-to-one with on(): the result has the listed labels only, and those both sides share.
        shape = left.only(listed)
        fixed = {**right.only(listed).fixed, **shape.fixed}
        return replace(shape, certain=shape.certain | right.only(listed).certain, fixed=fixed, metrics=metrics)
    return replace(left.less(listed), metrics=metrics)

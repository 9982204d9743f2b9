"""Arithmetic and comparison of intervals; division by what may be zero is allowed to give anything."""

from __future__ import annotations

import math

from stackctl.promql.shape import ANY, INF, Interval

_LIMITS = {
    ">": lambda number: Interval(number, INF, low_open=True),
    ">=": lambda number: Interval(number, INF),
    "<": lambda number: Interval(-INF, number, high_open=True),
    "<=": lambda number: Interval(-INF, number),
}
_MIRRORED = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}


def arithmetic(op: str, left: Interval, right: Interval) -> Interval:
    """The values of `left op right`."""
    if op == "+":
        return Interval(_add(left.low, right.low), _add(left.high, right.high))
    if op == "-":
        return Interval(_add(left.low, -right.high), _add(left.high, -right.low))
    if op == "*":
        return _corners([_times(a, b) for a in (left.low, left.high) for b in (right.low, right.high)])
    if op == "/":
        return _divided(left, right)
    if op in _MIRRORED:
        return Interval(0, 1)
    return ANY


def _divided(left: Interval, right: Interval) -> Interval:
    if left.low >= 0 and right.low >= 0:
        low = left.low / right.high if 0 < right.high < INF else 0.0
        high = left.high / right.low if right.low > 0 and left.high < INF else INF
        return Interval(low, high)
    if right.low == right.high and right.low != 0 and math.isfinite(right.low):
        return _corners([left.low / right.low, left.high / right.low])
    return ANY


def compared(op: str, left: Interval, right: Interval, *, vector_is_right: bool) -> tuple[Interval, str]:
    """The values a filter lets through, and why it can let none through (or "")."""
    vector, bound = (right, left) if vector_is_right else (left, right)
    op = _MIRRORED[op] if vector_is_right else op
    if op == "!=":
        passed = vector
        if vector.low == vector.high == bound.low == bound.high:
            passed = Interval(1, 0)
        elif bound.low == bound.high == vector.low:
            passed = Interval(vector.low, vector.high, True, vector.high_open)
    elif op == "==":
        passed = vector.within(bound)
    else:
        edge = bound.low if op.startswith(">") else bound.high
        passed = vector.within(_limit(op, edge))
        # A bound that is itself open at that edge is only stricter, so this never drops a possible value.
    if passed.is_empty:
        return passed, f"its values lie in {vector}, so none is {op} {_shown(bound)}"
    return passed, ""


def always_true(op: str, vector: Interval, bound: Interval) -> bool:
    """Whether the filter lets every value through (NaN aside)."""
    if bound.low != bound.high or op not in _LIMITS:
        return False
    passed = vector.within(_limit(op, bound.low))
    return passed == vector


def _limit(op: str, number: float) -> Interval:
    return _LIMITS[op](number)


def _shown(bound: Interval) -> str:
    return f"{bound.low:g}" if bound.low == bound.high else f"a value in {bound}"


def _corners(numbers: list[float]) -> Interval:
    return Interval(min(numbers), max(numbers))


def _add(left: float, right: float) -> float:
    total = left + right
    return (-INF if left < 0 or right < 0 else INF) if math.isnan(total) else total


def _times(left: float, right: float) -> float:
    return 0.0 if 0 in (left, right) else left * right

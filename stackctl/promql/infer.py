"""The shape of every node of a query, bottom up (https://prometheus.io/docs/prometheus/latest/querying/operators/)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from stackctl.promql import nodes
from stackctl.promql.functions import call_shape
from stackctl.promql.matching import apply_matchers, match_vectors
from stackctl.promql.shape import ANY, INF, NOT_NEGATIVE, ONE, UNKNOWN, Death, Interval, Shape
from stackctl.promql.values import arithmetic, compared

if TYPE_CHECKING:
    from collections.abc import Mapping

_SAME_VALUES = frozenset({"avg", "min", "max", "quantile", "topk", "bottomk", "limitk", "limit_ratio"})
_KEEPS_LABELS = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})


class Resolver(Protocol):
    """Knows what a name stands for."""

    def shape_of(self, name: str) -> Shape | None:
        """The shape of all series of that name; None if nothing has it."""
        ...


@dataclass(frozen=True)
class Analysis:
    """The shape of each node of one query."""

    root: nodes.Expr
    shapes: Mapping[nodes.Expr, Shape]

    @property
    def result(self) -> Shape:
        return self.shapes[self.root]


def infer(root: nodes.Expr, resolver: Resolver) -> Analysis:
    """Derive the shape of `root` and of everything below it."""
    inference = _Inference(resolver)
    inference.of(root)
    return Analysis(root, inference.shapes)


class _Inference:
    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self.shapes: dict[nodes.Expr, Shape] = {}

    def of(self, expr: nodes.Expr) -> Shape:
        shape = self._derive(expr)
        self.shapes[expr] = shape
        return shape

    def _derive(self, expr: nodes.Expr) -> Shape:
        match expr:
            case nodes.Selector():
                return self._selector(expr)
            case nodes.Number():
                return Shape(values=Interval(expr.value, expr.value), kind="scalar")
            case nodes.String():
                return Shape(kind="string")
            case nodes.Paren():
                return self.of(expr.operand)
            case nodes.Subquery():
                return self.of(expr.operand)
            case nodes.Unary():
                shape = self.of(expr.operand)
                flipped = Interval(-shape.values.high, -shape.values.low, shape.values.high_open, shape.values.low_open)
                return replace(shape, values=flipped, kind="scalar" if shape.kind == "scalar" else "gauge")
            case nodes.Call():
                return call_shape(expr, [self.of(argument) for argument in expr.arguments])
            case nodes.Aggregate():
                return self._aggregate(expr)
            case nodes.Binary():
                return self._binary(expr)
        return UNKNOWN

    def _selector(self, expr: nodes.Selector) -> Shape:
        base = self._resolver.shape_of(expr.name) if expr.name else UNKNOWN
        if base is None:
            lost = Death(f"no series is named {expr.name}", expr.at, "promql/unknown-metric")
            return replace(UNKNOWN, dead=lost, metrics=frozenset({expr.name}))
        return apply_matchers(base, expr.matchers)

    def _aggregate(self, expr: nodes.Aggregate) -> Shape:
        if expr.parameter is not None:
            self.of(expr.parameter)
        inner = self.of(expr.operand)
        shape = inner
        if expr.op not in _KEEPS_LABELS:
            labels = frozenset(expr.labels)
            shape = inner.less(labels) if expr.without else inner.only(labels)
        if expr.op == "count_values" and isinstance(expr.parameter, nodes.String):
            new = frozenset({expr.parameter.value})
            possible = None if shape.possible is None else shape.possible | new
            shape = replace(shape, certain=shape.certain | new, possible=possible)
        kind = inner.kind if expr.op in ("sum", "avg", *_SAME_VALUES) and inner.kind != "scalar" else "gauge"
        buckets = shape.buckets if shape.may_have("le") else ()
        return replace(shape, values=_aggregated(expr.op, inner.values), kind=kind, buckets=buckets)

    def _binary(self, expr: nodes.Binary) -> Shape:
        left, right = self.of(expr.left), self.of(expr.right)
        if left.kind == "scalar" and right.kind == "scalar":
            return Shape(values=arithmetic(expr.op, left.values, right.values), kind="scalar")
        if expr.op == "or":
            return left.joined(right)
        shape, death = match_vectors(expr, left, right)
        if expr.op in nodes.SET_OPERATORS:
            return replace(shape, dead=death or (left.dead if expr.op == "unless" else left.dead or right.dead))
        values = ANY
        if expr.is_filter:
            values, impossible = compared(expr.op, left.values, right.values, vector_is_right=left.kind == "scalar")
            if impossible and death is None:
                death = Death(impossible, expr.at, "alert/never-fires")
        elif expr.op in nodes.COMPARISONS:
            values = Interval(0, 1)
        else:
            values = arithmetic(expr.op, left.values, right.values)
        keeps = expr.is_filter or _is_scaling(expr, left, right)
        kind, buckets = (shape.kind, shape.buckets) if keeps else ("gauge", ())
        return replace(shape, values=values, kind=kind, buckets=buckets, dead=death or left.dead or right.dead)


def _is_scaling(expr: nodes.Binary, left: Shape, right: Shape) -> bool:
    """Multiplying by a number keeps a counter a counter."""
    return expr.op in ("*", "/") and (left.kind == "scalar" or right.kind == "scalar")


def _aggregated(op: str, values: Interval) -> Interval:
    if op in _SAME_VALUES:
        return values
    if op == "count":
        return Interval(1)
    if op == "group":
        return ONE
    if op == "sum":
        low = values.low if values.low >= 0 else -INF
        high = values.high if values.high <= 0 else INF
        return Interval(low, high, values.low_open and low > -INF)
    return NOT_NEGATIVE if op in ("stddev", "stdvar", "count_values") else ANY

"""What functions make of labels and values (https://prometheus.io/docs/prometheus/latest/querying/functions/)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from stackctl.promql import nodes
from stackctl.promql.shape import ANY, INF, NOT_NEGATIVE, ONE, UNKNOWN, Interval, Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

RATES = frozenset({"rate", "increase", "irate"})
GAUGE_CHANGES = frozenset(
    {"delta", "idelta", "deriv", "predict_linear", "double_exponential_smoothing", "holt_winters"}
)
KEEP_VALUES = frozenset(
    {"sort", "sort_desc", "sort_by_label", "sort_by_label_desc", "last_over_time", "avg_over_time", "min_over_time"}
    | {"max_over_time", "quantile_over_time", "first_over_time"}
)
_TIMES = frozenset(
    {"hour", "minute", "month", "year", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "timestamp"}
)
_COUNTS = frozenset({"changes", "resets", "stddev_over_time", "stdvar_over_time", "exp", "sqrt", "histogram_count"})


def call_shape(call: nodes.Call, arguments: Sequence[Shape]) -> Shape:
    """The shape of a call whose arguments have these shapes."""
    name = call.function
    if name in ("vector", "scalar", "time", "pi"):
        return _constant(name, arguments)
    if name in ("absent", "absent_over_time"):
        return _absent(call.arguments[0] if call.arguments else None, arguments)
    if not arguments:
        return Shape(values=NOT_NEGATIVE)
    if name == "label_replace":
        return _label_replace(call, arguments[0])
    if name == "label_join":
        return _label_join(call, arguments[0])
    if name == "histogram_quantile":
        return _quantile(arguments)
    if name == "info":
        return replace(arguments[0], possible=None)
    vector = _vector(arguments)
    return replace(vector, values=_values(call, arguments, vector), kind=_kind(name, vector))


def _vector(arguments: Sequence[Shape]) -> Shape:
    return next((shape for shape in arguments if shape.kind not in ("scalar", "string")), arguments[0])


def _kind(name: str, vector: Shape) -> str:
    if name in RATES:
        return "rate"
    return vector.kind if name in KEEP_VALUES else "gauge"


def _values(call: nodes.Call, arguments: Sequence[Shape], vector: Shape) -> Interval:
    name, values = call.function, vector.values
    if name in KEEP_VALUES:
        return values
    if name in ("abs", *RATES, *_TIMES, *_COUNTS):
        return NOT_NEGATIVE
    if name == "count_over_time":
        return Interval(1)
    if name == "present_over_time":
        return ONE
    if name in ("ceil", "floor", "round"):
        return Interval(0 if values.low >= 0 else -INF, INF)
    if name == "sum_over_time":
        return NOT_NEGATIVE if values.low >= 0 else ANY
    if name in ("clamp_min", "clamp_max", "clamp"):
        return _clamped(name, arguments, values)
    return ANY


def _clamped(name: str, arguments: Sequence[Shape], values: Interval) -> Interval:
    numbers = [shape.values.low for shape in arguments[1:]]
    low = numbers[0] if name in ("clamp_min", "clamp") and numbers else -INF
    high = numbers[-1] if name in ("clamp_max", "clamp") and numbers else INF
    return Interval(min(max(values.low, low), high), max(min(values.high, high), low))


def _constant(name: str, arguments: Sequence[Shape]) -> Shape:
    inner = arguments[0] if arguments else Shape(values=NOT_NEGATIVE)
    return Shape(values=inner.values, kind="gauge" if name == "vector" else "scalar", metrics=inner.metrics)


def _absent(argument: nodes.Expr | None, arguments: Sequence[Shape]) -> Shape:
    """absent() returns 1 with the labels its equality matchers name, or nothing."""
    labels: dict[str, str] = {}
    bare = nodes.bare(argument) if argument is not None else None
    if isinstance(bare, nodes.Selector):
        labels = {matcher.name: matcher.value for matcher in bare.matchers if matcher.op == "=" and matcher.value}
    names = frozenset(labels)
    return Shape(names, names, labels, ONE, metrics=arguments[0].metrics if arguments else frozenset())


def _text(call: nodes.Call, index: int) -> str:
    argument = call.arguments[index] if index < len(call.arguments) else None
    return argument.value if isinstance(argument, nodes.String) else ""


def _label_replace(call: nodes.Call, vector: Shape) -> Shape:
    target, replacement, source, pattern = (_text(call, index) for index in range(1, 5))
    if not target or (vector.possible is not None and source not in vector.possible and not _matches_empty(pattern)):
        return vector
    always = pattern in ("", ".*", "(.*)") and bool(re.sub(r"\$\{?\w+\}?", "", replacement))
    copies = pattern in ("(.*)", "(.+)") and replacement in ("$1", "${1}") and source in vector.certain
    shape = _with_label(vector, target, certain=always or copies or target in vector.certain)
    if always and "$" not in replacement:
        return replace(shape, bounds={**shape.bounds, target: frozenset({replacement})})
    return shape


def _matches_empty(pattern: str) -> bool:
    try:
        return re.fullmatch(pattern, "") is not None
    except re.error:
        return True


def _label_join(call: nodes.Call, vector: Shape) -> Shape:
    sources = {_text(call, index) for index in range(3, len(call.arguments))}
    return _with_label(vector, _text(call, 1), certain=bool(sources & vector.certain) or bool(_text(call, 2)))


def _with_label(vector: Shape, name: str, *, certain: bool) -> Shape:
    possible = None if vector.possible is None else vector.possible | {name}
    fixed = {label: value for label, value in vector.fixed.items() if label != name}
    bounds = {label: values for label, values in vector.bounds.items() if label != name}
    kept = vector.certain - {name}
    return replace(vector, certain=kept | {name} if certain else kept, possible=possible, fixed=fixed, bounds=bounds)


def _quantile(arguments: Sequence[Shape]) -> Shape:
    if len(arguments) < 2:
        return UNKNOWN
    vector = arguments[1].less(frozenset({"le"}))
    # A quantile in the +Inf bucket is answered with the highest finite edge; nothing lies above it.
    top = max(vector.buckets, default=INF)
    low = 0.0 if vector.buckets and min(vector.buckets) >= 0 else -INF
    return replace(vector, values=Interval(low, top), kind="quantile")

"""Why an expression returns what it does, now: each part evaluated, and the one that leaves nothing named."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stackctl.promql import Aggregate, Binary, Call, Expr, Number, Paren, Query, Selector, String, Subquery, Unary
from stackctl.promql.functions import RATES

if TYPE_CHECKING:
    from stackctl.checks.live.api import Prometheus, Sample

_SHOWN_LABELS = 4


@dataclass
class Step:
    """One part of an expression and its result: the number of series, the labels they have, and a remark."""

    expr: Expr
    text: str
    depth: int
    samples: list[Sample]
    remark: str = ""
    parts: list[Step] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not self.samples

    @property
    def labels(self) -> list[str]:
        return sorted({name for sample in self.samples for name in sample.labels if name != "__name__"})

    def as_json(self) -> dict[str, Any]:
        return {
            "expr": self.text,
            "depth": self.depth,
            "series": len(self.samples),
            "labels": self.labels,
            "remark": self.remark,
        }

    def flat(self) -> list[Step]:
        return [self, *(step for part in self.parts for step in part.flat())]


def explain(query: Query, prometheus: Prometheus) -> Step:
    """Evaluate a query and its parts; raises UnavailableError."""
    return _Explainer(query, prometheus).step(query.root, 0)


def cause_of(step: Step) -> str:
    """Why a result is empty, from the innermost part that is to blame; "" if it is not empty."""
    if not step.is_empty:
        return ""
    for part in step.parts:
        if part.is_empty and not _may_be_empty(step, part):
            return cause_of(part)
    return step.remark or f"{step.text} has no series"


def _may_be_empty(step: Step, part: Step) -> bool:
    """An empty side of `or` is no cause by itself, nor is the right side of `unless`."""
    op = step.expr.op if isinstance(step.expr, Binary) else ""
    return (op == "unless" and part is step.parts[-1]) or (op == "or" and any(not p.is_empty for p in step.parts))


class _Explainer:
    def __init__(self, query: Query, prometheus: Prometheus) -> None:
        self._query = query
        self._prometheus = prometheus

    def step(self, expr: Expr, depth: int) -> Step:
        while isinstance(expr, Paren):
            expr = expr.operand
        text = self._query.show(expr)
        step = Step(expr, text, depth, self._prometheus.instant(self._instant(expr, text)))
        step.parts = [self.step(part, depth + 1) for part in _vectors(expr)]
        step.remark = self._remark(step)
        return step

    def _instant(self, expr: Expr, text: str) -> str:
        if isinstance(expr, Selector) and expr.range_s is not None:
            return f"last_over_time({text}[{max(int(expr.range_s), 1)}s])"
        return text

    def _remark(self, step: Step) -> str:
        expr = step.expr
        if isinstance(expr, Selector) and step.is_empty:
            return self._missing(expr, step)
        if isinstance(expr, Binary) and not any(part.is_empty for part in step.parts):
            return _of_binary(expr, step)
        if (
            isinstance(expr, Call)
            and expr.function in RATES
            and step.is_empty
            and not any(p.is_empty for p in step.parts)
        ):
            return "fewer than two samples in the window"
        if step.samples and all(math.isnan(sample.value) for sample in step.samples):
            return "every value is NaN"
        return ""

    def _missing(self, expr: Selector, step: Step) -> str:
        if not expr.name:
            return f"no series matches {step.text}"
        if not expr.matchers or not self._prometheus.instant(f'group({{__name__="{expr.name}"}})'):
            return f"no series is named {expr.name}"
        for matcher in expr.matchers:
            if self._prometheus.instant(f'group({{__name__="{expr.name}",{matcher}}})'):
                continue
            values = self._prometheus.label_values(matcher.name, expr.name)
            have = f"its values are {', '.join(values[:8])}" if values else "it has no such label"
            return f"no series of {expr.name} has {matcher}: {have}"
        return f"no series of {expr.name} has all of these labels at once"


def _vectors(expr: Expr) -> list[Expr]:
    """The parts worth evaluating: vectors, not numbers or texts."""
    if isinstance(expr, Subquery):
        return [expr.operand]
    if isinstance(expr, Aggregate | Unary):
        return [expr.operand]
    parts = [part for part in expr.children if not isinstance(part, Number | String)]
    return [part for part in parts if not (isinstance(part, Call) and part.function in ("time", "pi"))]


def _of_binary(expr: Binary, step: Step) -> str:
    if len(step.parts) == 2 and step.is_empty and expr.op not in ("or", "unless"):
        return _no_match(expr, step.parts[0], step.parts[1])
    if len(step.parts) == 1 and expr.is_filter and step.is_empty:
        values = [sample.value for sample in step.parts[0].samples if not math.isnan(sample.value)]
        if not values:
            return "every value is NaN"
        return f"no value passes `{expr.op}`: they lie between {min(values):.6g} and {max(values):.6g}"
    if step.is_empty and expr.op == "unless":
        return "every series on the left has a partner on the right"
    return ""


def _no_match(expr: Binary, left: Step, right: Step) -> str:
    """Both sides have series but none meet: by labels, or by values where it compares."""
    labels = expr.on if expr.on is not None and not expr.ignoring else None
    keys = [_keys(side, labels, expr.on or ()) for side in (left, right)]
    if keys[0] & keys[1] and expr.is_filter:
        return f"no pair of values passes `{expr.op}`"
    only_left, only_right = sorted(set(left.labels) - set(right.labels)), sorted(set(right.labels) - set(left.labels))
    named = [f"only the left has {', '.join(only_left)}"] if only_left and labels is None else []
    named += [f"only the right has {', '.join(only_right)}"] if only_right and labels is None else []
    examples = f"left has {_example(keys[0])}, right has {_example(keys[1])}"
    return f"no labels match: {'; '.join([*named, examples])}"


def _keys(side: Step, labels: tuple[str, ...] | None, ignored: tuple[str, ...]) -> set[tuple[tuple[str, str], ...]]:
    """The matching labels of each series, empty ones left out as Prometheus does."""
    found = set()
    for sample in side.samples:
        kept = {
            name: value
            for name, value in sample.labels.items()
            if value and name != "__name__" and (name in labels if labels is not None else name not in ignored)
        }
        found.add(tuple(sorted(kept.items())))
    return found


def _example(keys: set[tuple[tuple[str, str], ...]]) -> str:
    first = min(keys)
    shown = ", ".join(f'{name}="{value}"' for name, value in first[:_SHOWN_LABELS])
    return f"{{{shown}{', …' if len(first) > _SHOWN_LABELS else ''}}}"

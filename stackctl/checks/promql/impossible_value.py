"""A label value that no series can have."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Severity
from stackctl.promql import Selector, walk
from stackctl.promql.series import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Expression, Subject
    from stackctl.problem import Problem
    from stackctl.promql import Matcher, Shape

CHECK = Check(
    "promql/impossible-value",
    Severity.ERROR,
    "The matcher selects nothing, or leaves nothing out: the query looks filtered and is not.",
)

_WORDS = re.compile(r"\w+(?:\|\w+)+")


def examine(subject: Subject) -> Iterator[Problem]:
    """Matchers on labels whose values are known, that match none of them."""
    for item in subject.expressions:
        for node in walk(item.query.root):
            shape = subject.names.shape_of(node.name) if isinstance(node, Selector) and node.name else None
            if shape is None or not isinstance(node, Selector):
                continue
            for matcher in node.matchers:
                values = _values(shape, matcher.name)
                if not values or matcher.variable:
                    continue
                if not _is_void(matcher, values):
                    yield from _alternatives(item, matcher, values)
                    continue
                positive = matcher.op in ("=", "=~")
                yield CHECK.problem(
                    f"{matcher} {'can never match' if positive else 'leaves nothing out'}: "
                    f"no series of {node.name} has such a {matcher.name}",
                    item.at(matcher.at),
                    item.target,
                    remedy=_remedy(matcher, values),
                    severity=CHECK.severity if positive else Severity.WARNING,
                )


def _alternatives(item: Expression, matcher: Matcher, values: frozenset[str]) -> Iterator[Problem]:
    """Single words of an alternation that exist nowhere, beside others that do."""
    if matcher.op not in ("=~", "!~") or not _WORDS.fullmatch(matcher.value):
        return
    for word in matcher.value.split("|"):
        if word not in values:
            yield CHECK.problem(
                f'{matcher}: no series has the {matcher.name} "{word}"',
                item.at(matcher.at),
                item.target,
                severity=Severity.WARNING,
                remedy=_remedy(replace(matcher, value=word), values),
            )


def _values(shape: Shape, label: str) -> frozenset[str]:
    if label == "le" and shape.buckets:
        edges = {text for edge in shape.buckets for text in (f"{edge:g}", f"{edge:.1f}", repr(edge))}
        return frozenset(edges | {"+Inf"})
    return shape.bounds.get(label, frozenset()) if label != "le" else frozenset()


def _is_void(matcher: Matcher, values: frozenset[str]) -> bool:
    if matcher.op in ("=", "!="):
        return bool(matcher.value) and matcher.value not in values
    try:
        pattern = re.compile(matcher.value, re.DOTALL)
    except re.error:
        return False
    return pattern.fullmatch("") is None and not any(pattern.fullmatch(value) for value in values)


def _remedy(matcher: Matcher, values: frozenset[str]) -> str:
    near = nearest(matcher.value, values)
    shown = sorted(values, key=lambda text: (_number(text), text))
    return f'did you mean "{near}"?' if near else f"its values are {', '.join(shown[:12])}{', …' if shown[12:] else ''}"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.inf

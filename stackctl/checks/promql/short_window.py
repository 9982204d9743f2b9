"""A range with too few samples in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.artefacts.durations import shown
from stackctl.checks.check import Check
from stackctl.problem import Severity
from stackctl.promql import Call, Selector, walk
from stackctl.promql.functions import GAUGE_CHANGES, RATES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Subject
    from stackctl.problem import Problem

CHECK = Check(
    "promql/short-window",
    Severity.WARNING,
    "A rate needs two samples; with fewer than four scrapes in its window, one slow scrape makes a gap.",
)
_SAFE, _LEAST = 4, 2
_FUNCTIONS = RATES | GAUGE_CHANGES


def examine(subject: Subject) -> Iterator[Problem]:
    """rate() and its like over less than four scrape intervals; below two there is never a result."""
    for item in subject.expressions:
        for node in walk(item.query.root):
            if not isinstance(node, Call) or node.function not in _FUNCTIONS:
                continue
            selectors = [part for part in node.arguments if isinstance(part, Selector) and part.range_s is not None]
            for selector in selectors:
                window = selector.range_s or 0.0
                if window >= _SAFE * subject.scrape_s:
                    continue
                never = window < _LEAST * subject.scrape_s
                uses_interval = any(name == "__interval" for name, _ in item.query.variables)
                yield CHECK.problem(
                    f"{node.function}() over {shown(window)} at a scrape interval of {shown(subject.scrape_s)}",
                    item.at(selector.at),
                    item.target,
                    severity=Severity.ERROR if never and not uses_interval else None,
                    remedy="use [$__rate_interval]"
                    if uses_interval
                    else f"use at least {shown(_SAFE * subject.scrape_s)}",
                )

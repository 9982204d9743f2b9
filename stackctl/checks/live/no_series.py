"""A part of an alert that is empty in a running Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.live.explain import Step, explain
from stackctl.problem import Severity
from stackctl.promql import Binary, Call, Selector, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.live.api import Prometheus
    from stackctl.checks.subject import Expression, Subject
    from stackctl.problem import Problem

CHECK = Check(
    "live/no-series",
    Severity.WARNING,
    "As things are, this alert cannot fire.",
    "`stackctl alerts explain NAME` shows every part",
)


def examine(subject: Subject, prometheus: Prometheus) -> Iterator[Problem]:
    """Selectors of alerts without a series, and operations whose sides both have series that never meet."""
    for item in subject.alerts:
        asked = _asked_for_absence(item)
        for step in explain(item.query, prometheus).flat():
            if step.is_empty and step.remark and step.expr not in asked and _is_structural(step):
                yield CHECK.problem(
                    f"{item.target}: {step.remark}",
                    item.at(step.expr.at),
                    item.target,
                    remedy=f"`stackctl alerts explain {item.target}` shows every part",
                )


def _is_structural(step: Step) -> bool:
    """No series or no match; not a comparison that healthy values do not pass."""
    return isinstance(step.expr, Selector) or (
        isinstance(step.expr, Binary) and step.remark.startswith("no labels match") and not _is_condition(step)
    )


def _is_condition(step: Step) -> bool:
    """`and` with a condition that is false right now has empty parts or partners that come and go."""
    return isinstance(step.expr, Binary) and step.expr.op in ("and", "unless")


def _asked_for_absence(item: Expression) -> set[object]:
    """Parts under absent(), which are meant to be empty only in trouble and say so themselves."""
    found: set[object] = set()
    for node in walk(item.query.root):
        if isinstance(node, Call) and node.function in ("absent", "absent_over_time"):
            found |= set(walk(node))
    return found

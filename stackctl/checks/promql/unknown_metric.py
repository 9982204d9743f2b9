"""A series nobody exposes: the query is empty, today and always."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.replacements import advice_for
from stackctl.problem import Severity
from stackctl.promql import Selector, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Subject
    from stackctl.problem import Problem

CHECK = Check(
    "promql/unknown-metric",
    Severity.ERROR,
    "The query returns nothing, which looks like no traffic: an alert on it never fires, a panel stays empty.",
)


def examine(subject: Subject) -> Iterator[Problem]:
    """Each selector whose name no catalogue and no recording rule has."""
    where = " or ".join(subject.catalogues) or "any catalogue"
    for item in subject.expressions:
        for node in walk(item.query.root):
            if not isinstance(node, Selector) or not node.name or subject.names.shape_of(node.name) is not None:
                continue
            ours = subject.closed or subject.series.owns(node.name)
            yield CHECK.problem(
                f"no series is named {node.name} in {where}",
                item.at(node.at),
                item.target,
                remedy=advice_for(node.name, subject),
                severity=CHECK.severity if ours else Severity.INFO,
            )

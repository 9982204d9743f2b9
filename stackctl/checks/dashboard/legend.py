"""A legend that names a label the query does not return."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Severity
from stackctl.promql.series import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Subject
    from stackctl.problem import Problem

CHECK = Check(
    "dashboard/legend",
    Severity.WARNING,
    "Every line of the panel has the same name, with a hole in it.",
)
_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_ADDED = frozenset({"__name__"})


def examine(subject: Subject) -> Iterator[Problem]:
    """Labels in {{…}} of legends against the labels of the result."""
    for item in subject.expressions:
        legend = item.panel_target.legend if item.panel_target else None
        possible = item.result.possible
        if legend is None or possible is None:
            continue
        for match in _LABEL.finditer(legend.text):
            if match[1] in possible or match[1] in _ADDED:
                continue
            near = nearest(match[1], possible)
            yield CHECK.problem(
                f"the legend names the label {match[1]}, which the query does not return",
                legend.at(match.start(1)),
                item.target,
                remedy=f"did you mean {near}?" if near else f"its labels are {', '.join(sorted(possible)) or 'none'}",
            )

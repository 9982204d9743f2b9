"""A variable that the dashboard does not declare, or one that is matched as a single value and may hold many."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Severity
from stackctl.promql import Selector, walk
from stackctl.promql.series import nearest
from stackctl.promql.variables import built_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Expression, Subject
    from stackctl.problem import Problem

CHECK = Check(
    "dashboard/variable",
    Severity.ERROR,
    "Grafana sends the text as it stands, and nothing matches it.",
)
_GLOBAL = re.compile(r"__\w+|timeFilter")


def examine(subject: Subject) -> Iterator[Problem]:
    """Undeclared variables; multi-value variables behind `=`; label_values() of a label the metric lacks."""
    for item in subject.expressions:
        if item.dashboard is not None:
            yield from _undeclared(item)
            yield from _single(item)
    yield from _labels(subject)


def _undeclared(item: Expression) -> Iterator[Problem]:
    assert item.dashboard is not None  # noqa: S101 the caller asks for dashboards only
    declared = {variable.name for variable in item.dashboard.variables} | item.dashboard.inputs
    for name, offset in item.query.variables:
        if name in declared or name in built_in(1) or (_GLOBAL.fullmatch(name) and name.startswith("__")):
            continue
        near = nearest(name, declared)
        yield CHECK.problem(
            f"the dashboard declares no variable {name}",
            item.placed.at(offset),
            item.target,
            remedy=f"did you mean {near}?" if near else "declare it under templating",
        )


def _single(item: Expression) -> Iterator[Problem]:
    assert item.dashboard is not None  # noqa: S101 the caller asks for dashboards only
    multi = {variable.name for variable in item.dashboard.variables if variable.multi}
    if not any(name in multi for name, _ in item.query.variables):
        return
    for node in walk(item.query.root):
        for matcher in node.matchers if isinstance(node, Selector) else ():
            offset = item.query.origin(matcher.at)
            written = item.placed.text[offset : offset + 80]
            used = re.match(r"[\w.\"]+\s*!?=\s*\"[$\[{]+(\w+)", written)
            if matcher.variable and matcher.op in ("=", "!=") and used and used[1] in multi:
                yield CHECK.problem(
                    f'{matcher.name}{matcher.op}"${used[1]}": the variable can hold several values or all',
                    item.at(matcher.at),
                    item.target,
                    remedy="match it with =~",
                    consequence="With All or two values selected, the panel is empty.",
                )


def _labels(subject: Subject) -> Iterator[Problem]:
    for item in subject.expressions:
        if item.dashboard is None or item.panel is not None:
            continue
        for variable in item.dashboard.variables:
            if variable.query is item.placed and variable.label and not item.result.may_have(variable.label):
                near = nearest(variable.label, item.result.possible or ())
                yield CHECK.problem(
                    f"label_values(): the metric has no label {variable.label}",
                    item.placed.at(0),
                    item.target,
                    remedy=f"did you mean {near}?" if near else "choose a label of the metric",
                    consequence="The variable has no values, and every panel that uses it is empty.",
                )

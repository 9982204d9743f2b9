"""A label that the series does not have: matched, grouped by, or joined on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Severity
from stackctl.promql import Aggregate, Binary, Selector, walk
from stackctl.promql.matching import demands_value
from stackctl.promql.series import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Expression, Subject
    from stackctl.problem import Position, Problem
    from stackctl.promql import Shape

CHECK = Check(
    "promql/unknown-label",
    Severity.ERROR,
    "A matcher on it selects nothing or everything; grouping by it merges what should stay apart.",
)


def examine(subject: Subject) -> Iterator[Problem]:
    """Labels in matchers, by, without, on, ignoring and group_left that cannot be there."""
    for item in subject.expressions:
        for node in walk(item.query.root):
            if isinstance(node, Selector):
                yield from _matchers(item, node, subject)
            elif isinstance(node, Aggregate):
                yield from _aggregation(item, node, subject)
            elif isinstance(node, Binary):
                yield from _matching(item, node, subject)


def _matchers(item: Expression, node: Selector, subject: Subject) -> Iterator[Problem]:
    shape = subject.names.shape_of(node.name) if node.name else None
    if shape is None:
        return
    for matcher in node.matchers:
        if shape.may_have(matcher.name):
            continue
        if matcher.variable and matcher.op in ("=~", "!~"):
            yield _problem(
                f"{node.name} has no label {matcher.name}: it selects nothing as soon as the variable has a value",
                matcher.name,
                shape,
                item,
                item.at(matcher.at),
                Severity.WARNING,
            )
            continue
        selects_nothing = demands_value(matcher) or matcher.variable
        if not selects_nothing and matcher.name in subject.names.labels:
            continue  # `{test=""}` on every series, also on those that never carry the label, is good practice
        effect = "it selects nothing" if selects_nothing else "it has no effect"
        yield _problem(
            f"{node.name} has no label {matcher.name}: {effect}",
            matcher.name,
            shape,
            item,
            item.at(matcher.at),
            None if selects_nothing else Severity.WARNING,
        )


def _aggregation(item: Expression, node: Aggregate, subject: Subject) -> Iterator[Problem]:
    shape = item.analysis.shapes[node.operand]
    for label in node.labels:
        known = subject.names.labels if node.without else subject.names.derived_labels
        if shape.may_have(label) or label in known:
            continue
        word = "without" if node.without else "by"
        yield _problem(
            f"{node.op} {word} ({label}): what is aggregated has no label {label}",
            label,
            shape,
            item,
            item.at_label(label, node.at),
            Severity.WARNING if node.without or label in subject.names.labels else None,
        )


def _matching(item: Expression, node: Binary, subject: Subject) -> Iterator[Problem]:
    left, right = item.analysis.shapes[node.left], item.analysis.shapes[node.right]
    if "scalar" in (left.kind, right.kind):
        return
    for label in node.on or ():
        known_elsewhere = label in (subject.names.labels if node.ignoring else subject.names.derived_labels)
        if not (left.may_have(label) or right.may_have(label) or known_elsewhere):
            word = "ignoring" if node.ignoring else "on"
            yield _problem(
                f"{word} ({label}): neither side has a label {label}",
                label,
                left,
                item,
                item.at_label(label, node.at),
                Severity.WARNING,
            )
    one = right if node.group == "left" else left
    for label in node.group_labels if node.group else ():
        if not one.may_have(label):
            yield _problem(
                f"group_{node.group} ({label}): the side it is copied from has no label {label}",
                label,
                one,
                item,
                item.at_label(label, node.at),
                None,
            )


def _problem(
    message: str, label: str, shape: Shape, item: Expression, at: Position, severity: Severity | None
) -> Problem:
    labels = sorted(shape.possible or ())
    near = nearest(label, labels)
    remedy = f"did you mean {near}?" if near else f"its labels are {', '.join(labels) or 'none'}"
    return CHECK.problem(message, at, item.target, remedy=remedy, severity=severity)

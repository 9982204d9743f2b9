"""A label in an alert's text that its result does not have, or a value where it does harm."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Severity
from stackctl.promql.series import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Expression, Subject
    from stackctl.problem import Problem
    from stackctl.source import Placed

CHECK = Check(
    "alert/template",
    Severity.ERROR,
    "The message has a hole where the team, key or model should stand.",
)
_LABEL = re.compile(r"\$labels\.(\w+)|\.Labels\.(\w+)|index\s+(?:\$labels|\.Labels)\s+\"([^\"]+)\"")
_VALUE = re.compile(r"\{\{[^}]*(?:\$value|\.Value)[^}]*\}\}")
_KNOWN_ROOTS = re.compile(r"\{\{[^}]*\$(?!labels\b|value\b|externalLabels\b|externalURL\b)(\w+)")
_DECLARED = re.compile(r"\$(\w+)\s*(?:,\s*\$(\w+)\s*)?:=")
_CONDITIONAL = re.compile(r"\{\{-?\s*(?:else\s+)?(?:if|with)\s+(?:\w+\s+)*$")
_ADDED = frozenset({"alertname"})


def examine(subject: Subject) -> Iterator[Problem]:
    """Label references in labels and annotations, $value in labels, and unbalanced braces."""
    for item in subject.alerts:
        rule = item.rule
        assert rule is not None  # noqa: S101 an alert's expression has its rule
        for text in (*rule.labels.values(), *rule.annotations.values()):
            yield from _references(item, text, subject.names.labels)
        for name, text in rule.labels.items():
            if match := _VALUE.search(text.text):
                yield CHECK.problem(
                    f"the label {name} holds the value",
                    text.at(match.start()),
                    item.target,
                    remedy="put the value into an annotation",
                    consequence="With every evaluation the label changes: the alert never stays firing for its `for`.",
                )


def _references(item: Expression, text: Placed, known: frozenset[str]) -> Iterator[Problem]:
    if text.text.count("{{") != text.text.count("}}"):
        yield CHECK.problem(
            "the template's braces do not match", text.at(0), item.target, remedy="close every {{ with }}"
        )
    possible = item.result.possible
    for match in _LABEL.finditer(text.text):
        label = next(group for group in match.groups() if group)
        if possible is None or label in possible or label in _ADDED:
            continue
        if label in known and _CONDITIONAL.search(text.text[: match.start()]):
            continue  # {{ with $labels.team }}: written for alerts that have it and for those that do not
        near = nearest(label, possible)
        yield CHECK.problem(
            f"the result has no label {label}",
            text.at(match.start()),
            item.target,
            remedy=f"did you mean {near}?" if near else f"its labels are {', '.join(sorted(possible)) or 'none'}",
        )
    declared = {name for found in _DECLARED.finditer(text.text) for name in found.groups() if name}
    for match in _KNOWN_ROOTS.finditer(text.text):
        if match[1] not in declared:
            yield CHECK.problem(
                f"the template variable ${match[1]} does not exist",
                text.at(match.start(1) - 1),
                item.target,
                remedy="there are $labels, $value, $externalLabels and $externalURL",
                consequence="Prometheus refuses the rule file.",
            )

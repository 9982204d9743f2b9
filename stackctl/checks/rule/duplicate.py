"""The same rule twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.problem import Severity
from stackctl.promql.tokens import tokenize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.artefacts import Rule
    from stackctl.checks.subject import Subject
    from stackctl.problem import Problem

CHECK = Check(
    "rule/duplicate",
    Severity.WARNING,
    "Two rules record the same series: samples are dropped as duplicates, and which of them wins is chance. "
    "Two equal alerts are sent twice or hide each other.",
    "keep one of them",
)


def examine(subject: Subject) -> Iterator[Problem]:
    """Rules with the name and labels of an earlier one."""
    seen: dict[object, Rule] = {}
    for rule in subject.rules:
        labels = frozenset((name, text.text) for name, text in rule.labels.items())
        key = (rule.alert, rule.name, labels)
        first = seen.setdefault(key, rule)
        if first is not rule:
            same = _words(first) == _words(rule)
            word = "the same" if same else "another"
            yield CHECK.problem(
                f"{rule.name} is defined at {first.position} already, with {word} expression and the same labels",
                rule.position,
                rule.name,
                severity=None if same else Severity.ERROR,
            )


def _words(rule: Rule) -> list[str]:
    """The expression without blanks and comments."""
    return [token.text for token in tokenize(rule.expr.text)]

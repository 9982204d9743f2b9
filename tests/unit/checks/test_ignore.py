"""Suppressions in the spec: they hold for a time, and say so when it is over."""

from __future__ import annotations

import datetime

from stackctl.checks.ignore import apply_ignores
from stackctl.problem import Position, Problem, Severity
from stackctl.spec.load import parse_spec

SPEC = """
version: 1
name: s
models: [{{name: m, deployments: [{{provider: mock, model: m}}]}}]
checks:
  ignore:
    - {{check: {check}, target: "{target}", reason: "known and harmless", until: 2026-06-30}}
"""
PROBLEM = Problem("promql/zero-guard", "m", Severity.WARNING, Position("f", 1), target="overview/Errors")
IN_TIME, TOO_LATE = datetime.date(2026, 6, 30), datetime.date(2026, 7, 1)


def remaining(day: datetime.date, check: str = "promql/zero-guard", target: str = "overview/*") -> list[Problem]:
    return apply_ignores([PROBLEM], parse_spec(SPEC.format(check=check, target=target)), day)


def test_a_finding_is_passed_over_until_the_last_day() -> None:
    assert remaining(IN_TIME) == []
    assert remaining(IN_TIME, check="promql/*", target="*") == []


def test_after_that_it_is_back_and_the_suppression_is_an_error_at_its_place() -> None:
    problem, complaint = remaining(TOO_LATE)
    assert problem is PROBLEM
    assert (complaint.id, complaint.severity, complaint.position.line) == ("checks/ignore", Severity.ERROR, 7)


def test_a_suppression_that_suppresses_nothing_is_remarked_on() -> None:
    problem, remark = remaining(IN_TIME, check="promql/dead-match")
    assert problem is PROBLEM
    assert remark.severity is Severity.INFO

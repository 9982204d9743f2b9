"""The check rule/duplicate."""

from __future__ import annotations

from stackctl.problem import Severity
from tests.unit.checks.subjects import alert, found, messages, record, subject

ID = "rule/duplicate"


def test_the_same_rule_twice_is_a_warning_and_two_meanings_of_one_series_an_error() -> None:
    (problem,) = found(ID, subject(record("sum(up)", "x:up:sum"), record("sum( up )", "x:up:sum")))
    assert problem.severity is Severity.WARNING
    (problem,) = found(ID, subject(record("sum(up)", "x:up:sum"), record("min(up)", "x:up:sum")))
    assert problem.severity is Severity.ERROR


def test_alerts_of_one_name_may_differ_in_severity() -> None:
    assert messages(ID, alert("up == 0"), alert("up == 0", labels={"severity": "critical"})) == []

"""The check promql/rate-of-gauge."""

from __future__ import annotations

from stackctl.problem import Severity
from tests.unit.checks.subjects import alert, dashboard, found, messages, record, subject

ID = "promql/rate-of-gauge"


def test_the_rate_of_a_gauge_and_the_delta_of_a_counter_are_reported() -> None:
    (problem,) = found(ID, subject(alert("rate(litellm_current_load[5m]) > 1")))
    assert problem.severity is Severity.ERROR
    assert len(messages(ID, alert("delta(litellm_errors_total[5m]) > 1"))) == 1


def test_fitting_functions_are_fine() -> None:
    exprs = ("rate(litellm_errors_total[5m])", "delta(litellm_current_load[5m])", "deriv(litellm_budget_spent_usd[1h])")
    assert messages(ID, dashboard(*exprs)) == []


def test_what_a_recording_rule_records_from_a_rate_is_no_counter() -> None:
    rule = record("sum(rate(litellm_errors_total[5m]))", "llm:errors:rate5m")
    assert len(messages(ID, rule, alert("rate(llm:errors:rate5m[5m]) > 1"))) == 1

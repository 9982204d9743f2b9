"""The check promql/zero-guard."""

from __future__ import annotations

from stackctl.problem import Severity
from tests.unit.checks.subjects import alert, dashboard, found, messages, record, subject

ID = "promql/zero-guard"


def test_a_denominator_that_can_be_zero_is_reported() -> None:
    expr = "sum(rate(litellm_errors_total[5m])) / sum(rate(litellm_requests_total[5m])) > 0.1"
    assert len(messages(ID, alert(expr))) == 1
    assert len(messages(ID, dashboard("litellm_budget_spent_usd / litellm_budget_usd"))) == 1


def test_a_filtered_or_clamped_denominator_is_guarded() -> None:
    ratio = "sum(rate(litellm_errors_total[5m])) / {} > 0.1"
    for below in ("(sum(rate(litellm_requests_total[5m])) > 0)", "clamp_min(litellm_budget_usd, 1)", "300"):
        assert messages(ID, alert(ratio.format(below))) == []


def test_the_guard_of_a_recording_rule_holds_where_it_is_used() -> None:
    rule = record("sum(rate(litellm_requests_total[5m])) > 0", "llm:busy:rate5m")
    assert messages(ID, rule, alert("sum(rate(litellm_errors_total[5m])) / llm:busy:rate5m > 0.1")) == []


def test_dividing_by_the_number_zero_is_an_error() -> None:
    (problem,) = found(ID, subject(alert("litellm_budget_usd / 0 > 1")))
    assert problem.severity is Severity.ERROR

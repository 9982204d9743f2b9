"""The check promql/volume-floor."""

from __future__ import annotations

from stackctl.problem import Severity
from tests.unit.checks.subjects import alert, found, messages, subject

ID = "promql/volume-floor"


RATIO = "sum(rate(litellm_errors_total[5m])) / (sum(rate(litellm_requests_total[5m])) > 0) > 0.1"


def test_a_ratio_of_rates_that_one_event_can_set_off_is_remarked_on() -> None:
    (problem,) = found(ID, subject(alert(RATIO)))
    assert problem.severity is Severity.INFO


def test_a_second_condition_on_the_volume_is_a_floor() -> None:
    assert messages(ID, alert(f"{RATIO} and sum(increase(litellm_requests_total[5m])) >= 10")) == []


def test_a_ratio_of_gauges_needs_none() -> None:
    assert messages(ID, alert("litellm_budget_spent_usd / (litellm_budget_usd > 0) > 0.8")) == []

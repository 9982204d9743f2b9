"""The check alert/never-fires."""

from __future__ import annotations

from tests.unit.checks.subjects import alert, found, messages, subject

ID = "alert/never-fires"


def test_an_alert_on_a_series_that_does_not_exist_names_what_to_write() -> None:
    expr = (
        "sum(rate(litellm_errors_total[5m])) by (provider) / sum(rate(litellm_requests_total[5m])) by (provider) > 0.05"
    )
    (problem,) = found(ID, subject(alert(expr), catalogues=("litellm-1.102",)))
    assert "litellm_deployment_failure_responses_total" in problem.remedy


def test_impossible_comparisons_are_followed_through_the_expression() -> None:
    for expr in (
        "up > 1",
        "rate(litellm_errors_total[5m]) < 0",
        "litellm_provider_up == 2",
        "abs(litellm_current_load) < 0 and up == 1",
        "clamp_max(rate(litellm_errors_total[5m]), 1) > 1",
        "absent(litellm_gateway_info) == 0",
        "count(litellm_current_load) < 1",
    ):
        assert len(messages(ID, alert(expr))) == 1, expr


def test_what_can_happen_is_fine() -> None:
    for expr in ("up == 0", "rate(litellm_errors_total[5m]) > 0", "litellm_requests_remaining < 0", "count(up) > 1"):
        assert messages(ID, alert(expr)) == [], expr


def test_one_living_side_of_or_keeps_an_alert_alive() -> None:
    assert messages(ID, alert("litellm_nothing > 1 or up == 0")) == []
    assert len(messages(ID, alert("litellm_nothing > 1 and up == 0"))) == 1


def test_a_foreign_exporters_series_may_exist() -> None:
    assert messages(ID, alert("node_load1 > 4")) == []

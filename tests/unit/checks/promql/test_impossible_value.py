"""The check promql/impossible-value."""

from __future__ import annotations

from stackctl.problem import Severity
from tests.unit.checks.subjects import PROMETHEUS, alert, dashboard, found, messages, record, subject

ID = "promql/impossible-value"


def test_a_value_outside_a_closed_list_can_never_match() -> None:
    (problem,) = found(ID, subject(alert('rate(litellm_tokens_used_total{token_type="inputs"}[5m]) > 1')))
    assert (problem.severity, problem.remedy) == (Severity.ERROR, 'did you mean "input"?')


def test_a_negative_matcher_that_leaves_nothing_out_is_a_warning() -> None:
    (problem,) = found(ID, subject(alert('rate(litellm_fallbacks_total{success!="yes"}[5m]) > 1')))
    assert problem.severity is Severity.WARNING


def test_regular_expressions_are_tried_on_every_value() -> None:
    expr = 'rate(litellm_requests_total{{status=~"{}"}}[5m]) > 1'
    assert messages(ID, alert(expr.format("5.."))) == []
    assert len(messages(ID, alert(expr.format("6..")))) == 1


def test_only_jobs_that_are_scraped_exist() -> None:
    assert messages(ID, alert('up{job="gateway"} == 0'), PROMETHEUS) == []
    assert len(messages(ID, alert('up{job="gatewy"} == 0'), PROMETHEUS)) == 1
    assert messages(ID, alert('up{job="gatewy"} == 0')) == []


def test_a_bucket_edge_that_the_histogram_does_not_have_is_reported() -> None:
    expr = 'rate(litellm_request_duration_seconds_bucket{{le="{}"}}[5m]) > 1'
    assert messages(ID, alert(expr.format("30.0"))) == []
    assert len(messages(ID, alert(expr.format("31")))) == 1


def test_a_variable_may_hold_anything() -> None:
    assert messages(ID, dashboard('rate(litellm_tokens_used_total{token_type=~"$type"}[5m])')) == []


def test_a_label_that_a_recording_rule_sets_has_that_value_and_no_other() -> None:
    rules = record('label_replace(up, "side", "left", "", "") or label_replace(up, "side", "right", "", "")', "sides")
    assert messages(ID, rules, alert('sides{side="right"} == 0')) == []
    assert len(messages(ID, rules, alert('sides{side="rigt"} == 0'))) == 1

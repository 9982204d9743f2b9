"""The check promql/bucket-reach."""

from __future__ import annotations

from stackctl.problem import Severity
from tests.unit.checks.subjects import alert, found, messages, record, subject

ID = "promql/bucket-reach"


QUANTILE = "histogram_quantile(0.99, sum by (le) (rate(litellm_request_duration_seconds_bucket[5m])))"


def test_a_threshold_at_or_above_the_highest_edge_is_never_crossed() -> None:
    assert len(messages(ID, alert(f"{QUANTILE} > 600"))) == 1
    assert len(messages(ID, alert(f"{QUANTILE} >= 900"))) == 1
    assert messages(ID, alert(f"{QUANTILE} >= 600")) == []


def test_a_threshold_between_two_edges_is_remarked_on() -> None:
    (problem,) = found(ID, subject(alert(f"{QUANTILE} > 40")))
    assert (problem.severity, problem.remedy) == (Severity.INFO, "the nearest edge is 30")
    assert messages(ID, alert(f"{QUANTILE} > 30")) == []


def test_the_buckets_are_followed_through_recording_rules() -> None:
    rule = record("sum by (le) (rate(litellm_request_duration_seconds_bucket[5m]))", "llm:d_bucket:rate5m")
    assert len(messages(ID, rule, alert("histogram_quantile(0.9, sum by (le) (llm:d_bucket:rate5m)) > 601"))) == 1

"""The check promql/quantile-without-le."""

from __future__ import annotations

from stackctl.problem import Severity
from tests.unit.checks.subjects import alert, found, messages, record, subject

ID = "promql/quantile-without-le"


def test_a_quantile_of_series_that_lost_le_is_an_error() -> None:
    expr = "histogram_quantile(0.9, sum by (model) (rate(litellm_request_duration_seconds_bucket[5m]))) > 1"
    (problem,) = found(ID, subject(alert(expr)))
    assert problem.severity is Severity.ERROR


def test_a_quantile_of_a_histograms_count_is_an_error() -> None:
    expr = "histogram_quantile(0.9, rate(litellm_request_duration_seconds_count[5m])) > 1"
    (problem,) = found(ID, subject(alert(expr)))
    assert problem.severity is Severity.ERROR


def test_a_quantile_of_every_single_series_is_a_warning() -> None:
    (problem,) = found(ID, subject(alert("histogram_quantile(0.9, rate(litellm_request_duration_bucket[5m])) > 1")))
    assert problem.severity is Severity.WARNING


def test_summing_by_le_first_is_right_also_in_a_recording_rule() -> None:
    rule = record("sum by (le) (rate(litellm_request_duration_seconds_bucket[5m]))", "llm:d_bucket:rate5m")
    assert messages(ID, rule, alert("histogram_quantile(0.9, llm:d_bucket:rate5m) > 1")) == []

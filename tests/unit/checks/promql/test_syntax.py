"""The check promql/syntax."""

from __future__ import annotations

from tests.unit.checks.subjects import alert, dashboard, found, messages, subject

ID = "promql/syntax"


def test_an_expression_that_is_not_promql_is_named_at_its_place() -> None:
    (problem,) = found(ID, subject(alert("rate(litellm_requests_total[5m) > 1")))
    assert (problem.position.line, problem.target) == (5, "A")


def test_promql_with_grafana_variables_in_every_notation_is_read() -> None:
    exprs = (
        'sum(rate(litellm_requests_total{model=~"$model",team=~"${team:regex}",key=~"[[key]]"}[$__rate_interval]))',
        "increase(litellm_requests_total[$__range])",
        "rate(litellm_requests_total[$__interval]) * $__interval_ms + $__range_s",
        "topk($n, rate(litellm_requests_total[${window}] offset $shift))",
    )
    assert messages(ID, dashboard(*exprs)) == []

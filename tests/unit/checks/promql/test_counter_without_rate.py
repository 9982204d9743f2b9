"""The check promql/counter-without-rate."""

from __future__ import annotations

from stackctl.problem import Severity
from tests.unit.checks.subjects import alert, dashboard, found, messages, record, subject

ID = "promql/counter-without-rate"


def test_the_value_of_a_counter_is_not_compared() -> None:
    (problem,) = found(ID, subject(alert("litellm_errors_total > 100")))
    assert problem.severity is Severity.WARNING
    assert len(messages(ID, dashboard("litellm_cache_hits_total / litellm_cache_misses_total"))) == 2


def test_rates_of_counters_and_values_of_gauges_are_fine() -> None:
    exprs = ("rate(litellm_errors_total[5m])", "litellm_current_load", "increase(litellm_errors_total[1h]) > 3")
    assert messages(ID, dashboard(*exprs)) == []


def test_asking_for_the_presence_of_a_counter_is_fine() -> None:
    exprs = ("absent(litellm_errors_total)", "count(litellm_errors_total)", "up and on () litellm_errors_total")
    assert messages(ID, dashboard(*exprs)) == []


def test_a_recorded_counter_is_judged_where_it_is_used() -> None:
    rule = record("sum by (model) (litellm_cache_hits_total)", "llm:cache_hits:total")
    assert messages(ID, rule, alert("increase(llm:cache_hits:total[1h]) > 1")) == []
    assert len(messages(ID, rule, alert("llm:cache_hits:total > 1"))) == 1


def test_a_series_that_has_just_been_born_may_be_compared_whole() -> None:
    expr = "sum(litellm_errors_total unless litellm_errors_total offset 10m) > 0"
    assert messages(ID, alert(expr)) == []

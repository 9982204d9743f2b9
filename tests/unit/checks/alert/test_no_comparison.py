"""The check alert/no-comparison."""

from __future__ import annotations

from tests.unit.checks.subjects import alert, messages

ID = "alert/no-comparison"


def test_an_expression_that_compares_nothing_fires_always() -> None:
    for expr in ("rate(litellm_errors_total[5m])", "litellm_current_load > bool 5", "sum(litellm_current_load) or up"):
        assert messages(ID, alert(expr)) == ["the expression compares nothing"], expr


def test_comparisons_absences_and_conditions_are_conditions() -> None:
    for expr in (
        "litellm_current_load > 5",
        "absent(litellm_gateway_info)",
        "litellm_current_load unless on () litellm_provider_up",
        "count by (model) (litellm_current_load > 5)",
        "litellm_current_load and on () up == 0",
    ):
        assert messages(ID, alert(expr)) == [], expr


def test_a_dead_mans_switch_fires_always_on_purpose() -> None:
    assert messages(ID, alert("vector(1)")) == []


def test_a_comparison_that_every_value_passes_is_none() -> None:
    assert len(messages(ID, alert("rate(litellm_errors_total[5m]) >= 0"))) == 1
    assert messages(ID, alert("sum(rate(litellm_errors_total[5m]) >= 0) > 3")) == []

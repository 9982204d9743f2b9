"""The check dashboard/unit."""

from __future__ import annotations

from tests.unit.checks.subjects import dashboard, found, messages, subject

ID = "dashboard/unit"


UNITS = frozenset({"s", "reqps", "currencyUSD"})


def test_a_unit_grafana_does_not_know_is_reported_with_the_nearest() -> None:
    text = dashboard("up", fieldConfig={"defaults": {"unit": "currencyUsd"}})
    (problem,) = found(ID, subject(text, units=UNITS))
    assert problem.remedy == "did you mean 'currencyUSD'?"


def test_overrides_are_looked_at_and_custom_units_are_allowed() -> None:
    overrides = [{"properties": [{"id": "unit", "value": unit} for unit in ("secs", "suffix:req", "s")]}]
    text = dashboard("up", fieldConfig={"defaults": {"unit": "reqps"}, "overrides": overrides})
    assert messages(ID, text, units=UNITS) == ["Grafana knows no unit 'secs'"]

"""The check alert/absent-blindness."""

from __future__ import annotations

from tests.unit.checks.subjects import alert, messages, record

ID = "alert/absent-blindness"


def test_an_alert_is_blind_when_nobody_watches_for_its_series() -> None:
    assert messages(ID, alert("rate(litellm_errors_total[5m]) > 1")) == [
        "nothing tells when litellm_errors_total is absent"
    ]


def test_one_absence_alert_per_catalogue_is_enough() -> None:
    watcher = alert("absent(litellm_gateway_info) and on () up == 1", "Missing")
    assert messages(ID, watcher, alert("rate(litellm_errors_total[5m]) > 1")) == []


def test_series_behind_recording_rules_count() -> None:
    rule = record("sum(rate(litellm_errors_total[5m]))", "llm:errors:rate5m")
    assert len(messages(ID, rule, alert("llm:errors:rate5m > 1"))) == 1

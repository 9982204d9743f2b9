"""The check promql/unknown-label."""

from __future__ import annotations

from stackctl.problem import Severity
from tests.unit.checks.subjects import PROMETHEUS, alert, dashboard, found, messages, record, subject

ID = "promql/unknown-label"


def test_a_matcher_on_a_label_the_series_lacks_selects_nothing() -> None:
    (problem,) = found(ID, subject(alert('rate(litellm_cache_hits_total{provider="openai"}[5m]) > 1'), PROMETHEUS))
    assert problem.severity is Severity.ERROR
    assert problem.message == "litellm_cache_hits_total has no label provider: it selects nothing"


def test_a_negative_matcher_on_an_unheard_of_label_has_no_effect() -> None:
    (problem,) = found(ID, subject(alert('rate(litellm_cache_hits_total{modle!="x"}[5m]) > 1'), PROMETHEUS))
    assert (problem.severity, problem.remedy) == (Severity.WARNING, "did you mean model?")


def test_grouping_joining_and_copying_labels_that_are_not_there_is_reported() -> None:
    by = "sum by (modell) (rate(litellm_cache_hits_total[5m])) > 1"
    on = "up * on (modell) up"
    group = "litellm_requests_remaining * on (provider) group_left (modell) litellm_provider_up"
    assert len(messages(ID, alert(by), PROMETHEUS)) == 1
    assert len(messages(ID, alert(on), PROMETHEUS)) == 1
    assert len(messages(ID, alert(group), PROMETHEUS)) == 1


def test_labels_made_by_label_replace_and_by_recording_rules_are_there() -> None:
    made = 'label_replace(rate(litellm_requests_total[5m]), "test", "$1", "key", "test-(.+)")'
    rule = record(f"sum by (model, test) ({made})", "llm:requests:rate5m")
    assert messages(ID, rule, alert('sum by (test) (llm:requests:rate5m{test=""}) > 1'), PROMETHEUS) == []


def test_target_labels_come_from_prometheus_yml() -> None:
    config = PROMETHEUS.replace("targets:", 'labels: {site: "b"}, targets:')
    expr = 'rate(litellm_requests_total{site="b"}[5m]) > 1'
    assert messages(ID, alert(expr), config) == []
    assert messages(ID, alert(expr), PROMETHEUS) != []


def test_a_label_that_metric_relabelling_drops_is_gone() -> None:
    dropped = PROMETHEUS + '    metric_relabel_configs: [{action: labeldrop, regex: "team|key"}]\n'
    expr = "sum by (team) (rate(litellm_requests_total[5m])) > 1"
    assert messages(ID, alert(expr), PROMETHEUS) == []
    assert len(messages(ID, alert(expr), dropped)) == 1


def test_alerts_have_the_labels_of_the_alerts_that_run() -> None:
    rules = alert("sum by (model) (rate(litellm_requests_total[5m])) > 1", labels={"severity": "info", "team": "a"})
    assert messages(ID, rules, dashboard("count by (alertname, model, team) (ALERTS)"), closed=True) == []
    assert len(messages(ID, rules, dashboard("count by (moel) (ALERTS)"), closed=True)) == 1
    assert messages(ID, rules, dashboard("count by (moel) (ALERTS)"), closed=False) == []

"""The rules of a spec: what is rendered, what is left out and why, and what holds of all of them."""

from __future__ import annotations

import pytest

from stackctl.catalogue.alerts import load_alert_groups
from stackctl.catalogue.promql import selectors
from stackctl.catalogue.rules import RuleSet, resolve_rules
from stackctl.errors import SpecError
from stackctl.proof.drivers.registry import registry
from stackctl.render.rule_tests.scenario import scenarios
from stackctl.resources import data_dir
from stackctl.spec import parse_spec

SPEC = """
version: 1
name: rules
models: [{name: m, deployments: [{provider: mock, model: m}]}]
"""
ENGINES = {
    "bundled": "",
    "litellm-1.87": "gateway: {engine: litellm, version: 1.87.0}\n",
    "litellm-1.102": "gateway: {engine: litellm, version: 1.102.4}\n",
    "litellm-1.109": "gateway: {engine: litellm}\n",
}
NAMES = [definition.name for group in load_alert_groups() for definition in group.alerts]


def rules_of(more: str = "") -> RuleSet:
    return resolve_rules(parse_spec(SPEC + more))


@pytest.mark.parametrize("line", ENGINES)
def test_every_alert_is_rendered_or_left_out_with_a_reason(line: str) -> None:
    rules = rules_of(ENGINES[line])
    left_out = {item.name: item.reason for item in rules.left_out if item.kind == "alert"}
    assert rules.line == line
    assert sorted([*left_out, *(alert.name for alert in rules.alerts)]) == sorted(NAMES)
    assert all(left_out.values())


@pytest.mark.parametrize("line", ENGINES)
def test_an_alert_reads_only_what_its_own_group_has_recorded_before_it(line: str) -> None:
    """Otherwise it would be up to one evaluation late, and the bound on delivery would not hold."""
    for group in rules_of(ENGINES[line]).groups:
        own = {recording.record for recording in group.recordings}
        for alert in group.alerts:
            read = {s.metric for s in selectors(alert.expr) if s.metric.startswith("llm:")}
            assert read <= own, alert.name


@pytest.mark.parametrize("line", ENGINES)
def test_no_name_is_recorded_twice(line: str) -> None:
    recorded = [recording.record for group in rules_of(ENGINES[line]).groups for recording in group.recordings]
    assert len(recorded) == len(set(recorded))


def test_the_gateway_alerts_of_the_guides_keep_their_names_and_thresholds() -> None:
    alerts = {alert.name: (alert.threshold, str(alert.for_)) for alert in rules_of().alerts}
    assert alerts["LitellmHighErrorRate"] == (0.05, "5m")
    assert alerts["LitellmRateLimitHeadroom"] == (0.2, "2m")
    assert alerts["LitellmHighP99Latency"] == (30, "10m")
    assert alerts["LitellmKeyBudget80"] == (0.8, "0s")


def test_each_alert_has_a_scenario_a_runbook_and_a_way_to_prove_it() -> None:
    assert sorted(scenarios()) == sorted(NAMES)
    assert sorted(page.stem for page in data_dir("docs/runbooks").glob("*.md")) == sorted(NAMES)
    assert sorted(registry()) == sorted(NAMES)
    for name in NAMES:
        page = (data_dir("docs/runbooks") / f"{name}.md").read_text()
        assert [line for line in page.splitlines() if line.startswith("#")] == [
            f"# {name}",
            "## Meaning",
            "## Impact",
            "## Diagnosis",
            "## Mitigation",
        ]


def test_a_window_beyond_the_retention_is_never_rendered() -> None:
    short = rules_of("prometheus: {retention: 2d}\n")
    slow = next(alert for alert in short.alerts if alert.name == "LitellmErrorBudgetBurnSlow")
    assert "[3d]" not in slow.expr
    assert "[1d]" in slow.expr
    shorter = rules_of("prometheus: {retention: 3h}\n")
    reasons = {item.name: item.reason for item in shorter.left_out}
    assert "retention of 3h" in reasons["LitellmErrorBudgetBurnSlow"]
    assert "retention of 3h" in reasons["LitellmBudgetForecast"]


def test_an_objective_that_could_never_be_missed_is_refused_at_its_line() -> None:
    with pytest.raises(SpecError) as refused:
        rules_of("alerts: {rules: {LitellmErrorBudgetBurnFast: {threshold: 0.9}}}\n")
    (problem,) = refused.value.problems
    assert problem.id == "spec/unreachable"
    assert "14.4" in problem.message
    assert problem.position.line == 5


def test_an_unknown_alert_is_refused_with_a_suggestion() -> None:
    with pytest.raises(SpecError) as refused:
        rules_of("alerts: {rules: {LitellmHighErorRate: {enabled: false}}}\n")
    assert "LitellmHighErrorRate" in refused.value.problems[0].remedy


def test_the_spec_changes_threshold_floor_duration_severity_and_labels() -> None:
    change = "{threshold: 0.5, floor: 7, for: 9m, severity: critical, labels: {page: 'yes'}}"
    alert = next(a for a in rules_of(f"alerts: {{rules: {{LitellmHighErrorRate: {change}}}}}\n").alerts if a.floor == 7)
    assert (alert.name, alert.threshold, str(alert.for_)) == ("LitellmHighErrorRate", 0.5, "9m")
    assert alert.labels == {"severity": "critical", "page": "yes"}
    assert "> 0.5" in alert.expr
    assert ">= 7" in alert.expr


def test_an_alert_links_its_runbook_and_its_dashboard_with_the_variables_filled_in() -> None:
    more = "alerts: {runbooks: 'https://wiki/{alert}.html', dashboards: 'https://grafana/'}\n"
    alert = next(a for a in rules_of(more).alerts if a.name == "LitellmKeyBudget80")
    assert alert.runbook_url == "https://wiki/LitellmKeyBudget80.html"
    assert alert.dashboard_url.startswith("https://grafana/d/stackctl-cost?")
    assert "{{ with $labels.key }}&var-key={{ . | urlquery }}{{ end }}" in alert.dashboard_url

"""The check route/inhibition."""

from __future__ import annotations

from stackctl.problem import Severity
from tests.unit.checks.subjects import alert, found, messages, subject

ID = "route/inhibition"
RULE = """
route: {{receiver: x}}
receivers: [{{name: x, webhook_configs: [{{}}]}}]
inhibit_rules:
  - source_matchers: ['alertname="{source}"']
    target_matchers: ['alertname="{target}"']
    equal: [{equal}]
"""
DOWN = alert("up == 0", "Down")
ERRORS = alert("sum by (model) (rate(litellm_errors_total[5m])) > 1", "Errors")


def inhibit(source: str = "Down", target: str = "Errors", equal: str = "stack") -> str:
    return RULE.format(source=source, target=target, equal=equal)


def test_equal_labels_that_no_alert_carries_mute_everything() -> None:
    (problem,) = found(ID, subject(inhibit(equal="planet"), DOWN, ERRORS))
    assert problem.severity is Severity.ERROR
    assert problem.position.line == 5


def test_a_label_of_one_side_only_mutes_nothing() -> None:
    assert messages(ID, inhibit(equal="job"), DOWN, ERRORS) == [
        "the equal label job is on one side only, so nothing is ever muted"
    ]


def test_a_rule_for_alerts_that_do_not_exist_is_reported() -> None:
    assert messages(ID, inhibit(source="Dwon", equal="job"), DOWN, ERRORS) == [
        "no alert matches the source of this inhibition rule"
    ]


def test_a_shared_label_is_fine() -> None:
    other = alert("sum by (model) (litellm_current_load) > 1", "Load")
    assert messages(ID, inhibit(source="Load", equal="model"), other, ERRORS) == []

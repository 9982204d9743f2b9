"""The check route/dead-end."""

from __future__ import annotations

from stackctl.problem import Severity
from tests.unit.checks.subjects import PROMETHEUS, alert, found, messages, subject

ID = "route/dead-end"
ROUTES = """
route:
  receiver: slack
  routes:
    - {receiver: nobody, matchers: ['severity="info"']}
    - {receiver: nobody, matchers: ['team="test"']}
receivers: [{name: slack, slack_configs: [{}]}, {name: nobody}]
"""


def test_an_alert_that_ends_at_a_receiver_that_sends_nothing_is_reported_at_the_route() -> None:
    (problem,) = found(ID, subject(ROUTES, alert("up == 0", labels={"severity": "info"})))
    assert (problem.severity, problem.position.line, problem.target) == (Severity.ERROR, 5, "A")


def test_labels_known_only_when_it_fires_make_it_a_warning() -> None:
    expr = "sum by (team) (rate(litellm_errors_total[5m])) > 1"
    (problem,) = found(ID, subject(ROUTES, alert(expr)))
    assert problem.severity is Severity.WARNING
    assert messages(ID, ROUTES, alert("up == 0")) == []


def test_labels_that_prometheus_adds_on_the_way_count() -> None:
    config = PROMETHEUS.replace("global: {", "global: {external_labels: {team: test}, ")
    (problem,) = found(ID, subject(ROUTES, config, alert("up == 0")))
    assert problem.severity is Severity.ERROR


def test_a_receiver_nobody_defines_is_reported() -> None:
    text = ROUTES.replace("{receiver: nobody, matchers: ['team=\"test\"']}", "{receiver: gone}")
    assert "no receiver gone is defined" in messages(ID, text)


def test_without_alertmanager_yml_there_is_nothing_to_say() -> None:
    assert messages(ID, alert("up == 0")) == []

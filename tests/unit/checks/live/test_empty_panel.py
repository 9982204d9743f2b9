"""The check live/empty-panel; tests/integration/checks asks a real Prometheus."""

from __future__ import annotations

from stackctl.checks.live.api import Sample
from stackctl.checks.live.empty_panel import examine
from tests.unit.checks.live.answers import answers
from tests.unit.checks.subjects import dashboard, subject

ID = "live/empty-panel"
MODEL = {"name": "model", "type": "query", "multi": True, "query": "label_values(up, model)"}
TEAM = {"name": "team", "type": "query", "query": "label_values(up, team)"}


def test_variables_are_filled_in_as_on_a_fresh_dashboard() -> None:
    text = dashboard('sum(rate(litellm_x{model=~"$model", team="$team"}[$__rate_interval]))', variables=[MODEL, TEAM])
    asked = 'sum(rate(litellm_x{model=~".*", team="backend"}[60s]))'
    files = answers({asked: [Sample({}, 1.0)]}, {"team": ["backend", "data"]})
    assert list(examine(subject(text), files)) == []


def test_an_empty_panel_is_reported_with_the_innermost_reason() -> None:
    (problem,) = examine(subject(dashboard("sum(litellm_x) > 0")), answers({}))
    assert problem.message == "no data: no series is named litellm_x"
    assert problem.target == "d/P0"


def test_a_filter_that_lets_nothing_through_names_the_values() -> None:
    values = {"litellm_x": [Sample({"a": "1"}, 2.0), Sample({"a": "2"}, 3.0)]}
    (problem,) = examine(subject(dashboard("litellm_x > 5")), answers(values))
    assert problem.message == "no data: no value passes `>`: they lie between 2 and 3"

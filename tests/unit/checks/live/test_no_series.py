"""The check live/no-series; tests/integration/checks asks a real Prometheus."""

from __future__ import annotations

from stackctl.checks.live.api import Sample
from stackctl.checks.live.no_series import examine
from tests.unit.checks.live.answers import answers
from tests.unit.checks.subjects import alert, subject

ID = "live/no-series"


def test_a_selector_without_series_is_named_and_an_absence_is_not() -> None:
    files = subject(alert("litellm_current_load > 1 or absent(litellm_gateway_info)"))
    (problem,) = examine(files, answers({}))
    assert problem.message == "A: no series is named litellm_current_load"
    assert problem.position.line == 5


def test_a_value_that_no_series_has_is_told_with_those_they_have() -> None:
    files = subject(alert('litellm_current_load{model="x"} > 1'))
    there = {'group({__name__="litellm_current_load"})': [Sample({}, 1.0)]}
    (problem,) = examine(files, answers(there, {"model": ["a", "b"]}))
    assert problem.message == 'A: no series of litellm_current_load has model="x": its values are a, b'


def test_sides_that_both_have_series_and_never_meet_are_named_with_an_example() -> None:
    sides = {"a": [Sample({"x": "1"}, 1.0)], "b": [Sample({"x": "2"}, 1.0)]}
    (problem,) = examine(subject(alert("a / on (x) b > 1")), answers(sides))
    assert problem.message == 'A: no labels match: left has {x="1"}, right has {x="2"}'


def test_a_healthy_value_below_the_threshold_is_no_finding() -> None:
    load = {"litellm_current_load": [Sample({"model": "m"}, 0.0)]}
    assert list(examine(subject(alert("litellm_current_load > 1")), answers(load))) == []

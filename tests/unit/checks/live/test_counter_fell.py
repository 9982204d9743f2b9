"""The check live/counter-fell."""

from __future__ import annotations

from stackctl.checks.live.counter_fell import examine
from stackctl.checks.live.page import parse
from stackctl.problem import Severity
from tests.unit.checks.live.pages import PAGE

ID = "live/counter-fell"


def test_a_counter_that_falls_or_vanishes_between_scrapes_is_an_error() -> None:
    lower, gone = PAGE.replace("} 7", "} 3"), PAGE.replace('a_requests_total{model="m",team="t"} 7\n', "")
    for other in (lower, gone):
        (problem,) = examine([parse(PAGE), parse(other)], "http://g")
        assert (problem.severity, problem.target) == (Severity.ERROR, "a_requests_total")


def test_rising_counters_and_falling_gauges_are_fine() -> None:
    higher = PAGE.replace("} 7", "} 9")
    gauge = "# TYPE a_depth gauge\na_depth {}\n"
    assert list(examine([parse(PAGE + gauge.format(5)), parse(higher + gauge.format(1))], "http://g")) == []

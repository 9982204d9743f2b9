"""The check live/extra-metric."""

from __future__ import annotations

from stackctl.checks.live.extra_metric import examine
from stackctl.checks.live.page import parse
from stackctl.problem import Severity
from tests.unit.checks.live.pages import OWN, PAGE

ID = "live/extra-metric"


def test_a_series_that_the_catalogue_lacks_is_remarked_on() -> None:
    page = PAGE + "# TYPE new_total counter\nnew_total 1\n# TYPE python_info gauge\npython_info 1\n"
    (problem,) = examine([parse(page)], OWN, "http://g")
    assert (problem.target, problem.severity) == ("new_total", Severity.INFO)
    assert list(examine([parse(PAGE)], OWN, "http://g")) == []

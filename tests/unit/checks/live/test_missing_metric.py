"""The check live/missing-metric."""

from __future__ import annotations

from stackctl.checks.live.missing_metric import examine
from stackctl.checks.live.page import parse
from stackctl.problem import Severity
from tests.unit.checks.live.pages import OWN, PAGE

ID = "live/missing-metric"


def test_a_metric_that_no_scrape_showed_is_reported() -> None:
    found = list(examine([parse(PAGE)], OWN, "http://g"))
    assert [(problem.target, problem.severity) for problem in found] == [
        ("a_depth", Severity.WARNING),
        ("a_optional", Severity.INFO),
    ]


def test_a_family_without_samples_counts_as_exposed() -> None:
    page = PAGE + "# TYPE a_depth gauge\n# TYPE a_optional gauge\n"
    assert list(examine([parse(page)], OWN, "http://g")) == []

"""The check live/label-drift."""

from __future__ import annotations

from stackctl.checks.live.label_drift import examine
from stackctl.checks.live.page import parse
from stackctl.problem import Severity
from tests.unit.checks.live.pages import OWN, PAGE

ID = "live/label-drift"


def test_a_label_that_is_gone_is_an_error_and_a_new_one_a_warning() -> None:
    gone = PAGE.replace('model="m",', "")
    (problem,) = examine([parse(gone)], OWN, "http://g")
    assert (problem.severity, problem.message) == (Severity.ERROR, "a_requests_total lacks model at http://g")
    new = PAGE.replace('model="m",', 'model="m",pod="p",')
    (problem,) = examine([parse(new)], OWN, "http://g")
    assert problem.severity is Severity.WARNING


def test_equal_labels_are_fine_also_those_of_histograms() -> None:
    assert list(examine([parse(PAGE)], OWN, "http://g")) == []

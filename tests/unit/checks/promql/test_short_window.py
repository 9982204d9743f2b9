"""The check promql/short-window."""

from __future__ import annotations

from stackctl.problem import Severity
from tests.unit.checks.subjects import PROMETHEUS, alert, dashboard, found, messages, subject

ID = "promql/short-window"


def test_a_window_below_four_scrapes_is_a_warning_and_below_two_an_error() -> None:
    (problem,) = found(ID, subject(alert("rate(litellm_errors_total[45s]) > 1"), PROMETHEUS))
    assert problem.severity is Severity.WARNING
    (problem,) = found(ID, subject(alert("rate(litellm_errors_total[20s]) > 1"), PROMETHEUS))
    assert problem.severity is Severity.ERROR


def test_the_scrape_interval_of_prometheus_yml_decides() -> None:
    slow = PROMETHEUS.replace("15s", "60s")
    assert messages(ID, alert("rate(litellm_errors_total[2m]) > 1"), PROMETHEUS) == []
    assert messages(ID, alert("rate(litellm_errors_total[2m]) > 1"), slow) == [
        "rate() over 2m at a scrape interval of 1m"
    ]


def test_grafanas_rate_interval_is_long_enough_and_its_interval_is_not() -> None:
    assert messages(ID, dashboard("rate(litellm_errors_total[$__rate_interval])")) == []
    (problem,) = found(ID, subject(dashboard("rate(litellm_errors_total[$__interval])")))
    assert (problem.severity, problem.remedy) == (Severity.WARNING, "use [$__rate_interval]")

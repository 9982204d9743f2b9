"""The check promql/unknown-metric."""

from __future__ import annotations

from stackctl.problem import Severity
from tests.unit.checks.subjects import alert, found, messages, record, subject

ID = "promql/unknown-metric"


def test_a_series_of_no_catalogue_is_reported_with_the_nearest_name() -> None:
    (problem,) = found(ID, subject(alert("rate(litellm_request_total[5m]) > 1")))
    assert problem.severity is Severity.ERROR
    assert problem.remedy == "did you mean litellm_requests_total?"
    assert (problem.position.line, problem.position.column) == (5, 16)


def test_recording_rules_of_the_same_run_are_known_and_their_misspelling_is_not() -> None:
    rule = record("sum(rate(litellm_requests_total[5m]))", "llm:requests:rate5m")
    assert messages(ID, rule, alert("llm:requests:rate5m > 1")) == []
    (problem,) = found(ID, subject(rule, alert("llm:request:rate5m > 1")))
    assert problem.remedy == "did you mean llm:requests:rate5m?"


def test_a_series_of_another_exporter_is_only_remarked_on() -> None:
    (problem,) = found(ID, subject(alert("node_load1 > 4")))
    assert problem.severity is Severity.INFO
    (problem,) = found(ID, subject(alert("node_load1 > 4"), closed=True))
    assert problem.severity is Severity.ERROR


def test_what_prometheus_itself_adds_to_a_scrape_is_known() -> None:
    assert messages(ID, alert('up == 0 or scrape_samples_scraped < 1 or ALERTS{alertstate="firing"} == 1')) == []


def test_a_panel_in_a_collapsed_row_is_examined_at_its_place() -> None:
    text = """{"uid": "x", "panels": [{"type": "row", "panels": [
      {"type": "timeseries", "title": "T", "targets": [{"expr": "sum(\\n  rate(\\"no\\" == bool 1, litellm_nothing[5m]))"}]}]}]}"""
    text = text.replace(
        'rate(\\"no\\" == bool 1, litellm_nothing[5m])', 'rate(litellm_nothing_total{model=\\"a\\"}[5m])'
    )
    (problem,) = found(ID, subject(text))
    line = text.splitlines()[problem.position.line - 1]
    assert line[problem.position.column - 1 :].startswith("litellm_nothing_total")

"""The check alert/annotations."""

from __future__ import annotations

from stackctl.problem import Severity
from tests.unit.checks.subjects import alert, found, messages, subject

ID = "alert/annotations"


def test_missing_texts_are_one_warning_and_a_missing_runbook_a_remark() -> None:
    problems = found(ID, subject(alert("up == 0", labels={}, annotations={"summary": "s"})))
    assert [(problem.severity, problem.message) for problem in problems] == [
        (Severity.WARNING, "missing: description, the label severity"),
        (Severity.INFO, "missing: runbook_url"),
    ]


def test_a_complete_alert_is_fine() -> None:
    assert messages(ID, alert("up == 0")) == []

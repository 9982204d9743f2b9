"""What stackctl renders is without findings; both engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackctl.checks.engine import examine
from stackctl.checks.files import subject_of_bundle
from stackctl.checks.subject import Subject
from stackctl.problem import Severity
from stackctl.render import render_bundle
from stackctl.spec import load_spec

TESTS = Path(__file__).parents[2]
BUNDLED = sorted(path for path in (TESTS / "golden").glob("*/stack.yaml") if "litellm" not in path.read_text())
LITELLM = TESTS / "mutation" / "litellm.yaml"
LINES = ("1.87.0", "1.102.4", "1.109.1")


def subject_of(spec: Path) -> Subject:
    source = load_spec(spec)
    return subject_of_bundle(source, render_bundle(source).files, Path("bundle"))


@pytest.mark.parametrize("spec", BUNDLED, ids=lambda path: path.parent.name)
def test_a_bundle_for_the_bundled_gateway_has_no_finding_at_all(spec: Path) -> None:
    subject = subject_of(spec)
    assert len(subject.rules) > 30
    assert len(subject.expressions) > 100
    assert subject.unreadable == ()
    assert [str(problem) for problem in examine(subject)] == []


@pytest.mark.parametrize("version", LINES)
def test_a_bundle_for_litellm_has_no_finding_either_and_every_alert_can_fire(version: str, tmp_path: Path) -> None:
    spec = tmp_path / "stack.yaml"
    spec.write_text(LITELLM.read_text().replace("1.102.4", version))
    subject = subject_of(spec)
    assert [str(problem) for problem in examine(subject) if problem.severity > Severity.INFO] == []
    assert all(alert.result.dead is None for alert in subject.alerts)


def test_a_check_of_a_whole_bundle_looks_at_every_metric_of_every_query() -> None:
    subject = subject_of(BUNDLED[0])
    metrics = frozenset().union(*(item.result.metrics for item in subject.expressions))
    assert metrics <= {series.name for series in subject.series} | {"up", "ALERTS", "ALERTS_FOR_STATE"}
    assert "litellm_requests_total" in metrics

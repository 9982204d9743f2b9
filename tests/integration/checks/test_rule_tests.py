"""The rendered promtool tests as a part of `stackctl check`."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackctl.checks.report import Report
from stackctl.checks.rule_tests import alert_tests, check_rule_tests
from stackctl.render import render_bundle
from stackctl.runtime.tools import Tool
from stackctl.spec import load_spec
from tests.command import stackctl
from tests.real_parts import stable_parts

SPEC = Path(__file__).parents[2] / "golden" / "minimal" / "stack.yaml"
ERRORS = "prometheus/rules/errors.yml"


def of_tests(stack: Path, **environment: str) -> dict[str, str]:
    """The line of the report that is about the tests."""
    done = stackctl("check", "-C", stack, "--json", **environment)
    (row,) = [row for row in done.envelope["data"]["checked"] if " tests of " in row["what"]]
    return dict(row)


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    (tmp_path / "stack.yaml").write_text(SPEC.read_text())
    return tmp_path


def test_check_runs_every_test_once_and_remembers_what_passed(stack: Path) -> None:
    environment = stable_parts().environment() | {"XDG_CACHE_HOME": str(stack / "cache")}
    first, again = of_tests(stack, **environment), of_tests(stack, **environment)
    assert first["verdict"] == again["verdict"] == "ok"
    assert first["by"].startswith("promtool ")
    assert "as before" not in first["by"]
    assert again["by"].startswith(f"{first['by']} (")
    cases = alert_tests(render_bundle(load_spec(SPEC)).files)
    assert first["what"] == f"{sum(len(case.tests['tests']) for case in cases)} tests of {len(cases)} alerts"
    assert len(list((stack / "cache" / "stackctl" / "passed").glob("*/*"))) == len(cases)


def test_check_says_that_nobody_ran_them_without_promtool(stack: Path) -> None:
    row = of_tests(stack, STACKCTL_PROMTOOL=str(stack / "no-promtool"))
    assert row["verdict"] == "not checked: promtool comes with Prometheus"


def test_a_rule_that_fails_its_tests_is_named_each_time_and_never_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    rendered = render_bundle(load_spec(SPEC)).files
    files = {path: content for path, content in rendered.items() if Path(path).name.startswith("errors")}
    broken = files | {ERRORS: files[ERRORS].replace(b"> 0.05", b"> 0.5")}
    promtool = Tool("promtool", stable_parts().promtool, "of the test")
    for _ in range(2):
        report = Report()
        check_rule_tests(broken, promtool, report)
        (problem,) = report.problems
        assert (problem.id, problem.target) == ("native/test-failed", "LitellmHighErrorRate")
        assert problem.message == "LitellmHighErrorRate is silent in its tests after 12m, where it must fire"
        assert str(problem.position) == "bundle/prometheus/tests/errors-30s.yml"
    eager = files | {ERRORS: files[ERRORS].replace(b"> 0.05", b"> 0.0005")}
    report = Report()
    check_rule_tests(eager, promtool, report)
    assert ["must be silent" in problem.message for problem in report.problems] == [True]
    report = Report()
    check_rule_tests(files, promtool, report)
    assert report.problems == []


def test_an_alert_is_judged_with_what_it_stands_on_and_nothing_else() -> None:
    cases = {case.alert: case for case in alert_tests(render_bundle(load_spec(SPEC)).files)}
    (group,) = cases["LitellmProviderDown"].rules["groups"]
    assert [rule.get("record") or rule["alert"] for rule in group["rules"]] == [
        "llm:attempts:rate5m",
        "llm:errors:rate5m",
        "LitellmProviderDown",
    ]

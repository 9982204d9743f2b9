"""The snippets of two published guides, as printed, given to the installed `stackctl check`."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from stackctl.checks.replacements import inventions
from tests.command import stackctl

GUIDES = Path(__file__).parents[2] / "fixtures" / "guides"
FILES = [GUIDES / name for name in ("rules.yml", "prometheus.yml", "dashboard.json")]
RIGHT = {
    "litellm_requests_total": "litellm_proxy_total_requests_metric_total",
    "litellm_tokens_used_total": "litellm_input_tokens_metric_total and litellm_output_tokens_metric_total",
    "litellm_errors_total": "litellm_proxy_failed_requests_metric_total and litellm_deployment_failure_responses_total",
    "litellm_cache_hits_total": "litellm_cache_hits_metric_total",
    "litellm_cache_misses_total": "litellm_cache_misses_metric_total",
    "litellm_fallbacks_total": "litellm_deployment_successful_fallbacks_total and "
    "litellm_deployment_failed_fallbacks_total",
    "litellm_requests_remaining": "litellm_remaining_requests_metric",
    "litellm_max_parallel_requests": "litellm_api_key_rate_limit_allowed_metric",
    "litellm_request_duration_bucket": "litellm_request_total_latency_metric_bucket",
    "litellm_current_load": "litellm_in_flight_requests",
    "litellm_budget_resets_total": "litellm_team_budget_remaining_hours_metric",
}


@cache
def problems() -> list[dict[str, Any]]:
    done = stackctl("check", *FILES, "--catalogue", "litellm-1.102", "--json")
    assert (done.code, done.err) == (1, "")
    found: list[dict[str, Any]] = done.envelope["problems"]
    return found


def test_each_of_the_eleven_invented_names_is_reported_with_the_right_replacement() -> None:
    unknown = [problem for problem in problems() if problem["id"] == "promql/unknown-metric"]
    remedies = {problem["message"].split()[4]: problem["remedy"] for problem in unknown}
    assert remedies.keys() == RIGHT.keys() == inventions().keys()
    assert len(RIGHT) == 11
    for name, right in RIGHT.items():
        assert remedies[name].startswith(f"use {right}"), name
    assert {problem["severity"] for problem in unknown} == {"error"}


@pytest.mark.parametrize(
    ("alert", "replacement"),
    [
        ("LitellmHighErrorRate", "sum by (api_provider) (rate(litellm_deployment_failure_responses_total[5m]))"),
        ("LitellmRateLimitHeadroom", "min by (model_id) (litellm_remaining_requests_metric)"),
    ],
)
def test_both_dead_alerts_are_reported_with_an_expression_that_works(alert: str, replacement: str) -> None:
    (dead,) = [p for p in problems() if p["id"] == "alert/never-fires" and p["target"] == alert]
    assert "can never fire" in dead["message"]
    assert dead["remedy"].startswith(f"write: {replacement}")


def test_positions_point_at_the_name_in_block_scalars_and_in_json_strings() -> None:
    for problem in problems():
        if problem["id"] != "promql/unknown-metric":
            continue
        line = Path(problem["file"]).read_text().splitlines()[problem["line"] - 1]
        assert line[problem["column"] - 1 :].startswith("litellm_") or "\\n" in line, problem
        assert problem["message"].split()[4] in line


def test_with_the_labels_the_guide_prints_the_error_rate_is_dead_by_its_vector_matching() -> None:
    done = stackctl("check", GUIDES / "rules.yml", "--catalogue", GUIDES / "as-printed.yaml", "--json")
    dead = {problem["target"] for problem in done.envelope["problems"] if problem["id"] == "promql/dead-match"}
    assert dead == {"LitellmHighErrorRate", "LitellmRateLimitHeadroom"}


def test_the_bundled_gateway_keeps_the_guides_names_so_that_no_alert_is_dead() -> None:
    done = stackctl("check", *FILES, "--catalogue", "bundled", "--json")
    ids = {problem["id"] for problem in done.envelope["problems"]}
    assert done.code == 0
    assert not ids & {"promql/unknown-metric", "promql/unknown-label", "promql/dead-match", "alert/never-fires"}


def test_github_gets_one_annotation_per_finding_with_file_line_and_column() -> None:
    done = stackctl("check", *FILES, "--catalogue", "litellm-1.102", "--format", "github")
    lines = done.out.splitlines()
    assert (done.code, done.err, len(lines)) == (1, "", len(problems()))
    assert f"::error file={FILES[0]},line=6,col=16,title=promql/unknown-metric::no series is named" in done.out


def test_junit_gets_one_failed_case_per_finding_that_is_more_than_a_remark() -> None:
    suite = ET.fromstring(stackctl("check", *FILES, "--catalogue", "litellm-1.102", "--format", "junit").out)
    wanted = [problem for problem in problems() if problem["severity"] != "info"]
    assert suite.get("failures") == str(len(wanted)) == str(len(suite.findall("testcase/failure")))


def test_format_json_is_the_envelope() -> None:
    done = stackctl("check", *FILES, "--catalogue", "litellm-1.102", "--format", "json")
    assert json.loads(done.out)["command"] == "check"


def test_people_read_what_it_leads_to_and_what_to_do() -> None:
    done = stackctl("check", *FILES, "--catalogue", "litellm-1.102")
    assert f"{FILES[0]}:15:11: error alert/never-fires  LitellmRateLimitHeadroom" in done.out
    assert "leads to: Silence from this alert means nothing." in done.out
    assert done.out.rstrip().splitlines()[-1].endswith("remarks")


@pytest.mark.parametrize(("fail_on", "code"), [("never", 0), ("error", 1), ("info", 1)])
def test_fail_on_decides_the_exit_code(fail_on: str, code: int) -> None:
    assert stackctl("check", *FILES, "--catalogue", "litellm-1.102", "--fail-on", fail_on).code == code


def test_what_cannot_be_read_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_text("groups: [\n")
    (tmp_path / "y.yml").write_text("a: b\n")
    for arguments in (
        [tmp_path / "x.yml", "--catalogue", "bundled"],
        [tmp_path / "y.yml", "--catalogue", "bundled"],
        [tmp_path / "none.yml", "--catalogue", "bundled"],
        [FILES[0]],
        [FILES[0], "--catalogue", "litellm-9"],
    ):
        done = stackctl("check", *arguments)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), arguments

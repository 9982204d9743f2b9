"""The check series/budget."""

from __future__ import annotations

from pathlib import Path

from stackctl.checks.files import subject_of_bundle
from stackctl.checks.series.estimate import estimate
from stackctl.render import render_bundle
from stackctl.spec.load import parse_spec
from tests.unit.checks.subjects import found

ID = "series/budget"
SPEC = """
version: 1
name: s
models: [{{name: m, deployments: [{{provider: mock, model: m}}]}}]
checks: {{max_series: {budget}, expected_keys: {keys}}}
"""


def of(budget: int, keys: int = 10):  # type: ignore[no-untyped-def]
    source = parse_spec(SPEC.format(budget=budget, keys=keys))
    return subject_of_bundle(source, render_bundle(source).files, Path("bundle"))


def test_more_series_than_the_budget_are_reported_at_the_field_with_the_largest_families() -> None:
    (problem,) = found(ID, of(10))
    assert (problem.position.line, problem.target) == (5, "checks.max_series")
    assert "litellm_request_duration_seconds" in problem.message


def test_a_budget_that_suffices_is_fine() -> None:
    assert found(ID, of(150_000)) == []


def test_the_estimate_grows_with_the_keys_and_counts_every_bucket() -> None:
    few, many = (
        estimate(item.series, item.catalogues, item.spec.spec, item.artefacts.prometheus)
        for item in (of(10, keys=10), of(10, keys=20))
    )
    assert many["litellm_requests_total"] == 2 * few["litellm_requests_total"]
    assert many["litellm_cache_hits_total"] == few["litellm_cache_hits_total"]
    assert few["litellm_time_per_output_token_seconds"] == 10 * 2 * (13 + 1 + 2)

"""Catalogues are the truth about what engines expose, and signals follow from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.metrics.catalogue import catalogue as registry
from stackctl.catalogue.capture import capture_catalogue
from stackctl.catalogue.diff import diff_catalogues
from stackctl.catalogue.load import catalogue_lines, line_of, load_catalogue, parse_catalogue
from stackctl.catalogue.promql import selectors
from stackctl.catalogue.signals import load_signals
from stackctl.catalogue.signals.definition import canonical_signals, engine_signals
from stackctl.errors import UsageError

SAMPLES = Path(__file__).parent / "samples"
LICENCE = "Prometheus metrics need an Enterprise licence in this release, and are free from 1.80.0 on"
COMPROMISED = "the package of this release was replaced by an attacker on 2026-03-24"
UNSIGNED = "images of this release are not signed"
NO_CATALOGUE = "there is no catalogue of its metrics"
LINES = ("bundled", "litellm-1.87", "litellm-1.102", "litellm-1.109")


def test_there_is_a_catalogue_of_each_line_in_order() -> None:
    assert catalogue_lines() == LINES


def test_the_bundled_catalogue_is_the_gateway_s_own_both_ways() -> None:
    ours = load_catalogue("bundled").metrics
    assert {name: (m.type, m.labels, m.buckets) for name, m in ours.items()} == {
        name: (m.kind, m.labels, m.buckets) for name, m in registry().items()
    }


@pytest.mark.parametrize(
    ("version", "line"),
    [("1.102.4", "litellm-1.102"), ("1.95.0", "litellm-1.87"), ("2.0", "litellm-1.109"), (None, "litellm-1.109")],
)
def test_a_version_takes_the_newest_line_that_is_not_newer(version: str | None, line: str) -> None:
    assert line_of("litellm", version) == line


@pytest.mark.parametrize(
    ("version", "reasons"),
    [
        ("1.60.0", [LICENCE, UNSIGNED, NO_CATALOGUE]),
        ("1.60", [LICENCE, UNSIGNED, NO_CATALOGUE]),
        ("1.82.7", [COMPROMISED, UNSIGNED, NO_CATALOGUE]),
        ("1.82.0", [UNSIGNED, NO_CATALOGUE]),
        ("1.86.0", [NO_CATALOGUE]),
    ],
)
def test_a_version_older_than_every_line_is_refused_with_all_that_is_known_against_it(
    version: str, reasons: list[str]
) -> None:
    with pytest.raises(UsageError) as refused:
        line_of("litellm", version)
    assert refused.value.message == f"LiteLLM {version} is refused: {'; '.join(reasons)}"
    assert "1.87 is the oldest known line" in refused.value.remedy


def test_an_unknown_line_is_refused_with_a_suggestion() -> None:
    with pytest.raises(UsageError) as refused:
        load_catalogue("litellm-1.103")
    assert "litellm-1.10" in refused.value.remedy


@pytest.mark.parametrize("line", LINES)
def test_every_rule_of_a_line_reads_series_and_labels_its_catalogue_has(line: str) -> None:
    catalogue = load_catalogue(line)
    for record in load_signals(line).records.values():
        for selector in selectors(record.expr):
            series = catalogue.series.get(selector.metric)
            assert series is not None, (record.record, selector.metric)
            assert selector.labels <= series.labels, (record.record, selector)


@pytest.mark.parametrize("engine", ["bundled", "litellm"])
def test_each_engine_says_of_every_signal_how_or_why_not(engine: str) -> None:
    supplies = engine_signals(engine).signals
    assert list(supplies) == list(canonical_signals())
    for name, supply in supplies.items():
        assert supply.unsupported or supply.source or supply.parts, name


@pytest.mark.parametrize("engine", ["bundled", "litellm"])
def test_the_parts_of_a_signal_can_never_be_the_same_series(engine: str) -> None:
    """`or` keeps the left one of two series with the same labels: the right one would be lost silently."""
    for name, supply in engine_signals(engine).signals.items():
        marks = [(tuple(sorted(part.labels or ())), tuple(part.set.items())) for part in supply.all_parts()]
        assert len(set(marks)) == len(marks), name


def test_a_series_the_catalogue_lacks_makes_a_signal_unsupported_and_says_so() -> None:
    assert "litellm_zero_cost_requests_total" in load_signals("litellm-1.102").unsupported["unpriced"]
    assert "unpriced" in load_signals("litellm-1.109").supported


def test_an_older_line_breaks_what_it_cannot_supply() -> None:
    found = diff_catalogues(load_catalogue("litellm-1.102"), load_catalogue("litellm-1.87"))
    assert "rate_limit_left" in found.broken
    assert "LitellmRateLimitHeadroom" in found.alerts
    assert "llm:requests_remaining_per_limit:ratio" in found.records
    assert found.narrowed["llm:requests:rate5m"] == ("provider",)
    assert found.labels["litellm_spend_metric_total"] == (("requested_model", "service_tier"), ())


def test_a_line_does_not_differ_from_itself() -> None:
    same = load_catalogue("litellm-1.109")
    found = diff_catalogues(same, same)
    assert not found.breaks
    assert (found.added, found.removed, found.labels, found.alerts) == ((), (), {}, ())


def test_a_captured_page_is_a_catalogue_that_agrees_with_the_line_it_came_from() -> None:
    page = (SAMPLES / "litellm-1.102.4-two-workers.txt").read_text()
    captured = parse_catalogue(capture_catalogue(page, "captured", "a page"), "captured")
    known = load_catalogue("litellm-1.102")
    assert captured.engine == "litellm"
    assert len(captured.metrics) > 20
    for name, metric in captured.metrics.items():
        assert metric.type == known.metrics[name].type, name
        assert set(metric.labels) == set(known.metrics[name].labels), name
        assert metric.buckets == known.metrics[name].buckets, name


def test_a_page_without_gateway_metrics_is_refused() -> None:
    with pytest.raises(UsageError, match="litellm_"):
        capture_catalogue("up 1\n", "captured", "a page")

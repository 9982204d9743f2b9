"""Signals, panels and alerts on the real LiteLLM proxy, scraped by a real Prometheus with the rendered files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from stackctl.catalogue.promql import selectors
from stackctl.render.dashboards.promql import substitute
from tests.integration.alerts.answering import Answering
from tests.integration.dashboards.asking import panel_queries, without_data
from tests.integration.litellm.watching import OUTAGE, PROVOKED, Watched
from tests.integration.signals.watched import until

DATABASE = "a database"
EXPECTED_EMPTY: dict[str, str] = yaml.safe_load(Path(__file__).with_name("expected_empty.yaml").read_text())


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with Watched(tmp_path_factory.mktemp("litellm")).running() as running:
        yield running


def test_every_supported_signal_has_samples_with_its_canonical_labels(watched: Watched) -> None:
    """What needs a database is the only exception."""
    expected = {name: record for name, record in watched.rules.records.items() if DATABASE not in record.needs}
    assert {"llm:requests:rate5m", "llm:errors:rate5m", "llm:spend_usd:rate5m"} <= set(expected)

    def missing() -> list[str]:
        return [name for name in expected if not watched.prometheus.query(name)]

    try:
        until(lambda: not missing(), "samples of every signal")
    except AssertionError:
        pytest.fail(f"no samples of {missing()}")
    for name, record in expected.items():
        for series in watched.prometheus.query(name):
            labels = set(series["metric"]) - {"__name__"}
            assert labels <= set(record.labels), name
            assert "None" not in series["metric"].values(), (name, series["metric"])
    models = {series["metric"]["model"] for series in watched.prometheus.query("sum by (model) (llm:requests:total)")}
    assert {"gpt-4o", "m-500"} <= models


def test_every_panel_has_data_but_those_that_need_a_database(watched: Watched) -> None:
    records = watched.rules.records
    unfed = {name for name, record in records.items() if DATABASE in record.needs}
    queries = panel_queries(watched.stack / "bundle")
    of_database = {
        name
        for name, target in queries.items()
        if any(selector.metric in unfed for selector in selectors(substitute(target["expr"])))
    }
    assert len(queries) > 60
    assert len(of_database) < 20
    assert EXPECTED_EMPTY.keys() <= queries.keys() - of_database
    may_be = of_database | EXPECTED_EMPTY.keys()
    assert without_data(watched.prometheus.url, queries, may_be, within_s=150) <= may_be


def test_the_alerts_that_need_no_budget_fire_when_provoked(watched: Watched) -> None:
    """Their annotations are filled in, and the links point where they should."""
    try:
        until(lambda: set(PROVOKED) <= set(watched.prometheus.firing()), "every provoked alert")
    except AssertionError:
        pytest.fail(f"silent: {sorted(set(PROVOKED) - set(watched.prometheus.firing()))}")
    firing = watched.prometheus.firing()
    assert not set(OUTAGE) & set(firing)
    for name in PROVOKED:
        text = " ".join(firing[name].values())
        assert "error expanding" not in text, (name, text)
        assert "<no value>" not in text, (name, text)
        assert firing[name]["runbook_url"].endswith(f"/runbooks/{name}")
    assert "var-provider=" in firing["LitellmHighErrorRate"]["dashboard_url"]
    down = watched.prometheus.query('ALERTS{alertname="LitellmProviderDown"}')
    assert [series["metric"].get("provider") for series in down] == ["hosted_vllm"]
    assert watched.prometheus.rule_errors() == []


def test_its_end_and_a_stranger_in_its_place_are_noticed(watched: Watched) -> None:
    down, gone = OUTAGE
    watched.gateway.close()
    until(lambda: down in watched.prometheus.firing(), "the gateway's end")
    with closing(Answering(watched.ports["gateway"], 200, "something_else 1\n")):
        until(lambda: gone in watched.prometheus.firing(), "the metrics' end")

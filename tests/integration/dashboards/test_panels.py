"""Every panel's query, asked of a real Prometheus that watched a real gateway under traffic."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from tests.integration.dashboards.asking import panel_queries, without_data
from tests.integration.dashboards.live import Live
from tests.real_parts import stable_parts

EXPECTED_EMPTY: dict[str, str] = yaml.safe_load(Path(__file__).with_name("expected_empty.yaml").read_text())
TRAFFIC_S = 15
HURRY = 3
SETTLED_WITHIN_S = 120


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stable_parts().environment().items():
            patch.setenv(name, value)
        with Live(tmp_path_factory.mktemp("live") / "stack", fast=True, pace=0.05) as stack:
            answers = stack.traffic(TRAFFIC_S, hurry=HURRY)
            assert answers[200] > answers[429] > 0
            yield stack


def test_every_panel_answers_without_error_and_with_data_where_there_can_be_some(live: Live) -> None:
    queries = panel_queries(live.dir.bundle)
    assert len(queries) > 80
    assert EXPECTED_EMPTY.keys() <= queries.keys()
    with live.under_traffic(hurry=HURRY):
        empty = without_data(live.prometheus, queries, EXPECTED_EMPTY, SETTLED_WITHIN_S)
    assert sorted(empty - EXPECTED_EMPTY.keys()) == []


def test_every_variable_offers_values(live: Live) -> None:
    for file in sorted((live.dir.bundle / "grafana" / "dashboards").glob("*.json")):
        for variable in json.loads(file.read_text())["templating"]["list"][1:]:
            metric, label = variable["query"].removeprefix("label_values(").removesuffix(")").split(", ")
            url = f"{live.prometheus}/api/v1/label/{label}/values"
            assert httpx.get(url, params={"match[]": metric}).json()["data"], f"{file.name}: {variable['name']}"

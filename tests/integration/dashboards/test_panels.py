"""Every panel's query, asked of a real Prometheus that watched a real gateway under traffic."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from stackctl.render.dashboards.promql import substitute
from tests.integration.dashboards.live import Live
from tests.real_parts import stable_parts

pytestmark = pytest.mark.slow
EXPECTED_EMPTY: dict[str, str] = yaml.safe_load(Path(__file__).with_name("expected_empty.yaml").read_text())
TRAFFIC_S = 15
SETTLED_WITHIN_S = 60


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stable_parts().environment().items():
            patch.setenv(name, value)
        with Live(tmp_path_factory.mktemp("live") / "stack", fast=True, pace=0.05) as stack:
            answers = stack.traffic(TRAFFIC_S, hurry=3)
            assert answers[200] > answers[429] > 0
            yield stack


def panels(live: Live) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """ "Dashboard: panel[: column or legend]" → panel and target."""
    found = {}
    for file in sorted((live.dir.bundle / "grafana" / "dashboards").glob("*.json")):
        dashboard = json.loads(file.read_text())
        for panel in dashboard["panels"]:
            targets = panel.get("targets", [])
            for index, target in enumerate(targets):
                name = f"{dashboard['title']}: {panel['title']}"
                detail = _column(panel, index) or target.get("legendFormat", "")
                found[f"{name}: {detail}" if len(targets) > 1 else name] = (panel, target)
    return found


def _column(panel: dict[str, Any], index: int) -> str:
    overrides = panel["fieldConfig"]["overrides"]
    return str(overrides[index]["matcher"]["options"]) if overrides else ""


def ask(live: Live, target: dict[str, Any]) -> dict[str, Any]:
    """Prometheus' reply, as Grafana would ask for it over the last quarter of an hour."""
    now = time.time()
    query = substitute(target["expr"], __range="15m", __interval="15s")
    instant = {"query": query, "time": now}
    ranged = {"query": query, "start": now - 900, "end": now, "step": 5}
    path, data = ("query", instant) if target["instant"] else ("query_range", ranged)
    reply: dict[str, Any] = httpx.post(f"{live.prometheus}/api/v1/{path}", data=data, timeout=30).json()
    return reply


def has_data(reply: dict[str, Any]) -> bool:
    return any(
        value != "NaN"
        for series in reply["data"]["result"]
        for _, value in series.get("values", [series.get("value", (0, "NaN"))])
    )


def test_every_panel_answers_without_error_and_with_data_where_there_can_be_some(live: Live) -> None:
    deadline = time.monotonic() + SETTLED_WITHIN_S
    waiting = panels(live)
    assert waiting
    assert {name.split(": ")[0] for name in EXPECTED_EMPTY} <= {name.split(": ")[0] for name in waiting}
    while True:
        replies = {name: ask(live, target) for name, (_, target) in waiting.items()}
        for name, reply in replies.items():
            assert reply["status"] == "success", f"{name}: {reply}"
            assert not reply.get("warnings"), f"{name}: {reply['warnings']}"
        waiting = {name: waiting[name] for name, reply in replies.items() if not has_data(reply)}
        if waiting.keys() <= EXPECTED_EMPTY.keys() or time.monotonic() > deadline:
            break
        time.sleep(2)
    assert waiting.keys() <= EXPECTED_EMPTY.keys()


def test_every_variable_offers_values(live: Live) -> None:
    for file in sorted((live.dir.bundle / "grafana" / "dashboards").glob("*.json")):
        for variable in json.loads(file.read_text())["templating"]["list"][1:]:
            metric, label = variable["query"].removeprefix("label_values(").removesuffix(")").split(", ")
            url = f"{live.prometheus}/api/v1/label/{label}/values"
            assert httpx.get(url, params={"match[]": metric}).json()["data"], f"{file.name}: {variable['name']}"

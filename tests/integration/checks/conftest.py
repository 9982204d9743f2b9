"""A real gateway with traffic, scraped every second by a real Prometheus that runs a few alerts."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.integration.gateway.running import Running, mock_model
from tests.ports import free_port
from tests.real_parts import newer_parts, stable_parts

GENERATIONS = {"stable": stable_parts, "newer": newer_parts}
KEY = "sk-a-key-for-the-tests-of-checks"
ALERTS = {
    "Busy": "sum(rate(litellm_requests_total[1m])) > 0",
    "Quiet": "sum by (model) (litellm_current_load) > 1000",
    "NoSuchTeam": 'sum(rate(litellm_requests_total{team="nobody"}[1m])) > 0',
    "NeverMeets": "sum by (provider) (rate(litellm_requests_total[1m])) / sum by (model) (litellm_current_load) >= 0",
}


@dataclass
class Scraped:
    """Addresses and files of what runs."""

    gateway: str
    prometheus: str
    rules: Path
    config: Path


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("gateway")
    with Running(directory, **_config(directory)) as running:
        yield running


@pytest.fixture(scope="session", params=GENERATIONS)
def scraped(
    request: pytest.FixtureRequest, gateway: Running, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scraped]:
    executable = GENERATIONS[request.param]().prometheus
    directory = tmp_path_factory.mktemp("scraped")
    found = Scraped(
        gateway.url, f"http://127.0.0.1:{free_port()}", directory / "rules.yml", directory / "prometheus.yml"
    )
    _write(found, gateway.port)
    process = _start(executable, found, directory)
    try:
        gateway.until(lambda: _ask(gateway) or _has_rate(found.prometheus), "Prometheus has rates")
        yield found
    finally:
        process.terminate()
        process.wait(30)


def _config(directory: Path) -> dict[str, Any]:
    """One of everything that has a metric of its own: a budget, limits, a fallback and a model without a price."""
    (directory / "key").write_text(KEY)
    models = [
        mock_model("demo"),
        mock_model("unpriced", deployment={"price": None}),
        mock_model("broken", deployment={"mock": {"error": 500}}, fallbacks=["demo"]),
    ]
    limits = {"budget": {"usd": 500, "soft_usd": 400, "period": "30d"}, "rpm": 10000, "max_parallel": 100}
    keys = [{"name": "ci", "secret": "file:key", **limits}]
    return {"models": models, "keys": keys, "cache": {"mode": "exact"}, "loop_guard": {"action": "observe"}}


def _write(found: Scraped, port: int) -> None:
    rules = [
        {
            "alert": name,
            "expr": expr,
            "labels": {"severity": "info"},
            "annotations": {"summary": "s", "description": "d", "runbook_url": "r"},
        }
        for name, expr in ALERTS.items()
    ]
    found.rules.write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]}, width=1000))
    jobs = [{"job_name": "gateway", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}]
    timing = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    found.config.write_text(
        yaml.safe_dump({"global": timing, "rule_files": [str(found.rules)], "scrape_configs": jobs})
    )


def _start(executable: Path, found: Scraped, directory: Path) -> subprocess.Popen[bytes]:
    address = found.prometheus.removeprefix("http://")
    command = [
        str(executable),
        f"--config.file={found.config}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address={address}",
    ]
    with (directory / "prometheus.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def _ask(gateway: Running) -> None:
    for model in ("demo", "unpriced", "broken"):
        body = {"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": True}
        gateway.http.post("/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {KEY}"})
    time.sleep(0.2)


def _has_rate(prometheus: str) -> bool:
    query = "sum(rate(litellm_requests_total[1m])) > 0 and on () count(ALERTS)"
    try:
        answer = httpx.get(f"{prometheus}/api/v1/query", params={"query": query}, trust_env=False)
        return bool(answer.json()["data"]["result"])
    except (httpx.HTTPError, ValueError, KeyError):
        return False

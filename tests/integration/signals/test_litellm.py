"""Signals and alerts on the real LiteLLM proxy, scraped by a real Prometheus with the rendered files."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

from stackctl.catalogue.rules import RuleSet, resolve_rules
from stackctl.spec import load_spec
from tests.command import stackctl
from tests.integration.gateway.running import free_port
from tests.integration.signals.provider import StandInProvider
from tests.integration.signals.watched import Prometheus, process, prometheus, until
from tests.real_parts import require

VERSION = "1.102.4"
MASTER_KEY = "sk-stackctl-tests"
MODELS = {
    "gpt-4o": "gpt-4o",
    "m-500": "fail-500",
    "m-401": "fail-401",
    "m-slow": "gpt-4o-slow",
    "m-fallback": "fail-500",
    "m-unpriced": "nobody-knows-this",
}
# None of them needs a budget; each threshold is such that the traffic below crosses it within two scrapes.
PROVOKED = {
    "LitellmHighErrorRate": {"for": "0s"},
    "LitellmErrorBudgetBurnFast": {"floor": 5},
    "LitellmHighP99Latency": {"threshold": 0.25, "for": "0s", "floor": 2},
    "LitellmSlowFirstToken": {"threshold": 0.005, "for": "0s", "floor": 2},
    "LitellmSlowOutputTokens": {"threshold": 0.0005, "for": "0s", "floor": 2},
    "LitellmProviderCredentialFailure": {},
    "LitellmAllDeploymentsCoolingDown": {"for": "0s"},
    "LitellmLowCacheHitRate": {"threshold": 0.99, "for": "0s", "floor": 2},
    "LitellmTokensWithoutSpend": {"for": "0s", "floor": 10},
}
NOT_WITHOUT_A_DATABASE = "a database"


@dataclass(frozen=True)
class Watched:
    """LiteLLM under traffic, and the Prometheus that watches it."""

    rules: RuleSet
    prometheus: Prometheus


def litellm_python() -> Path:
    home = Path(os.environ.get("STACKCTL_LITELLM") or Path.home() / ".cache/stackctl/litellm") / VERSION
    require((home / "complete").is_file(), f"LiteLLM {VERSION} is not installed: run scripts/litellm")
    return home / "bin" / "python"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    python, stack = litellm_python(), tmp_path_factory.mktemp("litellm")
    port, prometheus_port = free_port(), free_port()
    with StandInProvider() as provider:
        rules = rendered(stack, port, prometheus_port)
        config = stack / "litellm.yaml"
        config.write_text(yaml.safe_dump(litellm_config(provider.url)))
        command = [str(python.parent / "litellm"), "--config", str(config), "--port", str(port), "--host", "127.0.0.1"]
        with process(
            [*command, "--num_workers", "2", "--timeout_worker_healthcheck", "60"],
            stack,
            stack / "litellm.log",
            LITELLM_LOCAL_MODEL_COST_MAP="True",
            LITELLM_TELEMETRY="False",
            OPENAI_API_KEY="sk-none",
        ):
            url = f"http://127.0.0.1:{port}"
            until(lambda: httpx.get(f"{url}/health/liveliness").status_code == 200, "LiteLLM being alive")
            done = threading.Event()
            traffic = threading.Thread(target=send, args=(url, done), daemon=True)
            traffic.start()
            try:
                with prometheus(stack, prometheus_port) as api:
                    yield Watched(rules, api)
            finally:
                done.set()
                traffic.join(30)


def rendered(stack: Path, port: int, prometheus_port: int) -> RuleSet:
    ports = [free_port(), free_port()]
    spec = {
        "version": 1,
        "name": "real-litellm",
        "gateway": {
            "engine": "litellm",
            "version": VERSION,
            "port": port,
            "metrics": {"token": "file:secrets/metrics-token"},
        },
        "models": [{"name": "gpt-4o", "deployments": [{"provider": "openai", "model": "gpt-4o"}]}],
        "prometheus": {"port": prometheus_port, "scrape_interval": "15s", "evaluation_interval": "5s"},
        "alertmanager": {"port": ports[0]},
        "alerts": {"inbox": {"port": ports[1]}, "rules": PROVOKED},
    }
    (stack / "stack.yaml").write_text(yaml.safe_dump(spec))
    (stack / "secrets").mkdir()
    (stack / "secrets/metrics-token").write_text(MASTER_KEY)
    done = stackctl("render", "-C", stack)
    assert done.code == 0, done.err
    return resolve_rules(load_spec(stack / "stack.yaml"))


def litellm_config(upstream: str) -> dict[str, object]:
    def deployment(name: str, model: str) -> dict[str, object]:
        parameters = {"model": f"openai/{model}", "api_base": upstream, "api_key": "sk-upstream", "rpm": 1000}
        return {"model_name": name, "litellm_params": parameters, "model_info": {"id": f"d-{name}"}}

    return {
        "model_list": [deployment(name, model) for name, model in MODELS.items()],
        "litellm_settings": {
            "callbacks": ["prometheus"],
            "cache": True,
            "cache_params": {"type": "local"},
            "fallbacks": [{"m-fallback": ["gpt-4o"]}],
            "num_retries": 0,
            "telemetry": False,
        },
        "router_settings": {"num_retries": 0, "cooldown_time": 2},
        "general_settings": {"master_key": MASTER_KEY},
    }


def send(url: str, done: threading.Event) -> None:
    """A round of requests to every model, again and again."""
    number = 0
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {MASTER_KEY}"}, timeout=30) as client:
        while not done.is_set():
            number += 1
            for model in MODELS:
                for stream in (False, True):
                    text = "the same" if model == "gpt-4o" and not stream else f"number {number}"
                    body = {"model": model, "messages": [{"role": "user", "content": text}], "stream": stream}
                    try:
                        client.post("/v1/chat/completions", json=body)
                    except httpx.HTTPError:
                        if done.is_set():
                            return
            done.wait(0.2)


@pytest.mark.slow
def test_every_supported_signal_has_samples_with_its_canonical_labels(watched: Watched) -> None:
    """What needs a database is the only exception."""
    expected = {
        name: record for name, record in watched.rules.records.items() if NOT_WITHOUT_A_DATABASE not in record.needs
    }
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


@pytest.mark.slow
def test_the_alerts_that_need_no_budget_fire_when_provoked(watched: Watched) -> None:
    """Their annotations are filled in, and the links point where they should."""
    try:
        until(lambda: set(PROVOKED) <= set(watched.prometheus.firing()), "every provoked alert")
    except AssertionError:
        pytest.fail(f"silent: {sorted(set(PROVOKED) - set(watched.prometheus.firing()))}")
    firing = watched.prometheus.firing()
    assert "LitellmGatewayDown" not in firing
    assert "LitellmMetricsMissing" not in firing
    for name in PROVOKED:
        text = " ".join(firing[name].values())
        assert "error expanding" not in text, (name, text)
        assert "<no value>" not in text, (name, text)
        assert firing[name]["runbook_url"].endswith(f"/runbooks/{name}")
    assert "var-provider=openai" in firing["LitellmHighErrorRate"]["dashboard_url"]
    assert watched.prometheus.rule_errors() == []

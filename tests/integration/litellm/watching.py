"""The real LiteLLM proxy with two workers under traffic, and the Prometheus and Alertmanager that watch it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path

import httpx
import yaml

from stackctl.catalogue.rules import RuleSet, resolve_rules
from stackctl.spec import load_spec
from tests.command import stackctl
from tests.integration.alerts.answering import Answering
from tests.integration.signals.provider import StandInProvider
from tests.integration.signals.watched import Prometheus, process, prometheus, until
from tests.ports import free_port
from tests.real_parts import require, stable_parts

VERSION = "1.102.4"
MASTER_KEY = "sk-stackctl-tests"
MODELS = {
    "gpt-4o": "gpt-4o",
    "m-500": "fail-500",
    "m-401": "fail-401",
    "m-slow": "gpt-4o-slow",
    "m-fallback": "fail-500",
    "m-unpriced": "nobody-knows-this",
    "m-lost": "fail-503",
    "m-limited": "fail-429",
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
    "LitellmErrorBudgetBurnSlow": {"for": "0s", "floor": 5},
    "LitellmProviderDown": {"for": "0s", "floor": 2},
    "LitellmFallbacksFailing": {"for": "0s", "floor": 2},
}
OUTAGE = {"LitellmGatewayDown": {"for": "0s"}, "LitellmMetricsMissing": {"for": "0s"}}
PROVIDERS = {"m-lost": "hosted_vllm"}
"""Where it is not openai."""


class Watched:
    """LiteLLM under traffic, and who watches it."""

    def __init__(self, stack: Path) -> None:
        self.stack = stack
        self.ports = {name: free_port() for name in ("gateway", "prometheus", "alertmanager", "inbox")}
        self.rules = rendered(stack, self.ports)
        self.prometheus: Prometheus
        self.gateway = ExitStack()

    @contextmanager
    def running(self) -> Iterator[Watched]:
        # An inbox that refuses every message: its failures are what a panel shows.
        inbox = closing(Answering(self.ports["inbox"], 400, "no"))
        with StandInProvider() as provider, inbox, self._alertmanager(), self.gateway:
            self._start_litellm(provider.url)
            with prometheus(self.stack, self.ports["prometheus"]) as self.prometheus:
                yield self

    def _start_litellm(self, upstream: str) -> None:
        python, port = litellm_python(), self.ports["gateway"]
        config = self.stack / "litellm.yaml"
        config.write_text(yaml.safe_dump(litellm_config(upstream)))
        command = [str(python.parent / "litellm"), "--config", str(config), "--port", str(port), "--host", "127.0.0.1"]
        command += ["--num_workers", "2", "--timeout_worker_healthcheck", "60"]
        environment = {
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_TELEMETRY": "False",
            "OPENAI_API_KEY": "sk-none",
        }
        self.gateway.enter_context(process(command, self.stack, self.stack / "litellm.log", **environment))
        url = f"http://127.0.0.1:{port}"
        until(lambda: httpx.get(f"{url}/health/liveliness").status_code == 200, "LiteLLM being alive")
        done = threading.Event()
        traffic = threading.Thread(target=send, args=(url, done), daemon=True)
        traffic.start()
        self.gateway.callback(traffic.join, 30)
        self.gateway.callback(done.set)

    def _alertmanager(self) -> AbstractContextManager[object]:
        command = [
            str(stable_parts().alertmanager),
            "--config.file=alertmanager/alertmanager.yml",
            f"--storage.path={self.stack / 'am'}",
            f"--web.listen-address=127.0.0.1:{self.ports['alertmanager']}",
            "--cluster.listen-address=",
        ]
        return process(command, self.stack / "bundle", self.stack / "alertmanager.log")


def litellm_python() -> Path:
    home = Path(os.environ.get("STACKCTL_LITELLM") or Path.home() / ".cache/stackctl/litellm") / VERSION
    require((home / "complete").is_file(), f"LiteLLM {VERSION} is not installed: run scripts/litellm")
    return home / "bin" / "python"


def rendered(stack: Path, ports: dict[str, int]) -> RuleSet:
    """The bundle of a spec for this LiteLLM, at a scrape interval of two seconds."""
    spec = {
        "version": 1,
        "name": "real-litellm",
        "gateway": {
            "engine": "litellm",
            "version": VERSION,
            "port": ports["gateway"],
            "metrics": {"token": "file:secrets/metrics-token"},
        },
        "models": [{"name": "gpt-4o", "deployments": [{"provider": "openai", "model": "gpt-4o"}]}],
        "prometheus": {"port": ports["prometheus"]},
        "alertmanager": {"port": ports["alertmanager"]},
        "alerts": {"inbox": {"port": ports["inbox"]}, "rules": PROVOKED | OUTAGE},
    }
    (stack / "stack.yaml").write_text(yaml.safe_dump(spec))
    (stack / "secrets").mkdir()
    (stack / "secrets/metrics-token").write_text(MASTER_KEY)
    done = stackctl("render", "-C", stack)
    assert done.code == 0, done.err
    config = stack / "bundle/prometheus/prometheus.yml"
    content = yaml.safe_load(config.read_text())
    content["global"] |= {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "2s"}
    config.write_text(yaml.safe_dump(content))
    return resolve_rules(load_spec(stack / "stack.yaml"))


def litellm_config(upstream: str) -> dict[str, object]:
    def deployment(name: str, model: str) -> dict[str, object]:
        provider = PROVIDERS.get(name, "openai")
        parameters = {"model": f"{provider}/{model}", "api_base": upstream, "api_key": "sk-upstream", "rpm": 1000}
        return {"model_name": name, "litellm_params": parameters, "model_info": {"id": f"d-{name}"}}

    return {
        "model_list": [deployment(name, model) for name, model in MODELS.items()],
        "litellm_settings": {
            "callbacks": ["prometheus"],
            "cache": True,
            "cache_params": {"type": "local"},
            "fallbacks": [{"m-fallback": ["gpt-4o"]}, {"m-lost": ["m-500"]}],
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

"""A whole stack in which everything goes wrong: the spec, its parts as processes, and who breaks them."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import yaml

from stackctl.catalogue.rules import resolve_rules
from stackctl.spec import load_spec
from tests.command import stackctl
from tests.integration.alerts.answering import Answering
from tests.integration.dashboards.upstream import Manner, Upstream
from tests.integration.signals.watched import Prometheus, process, prometheus, until
from tests.ports import free_port
from tests.real_parts import stable_parts

MANNERS = {
    "fine": Manner(0.02, 0.002, 20),
    "down": Manner(0.01, 0.001, 20, error_rate=1.0, error_status=500),
    "locked": Manner(0.01, 0.001, 20, error_rate=1.0, error_status=401),
    "nobody-knows-its-price": Manner(0.02, 0.002, 20),
}
PRICE = {"input_usd_per_million_tokens": 1, "output_usd_per_million_tokens": 1000}
AT_ONCE = {"for": "0s"}
RULES: dict[str, dict[str, Any]] = {
    "LitellmKeyBudget100": {"threshold": 0.7},
    "LitellmTeamBudget80": {"threshold": 0.6},
    "LitellmTeamBudget100": {"threshold": 0.7},
    "LitellmSpendBurnSlow": AT_ONCE,
    "LitellmBudgetForecast": AT_ONCE,
    "LitellmUnpricedTokens": AT_ONCE,
    "LitellmTokensWithoutSpend": {"for": "0s", "floor": 1},
    "LitellmLowCacheHitRate": {"for": "0s", "floor": 1},
    "LitellmHighErrorRate": {"for": "0s", "floor": 1},
    "LitellmProviderDown": {"for": "0s", "floor": 1},
    "LitellmAllDeploymentsCoolingDown": AT_ONCE,
    "LitellmFallbacksFailing": {"for": "0s", "floor": 1},
    "LitellmGatewayDown": AT_ONCE,
    "LitellmMetricsMissing": AT_ONCE,
    "LitellmLedgerBacklog": {"for": "0s", "threshold": 0},
    "LitellmHighP99Latency": {"for": "0s", "floor": 1, "threshold": 0.01},
    "LitellmSlowFirstToken": {"for": "0s", "floor": 1, "threshold": 0.005},
    "LitellmSlowOutputTokens": {"for": "0s", "floor": 1, "threshold": 0.001},
    "LitellmRateLimitHeadroom": AT_ONCE,
    "LitellmErrorBudgetBurnFast": {"floor": 1},
    "LitellmErrorBudgetBurnSlow": {"for": "0s", "floor": 1},
    "PrometheusTargetDown": AT_ONCE,
    "PrometheusRuleFailures": AT_ONCE,
    "PrometheusNotificationsFailing": AT_ONCE,
    "PrometheusConfigReloadFailed": AT_ONCE,
    "AlertmanagerNotificationsFailing": AT_ONCE,
    "AlertmanagerConfigReloadFailed": AT_ONCE,
}
"""Every `for` shortened; a few thresholds are such that a minute of traffic crosses them."""
CLASH = """\
groups:
  - name: clash
    rules:
      - {record: "own:clash", expr: "up + on () up"}
"""
FORECAST = {"key": "steady", "team": "ops"}
"""Whose budget has a past: six hours of it cannot be waited for."""


class Stack:
    """The rendered bundle at a scrape interval of a second. Its parts start and stop one by one."""

    def __init__(self, root: Path) -> None:
        self.root, self.bundle = root, root / "bundle"
        self.ports = {name: free_port() for name in ("gateway", "prometheus", "alertmanager", "inbox")}
        self.upstream = Upstream(MANNERS)
        self.alertmanager, self.gateway = ExitStack(), ExitStack()
        self._prometheus = ExitStack()
        self.api: Prometheus

    def __enter__(self) -> Stack:
        self.upstream.__enter__()
        self._write()
        backfill(self.root / "tsdb")
        self._refusing = Answering(self.ports["inbox"], 400, "no")
        log = self.root / "alertmanager.log"
        address = f"127.0.0.1:{self.ports['alertmanager']}"
        command = [
            str(stable_parts().alertmanager),
            "--config.file=alertmanager/alertmanager.yml",
            f"--storage.path={self.root / 'am'}",
            f"--web.listen-address={address}",
            "--cluster.listen-address=",
        ]
        self._alertmanager = self.alertmanager.enter_context(process(command, self.bundle, log))
        command = [sys.executable, "-P", "-m", "gateway", "serve", "--config", "gateway/gateway.yaml"]
        command += ["--state", str(self.root / "gateway-state")]
        self.gateway.enter_context(process(command, self.bundle, self.root / "gateway.log"))
        until(lambda: httpx.get(f"{self.url}/health/readiness").status_code == 200, "the gateway being ready")
        self._spend_steadily()
        self.api = self._prometheus.enter_context(prometheus(self.root, self.ports["prometheus"]))
        # What grows before it has been seen twice has not grown, for increase().
        seen = "count_over_time(llm:budget_usd:spent[1m]) > 2"
        until(lambda: self.api.query(seen), "samples from before the traffic")
        return self

    def __exit__(self, *_: object) -> None:
        for part in (self._prometheus, self.gateway, self.alertmanager):
            part.close()
        self._refusing.close()
        self.upstream.__exit__()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['gateway']}"

    @property
    def alerts(self) -> set[str]:
        """Every alert that is rendered."""
        return {alert.name for alert in resolve_rules(load_spec(self.root / "stack.yaml")).alerts}

    def fired(self) -> set[str]:
        """Every alert that fired at some time."""
        query = 'count by (alertname) (last_over_time(ALERTS{alertstate="firing"}[30m]))'
        return {series["metric"]["alertname"] for series in self.api.query(query)}

    def break_configurations(self) -> None:
        """Prometheus and Alertmanager are told to read files that are none."""
        for path in (self.bundle / "alertmanager/alertmanager.yml", self.bundle / "prometheus/prometheus.yml"):
            path.write_text("this: is not what it should be\n")
        self._alertmanager.send_signal(signal.SIGHUP)
        for pid in _children_listening(self.ports["prometheus"]):
            os.kill(pid, signal.SIGHUP)

    def lock_ledger(self) -> sqlite3.Connection:
        """Nobody else can write to the ledger until the connection is closed."""
        path = self.root / "gateway-state" / "ledger.sqlite"
        connection = sqlite3.connect(path, timeout=30, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        return connection

    def _spend_steadily(self) -> None:
        """So much that the budget's past goes on: a fall would be a new period."""
        bearer = {"Authorization": f"Bearer sk-{FORECAST['key']}"}
        spent = re.compile(rf'litellm_budget_spent_usd{{.*key="{FORECAST["key"]}".*}} 0\.06')
        for question in ("first", "second"):
            body = {"model": "mocked", "messages": [{"role": "user", "content": question}]}
            httpx.post(f"{self.url}/v1/chat/completions", json=body, headers=bearer)
        until(lambda: spent.search(httpx.get(f"{self.url}/metrics").text), "what was spent")

    def _write(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / "secrets").mkdir(mode=0o700)
        (self.root / "rules").mkdir()
        (self.root / "rules" / "clash.yml").write_text(CLASH)
        for name in ("gateway-master-key", "free", "spender", "limited", "steady", "brief"):
            (self.root / "secrets" / name).write_text(f"sk-{name}")
            (self.root / "secrets" / name).chmod(0o600)
        (self.root / "stack.yaml").write_text(yaml.safe_dump(self._spec()))
        done = stackctl("render", "-C", self.root)
        assert done.code == 0, done.err
        config = self.bundle / "prometheus/prometheus.yml"
        content = yaml.safe_load(config.read_text())
        content["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        own = [{"targets": [f"127.0.0.1:{self.ports['prometheus']}"]}]
        content["scrape_configs"].append({"job_name": "too-large", "sample_limit": 1, "static_configs": own})
        config.write_text(yaml.safe_dump(content))

    def _spec(self) -> dict[str, Any]:
        def model(name: str, provider: str, upstream: str, **more: Any) -> dict[str, Any]:
            deployment = {"provider": provider, "model": upstream, "api_base": self.upstream.url, "price": PRICE}
            return {"name": name, "deployments": [deployment | more.pop("deployment", {})], **more}

        mocked = {"provider": "mock", "model": "mocked", "price": PRICE, "mock": {"latency_s": 0.01}}
        unpriced = model("unpriced", "vllm", "nobody-knows-its-price")
        del unpriced["deployments"][0]["price"]
        tiny = {"usd": 0.1, "period": "30d"}
        return {
            "version": 1,
            "name": "provoked",
            "gateway": {"port": self.ports["gateway"], "workers": 1, "cache": {}, "loop_guard": {"repeats": 5}},
            "models": [
                model("fine", "openai", "fine"),
                model("down", "downer", "down", fallbacks=["locked"]),
                model("locked", "locker", "locked"),
                model("wrecked", "wrecker", "down"),
                unpriced,
                {"name": "mocked", "deployments": [mocked]},
            ],
            "teams": [{"name": "ops"}, {"name": "spenders", "budget": tiny}],
            "keys": [
                {"name": "free", "secret": "file:secrets/free"},
                {"name": "spender", "team": "spenders", "secret": "file:secrets/spender", "budget": tiny},
                {"name": "brief", "secret": "file:secrets/brief", "budget": {"usd": 1, "period": "15s"}},
                {"name": "limited", "team": "ops", "secret": "file:secrets/limited", "rpm": 6},
                {"name": "steady", "team": "ops", "secret": "file:secrets/steady", "budget": tiny},
            ],
            "prometheus": {"port": self.ports["prometheus"]},
            "alertmanager": {"port": self.ports["alertmanager"]},
            "alerts": {"inbox": {"port": self.ports["inbox"]}, "rules": RULES},
        }


class Senders:
    """Requests of every key, again and again, until closed."""

    def __init__(self, url: str) -> None:
        self._url, self._done = url, threading.Event()
        self._threads = [
            threading.Thread(target=self._send, args=arguments, daemon=True)
            for arguments in (
                ("free", "fine", 0.3),
                ("free", "down", 0.5),
                ("free", "locked", 0.5),
                ("free", "wrecked", 0.5),
                ("free", "unpriced", 0.5),
                ("spender", "mocked", 0.5),
                ("brief", "fine", 0.5),
                ("limited", "mocked", 0.5),
            )
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join(30)

    def _send(self, key: str, model: str, pause: float) -> None:
        number = 0
        with httpx.Client(base_url=self._url, headers={"Authorization": f"Bearer sk-{key}"}, timeout=30) as client:
            while not self._done.wait(pause):
                number += 1
                body = {"model": model, "messages": [{"role": "user", "content": f"question {number}"}]}
                try:
                    client.post("/v1/chat/completions", json=body | {"stream": number % 2 == 0})
                except httpx.HTTPError:
                    continue


def backfill(data: Path) -> None:
    """Seven hours in which a budget was spent steadily, from 5 to 30 %, as blocks of Prometheus."""
    now = int(time.time())
    labels = ",".join(f'{name}="{value}"' for name, value in FORECAST.items())
    minutes = range(7 * 60, 4, -1)
    lines = ["# TYPE llm:budget_used:ratio gauge"]
    lines += [f"llm:budget_used:ratio{{{labels}}} {0.3 - 0.25 * m / (7 * 60)} {now - m * 60}" for m in minutes]
    lines += ["# TYPE llm:spend_usd:total gauge"]
    lines += [f'llm:spend_usd:total{{{labels},model="old"}} {7 - m / 60} {now - m * 60}' for m in minutes]
    data.mkdir(parents=True)
    history = data.parent / "history.om"
    history.write_text("\n".join([*lines, "# EOF", ""]))
    command = [stable_parts().promtool, "tsdb", "create-blocks-from", "openmetrics", history, data]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _children_listening(port: int) -> list[int]:
    """Our own child processes that were started with this port."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[1]
            if parent == str(os.getpid()) and f":{port}" in (entry / "cmdline").read_text():
                found.append(int(entry.name))
        except (OSError, ValueError, IndexError):
            continue
    return found


def wait_until_free(port: int) -> None:
    """Until nobody listens there any more."""

    def free() -> bool:
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", port)) != 0

    until(free, f"port {port} being free")

"""A small stack of real parts on free ports: Prometheus, Alertmanager and the inbox, fast intervals."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from stackctl.proof import Endpoints, Options
from tests.integration.proof.bundled import MASTER_KEY, BundledGateway
from tests.ports import free_port
from tests.real_parts import RealParts, stable_parts

RATIO = "litellm_budget_spent_usd / on (key, team) litellm_budget_usd"


def budget_rule(name: str, threshold: float, **more: Any) -> dict[str, Any]:
    expr = f'label_replace({RATIO}, "stackctl_test", "$1", "key", "stackctl-test-(.+)") >= {threshold}'
    labels = {"severity": "warning" if threshold < 1 else "critical"}
    return {"alert": name, "expr": expr, "labels": labels, "annotations": {"summary": "Budget"}} | more


def error_rule() -> dict[str, Any]:
    name = '"stackctl_test", "$1", "key", "stackctl-test-(.+)"'
    expr = f"label_replace(sum by (key) (increase(litellm_errors_total[10s])), {name}) > 5"
    return {"alert": "LitellmHighErrorRate", "expr": expr, "for": "2s", "labels": {"severity": "critical"}}


@dataclass
class Parts:
    """What to start, and what to break; `start` starts it."""

    root: Path
    gateway: BundledGateway
    tools: RealParts
    rules: list[dict[str, Any]]
    receiver_url: str = ""
    scraped: str = ""
    metrics_path: str = "/metrics"
    alertmanager_known: bool = True
    receiver: dict[str, Any] = field(default_factory=lambda: {"send_resolved": True})
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def endpoints(self) -> Endpoints:
        urls = {part: f"http://127.0.0.1:{port}" for part, port in self.ports.items()}
        return Endpoints(self.gateway.url, urls["prometheus"], urls["alertmanager"], urls["inbox"], MASTER_KEY)

    @property
    def options(self) -> Options:
        return Options(self.root / "proofs", stack="test", poll_s=0.1, margin_s=6.0)

    def start(self) -> Parts:
        self.ports = {part: free_port() for part in ("prometheus", "alertmanager", "inbox")}
        self._write_configs()
        self._start_inbox()
        self._start_alertmanager()
        self._start_prometheus()
        for part, path in (("inbox", "/health"), ("alertmanager", "/-/ready"), ("prometheus", "/-/ready")):
            self._wait(part, path)
        return self

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def messages(self) -> list[dict[str, Any]]:
        return list(httpx.get(f"{self.endpoints.inbox}/messages", trust_env=False).json()["messages"])

    def _write_configs(self) -> None:
        alerting = {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{self.ports['alertmanager']}"]}]}]}
        prometheus = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yml"],
            "alerting": alerting if self.alertmanager_known else {},
            "scrape_configs": [
                {
                    "job_name": "gateway",
                    "metrics_path": self.metrics_path,
                    "static_configs": [{"targets": [self.scraped or self.gateway.url[7:]]}],
                }
            ],
        }
        slack = {
            "api_url": self.receiver_url or f"http://127.0.0.1:{self.ports['inbox']}/slack",
            "channel": "#test",
        }
        alertmanager = {
            "route": {
                "receiver": "nobody",
                "routes": [
                    {
                        "matchers": ['stackctl_test!=""'],
                        "receiver": "inbox",
                        "group_by": ["alertname", "stackctl_test"],
                        "group_wait": "1s",
                        "group_interval": "2s",
                    }
                ],
            },
            "receivers": [{"name": "nobody"}, {"name": "inbox", "slack_configs": [slack | self.receiver]}],
        }
        files = {
            "prometheus.yml": prometheus,
            "rules.yml": {"groups": [{"name": "budget", "rules": self.rules}]},
            "alertmanager.yml": alertmanager,
        }
        for name, content in files.items():
            (self.root / name).write_text(yaml.safe_dump(content), encoding="utf-8")

    def _start_inbox(self) -> None:
        store = str(self.root / "inbox")
        self._run(
            "inbox",
            [sys.executable, "-m", "stackctl.proof.inbox", "--port", str(self.ports["inbox"]), "--store", store],
        )

    def _start_alertmanager(self) -> None:
        self._run(
            "alertmanager",
            [
                str(self.tools.alertmanager),
                f"--config.file={self.root / 'alertmanager.yml'}",
                f"--storage.path={self.root / 'am'}",
                f"--web.listen-address=127.0.0.1:{self.ports['alertmanager']}",
                "--cluster.listen-address=",
            ],
        )

    def _start_prometheus(self) -> None:
        self._run(
            "prometheus",
            [
                str(self.tools.prometheus),
                f"--config.file={self.root / 'prometheus.yml'}",
                f"--storage.tsdb.path={self.root / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{self.ports['prometheus']}",
            ],
        )

    def _run(self, part: str, command: list[str]) -> None:
        with (self.root / f"{part}.log").open("wb") as log:
            self.processes[part] = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.root)

    def _wait(self, part: str, path: str) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"http://127.0.0.1:{self.ports[part]}{path}", trust_env=False).is_success:
                    return
            except httpx.HTTPError:
                pass
            if self.processes[part].poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError(f"{part} did not start: {(self.root / f'{part}.log').read_text()[-800:]}")


@pytest.fixture(scope="session")
def tools() -> RealParts:
    return stable_parts()


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BundledGateway]:
    with BundledGateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, gateway: BundledGateway, tools: RealParts) -> Iterator[Parts]:
    """A stack in which nothing is broken."""
    budgets = [budget_rule("LitellmKeyBudget80", 0.8), budget_rule("LitellmKeyBudget100", 1.0)]
    watchdog = {"alert": "Watchdog", "expr": "vector(1)", "labels": {"severity": "none"}}
    made = Parts(tmp_path_factory.mktemp("stack"), gateway, tools, [*budgets, error_rule(), watchdog])
    try:
        yield made.start()
    finally:
        made.stop()

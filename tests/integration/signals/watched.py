"""A real Prometheus that scrapes a real gateway with the files rendered from a spec."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.real_parts import stable_parts

SLOW = 200.0


@contextmanager
def process(command: list[str], directory: Path, log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of our own, ended with its children."""
    with log.open("wb") as output:
        running = subprocess.Popen(
            command, cwd=directory, stdout=output, stderr=output, env=os.environ | environment, start_new_session=True
        )
        try:
            yield running
        finally:
            running.terminate()
            try:
                running.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(running.pid, 9)
                running.wait(15)


def until(condition: Callable[[], Any], what: str, within: float = SLOW) -> Any:
    """Wait for a condition; how long it took decides nothing."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            if found := condition():
                return found
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise AssertionError(f"never saw {what}")


class Prometheus:
    """The API of a running Prometheus."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, expr: str) -> list[dict[str, Any]]:
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": expr}, timeout=20)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    def firing(self) -> dict[str, dict[str, str]]:
        """The annotations of what fires, by alert."""
        alerts = httpx.get(f"{self.url}/api/v1/alerts", timeout=20).json()["data"]["alerts"]
        return {a["labels"]["alertname"]: a["annotations"] for a in alerts if a["state"] == "firing"}

    def rule_errors(self) -> list[str]:
        """What Prometheus could not evaluate."""
        groups = httpx.get(f"{self.url}/api/v1/rules", timeout=20).json()["data"]["groups"]
        return [f"{rule['name']}: {rule['lastError']}" for g in groups for rule in g["rules"] if rule.get("lastError")]


@contextmanager
def prometheus(stack: Path, port: int) -> Iterator[Prometheus]:
    """Prometheus on the stack's rendered files."""
    command = [
        str(stable_parts().prometheus),
        "--config.file=prometheus/prometheus.yml",
        f"--storage.tsdb.path={stack / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with process(command, stack / "bundle", stack / "prometheus.log"):
        api = Prometheus(f"http://127.0.0.1:{port}")
        until(lambda: httpx.get(f"{api.url}/-/ready").status_code == 200, "Prometheus being ready")
        yield api

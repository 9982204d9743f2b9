"""The doctor on running parts: real worker processes, a real Prometheus."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.command import stackctl
from tests.real_parts import stable_parts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORKERS = 2


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def served(
    command: list[str], url: str, environment: dict[str, str], log: Path, patience_s: float = 60
) -> Iterator[str]:
    """Run a server until the end of the block; its URL answers when the block begins."""
    with log.open("wb") as output, subprocess.Popen(command, env=environment, stdout=output, stderr=output) as process:
        try:
            deadline = time.monotonic() + patience_s
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if httpx.get(url, trust_env=False).status_code == 200:
                        break
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()


@contextlib.contextmanager
def gateway(tmp_path: Path, multiprocess: Path | None) -> Iterator[str]:
    """Two uvicorn workers that have each counted a different number of requests."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
    if multiprocess is not None:
        multiprocess.mkdir()
        environment["PROMETHEUS_MULTIPROC_DIR"] = str(multiprocess)
    options = ["--host", "127.0.0.1", "--port", str(port), "--workers", str(WORKERS), "--log-level", "warning"]
    command = [sys.executable, "-m", "uvicorn", "tests.integration.doctor.counting_app:app", *options]
    with served(command, f"http://127.0.0.1:{port}/metrics", environment, tmp_path / "gateway.log") as page:
        for _ in range(41):
            httpx.get(f"http://127.0.0.1:{port}/", trust_env=False, verify=False)
        yield page.removesuffix("/metrics")


def found(*arguments: object) -> dict[str, str]:
    """Finding id → its evidence."""
    envelope = stackctl("doctor", *arguments, "--json").envelope
    return {problem["id"]: problem.get("evidence", "") for problem in envelope["problems"]}


def test_two_workers_without_the_directory_are_caught_disagreeing(tmp_path: Path) -> None:
    with gateway(tmp_path, multiprocess=None) as url:
        evidence = found("--url", url, "--scrapes", 24)["doctor/scrapes-disagree"]
    assert 'litellm_proxy_total_requests_metric_total{model="gpt-4o"}: ' in evidence
    counted = evidence.partition('model="gpt-4o"}: ')[2].partition(";")[0]
    assert len({float(value) for value in counted.split(", ")} - {0.0}) == WORKERS


def test_two_workers_with_the_directory_agree(tmp_path: Path) -> None:
    with gateway(tmp_path, multiprocess=tmp_path / "metrics") as url:
        assert found("--url", url, "--scrapes", 24) == {}


def test_a_prometheus_says_what_is_down_and_whom_it_tells(tmp_path: Path) -> None:
    parts, port, nobody = stable_parts(), free_port(), free_port()
    config = tmp_path / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        f"scrape_configs: [{{job_name: litellm, static_configs: [{{targets: ['127.0.0.1:{nobody}']}}]}}]\n"
    )
    url = f"http://127.0.0.1:{port}"
    storage = f"--storage.tsdb.path={tmp_path / 'data'}"
    command = [str(parts.prometheus), f"--config.file={config}", storage, f"--web.listen-address=127.0.0.1:{port}"]
    with served(command, f"{url}/-/ready", dict(os.environ), tmp_path / "prometheus.log"):
        deadline = time.monotonic() + 30
        while '"health":"down"' not in httpx.get(f"{url}/api/v1/targets", trust_env=False).text:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        findings = found("--prometheus-url", url)
    assert set(findings) == {"doctor/target-down", "doctor/alertmanager-lost"}
    assert "connection refused" in findings["doctor/target-down"]


@pytest.mark.parametrize("option", ["--url", "--prometheus-url", "--alertmanager-url"])
def test_a_part_that_does_not_answer_is_a_finding(option: str) -> None:
    assert set(found(option, f"http://127.0.0.1:{free_port()}")) == {"doctor/part-unhealthy"}

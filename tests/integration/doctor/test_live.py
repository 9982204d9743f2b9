"""The doctor on running parts: real worker processes, a real Prometheus."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import httpx
import pytest

from stackctl.checks.doctor.live import disagreeing
from stackctl.checks.live.page import Page
from stackctl.problem import Severity
from tests.command import stackctl
from tests.ports import free_port
from tests.real_parts import stable_parts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORKERS = 2


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
        counted: Counter[str] = Counter()
        deadline = time.monotonic() + 120
        # The second worker may begin to listen later than the first.
        while len(set(counted.values())) < WORKERS or counted.total() < 41:
            assert time.monotonic() < deadline, counted
            counted[httpx.get(f"http://127.0.0.1:{port}/", trust_env=False, verify=False).headers["x-worker"]] += 1
        yield page.removesuffix("/metrics")


def await_text(url: str, pattern: str) -> None:
    """Return when a line of the page matches; the limit only ends a test that would hang."""
    deadline = time.monotonic() + 120
    while not re.search(pattern, httpx.get(url, trust_env=False).text, re.MULTILINE):
        assert time.monotonic() < deadline, pattern
        time.sleep(0.2)


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


@contextlib.contextmanager
def prometheus(config: Path) -> Iterator[str]:
    """A Prometheus with its data beside its configuration; its address."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    storage = f"--storage.tsdb.path={config.parent / 'data'}"
    listen = f"--web.listen-address=127.0.0.1:{port}"
    command = [str(stable_parts().prometheus), f"--config.file={config}", storage, listen]
    with served(command, f"{url}/-/ready", dict(os.environ), config.parent / "prometheus.log"):
        yield url


def test_a_prometheus_says_what_is_down_and_whom_it_tells(tmp_path: Path) -> None:
    nobody, config = free_port(), tmp_path / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        f"scrape_configs: [{{job_name: litellm, static_configs: [{{targets: ['127.0.0.1:{nobody}']}}]}}]\n"
    )
    with prometheus(config) as url:
        deadline = time.monotonic() + 30
        while '"health":"down"' not in httpx.get(f"{url}/api/v1/targets", trust_env=False).text:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        findings = found("--prometheus-url", url)
    assert set(findings) == {"doctor/target-down", "doctor/alertmanager-lost"}
    assert "connection refused" in findings["doctor/target-down"]


def test_a_prometheus_that_loses_its_alerts_is_found_out(tmp_path: Path) -> None:
    """Its Alertmanager is configured, so it is connected to one as far as it knows; nobody answers there."""
    nobody = free_port()
    (tmp_path / "rules.yml").write_text("groups: [{name: g, rules: [{alert: Always, expr: vector(1)}]}]\n")
    config = tmp_path / "prometheus.yml"
    config.write_text(
        "global: {evaluation_interval: 1s}\n"
        "rule_files: [rules.yml]\n"
        f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{nobody}']}}]}}]}}\n"
    )
    with prometheus(config) as url:
        await_text(f"{url}/metrics", r"^prometheus_notifications_dropped_total [1-9]")
        findings = found("--prometheus-url", url)
    assert set(findings) == {"doctor/alertmanager-lost"}
    assert "prometheus_notifications_dropped_total is" in findings["doctor/alertmanager-lost"]


def test_an_alertmanager_that_cannot_deliver_is_found_out(tmp_path: Path) -> None:
    parts, port, nobody = stable_parts(), free_port(), free_port()
    config = tmp_path / "alertmanager.yml"
    config.write_text(
        "route: {receiver: hook, group_wait: 0s}\n"
        f"receivers: [{{name: hook, webhook_configs: [{{url: 'http://127.0.0.1:{nobody}/'}}]}}]\n"
    )
    url = f"http://127.0.0.1:{port}"
    options = [
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    command = [str(parts.alertmanager), f"--config.file={config}", *options]
    with served(command, f"{url}/-/ready", dict(os.environ), tmp_path / "alertmanager.log"):
        assert found("--alertmanager-url", url) == {}
        httpx.post(f"{url}/api/v2/alerts", json=[{"labels": {"alertname": "Test"}}], trust_env=False).raise_for_status()
        await_text(
            f"{url}/metrics", r'^alertmanager_notification_requests_failed_total\{.*integration="webhook".*\} [1-9]'
        )
        findings = found("--alertmanager-url", url)
    assert set(findings) == {"doctor/alertmanager-lost"}
    assert re.fullmatch(r"(\d+) of \1 requests failed", findings["doctor/alertmanager-lost"])


@pytest.mark.parametrize("option", ["--prometheus-url", "--alertmanager-url"])
def test_another_program_at_the_address_is_a_finding(tmp_path: Path, option: str) -> None:
    port = free_port()
    (tmp_path / "api/v1/targets").mkdir(parents=True)
    (tmp_path / "api/v1/targets/index.html").write_text("hello")
    (tmp_path / "api/v2").mkdir()
    (tmp_path / "api/v2/status").write_text("hello")
    (tmp_path / "metrics").write_text("no metrics\n")
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(tmp_path), str(port)]
    url = f"http://127.0.0.1:{port}"
    with served(command, url, dict(os.environ), tmp_path / "server.log"):
        assert set(found(option, url)) == {"doctor/part-unhealthy"}


def test_a_machine_whose_clock_is_wrong_is_found_out(tmp_path: Path) -> None:
    port = free_port()
    start = (
        "import time, uvicorn; right = time.time; time.time = lambda: right() - 90; "
        f"uvicorn.run('tests.integration.doctor.counting_app:app', host='127.0.0.1', port={port}, log_level='warning')"
    )
    url = f"http://127.0.0.1:{port}"
    with served([sys.executable, "-c", start], f"{url}/metrics", dict(os.environ), tmp_path / "gateway.log"):
        envelope = stackctl("doctor", "--url", url, "--scrapes", 2, "--json").envelope
    (problem,) = envelope["problems"]
    assert problem["id"] == "doctor/clock-skew"
    assert problem["severity"] == "warning"
    assert re.search(r"the clock of \S+ is (8[89]|9[0-9]) s behind", problem["message"])
    assert problem["evidence"].startswith("Date: ")


def test_a_gateway_that_starts_again_is_no_quarrel_of_workers(tmp_path: Path) -> None:
    """Its counters go backwards once and do not come back: a restart, not two processes."""
    pages = [[Page(counters={("requests_total", ()): value})] for value in (41.0, 42.0, 1.0, 2.0, 3.0)]
    (finding,) = disagreeing(pages, "http://gateway")
    assert (finding.problem.id, finding.problem.severity) == ("doctor/part-unhealthy", Severity.WARNING)
    assert "went backwards once" in finding.problem.message


@pytest.mark.parametrize(
    "address", ["gateway:4000", "ftp://gateway", "http://", "http://[gateway", "http://gateway:port"]
)
def test_what_is_no_url_is_refused(address: str) -> None:
    done = stackctl("doctor", "--url", address, "--json")
    assert done.code == 2
    assert done.envelope["problems"][0]["message"] == "--url is not a URL"


@pytest.mark.parametrize("option", ["--url", "--prometheus-url", "--alertmanager-url"])
def test_a_part_that_does_not_answer_is_a_finding(option: str) -> None:
    assert set(found(option, f"http://127.0.0.1:{free_port()}")) == {"doctor/part-unhealthy"}

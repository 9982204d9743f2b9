"""One gateway with its embedded database, without PostgreSQL and without Redis."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.gateway.running import Running
from tests.integration.money.conftest import Provider, models
from tests.integration.money.load import KINDS, send
from tests.integration.money.test_money_replicas import early_in_a_minute
from tests.real_parts import absent

# Of 16 requests in flight, each reserves its 400 completion tokens; that its prompt has 1000 tokens nobody knew.
UNKNOWN = 3_000_000
# Sets the machine's clock as the gateway's processes see it; the counter that only counts goes on.
JUMPING = """
import time
_real = time.time
time.time = lambda: _real() + float(open({setting!r}).read() or 0)
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("alone"), workers=2, models=models(provider)) as gateway:
        yield gateway


def rows_of(gateway: Running, key: str) -> tuple[int, int]:
    gateway.until(lambda: gateway.total("litellm_current_load") == 0, "no request is in flight")
    page = gateway.admin("GET", "/spend/logs/v2", params={"api_key": key, "page_size": 10_000})
    assert len({row["request_id"] for row in page["data"]}) == page["total"]
    return page["total"], sum(row["metadata"]["cost_nano_usd"] for row in page["data"])


def test_ledger_metrics_and_the_provider_s_bill_agree(alone: Running, provider: Provider) -> None:
    key, before = alone.key(key_alias="mixed", max_budget=10_000), provider.bill()
    told = send([alone.port], key, 1200, kinds=KINDS)
    rows, cost = rows_of(alone, key)
    assert told.statuses == {200: 1200}
    assert (rows, cost) == (1200, provider.bill()["nano"] - before["nano"])
    assert alone.total("litellm_spend_usd_total", key="mixed") == pytest.approx(cost / 1e9, abs=1e-9)


def test_a_dollar_and_a_hundred_requests_a_minute(alone: Running) -> None:
    key = alone.key(key_alias="dollar", max_budget=1)
    told = send([alone.port], key, 150, kinds=(("dear", False),), tokens=(1000, 400))
    _, cost = rows_of(alone, key)
    assert cost == told.statuses[200] * 9_000_000
    assert 10**9 <= cost <= 10**9 + 16 * UNKNOWN
    hundred = alone.key(key_alias="hundred", rpm_limit=100)
    early_in_a_minute(25)
    minute = int(time.time() // 60)
    told = send([alone.port], hundred, 260, kinds=(("cheap", False),), tokens=(5, 5), at_once=24)
    assert int(time.time() // 60) == minute, "the machine took longer than the minute had left"
    assert told.statuses == {200: 100, 429: 160}


def test_a_full_disk_delays_rows_and_loses_none(tmp_path: Path, provider: Provider) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], check=False, capture_output=True
    ).returncode:
        absent("this user may not mount a tmpfs")
    try:
        gateway = Running(tmp_path, workers=1, models=models(provider))
        gateway.state = disk / "state"
        metrics = tmp_path / "metrics"
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
        with gateway:
            key, before = gateway.key(key_alias="full"), provider.bill()
            send([gateway.port], key, 5, kinds=(("cheap", False),))
            filler = disk / "filler"
            fill(filler)
            told = send([gateway.port], key, 100, kinds=(("cheap", False), ("cheap", True)))
            assert told.statuses == {200: 100}
            filler.unlink()
            # Full again; a worker that is started now needs room for a spool.
            gateway.until(lambda: rows_of(gateway, key)[0] == 105, "the rows are there")
            fill(filler)
            # It would make room by what the spool of the killed worker holds.
            (accountant,) = gateway.children("accountant")
            accountant.suspend()
            gateway.kill(gateway.children("worker")[0])
            gateway.until(lambda: "waits for room for its ledger rows" in gateway.log.read_text(), "it says so")
            time.sleep(15)
            assert gateway.process is not None
            assert gateway.process.poll() is None
            filler.unlink()
            accountant.resume()
            gateway.until(lambda: gateway.http.get("/health/readiness").status_code == 200, "it serves again")
            rows, cost = rows_of_all(gateway, key, 105)
            assert (rows, cost) == (105, provider.bill()["nano"] - before["nano"])
    finally:
        os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
        subprocess.run(["umount", disk], check=True)


def fill(path: Path) -> None:
    """Take every block that is left."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while True:
            os.write(descriptor, b"x" * 4096)
    os.close(descriptor)


def rows_of_all(gateway: Running, key: str, count: int) -> tuple[int, int]:
    gateway.until(lambda: rows_of(gateway, key)[0] >= count, "every row is there")
    return rows_of(gateway, key)


def test_a_clock_that_jumps_by_an_hour_resets_nothing(
    tmp_path: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = tmp_path / "jump"
    setting.write_text("0")
    (tmp_path / "sitecustomize.py").write_text(JUMPING.format(setting=str(setting)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with Running(tmp_path / "jumps", workers=2, models=models(provider)) as gateway:
        budget = gateway.key(key_alias="hourly", max_budget=0.02, budget_duration="30m")
        few = gateway.key(key_alias="few", rpm_limit=3)
        early_in_a_minute(15)
        minute = int(time.time() // 60)
        spend = lambda key: send([gateway.port], key, 4, kinds=(("dear", False),), tokens=(1000, 400), at_once=1)  # noqa: E731
        assert spend(budget).statuses == {200: 3, 429: 1}
        assert spend(few).statuses == {200: 3, 429: 1}
        for jump in ("3600", "-3600"):
            setting.write_text(jump)
            assert spend(budget).statuses == {429: 4}
            assert spend(few).statuses == {429: 4} or int(time.time() // 60) > minute
        assert gateway.total("litellm_budget_resets_total", key="hourly") == 0
        rows, cost = rows_of(gateway, budget)
        assert (rows, cost) == (12, 3 * 9_000_000)

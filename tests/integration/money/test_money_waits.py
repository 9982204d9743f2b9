"""A gateway whose PostgreSQL is away when it starts waits for it, says so, and loses nothing."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.process.master import START_S
from tests.integration.gateway.running import Running
from tests.integration.money.conftest import Provider, models
from tests.integration.money.databases import PASSWORD, Postgres
from tests.integration.money.load import send

CHEAP = (("cheap", False),)


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres() as one:
        yield one


def one_gateway(directory: Path, server: Postgres, provider: Provider) -> Running:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "url").write_text(server.url)
    database = {"url": f"file:{directory / 'url'}", "pool_size": 4}
    return Running(directory, workers=2, models=models(provider), database=database)


def waiting(gateway: Running) -> str:
    """What readiness says while it is not ready; empty when nobody listens yet."""
    try:
        answer = gateway.http.get("/health/readiness")
    except httpx.TransportError:
        return ""
    assert answer.status_code == 503, answer.text
    return str(answer.json()["status"])


def test_it_waits_says_why_and_brings_the_rows_of_its_disk(
    tmp_path: Path, server: Postgres, provider: Provider
) -> None:
    gateway = one_gateway(tmp_path / "waits", server, provider)
    try:
        gateway.start()
        key, before = gateway.key(key_alias="waits"), provider.bill()
        assert send([gateway.port], key, 3, kinds=CHEAP).statuses == {200: 3}
        server.stop(signal.SIGQUIT)
        assert send([gateway.port], key, 40, kinds=CHEAP).statuses == {200: 40}
        gateway.kill_all()
        gateway.launch()
        gateway.until(lambda: "connection refused" in waiting(gateway), "readiness says what it waits for")
        assert waiting(gateway) == "not ready: PostgreSQL cannot be used: connection refused"
        assert gateway.http.get("/health/liveliness").status_code == 200
        assert gateway.http.get("/health").status_code == 503
        refused = gateway.chat(key, "cheap")
        assert (refused.status_code, refused.json()["error"]["message"]) == (503, waiting(gateway))
        assert "not ready" in gateway.admin("POST", "/key/generate", expect=503, json={})["error"]["message"]
        # Longer than the master waits for parts that do not come up at all.
        end = time.monotonic() + START_S + 2
        while time.monotonic() < end:
            assert gateway.process is not None
            assert gateway.process.poll() is None
            time.sleep(0.5)
        server.start()
        gateway.until(lambda: gateway.http.get("/health/readiness").status_code == 200, "it is ready")
        assert send([gateway.port], key, 1, kinds=CHEAP).statuses == {200: 1}
        count = "select count(*), sum(cost)::bigint from ledger where alias = 'waits'"
        gateway.until(lambda: server.query(count)[0][0] == 44, "every row is in the ledger")
        assert server.query(count)[0][1] == provider.bill()["nano"] - before["nano"]
        log = gateway.log.read_text()
        assert f"connection refused (127.0.0.1:{server.port}/postgres); trying again every second" in log
        assert PASSWORD not in log
        # When it is news, then once a minute: not at every try.
        assert 1 <= log.count("connection refused (") <= 5
    finally:
        gateway.__exit__()


def test_it_can_be_stopped_while_it_waits(tmp_path: Path, server: Postgres, provider: Provider) -> None:
    gateway = one_gateway(tmp_path / "stops", server, provider)
    server.stop(signal.SIGQUIT)
    try:
        gateway.launch()
        gateway.until(lambda: waiting(gateway), "it waits")
        assert gateway.stop() == 0
    finally:
        server.start()
        gateway.__exit__()


def test_a_wrong_password_is_said_and_not_repeated(tmp_path: Path, server: Postgres, provider: Provider) -> None:
    gateway = one_gateway(tmp_path / "wrong", server, provider)
    (tmp_path / "wrong" / "url").write_text(server.url.replace(PASSWORD, "not-this-one"))
    try:
        gateway.launch()
        gateway.until(lambda: "password authentication failed" in waiting(gateway), "it says so")
        assert "not-this-one" not in gateway.log.read_text()
    finally:
        gateway.__exit__()

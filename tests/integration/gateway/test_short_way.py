"""Plain requests to an only deployment whose connection is there: no task carries them, and everything still counts."""

from __future__ import annotations

import contextlib
import json
import socket
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.integration.gateway.running import PRICE, Running
from tests.integration.gateway.upstream import FakeUpstream

KINDS = (
    "ok",
    "slow-ok",
    "slow-status-500",
    "silent",
    "status-400",
    "status-429",
    "status-500",
    "garbage",
    "half",
    "no-usage",
)


@pytest.fixture(scope="module")
def server() -> Iterator[FakeUpstream]:
    with FakeUpstream() as one:
        yield one


def a_gateway(directory: Path, server: FakeUpstream, **more: object) -> Running:
    models = []
    for kind in KINDS:
        target = {"id": kind, "provider": "vllm", "model": kind, "api_base": server.url, "price": PRICE}
        models.append({"name": kind, "deployments": [target]})
    return Running(directory, workers=1, models=models, **more)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, server: FakeUpstream) -> Iterator[Running]:
    with a_gateway(tmp_path_factory.mktemp("short"), server) as running:
        yield running


@pytest.fixture(scope="module")
def caching(tmp_path_factory: pytest.TempPathFactory, server: FakeUpstream) -> Iterator[Running]:
    """With the cache and the loop guard, which do not keep a request from the short way."""
    more = {"cache": {"ttl_s": 3600}, "loop_guard": {"action": "observe"}}
    with a_gateway(tmp_path_factory.mktemp("caching"), server, **more) as running:
        yield running


def ask(key: str, model: str) -> bytes:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hello"}]}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n".encode()
    return head + b"content-length: %d\r\n\r\n" % len(body) + body


@contextlib.contextmanager
def under_way(gateway: Running, server: FakeUpstream, key: str, model: str) -> Iterator[socket.socket]:
    """A client whose request the upstream has; it leaves at the end of the block."""
    before = len(server.of(model))
    with socket.create_connection(("127.0.0.1", gateway.port)) as client:
        client.sendall(ask(key, model))
        gateway.until(lambda: len(server.of(model)) > before, "the upstream has it")
        yield client


def warm(proxy: Running, key: str) -> None:
    """The key is known and a connection is there: what comes next needs nobody."""
    for _ in range(2):
        assert proxy.chat(key, "ok").status_code == 200


@pytest.mark.parametrize(
    ("kind", "status"),
    [("status-400", 400), ("status-429", 429), ("status-500", 500), ("garbage", 502), ("half", 502)],
)
def test_a_failure_is_one_attempt(proxy: Running, server: FakeUpstream, kind: str, status: int) -> None:
    key = proxy.key(key_alias=f"fails-{kind}", max_budget=1)
    warm(proxy, key)
    before = len(server.of(kind))
    assert proxy.chat(key, kind).status_code == status
    assert len(server.of(kind)) == before + 1
    assert proxy.total("litellm_upstream_attempts_total", key=f"fails-{kind}", status=str(status)) == 1
    rows = proxy.admin("GET", "/spend/logs", params={"api_key": key})
    assert len(rows) == 3
    assert sum(len(row["metadata"]["attempts"]) for row in rows) == 3
    assert proxy.total("litellm_current_load") == 0


def test_tokens_that_the_upstream_does_not_tell_are_estimated(proxy: Running) -> None:
    key = proxy.key(key_alias="estimated")
    warm(proxy, key)
    assert proxy.chat(key, "no-usage").status_code == 200
    estimated = [row["metadata"]["estimated"] for row in proxy.admin("GET", "/spend/logs", params={"api_key": key})]
    assert sorted(estimated) == [False, False, True]


def test_a_client_that_leaves_ends_its_attempt_and_pays_its_prompt(proxy: Running, server: FakeUpstream) -> None:
    key = proxy.key(key_alias="leaves", max_budget=1)
    warm(proxy, key)
    with under_way(proxy, server, key, "silent"):
        pass
    proxy.until(lambda: proxy.total("litellm_requests_total", key="leaves", status="499") == 1, "it is counted")
    assert proxy.total("litellm_upstream_attempts_total", key="leaves", status="499") == 1
    assert proxy.total("litellm_current_load") == 0
    (left,) = [row for row in proxy.admin("GET", "/spend/logs", params={"api_key": key}) if row["status"] == "failure"]
    assert left["prompt_tokens"] > 0
    assert left["spend"] > 0
    # The connection that was given up is nobody else's.
    assert proxy.chat(key, "ok").json()["model"] == "ok"


def test_requests_sent_ahead_are_answered_in_their_order(proxy: Running) -> None:
    key = proxy.key(key_alias="ahead")
    warm(proxy, key)
    kinds = ["ok", "status-400", "ok", "no-usage", "ok"] * 4
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=30) as client:
        client.sendall(b"".join(ask(key, kind) for kind in kinds))
        answers = client.makefile("rb")
        for kind in kinds:
            status = int(answers.readline().split()[1])
            length = 0
            while (line := answers.readline()) != b"\r\n":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            body = json.loads(answers.read(length))
            assert status == (400 if kind == "status-400" else 200)
            assert kind == "status-400" or body["model"] == kind
    assert proxy.total("litellm_requests_total", key="ahead") == 2 + len(kinds)


def together(gateway: Running, key: str, model: str, text: str, count: int = 4) -> list[httpx.Response]:
    """The same question from so many connections at once."""
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    headers = {"Authorization": f"Bearer {key}"}
    with ThreadPoolExecutor(count) as pool:
        asking = [
            pool.submit(httpx.post, f"{gateway.url}/v1/chat/completions", json=body, headers=headers, timeout=60)
            for _ in range(count)
        ]
        return [one.result(60) for one in asking]


def test_an_answer_that_several_wait_for_is_bought_once(caching: Running, server: FakeUpstream) -> None:
    key = caching.key(key_alias="together", max_budget=1)
    warm(caching, key)
    before, spent = len(server.of("slow-ok")), caching.total("litellm_spend_usd_total", key="together")
    answers = together(caching, key, "slow-ok", "shared")
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.content for answer in answers}) == 1
    assert len(server.of("slow-ok")) == before + 1
    one = caching.total("litellm_spend_usd_total", key="together") - spent
    assert one == pytest.approx(sum(float(a.headers["x-litellm-response-cost"]) for a in answers))
    again = together(caching, key, "slow-ok", "shared", 2)
    assert [answer.headers["x-litellm-response-cost"] for answer in again] == ["0.000000000"] * 2
    assert len(server.of("slow-ok")) == before + 1
    assert caching.total("litellm_spend_usd_total", key="together") - spent == pytest.approx(one)
    rows = caching.admin("GET", "/spend/logs", params={"api_key": key})
    assert sorted(row["metadata"]["cache"] for row in rows) == ["hit"] * 3 + ["miss"] * 5


def test_who_waits_for_an_answer_that_fails_is_told(caching: Running, server: FakeUpstream) -> None:
    key = caching.key(key_alias="told", max_budget=1)
    warm(caching, key)
    before = len(server.of("slow-status-500"))
    answers = together(caching, key, "slow-status-500", "shared")
    assert [answer.status_code for answer in answers] == [500] * 4
    assert len(server.of("slow-status-500")) == before + 1
    assert caching.chat(key, "ok").status_code == 200
    assert caching.total("litellm_current_load") == 0


def test_who_leaves_an_answer_that_others_wait_for_does_not_take_it_along(
    caching: Running, server: FakeUpstream
) -> None:
    key = caching.key(key_alias="leaves-others", max_budget=1)
    warm(caching, key)
    before = len(server.of("slow-ok"))
    with under_way(caching, server, key, "slow-ok") as client, ThreadPoolExecutor(1) as pool:
        other = pool.submit(caching.chat, key, "slow-ok")
        time.sleep(0.1)
        client.close()
        assert other.result(60).status_code == 200
    assert len(server.of("slow-ok")) == before + 1
    caching.until(lambda: caching.total("litellm_requests_total", key="leaves-others") == 4, "both are counted")
    assert caching.total("litellm_current_load") == 0


def test_an_answer_that_everybody_has_left_is_paid_before_the_gateway_ends(
    tmp_path: Path, server: FakeUpstream
) -> None:
    gateway = a_gateway(tmp_path / "ends", server, cache={"ttl_s": 3600})
    with gateway:
        key = gateway.key(key_alias="left", max_budget=1)
        warm(gateway, key)
        with under_way(gateway, server, key, "slow-ok"):
            pass
        assert gateway.stop() == 0
    with sqlite3.connect(gateway.state / "ledger.sqlite") as ledger:
        rows = ledger.execute("select status, cost > 0 from ledger where model = 'slow-ok'").fetchall()
    assert rows == [(200, 1)]

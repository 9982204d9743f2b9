"""A provider goes away under load; a provider asks to be left alone; a key nears its limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.integration.gateway.running import PRICE, Running, mock_model
from tests.integration.gateway.upstream import FakeUpstream

AGENTS = 40


def at(upstream: FakeUpstream, identity: str, model: str, **more: Any) -> dict[str, Any]:
    return {
        "id": identity, "provider": "vllm", "model": model, "api_base": upstream.url, "price": PRICE,
        "timeouts": {"connect_s": 2, "first_byte_s": 5, "idle_s": 1, "total_s": 10}, **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def mortal() -> Iterator[FakeUpstream]:
    with FakeUpstream() as server:
        yield server


@pytest.fixture(scope="module")
def routed(tmp_path_factory: pytest.TempPathFactory, upstream: FakeUpstream, mortal: FakeUpstream) -> Iterator[Running]:
    models = [
        {"name": "main", "fallbacks": ["backup"], "deployments": [at(mortal, "main-0", "ok"), at(mortal, "main-1", "ok")]},
        mock_model("backup"),
        {"name": "busy", "deployments": [at(upstream, "busy-0", "status-429")]},
        {"name": "cut-first", "fallbacks": ["backup"], "deployments": [at(upstream, "cut-first-0", "closes")]},
        {"name": "idle", "fallbacks": ["backup"], "deployments": [at(upstream, "idle-0", "ok")]},
        {"name": "soft", "fallbacks": ["backup"], "deployments": [at(upstream, "soft-0", "ok", rpm=20)]},
    ]  # fmt: skip
    routing = {"cooldown_s": 60, "allowed_failures": 3, "backoff_s": 0.01}
    with Running(tmp_path_factory.mktemp("routed"), models=models, routing=routing) as running:
        yield running


def test_nobody_notices_an_outage_while_a_fallback_lives(
    routed: Running, mortal: FakeUpstream, record_property: Any
) -> None:
    key = routed.key(key_alias="agents")
    slowest = 0.0
    statuses: list[int] = []
    guard = threading.Lock()
    gone = threading.Event()

    def agent(number: int) -> None:
        nonlocal slowest
        with httpx.Client(base_url=routed.url, timeout=60) as client:
            for turn in range(10):
                if number == 0 and turn == 3:
                    mortal.vanish()
                    gone.set()
                stream = (number + turn) % 2 == 0
                body = {"model": "main", "stream": stream, "messages": [{"role": "user", "content": "x"}]}
                began = time.monotonic()
                answer = client.post("/v1/chat/completions", headers={"Authorization": f"Bearer {key}"}, json=body)
                broken = stream and not answer.text.endswith("data: [DONE]\n\n")
                with guard:
                    statuses.append(599 if broken else answer.status_code)
                    slowest = max(slowest, time.monotonic() - began) if gone.is_set() else slowest

    with ThreadPoolExecutor(AGENTS) as pool:
        list(pool.map(agent, range(AGENTS)))
    record_property("slowest request during the failover, s", round(slowest, 3))
    assert statuses == [200] * (AGENTS * 10)
    assert routed.total("litellm_requests_total", key="agents", status="200") == AGENTS * 10
    assert routed.total("litellm_fallbacks_total", from_model="main", success="true") > 0
    routed.until(lambda: routed.total("litellm_deployment_cooldown", model="main") == 2, "both deployments rest")
    # While they rest, a request costs no attempt there.
    before = routed.total("litellm_upstream_attempts_total", model="main")
    assert routed.chat(key, "main").status_code == 200
    assert routed.total("litellm_upstream_attempts_total", model="main") == before


def test_retry_after_is_passed_on_and_kept_to(routed: Running, upstream: FakeUpstream) -> None:
    key = routed.key()
    first = routed.chat(key, "busy")
    assert (first.status_code, first.headers["retry-after"]) == (429, "7")
    asked = len(upstream.of("status-429"))
    second = routed.chat(key, "busy")
    assert second.status_code == 429
    assert 1 <= int(second.headers["retry-after"]) <= 8
    assert len(upstream.of("status-429")) == asked


def test_a_stream_that_fails_before_its_first_byte_falls_back(routed: Running) -> None:
    answer = routed.chat(routed.key(), "cut-first", stream=True)
    assert answer.status_code == 200
    assert answer.text.rstrip().endswith("data: [DONE]")
    assert "error" not in answer.text


def test_from_80_percent_of_a_deployments_limit_on_traffic_moves_to_the_backup(routed: Running) -> None:
    key = routed.key()
    # Not across the turn of a minute: counts start anew there.
    if time.time() % 60 > 50:
        time.sleep(60.5 - time.time() % 60)
    groups = [routed.chat(key, "soft").headers["x-litellm-model-group"] for _ in range(24)]
    # Each of the two workers learns of it with its next claim.
    assert groups[:16] == ["soft"] * 16
    assert 16 <= groups.count("soft") <= 18
    assert groups[-4:] == ["backup"] * 4


def test_from_80_percent_of_a_keys_limit_on_traffic_moves_to_the_backup(routed: Running) -> None:
    key = routed.key(key_alias="limited", rpm_limit=20)
    if time.time() % 60 > 50:
        time.sleep(60.5 - time.time() % 60)
    answers = [routed.chat(key, "idle") for _ in range(20)]
    groups = [answer.headers.get("x-litellm-model-group") for answer in answers if answer.status_code == 200]
    assert groups[:14] == ["idle"] * 14
    assert groups[-1] == "backup"
    assert {answer.status_code for answer in answers} <= {200, 429}

"""Each accounting error that was seen in LiteLLM 1.102.4, as a test that fails on it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.gateway.running import PRICE, Running, mock_model

INVENTED = 10_000


def failing(name: str, error: int, **more: Any) -> dict[str, Any]:
    return mock_model(name, deployment={"mock": {"error": error}}, **more)


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    slow = mock_model("slow", deployment={"mock": {"latency_s": 5}, "timeouts": {"first_byte_s": 0.2}})
    two = mock_model("two")
    two["deployments"] = [
        {"id": "two-bad", "provider": "mock", "model": "x", "price": PRICE, "mock": {"error": 500}},
        {"id": "two-good", "provider": "mock", "model": "x", "price": PRICE},
    ]
    models = [
        mock_model("good"), failing("denied", 401), failing("fb", 500, fallbacks=["good"]),
        failing("fb-bad", 500, fallbacks=["bad"]), failing("bad", 500), slow, two,
        mock_model("unpriced", deployment={"price": None}),
    ]  # fmt: skip
    # Rests would take attempts away that these tests count.
    routing = {"allowed_failures": 1000, "retries": 2, "backoff_s": 0}
    with Running(tmp_path_factory.mktemp("facts"), models=models, routing=routing) as running:
        yield running


@pytest.fixture(scope="module")
def key(facts: Running) -> str:
    return facts.key(key_alias="client")


def test_a_refused_credential_is_counted_with_its_provider(facts: Running, key: str) -> None:
    assert facts.chat(key, "denied").status_code == 401
    assert facts.total("litellm_requests_total", model="denied", provider="mock", status="401") == 1
    assert facts.total("litellm_upstream_attempts_total", model="denied", key="client", status="401") == 1
    assert facts.total("litellm_errors_total", model="denied", error_type="authentication_error") == 1
    assert not any(value == "None" for _, labels in facts.samples() for _, value in labels)


def test_a_request_counts_under_the_model_it_asked_for(facts: Running, key: str) -> None:
    for _ in range(4):
        answer = facts.chat(key, "fb")
        assert answer.status_code == 200
        assert answer.headers["x-litellm-model-group"] == "good"
        assert answer.headers["x-litellm-attempted-fallbacks"] == "1"
    assert facts.total("litellm_requests_total", model="fb") == 4
    assert facts.total("litellm_requests_total", model="good") == 0
    assert facts.total("litellm_fallbacks_total", from_model="fb", to_model="good", success="true") == 4


def test_a_fallback_that_fails_is_counted(facts: Running, key: str) -> None:
    for _ in range(2):
        assert facts.chat(key, "fb-bad").status_code == 500
    assert facts.total("litellm_upstream_attempts_total", model="bad", deployment="bad-0", status="500") == 2
    assert facts.total("litellm_fallbacks_total", from_model="fb-bad", to_model="bad", success="false") == 2


def test_every_retry_is_counted_and_goes_elsewhere(facts: Running, key: str) -> None:
    answers = [facts.chat(key, "two") for _ in range(10)]
    assert [answer.status_code for answer in answers] == [200] * 10
    retried = sum(int(answer.headers["x-litellm-attempted-retries"]) for answer in answers)
    assert facts.total("litellm_upstream_attempts_total", deployment="two-good", status="200") == 10
    assert facts.total("litellm_upstream_attempts_total", deployment="two-bad", status="500") == retried
    assert facts.total("litellm_requests_total", model="two") == 10


def test_tokens_without_a_price_leave_a_mark(facts: Running, key: str) -> None:
    for _ in range(2):
        assert facts.chat(key, "unpriced").status_code == 200
    assert facts.total("litellm_unpriced_tokens_total", model="unpriced") > 0


def test_a_time_out_is_in_the_latency_histogram(facts: Running, key: str) -> None:
    assert facts.chat(key, "slow").status_code == 504
    assert facts.total("litellm_request_duration_seconds_count", model="slow", status="504") == 1
    assert facts.total("litellm_request_duration_seconds_sum", model="slow", status="504") > 0.19


def test_what_clients_invent_makes_no_series(facts: Running, key: str) -> None:
    facts.chat(key, "no-such-model")
    facts.chat("sk-nobody", "good")
    before = len(facts.samples())
    assert asyncio.run(_invent(facts.port, key)) == INVENTED
    assert len(facts.samples()) == before


async def _invent(port: int, key: str) -> int:
    """Requests for models, users, agents and addresses that nobody knows; how many were answered with 404."""
    parts = [range(start, INVENTED, 4) for start in range(4)]
    return sum(await asyncio.gather(*(_invent_some(port, key, part) for part in parts)))


async def _invent_some(port: int, key: str, numbers: range) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    refused = 0
    for start in range(0, len(numbers), 50):
        some = numbers[start : start + 50]
        writer.write(b"".join(_invented(number, key) for number in some))
        for _ in some:
            head = await reader.readuntil(b"\r\n\r\n")
            refused += head.startswith(b"HTTP/1.1 404")
            length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length"))
            await reader.readexactly(int(length.partition(b":")[2]))
    writer.close()
    await writer.wait_closed()
    return refused


def _invented(number: int, key: str) -> bytes:
    fields = {"model": f"invented-{number}", "user": f"u-{number}", "messages": [{"role": "user", "content": "x"}]}
    body = json.dumps(fields).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n"
    head += f"user-agent: agent-{number}\r\nx-forwarded-for: 10.0.{number % 256}.{number % 251}\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def test_without_a_cache_nothing_is_a_miss(facts: Running, key: str) -> None:
    for stream in (False, True):
        assert facts.chat(key, "good", stream=stream).status_code == 200
    assert facts.total("litellm_cache_misses_total") == facts.total("litellm_cache_hits_total") == 0


def test_the_time_of_the_gateway_itself_is_measured(facts: Running, key: str) -> None:
    before = facts.total("litellm_overhead_seconds_count", model="good")
    answer = facts.chat(key, "good", mock={"latency_s": 0.2})
    # The loop's timers go by whole milliseconds.
    assert float(answer.headers["x-litellm-response-duration-ms"]) >= 199
    assert float(answer.headers["x-litellm-overhead-duration-ms"]) >= 0
    assert facts.total("litellm_overhead_seconds_count", model="good") == before + 1

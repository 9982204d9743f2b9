"""The openai provider against a real local server that misbehaves in every documented way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.pricing import tokens
from tests.integration.gateway.running import PRICE, Running
from tests.integration.gateway.upstream import FakeUpstream

KINDS = (
    "ok",
    "status-401",
    "status-429",
    "status-429-stream",
    "status-500",
    "status-400",
    "silent",
    "garbage",
    "closes",
    "cut",
    "no-usage",
    "flex",
    "stale",
)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, upstream: FakeUpstream) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("proxy")
    (directory / "upstream-key").write_text("sk-upstream-credential\n")

    def model(kind: str, **more: Any) -> dict[str, Any]:
        deployment = {
            "id": f"{kind}-0",
            "provider": "openai",
            "model": kind,
            "api_base": upstream.url,
            "api_key": "file:upstream-key",
            "price": PRICE,
            "timeouts": {"connect_s": 2, "first_byte_s": 0.5, "idle_s": 0.5, "total_s": 5},
        }
        return {"name": kind, "deployments": [deployment], **more}

    models = [model(kind) for kind in KINDS]
    refused = model("refused")
    refused["deployments"][0]["api_base"] = "http://127.0.0.1:1/v1"
    two = model("two")
    two["deployments"][0].update(id="two-0", model="status-500")
    two["deployments"].append({**two["deployments"][0], "id": "two-1", "model": "ok"})
    with Running(directory, workers=1, models=[*models, refused, two]) as running:
        yield running


@pytest.fixture(scope="module")
def key(proxy: Running) -> str:
    return proxy.key(key_alias="client")


def test_the_answer_and_unknown_fields_pass_through_untouched(proxy: Running, key: str, upstream: FakeUpstream) -> None:
    answer = proxy.chat(key, "ok", temperature=0.5, unknown_field={"a": [1]}, mock={"latency_s": 0})
    assert answer.json()["x_unknown"] == {"kept": True}
    path, headers, body = upstream.calls[-1]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == "Bearer sk-upstream-credential"
    assert body["unknown_field"] == {"a": [1]}
    assert "mock" not in body
    assert float(answer.headers["x-litellm-response-cost"]) == pytest.approx((11 * 2.5 + 7 * 10) / 1e6)


def test_a_stream_passes_through_and_is_billed_by_its_usage(proxy: Running, key: str) -> None:
    text = proxy.chat(key, "ok", stream=True).text
    events = [line.removeprefix("data: ") for line in text.splitlines() if line]
    assert events[-1] == "[DONE]"
    words = [c["delta"].get("content", "") for e in events[:-1] for c in json.loads(e)["choices"]]
    assert "".join(words) == "one two three"
    assert all("usage" not in json.loads(event) for event in events[:-1])
    row = proxy.admin("GET", "/spend/logs")[0]
    assert (row["prompt_tokens"], row["completion_tokens"], row["metadata"]["estimated"]) == (11, 7, False)


@pytest.mark.parametrize(
    ("model", "status", "error_type"),
    [
        ("status-401", 401, "authentication_error"),
        ("status-429", 429, "rate_limit_error"),
        ("status-500", 500, "api_error"),
        ("status-400", 400, "invalid_request_error"),
        ("silent", 504, "timeout"),
        ("garbage", 502, "api_error"),
        ("closes", 502, "connection_error"),
        ("refused", 502, "connection_error"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_an_upstream_s_failure_is_told_and_counted(
    proxy: Running, key: str, model: str, status: int, error_type: str, stream: bool
) -> None:
    if status == 429 and stream:
        # The other one may still rest, for as long as its Retry-After said.
        model += "-stream"
    counted = {"model": model, "key": "client", "provider": "openai"}
    before = {
        "errors": proxy.total("litellm_errors_total", error_type=error_type, **counted),
        "attempts": proxy.total("litellm_upstream_attempts_total", model=model, status=str(status)),
        "latency": proxy.total("litellm_request_duration_seconds_count", status=str(status), **counted),
    }
    answer = proxy.chat(key, model, stream=stream)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["type"] == error_type
    assert error["code"] == str(status)
    assert "sk-upstream" not in answer.text
    if status == 429:
        assert answer.headers["retry-after"] == "7"
    after = {
        "errors": proxy.total("litellm_errors_total", error_type=error_type, **counted),
        "attempts": proxy.total("litellm_upstream_attempts_total", model=model, status=str(status)),
        "latency": proxy.total("litellm_request_duration_seconds_count", status=str(status), **counted),
    }
    assert after == {name: value + 1 for name, value in before.items()}


def test_a_stream_that_is_cut_ends_with_an_error_event(proxy: Running, key: str) -> None:
    text = proxy.chat(key, "cut", stream=True).text
    last = [line.removeprefix("data: ") for line in text.splitlines() if line][-1]
    assert json.loads(last)["error"]["code"] == "502"
    assert proxy.total("litellm_requests_total", model="cut", status="502") == 1
    row = proxy.admin("GET", "/spend/logs")[0]
    assert row["metadata"]["estimated"] is True
    assert row["completion_tokens"] == tokens.of_text("one two three")
    assert row["prompt_tokens"] == tokens.of_messages([{"role": "user", "content": "hello"}])


@pytest.mark.parametrize("stream", [False, True])
def test_usage_that_a_provider_does_not_tell_is_counted_and_marked(proxy: Running, key: str, stream: bool) -> None:
    question = "How many tokens does a question have that nobody counted?"
    answer = proxy.chat(key, "no-usage", stream=stream, messages=[{"role": "user", "content": question}])
    assert answer.status_code == 200
    row = proxy.admin("GET", "/spend/logs")[0]
    said = tokens.of_text("one two three" if stream else "hi")
    asked = tokens.of_messages([{"role": "user", "content": question}])
    assert (row["prompt_tokens"], row["completion_tokens"], row["metadata"]["estimated"]) == (asked, said, True)
    assert row["metadata"]["cost_nano_usd"] == asked * 2500 + said * 10_000


@pytest.mark.parametrize("stream", [False, True])
def test_what_the_provider_charged_as_a_batch_costs_as_much(proxy: Running, key: str, stream: bool) -> None:
    assert proxy.chat(key, "flex", stream=stream, service_tier="flex").status_code == 200
    row = proxy.admin("GET", "/spend/logs")[0]
    assert row["metadata"]["cost_nano_usd"] == (11 * 2500 + 7 * 10_000) // 2
    # Asking for it is not enough: the answer must say so.
    assert proxy.chat(key, "ok", stream=stream, service_tier="flex").status_code == 200
    assert proxy.admin("GET", "/spend/logs")[0]["metadata"]["cost_nano_usd"] == 11 * 2500 + 7 * 10_000


def test_a_stale_kept_alive_socket_is_tried_again_once(proxy: Running, key: str, upstream: FakeUpstream) -> None:
    before = len(upstream.of("stale"))
    assert [proxy.chat(key, "stale").status_code for _ in range(10)] == [200] * 10
    assert len(upstream.of("stale")) == before + 10


def test_another_deployment_is_tried_and_none_twice(proxy: Running, key: str) -> None:
    failed = proxy.total("litellm_upstream_attempts_total", deployment="two-0", status="500")
    assert [proxy.chat(key, "two").status_code for _ in range(12)] == [200] * 12
    attempts = proxy.total("litellm_upstream_attempts_total", model="two")
    assert proxy.total("litellm_upstream_attempts_total", deployment="two-1", status="200") == 12
    assert proxy.total("litellm_upstream_attempts_total", deployment="two-0", status="500") == attempts - 12
    assert failed == 0
    assert attempts <= 24


def test_a_provider_that_only_fails_is_down_until_it_answers(proxy: Running, key: str) -> None:
    for _ in range(3):
        proxy.chat(key, "status-500")
    proxy.until(lambda: proxy.total("litellm_provider_up", provider="openai") == 0, "the provider is down")
    assert proxy.http.get("/health").json()["providers"]["openai"]["up"] is False
    proxy.chat(key, "ok")
    proxy.until(lambda: proxy.total("litellm_provider_up", provider="openai") == 1, "the provider is up")

"""The openai provider against a real local server that misbehaves in every documented way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.counting import of_prompt
from gateway.counting.encoding import count, of_text
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
    "swallows",
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
            # Only where silence is the subject may a busy machine's pause count as one.
            "timeouts": {"connect_s": 30, "first_byte_s": 0.5 if kind == "silent" else 30, "idle_s": 30, "total_s": 60},
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
    proxy: Running, key: str, upstream: FakeUpstream, model: str, status: int, error_type: str, stream: bool
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
    asked = len(upstream.of(model))
    answer = proxy.chat(key, model, stream=stream)
    asked = len(upstream.of(model)) - asked if model != "refused" else 1
    # Two where the first went out on a kept connection, which was closed without a word.
    assert asked == 1 or (model == "closes" and asked == 2)
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
    more = {"errors": 1, "attempts": asked, "latency": 1}
    assert after == {name: value + more[name] for name, value in before.items()}


def test_a_stream_that_is_cut_ends_with_an_error_event(proxy: Running, key: str) -> None:
    text = proxy.chat(key, "cut", stream=True).text
    last = [line.removeprefix("data: ") for line in text.splitlines() if line][-1]
    assert json.loads(last)["error"]["code"] == "502"
    assert proxy.total("litellm_requests_total", model="cut", status="502") == 1
    row = proxy.admin("GET", "/spend/logs")[0]
    assert row["metadata"]["estimated"] is True
    assert row["completion_tokens"] == of_text("one two three")
    assert row["prompt_tokens"] == count(of_prompt({"messages": [{"role": "user", "content": "hello"}]}))


@pytest.mark.parametrize("stream", [False, True])
def test_usage_that_a_provider_does_not_tell_is_counted_and_marked(proxy: Running, key: str, stream: bool) -> None:
    question = "How many tokens does a question have that nobody counted?"
    answer = proxy.chat(key, "no-usage", stream=stream, messages=[{"role": "user", "content": question}])
    assert answer.status_code == 200
    row = proxy.admin("GET", "/spend/logs")[0]
    said = of_text("one two three" if stream else "hi")
    asked = count(of_prompt({"messages": [{"role": "user", "content": question}]}))
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


def test_a_kept_connection_that_was_closed_is_noticed_before_anything_is_sent(
    proxy: Running, key: str, upstream: FakeUpstream
) -> None:
    before = len(upstream.of("stale"))
    for _ in range(10):
        closed = upstream.closed
        assert proxy.chat(key, "stale").status_code == 200
        # While the close is under way nobody can notice it.
        proxy.until(lambda closed=closed: upstream.closed > closed, "the upstream has closed the connection")
    assert len(upstream.of("stale")) == before + 10
    assert proxy.total("litellm_upstream_attempts_total", model="stale") == 10


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_that_is_swallowed_on_a_kept_connection_is_sent_again_and_counted_twice(
    proxy: Running, upstream: FakeUpstream, stream: bool
) -> None:
    name = f"swallowed-{stream}"
    key = proxy.key(key_alias=name)
    before = len(upstream.of("swallows"))
    assert [proxy.chat(key, "swallows", stream=stream).status_code for _ in range(6)] == [200] * 6
    asked = len(upstream.of("swallows")) - before
    # At least every second one met a kept connection.
    assert asked >= 8
    counted = {"model": "swallows", "key": name}
    assert proxy.total("litellm_upstream_attempts_total", **counted) == asked
    assert proxy.total("litellm_upstream_attempts_total", status="502", **counted) == asked - 6
    rows = proxy.admin("GET", "/spend/logs", params={"api_key": key})
    assert sum(len(row["metadata"]["attempts"]) for row in rows) == asked
    assert proxy.total("litellm_deployment_cooldown", deployment="swallows-0") == 0


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

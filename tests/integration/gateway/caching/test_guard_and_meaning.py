"""A key that loops is noticed and stopped; a question that means the same is answered from the cache and paid for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.metrics.catalogue import catalogue
from tests.integration.gateway.caching.conftest import EMBEDDING
from tests.integration.gateway.redis_server import PASSWORD, RedisServer
from tests.integration.gateway.running import Running, mock_model, parsed
from tests.integration.gateway.upstream import FakeUpstream

GUARD = {"repeats": 5, "turns": 4, "context_bytes": 3000, "window_s": 120}


def gateway_with(directory: Any, upstream: FakeUpstream, action: str, **more: Any) -> Running:
    over_http = {"provider": "stand-in", "api_base": upstream.url, "model": "vectors", "price": EMBEDDING}
    models = [
        mock_model("demo"),
        mock_model("vectors", deployment=over_http),
        mock_model("stackctl-canary", hidden=True),
    ]
    return Running(directory, **{"workers": 1, **more}, models=models, loop_guard={**GUARD, "action": action})


@pytest.fixture(scope="module")
def throttled(tmp_path_factory: pytest.TempPathFactory, upstream: FakeUpstream) -> Iterator[Running]:
    """Throttles loops and compares questions by meaning."""
    cache = {"mode": "semantic", "embedding_model": "vectors", "similarity": 0.9}
    with gateway_with(tmp_path_factory.mktemp("throttled"), upstream, "throttle", cache=cache) as running:
        yield running


def test_a_loop_is_slowed_down_and_other_keys_are_not(throttled: Running) -> None:
    key, other = throttled.key(key_alias="loops", max_budget=1), throttled.key()
    again = [throttled.chat(key, messages=[{"role": "user", "content": f"try {n}"}]) for n in range(7)]
    assert [a.status_code for a in again] == [200] * 4 + [429] * 3
    assert again[-1].json()["error"]["code"] == "loop_detected"
    assert again[-1].headers["retry-after"] == "120"
    assert throttled.total("litellm_loop_guard_total", key="loops", team="", action="throttle") == 3
    assert throttled.chat(other, messages=[{"role": "user", "content": "try 8"}]).status_code == 200
    # What was refused holds no money and is not in flight.
    throttled.until(lambda: throttled.total("litellm_current_load") == 0, "nothing is in flight")
    logs = throttled.admin("GET", "/spend/logs/v2", params={"api_key": key})["data"]
    assert [row["metadata"]["error_type"] for row in logs][:3] == ["rate_limit_exceeded"] * 3


def test_a_conversation_that_only_grows_is_noticed(throttled: Running) -> None:
    key = throttled.key()
    messages = [{"role": "system", "content": "agent"}, {"role": "user", "content": "go"}]
    seen = []
    for n in range(6):
        messages = [*messages, {"role": "user", "content": chr(97 + n) * 900}]
        seen.append(throttled.chat(key, messages=messages, cache={"no-cache": True}).status_code)
    assert seen == [200, 200, 200, 429, 429, 429]


def test_a_proof_may_repeat_itself(throttled: Running) -> None:
    key = throttled.key(models=["stackctl-canary"])
    assert {throttled.chat(key, "stackctl-canary").status_code for _ in range(10)} == {200}


def test_a_key_that_loops_is_blocked_until_somebody_unblocks_it(tmp_path: Any, upstream: FakeUpstream) -> None:
    with gateway_with(tmp_path, upstream, "block") as gateway:
        key = gateway.key(key_alias="runs-away")
        assert gateway.total("litellm_loop_guard_total", key="runs-away", action="block") == 0
        assert ("litellm_loop_guard_total", frozenset({("key", "runs-away"), ("team", ""), ("action", "block")})) in (
            gateway.samples()
        )
        assert [gateway.chat(key).status_code for _ in range(5)] == [200] * 4 + [403]
        gateway.until(lambda: gateway.chat(key).status_code == 401, "the key is blocked")
        assert gateway.admin("GET", "/key/info", params={"key": key})["info"]["blocked"] is True
        gateway.admin("POST", "/key/unblock", json={"key": key})
        assert [gateway.chat(key).status_code for _ in range(4)] == [200] * 4


def test_a_question_that_means_the_same_is_free_but_for_its_embedding(
    throttled: Running, upstream: FakeUpstream
) -> None:
    key = throttled.key(key_alias="means", max_budget=1)
    say = lambda text, **more: throttled.chat(key, messages=[{"role": "user", "content": text}], **more)  # noqa: E731
    first, near, far = say("alike: what is a book?"), say("alike: what's a book"), say("unlike: who wrote it?")
    assert "x-litellm-cache-key" not in first.headers
    assert "x-litellm-cache-key" in near.headers
    assert near.json() == first.json()
    assert float(near.headers["x-litellm-response-cost"]) == 0
    assert "x-litellm-cache-key" not in far.headers
    # Another parameter is another question, and the very same one needs no embedding.
    asked = len(upstream.of("vectors"))
    assert "x-litellm-cache-key" not in say("alike: what is a book?", temperature=0).headers
    assert len(upstream.of("vectors")) == asked + 1
    assert "x-litellm-cache-key" in say("alike: what is a book?").headers
    assert len(upstream.of("vectors")) == asked + 1
    rows = throttled.admin("GET", "/spend/logs/v2", params={"api_key": key})["data"]
    of_questions = [r for r in rows if r["call_type"] == "aembedding"]
    assert [r["metadata"]["cost_nano_usd"] for r in of_questions] == [5 * 100_000] * 4
    assert {tuple(r["request_tags"]) for r in of_questions} == {("semantic-cache",)}
    whole = sum(r["metadata"]["cost_nano_usd"] for r in rows) / 1e9
    assert throttled.total("litellm_spend_usd_total", key="means") == pytest.approx(whole, abs=1e-12)
    assert throttled.admin("GET", "/key/info", params={"key": key})["info"]["spend"] == pytest.approx(whole)
    throttled.until(lambda: throttled.total("litellm_current_load") == 0, "nothing is in flight")


def test_workers_share_questions_through_redis(tmp_path: Any, upstream: FakeUpstream, redis: RedisServer) -> None:
    (tmp_path / "redis").write_text(redis.url)
    cache = {"backend": "redis", "url": "file:redis", "mode": "semantic", "embedding_model": "vectors"}
    with gateway_with(tmp_path, upstream, "observe", cache=cache, workers=3) as gateway:
        key = gateway.key()
        assert (
            "x-litellm-cache-key" not in gateway.chat(key, messages=[{"role": "user", "content": "alike: one"}]).headers
        )
        for number in range(9):
            body = {"model": "demo", "messages": [{"role": "user", "content": f"alike: number {number}"}]}
            with Running.client(gateway.url) as http:
                answer = http.post("/v1/chat/completions", headers={"Authorization": f"Bearer {key}"}, json=body)
            assert "x-litellm-cache-key" in answer.headers
        redis.stop()
        assert gateway.chat(key, messages=[{"role": "user", "content": "alike: ten"}]).status_code == 200
        redis.start()
        gateway.until(lambda: gateway.chat(key).status_code == 200, "it goes on")
        assert PASSWORD not in gateway.log.read_text()


def test_without_vectors_the_cache_is_exact(throttled: Running) -> None:
    key = throttled.key()
    answers = [throttled.chat(key, messages=[{"role": "user", "content": "fails: same"}]) for _ in range(2)]
    assert ["x-litellm-cache-key" in a.headers for a in answers] == [False, True]


def test_the_page_and_the_catalogue_agree_on_the_guard(throttled: Running) -> None:
    page = parsed(throttled.http.get("/metrics").text)
    labels = {frozenset(dict(pairs)) for name, pairs in page if name == "litellm_loop_guard_total"}
    assert labels == {frozenset(catalogue()["litellm_loop_guard_total"].labels)}

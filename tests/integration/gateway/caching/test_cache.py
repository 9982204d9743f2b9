"""What was bought once is not bought twice, costs nothing the second time, and is nobody else's business."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.gateway.redis_server import PASSWORD, RedisServer
from tests.integration.gateway.running import MASTER, Running
from tests.integration.gateway.upstream import FakeUpstream

COST = 11 * 2500 + 7 * 10_000
"""Nano-USD of the stand-in's 11 prompt and 7 completion tokens at 2.5 and 10 USD per million."""


def ask(gateway: Running, key: str, text: str, model: str = "real", headers: Any = None, **more: Any) -> Any:
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    sent = {"Authorization": f"Bearer {key}", **(headers or {})}
    return gateway.http.post("/v1/chat/completions", headers=sent, json=body)


def rows(gateway: Running, key: str) -> list[dict[str, Any]]:
    """A key's ledger rows, oldest first."""
    page = gateway.admin("GET", "/spend/logs/v2", params={"api_key": key, "page_size": 1000})
    return list(reversed(page["data"]))


def asked(upstream: FakeUpstream, text: str) -> int:
    return sum(text in str(body.get("messages", body.get("input"))) for _, _, body in upstream.calls)


def bought(answer: Any) -> bool:
    assert answer.status_code == 200, answer.text
    return "x-litellm-cache-key" not in answer.headers


def test_the_second_answer_is_free_in_ledger_headers_and_metrics_alike(alone: Running, upstream: FakeUpstream) -> None:
    key = alone.key(key_alias="twice", max_budget=1)
    before = {name: alone.total(f"litellm_cache_{name}_total", model="real") for name in ("hits", "misses")}
    first, second = ask(alone, key, "twice"), ask(alone, key, "twice")
    assert first.json() == second.json()
    assert asked(upstream, "twice") == 1
    assert bought(first)
    assert not bought(second)
    assert [float(a.headers["x-litellm-response-cost"]) for a in (first, second)] == [COST / 1e9, 0.0]
    assert int(second.headers["age"]) >= 0
    booked = rows(alone, key)
    assert [(r["cache_hit"], r["metadata"]["cost_nano_usd"]) for r in booked] == [("False", COST), ("True", 0)]
    assert [r["total_tokens"] for r in booked] == [18, 0]
    assert alone.total("litellm_spend_usd_total", key="twice") == pytest.approx(COST / 1e9)
    assert alone.total("litellm_tokens_used_total", key="twice") == 18
    assert alone.total("litellm_requests_total", key="twice", status="200") == 2
    info = alone.admin("GET", "/key/info", params={"key": key})["info"]
    assert info["spend"] == pytest.approx(COST / 1e9)
    counted = {name: alone.total(f"litellm_cache_{name}_total", model="real") - n for name, n in before.items()}
    assert counted == {"hits": 1, "misses": 1}


@pytest.mark.parametrize("usage", [False, True])
def test_a_stream_is_kept_and_played_again(alone: Running, upstream: FakeUpstream, usage: bool) -> None:
    key, text = alone.key(), f"streamed {usage}"
    options = {"stream": True, "stream_options": {"include_usage": usage}}
    first, second = ask(alone, key, text, **options), ask(alone, key, text, **options)
    assert first.text == second.text
    assert first.text.endswith("data: [DONE]\n\n")
    assert second.headers["content-type"].startswith("text/event-stream")
    assert ('"usage":{' in second.text.replace(" ", "")) is usage
    assert asked(upstream, text) == 1
    assert [r["metadata"]["cost_nano_usd"] for r in rows(alone, key)] == [COST, 0]


def test_a_stream_that_broke_or_was_left_is_not_kept(alone: Running, upstream: FakeUpstream) -> None:
    key = alone.key()
    for _ in range(2):
        answer = ask(alone, key, "fails", model="slow", mock={"error": 500, "latency_s": 0})
        assert answer.status_code == 500
    body = {"model": "slow", "messages": [{"role": "user", "content": "left"}], "stream": True}
    body["mock"] = {"latency_s": 0, "chunk_interval_s": 0.05, "completion_tokens": 400}
    with alone.http.stream("POST", "/v1/chat/completions", headers={"Authorization": f"Bearer {key}"}, json=body) as s:
        next(s.iter_bytes())
    alone.until(lambda: len(rows(alone, key)) == 3, "the stream that was left is booked")
    assert [r["cache_hit"] for r in rows(alone, key)] == ["False"] * 3
    with alone.http.stream("POST", "/v1/chat/completions", headers={"Authorization": f"Bearer {key}"}, json=body) as s:
        assert "x-litellm-cache-key" not in s.headers
        next(s.iter_bytes())


def test_embeddings_messages_and_completions_are_kept_too(alone: Running) -> None:
    key = alone.key()
    for path, body in (
        ("/v1/embeddings", {"model": "vectors", "input": "kept"}),
        ("/v1/completions", {"model": "slow", "prompt": "kept", "mock": {"latency_s": 0}}),
        ("/v1/messages", {"model": "slow", "max_tokens": 9, "messages": [{"role": "user", "content": "kept"}]}),
    ):
        answers = [alone.http.post(path, headers={"Authorization": f"Bearer {key}"}, json=body) for _ in range(2)]
        assert [bought(a) for a in answers] == [True, False], path
        assert answers[0].content == answers[1].content


def test_a_request_says_itself_how_it_is_cached(alone: Running, upstream: FakeUpstream) -> None:
    key = alone.key()
    assert bought(ask(alone, key, "controls", cache={"no-store": True}))
    assert bought(ask(alone, key, "controls"))
    assert not bought(ask(alone, key, "controls"))
    assert bought(ask(alone, key, "controls", cache={"no-cache": True}))
    assert bought(ask(alone, key, "controls", headers={"Cache-Control": "no-cache"}))
    assert bought(ask(alone, key, "controls", cache={"namespace": "other"}))
    assert bought(ask(alone, key, "controls", cache={"s-maxage": 0}))
    assert bought(ask(alone, key, "controls", headers={"Cache-Control": "max-age=0"}))
    assert not bought(ask(alone, key, "controls", cache={"s-maxage": 600}))
    assert bought(ask(alone, key, "short", cache={"ttl": 0.2}))
    assert not bought(ask(alone, key, "short"))
    alone.until(lambda: bought(ask(alone, key, "short", cache={"ttl": 0.2})), "it is forgotten after its time")
    assert all("cache" not in body for body in upstream.of("cacheable"))
    wrong = ask(alone, key, "controls", cache={"ttl": "long"})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "cache")


def test_what_could_not_hit_is_not_counted(alone: Running) -> None:
    key = alone.key(key_alias="uncounted", models=["real", "stackctl-canary"])
    total = lambda: sum(alone.total(f"litellm_cache_{n}_total") for n in ("hits", "misses"))  # noqa: E731
    before = total()
    ask(alone, key, "not looked for", cache={"no-cache": True})
    for _ in range(2):
        assert bought(ask(alone, key, "a proof repeats itself", model="stackctl-canary"))
    ask(alone, "sk-nobody-knows-this", "refused")
    assert total() == before
    assert [r["metadata"]["cache"] for r in rows(alone, key)] == [""] * 3


def test_an_answer_is_given_to_its_own_key_only(alone: Running, upstream: FakeUpstream) -> None:
    one, other = alone.key(), alone.key()
    assert bought(ask(alone, one, "private matter"))
    assert bought(ask(alone, other, "private matter"))
    assert asked(upstream, "private matter") == 2


def test_identical_requests_at_once_are_bought_once_and_share_the_real_cost(alone: Running) -> None:
    keys = [alone.key(key_alias=f"sharer-{n}", max_budget=1) for n in range(3)]
    attempts = alone.total("litellm_upstream_attempts_total", model="slow", status="200")
    with ThreadPoolExecutor(18) as pool:
        # Long enough for the last of them to come before the answer, also on a machine that stood still for a second.
        slow = {"latency_s": 2.5, "completion_tokens": 33}
        answers = list(pool.map(lambda n: ask(alone, keys[n % 3], "together", model="slow", mock=slow), range(18)))
    assert {a.status_code for a in answers} == {200}
    # A key's requests share one purchase, and another key's answers are none of its business.
    assert alone.total("litellm_upstream_attempts_total", model="slow", status="200") == attempts + 3
    prompt = answers[0].json()["usage"]["prompt_tokens"]
    whole = prompt * 2500 + 33 * 10_000
    for number, key in enumerate(keys):
        booked = rows(alone, key)
        costs = [r["metadata"]["cost_nano_usd"] for r in booked]
        assert len(costs) == 6
        assert sum(costs) == whole
        assert max(costs) - min(costs) <= 1
        told = [float(a.headers["x-litellm-response-cost"]) for a in answers[number::3]]
        assert sum(told) == pytest.approx(whole / 1e9, abs=1e-9)
        assert sum(r["total_tokens"] for r in booked) == prompt + 33
        assert {r["metadata"]["priced"] for r in booked} == {True}
        assert alone.total("litellm_spend_usd_total", key=f"sharer-{number}") == pytest.approx(whole / 1e9, abs=1e-12)
        spend = alone.admin("GET", "/key/info", params={"key": key})["info"]["spend"]
        assert spend == pytest.approx(whole / 1e9)


def test_who_waits_for_an_answer_that_fails_is_told_why(alone: Running) -> None:
    key = alone.key(key_alias="unlucky")
    attempts = alone.total("litellm_upstream_attempts_total", model="slowly-broken")
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: ask(alone, key, "no luck", model="slowly-broken"), range(6)))
    assert {a.status_code for a in answers} == {500}
    assert alone.total("litellm_upstream_attempts_total", model="slowly-broken") == attempts + 1
    assert [r["metadata"]["cost_nano_usd"] for r in rows(alone, key)] == [0] * 6
    assert alone.total("litellm_current_load") == 0


def test_an_answer_without_a_price_is_unpriced_for_all_who_share_it(alone: Running) -> None:
    key = alone.key(key_alias="no-price")
    ask(alone, key, "unpriced", model="unpriced")
    hit = ask(alone, key, "unpriced", model="unpriced")
    assert not bought(hit)
    first, second = rows(alone, key)
    assert (first["metadata"]["priced"], second["cache_hit"], second["spend"]) == (False, "True", 0.0)


def test_a_key_s_rate_limit_counts_hits_as_requests(alone: Running) -> None:
    if time.time() % 60 > 50:
        time.sleep(11)
    key = alone.key(key_alias="limited-hits", rpm_limit=3)
    answers = [ask(alone, key, "limited").status_code for _ in range(4)]
    assert answers == [200, 200, 200, 429]


def test_workers_and_a_team_s_keys_share_redis(shared: Running, upstream: FakeUpstream) -> None:
    team = shared.admin("POST", "/team/new", json={"team_alias": "readers"})["team_id"]
    one, two = shared.key(team_id=team), shared.key(team_id=team)
    stranger = shared.key()
    assert bought(ask(shared, one, "of the team"))
    answers = []
    for _ in range(12):
        # Fresh connections go to whichever worker takes them.
        with Running.client(shared.url) as http:
            body = {"model": "real", "messages": [{"role": "user", "content": "of the team"}]}
            answers.append(http.post("/v1/chat/completions", headers={"Authorization": f"Bearer {two}"}, json=body))
    assert not any(bought(a) for a in answers)
    assert bought(ask(shared, stranger, "of the team"))
    assert asked(upstream, "of the team") == 2


def test_redis_holds_answers_and_no_key(shared: Running, redis: RedisServer) -> None:
    key = shared.key()
    ask(shared, key, "something")
    names = redis.run("keys", "*")
    assert names
    text = repr([redis.run("get", name.decode()) for name in names]) + repr(names)
    assert key not in text
    assert MASTER not in text
    assert all(redis.run("ttl", name.decode()) > 0 for name in names)
    assert PASSWORD not in shared.log.read_text()


def test_without_redis_requests_go_on_and_a_flushed_one_only_forgets(
    shared: Running, redis: RedisServer, upstream: FakeUpstream
) -> None:
    key = shared.key(key_alias="redis-away", max_budget=1)
    assert bought(ask(shared, key, "stays"))
    assert not bought(ask(shared, key, "stays"))
    redis.run("flushall")
    assert bought(ask(shared, key, "stays"))
    redis.stop()
    for _ in range(6):
        assert bought(ask(shared, key, "stays"))
    redis.start()
    shared.until(lambda: not bought(ask(shared, key, "stays")), "it is cached again")
    booked = rows(shared, key)
    assert sum(r["metadata"]["cost_nano_usd"] for r in booked) == COST * asked(upstream, "stays")
    assert len({r["request_id"] for r in booked}) == len(booked)

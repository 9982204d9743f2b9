"""Every kind of token at its own price, on the wire of those who report it, against a bill that is summed up apart."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from fractions import Fraction
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.integration.gateway.running import PRICE, Running, mock_model
from tests.integration.gateway.upstream import FakeUpstream

# USD per million tokens, also doubled above 1000 prompt tokens.
RATES = {"input": "1.25", "cached_input": "0.125", "cache_write": "1.5625", "audio_input": "40",
         "output": "10", "reasoning": "12", "audio_output": "80"}  # fmt: skip
PARTS = {"cached_input": "cached", "cache_write": "written", "audio_input": "heard"}


class Metered(FakeUpstream):
    """Bills each answer for what `next` says was used, by plain fractions, and reports it as its API does."""

    def __init__(self) -> None:
        super().__init__()
        self.next: dict[str, int] = {}
        self.batch = False
        self.bill = 0

    def answer(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        self.bill += self._charge()
        if handler.path.endswith("/messages"):
            self._anthropic(handler, bool(body.get("stream")))
        else:
            self._openai(handler, bool(body.get("stream")))

    def _charge(self) -> int:
        used, usd = self.next, {name: Fraction(rate) for name, rate in RATES.items()}
        parts = {rate: used[name] for rate, name in PARTS.items()}
        total = (used["prompt"] - sum(parts.values())) * usd["input"]
        total += sum(count * usd[rate] for rate, count in parts.items())
        total += (used["completion"] - used["thought"] - used["said"]) * usd["output"]
        total += used["thought"] * usd["reasoning"] + used["said"] * usd["audio_output"]
        share = Fraction(1, 2) if self.batch else 1
        double = 2 if used["prompt"] > 1000 else 1
        # Dollars per million are thousands of nano-dollars per token; a half is rounded up.
        return math.floor(total * double * share * 1000 + Fraction(1, 2))

    def _openai(self, handler: BaseHTTPRequestHandler, stream: bool) -> None:
        used = self.next
        asked = {"cached_tokens": used["cached"], "cache_write_tokens": used["written"], "audio_tokens": used["heard"]}
        made = {"reasoning_tokens": used["thought"], "audio_tokens": used["said"]}
        usage = {"prompt_tokens": used["prompt"], "completion_tokens": used["completion"],
                 "total_tokens": used["prompt"] + used["completion"],
                 "prompt_tokens_details": asked, "completion_tokens_details": made}  # fmt: skip
        tier = {"service_tier": "batch"} if self.batch else {}
        shared = {"id": "x", "created": 1, "model": "m", **tier}
        if not stream:
            choice = {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
            answer = {**shared, "object": "chat.completion", "choices": [choice], "usage": usage}
            self._whole(handler, 200, json.dumps(answer).encode())
            return
        text = {"choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}]}
        chunk = {**shared, "object": "chat.completion.chunk"}
        self._events(handler, [{**chunk, **text}, {**chunk, "choices": [], "usage": usage}], b"data: [DONE]\n\n")

    def _anthropic(self, handler: BaseHTTPRequestHandler, stream: bool) -> None:
        used = self.next
        plain = used["prompt"] - used["cached"] - used["written"]
        usage = {"input_tokens": plain, "cache_read_input_tokens": used["cached"],
                 "cache_creation_input_tokens": used["written"], "output_tokens": used["completion"]}  # fmt: skip
        message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": []}
        if not stream:
            whole = {**message, "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn", "usage": usage}
            self._whole(handler, 200, json.dumps(whole).encode())
            return
        events = [
            {"type": "message_start", "message": {**message, "usage": {**usage, "output_tokens": 1}}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}},
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn"},
                "usage": {"output_tokens": used["completion"]},
            },
            {"type": "message_stop"},
        ]
        self._events(handler, events, b"")

    def _events(self, handler: BaseHTTPRequestHandler, events: list[dict[str, Any]], end: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for event in events:
            name = f"event: {event['type']}\n".encode() if "type" in event else b""
            self._chunk(handler, name + b"data: " + json.dumps(event).encode() + b"\n\n")
        if end:
            self._chunk(handler, end)
        self._chunk(handler, b"")


@pytest.fixture(scope="module")
def metered() -> Iterator[Metered]:
    with Metered() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, metered: Metered) -> Iterator[Running]:
    plain = {f"{name}_usd_per_million_tokens": float(rate) for name, rate in RATES.items()}
    double = {name: 2 * rate for name, rate in plain.items()}
    price = {**plain, "tiers": [{"above_prompt_tokens": 1000, **double}]}
    bare = mock_model("bare", deployment={"price": None})
    falls = mock_model("falls", fallbacks=["bare"])
    models = [mock_model("free-of-doubt", deployment={"price": PRICE}), bare, falls]
    for provider in ("openai", "anthropic"):
        wire = {"id": f"{provider}-0", "provider": provider, "model": "m", "price": price, "api_base": metered.url}
        models.append({"name": provider, "deployments": [{**wire, "api_key": "env:PROVIDER_KEY"}]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROVIDER_KEY", "sk-of-the-provider")
        directory = tmp_path_factory.mktemp("kinds")
        with Running(directory, workers=1, models=models, pricing={"unpriced": "refuse"}) as running:
            yield running


def usage(draw: random.Random, provider: str) -> dict[str, int]:
    """Some of every kind that the provider can report; above a thousand every other time."""
    sizes = {name: draw.randint(0, 300) for name in ("cached", "written", "heard", "thought", "said")}
    if provider == "anthropic":
        # Its API has no audio, and thoughts are part of what it writes.
        sizes.update(heard=0, thought=0, said=0)
    prompt = sizes["cached"] + sizes["written"] + sizes["heard"] + draw.choice((draw.randint(0, 99), 1001))
    return {**sizes, "prompt": prompt, "completion": sizes["thought"] + sizes["said"] + draw.randint(0, 200)}


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_every_kind_is_in_the_ledger_and_costs_what_the_provider_charges(
    gateway: Running, metered: Metered, provider: str
) -> None:
    key, draw = gateway.key(key_alias=f"kinds-{provider}", max_budget=1000), random.Random(4)
    before, used = metered.bill, []
    for number in range(40):
        metered.next = usage(draw, provider)
        metered.batch = provider == "openai" and number % 5 == 0
        used.append(metered.next)
        answer = gateway.chat(key, provider, stream=number % 2 == 0, max_tokens=50)
        assert answer.status_code == 200, answer.text
    page = gateway.admin("GET", "/spend/logs/v2", params={"api_key": key, "page_size": 100})
    rows = list(reversed(page["data"]))
    names = {"cached": "cached_tokens", "written": "cache_write_tokens", "heard": "audio_prompt_tokens",
             "thought": "reasoning_tokens", "said": "audio_completion_tokens"}  # fmt: skip
    for row, one in zip(rows, used, strict=True):
        assert (row["prompt_tokens"], row["completion_tokens"]) == (one["prompt"], one["completion"])
        assert {name: row["metadata"][field] for name, field in names.items()} == {name: one[name] for name in names}
        assert (row["metadata"]["estimated"], row["metadata"]["priced"]) == (False, True)
    cost = sum(row["metadata"]["cost_nano_usd"] for row in rows)
    assert cost == metered.bill - before > 0
    assert gateway.total("litellm_spend_usd_total", key=f"kinds-{provider}") == pytest.approx(cost / 1e9, abs=1e-9)
    assert gateway.admin("GET", "/key/info", params={"key": key})["info"]["spend"] == pytest.approx(cost / 1e9)


def test_a_model_that_may_reach_an_unknown_price_is_refused_by_policy_before_anybody_is_asked(gateway: Running) -> None:
    key = gateway.key(key_alias="careful")
    asked = gateway.total("litellm_upstream_attempts_total", key="careful")
    for model in ("bare", "falls"):
        refused = gateway.chat(key, model)
        assert (refused.status_code, refused.json()["error"]["type"]) == (403, "unpriced_model")
    assert gateway.total("litellm_upstream_attempts_total", key="careful") == asked == 0
    assert gateway.total("litellm_errors_total", key="careful", error_type="unpriced_model") == 2
    assert gateway.chat(key, "free-of-doubt").status_code == 200

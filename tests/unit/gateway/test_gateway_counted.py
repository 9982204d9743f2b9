"""Tokens that nobody told are counted by a tokenizer, the same for an answer and its stream."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.pricing import counted, tokens

TEXT = "Ledgers count every token once, and never twice."
CALL = {"id": "c", "type": "function", "function": {"name": "look_up", "arguments": '{"city": "Bergen"}'}}


def sse(*events: dict[str, Any]) -> list[bytes]:
    return [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]


def pieces() -> list[str]:
    return [TEXT[n : n + 5] for n in range(0, len(TEXT), 5)]


def test_a_chat_answer_counts_its_text_and_its_calls() -> None:
    answer = {"choices": [{"message": {"role": "assistant", "content": TEXT, "tool_calls": [CALL]}}], "model": "m"}
    expected = tokens.of_text(TEXT) + tokens.of_text("look_up") + tokens.of_text('{"city": "Bergen"}')
    assert counted.completion_tokens("chat", json.dumps(answer).encode()) == expected


@pytest.mark.parametrize(
    ("kind", "answer", "events"),
    [
        (
            "chat",
            {"choices": [{"message": {"content": TEXT}, "finish_reason": "stop"}]},
            sse(*({"choices": [{"delta": {"content": p}}], "model": "m"} for p in pieces())),
        ),
        (
            "completions",
            {"choices": [{"text": TEXT, "logprobs": None}]},
            sse(*({"choices": [{"text": p}]} for p in pieces())),
        ),
        (
            "messages",
            {"type": "message", "content": [{"type": "text", "text": TEXT}]},
            sse(
                {"type": "message_start", "message": {"id": "x", "content": []}},
                *({"type": "content_block_delta", "delta": {"type": "text_delta", "text": p}} for p in pieces()),
                {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
            ),
        ),
        (
            "responses",
            {"output": [{"type": "message", "content": [{"type": "output_text", "text": TEXT}]}]},
            sse(
                *({"type": "response.output_text.delta", "delta": p} for p in pieces()),
                {"type": "response.output_text.done", "text": TEXT},
            ),
        ),
    ],
)
def test_an_answer_and_its_stream_count_the_same(kind: str, answer: Any, events: list[bytes]) -> None:
    whole = counted.completion_tokens(kind, json.dumps(answer).encode())
    assert whole == counted.streamed_tokens(kind, events) == tokens.of_text(TEXT)


def test_every_kind_of_prompt_is_counted() -> None:
    words = tokens.of_text(TEXT)
    assert counted.prompt_tokens({"input": TEXT}) == counted.prompt_tokens({"prompt": TEXT}) == words
    assert counted.prompt_tokens({"input": [TEXT, TEXT]}) == 2 * words
    assert counted.prompt_tokens({"input": [1, 2, 3]}) == 3
    assert counted.prompt_tokens({"input": [{"role": "user", "content": TEXT}]}) == words
    chat = counted.prompt_tokens({"messages": [{"role": "user", "content": TEXT}]})
    assert chat == tokens.of_messages([{"role": "user", "content": TEXT}]) > words
    assert counted.prompt_tokens({"messages": [{"role": "user", "content": TEXT}], "system": TEXT}) == chat + words
    with_tools = {"messages": [{"role": "user", "content": TEXT}], "tools": [{"type": "function"}]}
    assert counted.prompt_tokens(with_tools) > chat


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["content", "text", "input", "delta", "choices", "type"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from(["input", "prompt", "system", "tools", "choices", "content"]), json_values))
def test_no_shape_is_too_strange(body: dict[str, Any]) -> None:
    assert counted.prompt_tokens(body) >= 0
    assert counted.completion_tokens("chat", json.dumps(body).encode()) >= 0
    assert counted.streamed_tokens("chat", sse(body)) >= 0

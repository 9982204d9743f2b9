"""Tokens that nobody told are counted by a tokenizer, the same for an answer and its stream."""

from __future__ import annotations

import asyncio
import importlib
import json
import socket
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.counting import TokenCounter, counter, encoding, estimate, of_answer, of_prompt, of_stream
from gateway.counting.encoding import count, of_text

TEXT = "Ledgers count every token once, and never twice."
CALL = {"id": "c", "type": "function", "function": {"name": "look_up", "arguments": '{"city": "Bergen"}'}}


def sse(*events: dict[str, Any]) -> list[bytes]:
    return [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]


def pieces() -> list[str]:
    return [TEXT[n : n + 5] for n in range(0, len(TEXT), 5)]


def test_a_chat_answer_counts_its_text_and_its_calls() -> None:
    answer = {"choices": [{"message": {"role": "assistant", "content": TEXT, "tool_calls": [CALL]}}], "model": "m"}
    expected = of_text(TEXT) + of_text("look_up") + of_text('{"city": "Bergen"}')
    assert count(of_answer("chat", json.dumps(answer).encode())) == expected


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
    whole = of_answer(kind, json.dumps(answer).encode())
    assert count(whole) == count(of_stream(kind, events)) == of_text(TEXT)


def asked(**body: Any) -> int:
    return count(of_prompt(body))


def test_every_kind_of_prompt_is_counted() -> None:
    words = of_text(TEXT)
    assert asked(input=TEXT) == asked(prompt=TEXT) == words
    assert asked(input=[TEXT, TEXT]) == 2 * words
    assert asked(input=[1, 2, 3]) == 3
    assert asked(input=[{"role": "user", "content": TEXT}]) == words
    messages = [{"role": "user", "content": TEXT}]
    chat = asked(messages=messages)
    # OpenAI's cookbook: 3 for the request and 3 for each message.
    assert chat == of_text(f"user {TEXT}") + 6
    assert asked(messages=messages, system=TEXT) == chat + words
    assert asked(messages=messages, tools=[{"type": "function"}]) > chat


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
    assert count(of_prompt(body)) >= 0
    assert count(of_answer("chat", json.dumps(body).encode())) >= 0
    assert count(of_stream("chat", sse(body))) >= 0


@pytest.mark.parametrize("text", [TEXT * 25_000, "\u8a9e" * 300_000], ids=["long", "dense"])
def test_no_text_is_too_long(text: str) -> None:
    piece = text[:50_000]
    assert of_text(text) == pytest.approx(of_text(piece) * len(text) / len(piece), rel=0.01)


@pytest.mark.parametrize(
    "text",
    [
        Path(encoding.__file__).read_text(encoding="utf-8"),
        Path("docs/money.md").read_text(encoding="utf-8"),
        "Шлюз стоит перед каждым вызовом модели. Он становится критическим путём.",
        "ゲートウェイはすべてのモデル呼び出しの前に置かれます。予算を超えると、拒否されます。",
        "网关位于每次模型调用之前。它成为关键路径,也是资金流失的地方。",
    ],
)
def test_the_estimate_is_near_the_count(text: str) -> None:
    assert estimate.of_text(text) == pytest.approx(of_text(text), rel=0.3)


async def _serve(path: Path, stop: asyncio.Event, idle_s: float = 60.0) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        await counter.run(listener, stop, idle_s)


def test_the_process_answers_many_at_once_and_ends_when_nobody_asks(tmp_path: Path) -> None:
    async def ask() -> list[list[int]]:
        serving = asyncio.create_task(_serve(tmp_path / "s", asyncio.Event(), idle_s=0.5))
        await asyncio.sleep(0)
        asking = TokenCounter(tmp_path / "s")
        found = await asyncio.gather(*(asking.count([of_prompt({"input": [TEXT] * n})]) for n in range(50)))
        await serving
        return found

    assert asyncio.run(ask()) == [[n * of_text(TEXT)] for n in range(50)]


def test_a_very_long_text_is_counted_by_its_beginning(tmp_path: Path) -> None:
    text = TEXT * 60_000

    async def ask() -> list[int]:
        stop = asyncio.Event()
        serving = asyncio.create_task(_serve(tmp_path / "s", stop))
        await asyncio.sleep(0)
        found = await TokenCounter(tmp_path / "s").count([of_prompt({"prompt": text, "input": [1, 2]})])
        stop.set()
        await serving
        return found

    assert asyncio.run(ask()) == [pytest.approx(60_000 * of_text(TEXT), rel=0.01)]


def test_an_estimate_holds_while_the_process_is_away_or_hangs(tmp_path: Path) -> None:
    async def ask() -> tuple[list[int], list[int]]:
        away = await TokenCounter(tmp_path / "nobody").count([of_prompt({"input": [TEXT, [1, 2]]})])
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(tmp_path / "s"))
            listener.listen()
            return away, await TokenCounter(tmp_path / "s", patience_s=0.1).count(
                [of_prompt({"input": [TEXT, [1, 2]]})]
            )

    rough = [estimate.of_text(TEXT) + 2]
    assert asyncio.run(ask()) == (rough, rough)


def test_the_wheel_s_own_front_counts_the_same() -> None:
    with warnings.catch_warnings():
        # It reads its data by a function that Python 3.11 wants to be called otherwise.
        warnings.simplefilter("ignore", DeprecationWarning)
        front = importlib.import_module("bpe_openai").get_encoding("o200k_base")
    for text in (TEXT, "<|endoftext|> is text", "\u8a9e\u00e4\U0001f600\n\t x", json.dumps(CALL)):
        assert len(front.encode(text, disallowed_special=())) == of_text(text)

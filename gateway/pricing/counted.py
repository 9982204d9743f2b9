"""Tokens of a request and of its answer where the provider did not say: counted by a tokenizer, never by bytes.

Only what carries text is counted; images and audio are not, and neither is reasoning that was not shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from gateway.pricing import tokens

_ASKED = ("system", "instructions", "input", "prompt")
_MADE = frozenset(
    {"content", "text", "arguments", "name", "thinking", "reasoning_content", "reasoning", "partial_json", "refusal"}
)


def prompt_tokens(body: Mapping[str, Any]) -> int:
    """Of any kind of request."""
    count = 0
    messages = body.get("messages")
    if isinstance(messages, list):
        count += tokens.of_messages(messages)
    for name in _ASKED:
        count += _of_input(body.get(name))
    if body.get("tools"):
        count += tokens.of_text(orjson.dumps(body["tools"]).decode())
    return count


def completion_tokens(kind: str, body: bytes) -> int:
    """Of a whole answer."""
    if kind in ("embeddings", "count_tokens"):
        return 0
    answer = orjson.loads(body)
    made = answer.get("choices") or answer.get("output") or answer.get("content")
    return sum(tokens.of_text(text) for text in _texts(made))


def streamed_tokens(kind: str, events: Sequence[bytes]) -> int:
    """Of the events of a stream as far as it came. Raises ValueError for what is none."""
    return tokens.of_text("".join(text for event in events for text in _told(kind, event)))


def _told(kind: str, event: bytes) -> Iterator[str]:
    for line in event.split(b"\n"):
        data = line.removeprefix(b"data:").strip()
        if not line.startswith(b"data:") or not data.startswith(b"{"):
            continue
        found = orjson.loads(data)
        if kind != "responses":
            yield from _texts(found.get("choices") or found.get("delta"))
        elif str(found.get("type")).endswith(".delta") and isinstance(found.get("delta"), str):
            # Later events of the same stream say the same text again.
            yield found["delta"]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str):
                if name in _MADE:
                    yield inner
            elif name == "input" and inner:
                # A tool's arguments, where they are an object.
                yield orjson.dumps(inner).decode()
            else:
                yield from _texts(inner)


def _of_input(value: Any) -> int:
    """Text, tokens, items, or a list of any of them."""
    if isinstance(value, str):
        return tokens.of_text(value)
    if isinstance(value, list):
        if value and all(isinstance(item, int) for item in value):
            return len(value)
        return sum(_of_input(item) for item in value)
    return sum(tokens.of_text(text) for text in _texts(value)) if isinstance(value, dict) else 0

"""The texts of a request and of its answer, whose tokens are counted where the provider did not say.

Only what carries text is counted; images and audio are not, and neither is reasoning that was not shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

_ASKED = ("system", "instructions", "input", "prompt")
_MADE = frozenset(
    {"content", "text", "arguments", "name", "thinking", "reasoning_content", "reasoning", "partial_json", "refusal"}
)
_SAID = ("role", "content", "text", "name", "arguments", "function", "tool_calls")
# What a chat template adds per message and per request, by OpenAI's cookbook on counting tokens.
_PER_MESSAGE = 3
_PER_REQUEST = 3


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts to count, each by itself, and the tokens that are `around` them or came as numbers."""

    parts: tuple[str, ...] = ()
    around: int = 0

    @property
    def size(self) -> int:
        """Characters."""
        return sum(map(len, self.parts))


def of_prompt(body: Mapping[str, Any]) -> Texts:
    """Of any kind of request."""
    parts: list[str] = []
    around = 0
    messages = body.get("messages")
    if isinstance(messages, list):
        parts += [" ".join(_said(message)) for message in messages]
        around += _PER_REQUEST + _PER_MESSAGE * len(messages)
    for name in _ASKED:
        around += _take_input(body.get(name), parts)
    if body.get("tools"):
        parts.append(orjson.dumps(body["tools"]).decode())
    return Texts(tuple(parts), around)


def of_answer(kind: str, body: bytes) -> Texts:
    """Of a whole answer. Raises ValueError for what is none."""
    if kind in ("embeddings", "count_tokens"):
        return Texts()
    answer = orjson.loads(body)
    return Texts(tuple(_made(answer.get("choices") or answer.get("output") or answer.get("content"))))


def of_stream(kind: str, events: Sequence[bytes]) -> Texts:
    """Of the events of a stream as far as it came. Raises ValueError for what is none."""
    return Texts(("".join(text for event in events for text in _told(kind, event)),))


def _told(kind: str, event: bytes) -> Iterator[str]:
    for line in event.split(b"\n"):
        data = line.removeprefix(b"data:").strip()
        if not line.startswith(b"data:") or not data.startswith(b"{"):
            continue
        found = orjson.loads(data)
        if kind != "responses":
            yield from _made(found.get("choices") or found.get("delta"))
        elif str(found.get("type")).endswith(".delta") and isinstance(found.get("delta"), str):
            # Later events of the same stream say the same text again.
            yield found["delta"]


def _said(value: Any) -> list[str]:
    """All texts of a message; images and audio have none."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for item in value for text in _said(item)]
    if isinstance(value, dict):
        return [text for name in _SAID for text in _said(value.get(name))]
    return []


def _made(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _made(item)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str):
                if name in _MADE:
                    yield inner
            elif name == "input" and inner:
                # A tool's arguments, where they are an object.
                yield orjson.dumps(inner).decode()
            else:
                yield from _made(inner)


def _take_input(value: Any, parts: list[str]) -> int:
    """Append the texts of a text, of tokens, of items, or of a list of any of them; return how many tokens came."""
    if isinstance(value, str):
        parts.append(value)
    elif isinstance(value, list):
        if value and all(isinstance(item, int) for item in value):
            return len(value)
        return sum(_take_input(item, parts) for item in value)
    elif isinstance(value, dict):
        parts += _made(value)
    return 0

"""Chat chunks as the events of Anthropic's streams.

https://docs.anthropic.com/en/docs/build-with-claude/streaming
"""

from __future__ import annotations

from typing import Any

from gateway.providers.usage import to_messages
from gateway.tokens import Usage
from gateway.translate.events import named

_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


def stop_reason(finish: Any) -> str:
    """Anthropic's word for a chat's finish reason."""
    return _STOP_REASONS.get(finish, "end_turn") if isinstance(finish, str) else "end_turn"


class MessagesWriter:
    """One block is open at a time: thinking, text, or one tool's call."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._started = False
        self._index = -1
        self._open: tuple[str, int] | None = None
        self._calls: set[int] = set()
        self._finish: Any = None

    def feed(self, chunk: dict[str, Any]) -> list[bytes]:
        """The events one chunk makes."""
        events = self._start(chunk.get("id"))
        for choice in (chunk.get("choices") or ())[:1]:
            delta = choice.get("delta") or {}
            self._finish = choice.get("finish_reason") or self._finish
            reasoning = delta.get("reasoning_content") or delta.get("reasoning")
            if isinstance(reasoning, str) and reasoning:
                opening = {"type": "thinking", "thinking": "", "signature": ""}
                events += self._say("thinking", 0, opening, {"type": "thinking_delta", "thinking": reasoning})
            if delta.get("content"):
                text = {"type": "text_delta", "text": delta["content"]}
                events += self._say("text", 0, {"type": "text", "text": ""}, text)
            for call in delta.get("tool_calls") or ():
                events += self._call(call)
        return events

    def closing(self, usage: Usage) -> tuple[list[bytes], bytes]:
        """The last block's end, the reason and the usage; then `message_stop`."""
        events = self._start(None) + self._stop()
        delta = {"stop_reason": stop_reason(self._finish), "stop_sequence": None}
        events.append(named({"type": "message_delta", "delta": delta, "usage": to_messages(usage)}))
        return events, named({"type": "message_stop"})

    def _start(self, identity: Any) -> list[bytes]:
        if self._started:
            return []
        self._started = True
        message: dict[str, Any] = {
            "id": f"msg_{identity or 'gateway'}",
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": to_messages(Usage()),
        }
        return [named({"type": "message_start", "message": message})]

    def _call(self, call: dict[str, Any]) -> list[bytes]:
        number = call.get("index") or 0
        function = call.get("function") or {}
        if ("tool", number) != self._open and number in self._calls:
            raise ValueError("pieces of several calls are mixed")
        self._calls.add(number)
        opening: dict[str, Any] = {
            "type": "tool_use",
            "id": call.get("id") or f"toolu_{number}",
            "name": function.get("name") or "",
            "input": {},
        }
        piece = function.get("arguments")
        delta = {"type": "input_json_delta", "partial_json": piece} if piece else None
        return self._say("tool", number, opening, delta)

    def _say(self, kind: str, number: int, opening: dict[str, Any], delta: dict[str, Any] | None) -> list[bytes]:
        events = []
        if self._open != (kind, number):
            events = self._stop()
            self._index += 1
            self._open = (kind, number)
            events.append(named({"type": "content_block_start", "index": self._index, "content_block": opening}))
        if delta is not None:
            events.append(named({"type": "content_block_delta", "index": self._index, "delta": delta}))
        return events

    def _stop(self) -> list[bytes]:
        if self._open is None:
            return []
        self._open = None
        return [named({"type": "content_block_stop", "index": self._index})]

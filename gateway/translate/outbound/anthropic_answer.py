"""Anthropic's messages and events as chat answers and chunks."""

from __future__ import annotations

import time
from typing import Any

import orjson

from gateway.providers.usage import from_messages, to_chat
from gateway.tokens import Usage

_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def from_message(message: dict[str, Any], usage: Usage) -> dict[str, Any]:
    """A chat completion. Raises KeyError, TypeError and the like for what is not a message."""
    texts, thoughts, signed, calls = [], [], [], []
    for block in message["content"]:
        if block["type"] == "text":
            texts.append(block["text"])
        elif block["type"] == "tool_use":
            function = {"name": block["name"], "arguments": orjson.dumps(block["input"]).decode()}
            calls.append({"id": block["id"], "type": "function", "function": function})
        elif block["type"] in ("thinking", "redacted_thinking"):
            thoughts.append(block.get("thinking") or "")
            signed.append(block)
    said: dict[str, Any] = {"role": "assistant", "content": "".join(texts) if texts else None, "refusal": None}
    if signed:
        said.update(reasoning_content="".join(thoughts), thinking_blocks=signed)
    if calls:
        said["tool_calls"] = calls
    finish = _FINISH.get(message.get("stop_reason") or "", "stop")
    choice = {"index": 0, "message": said, "logprobs": None, "finish_reason": finish}
    envelope = _envelope(message, "chat.completion")
    return {**envelope, "choices": [choice], "usage": to_chat(usage)}


class AnthropicReader:
    """Events in, chunks out. `ended` once `message_stop` has come."""

    may_end = False

    def __init__(self) -> None:
        self._envelope: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._calls = -1
        self._block: dict[str, Any] = {}
        self.ended = False
        self.pieces = 0

    @property
    def usage(self) -> Usage | None:
        """None until the upstream has said what the answer took."""
        return from_messages(self._usage) if "output_tokens" in self._usage else None

    def feed(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        """The chunks one event makes. Raises KeyError, TypeError and the like for what is not one."""
        kind = event["type"]
        if kind == "content_block_delta":
            self.pieces += 1
            return self._delta(event["delta"])
        if kind == "content_block_start":
            return self._begin(event["content_block"])
        if kind == "content_block_stop":
            return self._signed()
        if kind == "message_start":
            message = event["message"]
            self._envelope = _envelope(message, "chat.completion.chunk")
            self._usage.update(message["usage"])
            return [self._chunk({"role": "assistant", "content": ""})]
        if kind == "message_delta":
            # Its counts are totals, and it leaves out or nulls those it has nothing new of.
            self._usage.update({n: v for n, v in (event.get("usage") or {}).items() if v is not None})
            reason = event["delta"].get("stop_reason")
            return [self._chunk({}, _FINISH.get(reason, "stop"))] if reason else []
        self.ended = self.ended or kind == "message_stop"
        return []

    def usage_chunk(self, usage: Usage) -> dict[str, Any]:
        """The last chunk of a stream that was asked for its usage."""
        return {**self._envelope, "choices": [], "usage": to_chat(usage)}

    def _begin(self, block: dict[str, Any]) -> list[dict[str, Any]]:
        self._block = {**block}
        if block["type"] != "tool_use":
            return []
        self._calls += 1
        function = {"name": block["name"], "arguments": ""}
        call = {"index": self._calls, "id": block["id"], "type": "function", "function": function}
        return [self._chunk({"tool_calls": [call]})]

    def _delta(self, delta: dict[str, Any]) -> list[dict[str, Any]]:
        kind = delta["type"]
        if kind == "text_delta":
            return [self._chunk({"content": delta["text"]})]
        if kind == "input_json_delta":
            if self._calls < 0 or self._block.get("type") != "tool_use" or not delta["partial_json"]:
                return []
            piece = {"index": self._calls, "function": {"arguments": delta["partial_json"]}}
            return [self._chunk({"tool_calls": [piece]})]
        if kind == "thinking_delta":
            self._block["thinking"] = (self._block.get("thinking") or "") + delta["thinking"]
            return [self._chunk({"reasoning_content": delta["thinking"]})]
        if kind == "signature_delta":
            self._block["signature"] = delta["signature"]
        return []

    def _signed(self) -> list[dict[str, Any]]:
        block, self._block = self._block, {}
        if block.get("type") not in ("thinking", "redacted_thinking"):
            return []
        return [self._chunk({"thinking_blocks": [block]})]

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**self._envelope, "choices": [choice]}


def _envelope(message: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": message["id"], "object": kind, "created": int(time.time()), "model": message["model"]}

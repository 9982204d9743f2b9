"""Gemini's answers and stream as chat answers and chunks."""

from __future__ import annotations

import base64
import struct
import time
from typing import Any

import orjson

from gateway.providers.usage import from_gemini, to_chat
from gateway.tokens import Usage

_FINISH = {"STOP": "stop", "MAX_TOKENS": "length"}
_FILTERED = frozenset(
    {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE", "IMAGE_SAFETY", "IMAGE_RECITATION"}
)


def from_answer(answer: dict[str, Any], usage: Usage, model: str) -> dict[str, Any]:
    """A chat completion. Raises KeyError, TypeError and the like for what is not an answer of Gemini."""
    identity = str(answer.get("responseId") or "gemini")
    choices = []
    for index, candidate in enumerate(_candidates(answer)):
        said = _said(candidate, f"call_{identity}_{index}", 0)
        message = {"role": "assistant", "content": None, "refusal": None, **said}
        for call in message.get("tool_calls", ()):
            del call["index"]
        finish = _finish(candidate["finishReason"], "tool_calls" in said) if candidate.get("finishReason") else "stop"
        choices.append({"index": index, "message": message, "logprobs": None, "finish_reason": finish})
    return {**_envelope(answer, "chat.completion", model), "choices": choices, "usage": to_chat(usage)}


def from_embeddings(answer: dict[str, Any], asked: dict[str, Any], usage: Usage) -> dict[str, Any]:
    """OpenAI's list of embeddings."""
    packed = asked.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(e["values"]) if packed else e["values"]}
        for index, e in enumerate(answer["embeddings"])
    ]
    shown = {"prompt_tokens": usage.prompt, "total_tokens": usage.prompt}
    return {"object": "list", "data": data, "model": asked["model"], "usage": shown}


class GeminiReader:
    """Partial answers in, chunks out. The stream has no last event: it may end once there was a reason to."""

    ended = False

    def __init__(self, model: str) -> None:
        self._model = model
        self._usage: dict[str, Any] | None = None
        self._envelope: dict[str, Any] = {}
        self._calls: dict[int, int] = {}
        self.may_end = False
        self.pieces = 0

    @property
    def usage(self) -> Usage | None:
        """None until the upstream has said what the answer took."""
        return from_gemini(self._usage) if self._usage else None

    def feed(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        """The chunks one event makes. Raises KeyError, TypeError and the like for what is not one."""
        if event.get("usageMetadata"):
            self._usage = event["usageMetadata"]
        chunks = []
        if not self._envelope:
            self._envelope = _envelope(event, "chat.completion.chunk", self._model)
        for candidate in _candidates(event) if "candidates" in event or "promptFeedback" in event else ():
            chunks += self._candidate(candidate, candidate.get("index") or 0)
        return chunks

    def usage_chunk(self, usage: Usage) -> dict[str, Any]:
        """The last chunk of a stream that was asked for its usage."""
        return {**self._envelope, "choices": [], "usage": to_chat(usage)}

    def _candidate(self, candidate: dict[str, Any], index: int) -> list[dict[str, Any]]:
        made = self._calls.get(index, 0)
        delta = _said(candidate, f"{self._envelope['id']}_{index}", made)
        chunks = []
        if index not in self._calls:
            delta = {"role": "assistant", **delta}
        self._calls[index] = made + len(delta.get("tool_calls", ()))
        if delta:
            self.pieces += 1
            chunks.append(self._chunk(index, delta, None))
        if candidate.get("finishReason"):
            self.may_end = True
            chunks.append(self._chunk(index, {}, _finish(candidate["finishReason"], self._calls[index] > 0)))
        return chunks

    def _chunk(self, index: int, delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**self._envelope, "choices": [choice]}


def _candidates(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """A prompt that was blocked has no candidates: it is an empty answer with that reason."""
    found = answer.get("candidates")
    if not found and (answer.get("promptFeedback") or {}).get("blockReason"):
        return [{"finishReason": "SAFETY"}]
    candidates: list[dict[str, Any]] = answer["candidates"]
    return candidates


def _said(candidate: dict[str, Any], call_prefix: str, calls_before: int) -> dict[str, Any]:
    said: dict[str, Any] = {}
    texts: list[str] = []
    thoughts: list[str] = []
    calls: list[dict[str, Any]] = []
    images: list[dict[str, Any]] = []
    for part in (candidate.get("content") or {}).get("parts") or ():
        if "functionCall" in part:
            calls.append(_call(part, call_prefix, calls_before + len(calls)))
        elif "inlineData" in part:
            url = f"data:{part['inlineData']['mimeType']};base64,{part['inlineData']['data']}"
            images.append({"type": "image_url", "image_url": {"url": url}})
        elif part.get("text"):
            (thoughts if part.get("thought") else texts).append(part["text"])
    for name, found in (("content", texts), ("reasoning_content", thoughts)):
        if found:
            said[name] = "".join(found)
    if calls:
        said["tool_calls"] = calls
    if images:
        said["images"] = images
    return said


def _call(part: dict[str, Any], prefix: str, number: int) -> dict[str, Any]:
    call = part["functionCall"]
    function = {"name": call["name"], "arguments": orjson.dumps(call.get("args") or {}).decode()}
    made = {"index": number, "id": call.get("id") or f"{prefix}_{number}", "type": "function", "function": function}
    if part.get("thoughtSignature"):
        made["extra_content"] = {"google": {"thought_signature": part["thoughtSignature"]}}
    return made


def _finish(reason: str, called: bool) -> str:
    if reason in _FILTERED:
        return "content_filter"
    return "tool_calls" if called and reason == "STOP" else _FINISH.get(reason, "stop")


def _envelope(answer: dict[str, Any], kind: str, model: str) -> dict[str, Any]:
    identity = f"chatcmpl-{answer.get('responseId') or 'gemini'}"
    return {"id": identity, "object": kind, "created": int(time.time()), "model": answer.get("modelVersion") or model}


def _packed(values: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()

"""Answers from within the process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import orjson

from gateway.config import Deployment, MockBehaviour, known
from gateway.providers.base import Answer, Request
from gateway.providers.mock import content
from gateway.providers.mock.behaviour import begin, usage_of
from gateway.tokens import Usage

_OBJECTS = {"chat": "chat.completion", "completions": "text_completion"}


class MockProvider:
    """Chat, completions and embeddings in OpenAI's form."""

    def kinds(self, deployment: Deployment) -> frozenset[str]:
        """As the table says."""
        return known(deployment.provider).kinds

    async def complete(self, deployment: Deployment, request: Request) -> Answer:
        """One whole answer after `latency_s`."""
        behaviour = await begin(deployment, request)
        usage = usage_of(behaviour, request)
        if request.kind == "embeddings":
            shown = {"prompt_tokens": usage.prompt, "total_tokens": usage.prompt}
            data = {"object": "list", "data": content.vectors(request.body), "model": deployment.model, "usage": shown}
            return Answer(orjson.dumps(data), usage)
        choices = [
            {"index": index, **_whole(request, usage.completion)} for index in range(content.choices(request.body))
        ]
        body = {**_envelope(deployment, _OBJECTS[request.kind]), "choices": choices, "usage": _usage_object(usage)}
        return Answer(orjson.dumps(body), usage)

    async def stream(self, deployment: Deployment, request: Request) -> MockStream:
        """A stream whose first token comes after `latency_s`."""
        behaviour = await begin(deployment, request)
        content.choices(request.body)
        return MockStream(deployment, behaviour, request)

    async def close(self) -> None:
        """Nothing is open."""


class MockStream:
    """One event per token, `chunk_interval_s` apart."""

    closing = b"data: [DONE]\n\n"

    def __init__(self, deployment: Deployment, behaviour: MockBehaviour, request: Request) -> None:
        plain = request.kind == "completions"
        self._envelope = _envelope(deployment, "text_completion" if plain else "chat.completion.chunk")
        self._behaviour = behaviour
        self._request = request
        self._whole = usage_of(behaviour, request)
        self.usage = Usage(self._whole.prompt, 0, estimated=True, prompt_told=True)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        call = content.demanded_call(self._request.body) if self._request.kind == "chat" else None
        several = range(content.choices(self._request.body))
        for number, part in enumerate(self._parts(call)):
            if number and self._behaviour.chunk_interval_s:
                await asyncio.sleep(self._behaviour.chunk_interval_s)
            self.usage.completion += 1
            for index in several:
                yield self._event(index, part, None)
        for index in several:
            yield self._event(index, {}, "tool_calls" if call else "stop")
        self.usage = self._whole
        if self._request.wants_usage:
            yield _sse({**self._envelope, "choices": [], "usage": _usage_object(self._whole)})

    async def close(self) -> None:
        """Nothing is open."""

    def _parts(self, call: dict[str, Any] | None) -> list[dict[str, Any]]:
        if self._request.kind == "completions":
            return [{"text": word} for word in content.words(self._whole.completion)]
        if call is not None:
            arguments = call["function"]["arguments"]
            named = {**call, "index": 0, "function": {**call["function"], "arguments": ""}}
            halves = (arguments[: len(arguments) // 2], arguments[len(arguments) // 2 :])
            return [
                {"role": "assistant", "content": None, "tool_calls": [named]},
                *({"tool_calls": [{"index": 0, "function": {"arguments": half}}]} for half in halves),
            ]
        parts = content.pieces(self._request.body, self._whole.completion)
        return [{"role": "assistant", "content": p} if i == 0 else {"content": p} for i, p in enumerate(parts)]

    def _event(self, index: int, part: dict[str, Any], finish: str | None) -> bytes:
        said = {"text": "", **part} if self._request.kind == "completions" else {"delta": part}
        return _sse({**self._envelope, "choices": [{"index": index, **said, "finish_reason": finish}]})


def _whole(request: Request, completion: int) -> dict[str, Any]:
    if request.kind == "completions":
        return {"text": "".join(content.words(completion)), "logprobs": None, "finish_reason": "stop"}
    call = content.demanded_call(request.body)
    if call is not None:
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        return {"message": message, "finish_reason": "tool_calls"}
    text = "".join(content.pieces(request.body, completion))
    return {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}


def _envelope(deployment: Deployment, kind: str) -> dict[str, Any]:
    now = time.time()
    identity = f"{'cmpl' if kind == 'text_completion' else 'chatcmpl'}-mock-{int(now * 1e6):x}"
    return {"id": identity, "object": kind, "created": int(now), "model": deployment.model}


def _usage_object(usage: Usage) -> dict[str, int]:
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
    }


def _sse(event: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(event) + b"\n\n"

"""A provider without an upstream: deterministic tokens, latency and errors on demand.

A request's own `mock` object overrides the deployment's: `latency_s`, `chunk_interval_s`, `prompt_tokens`,
`completion_tokens`, `error` (an HTTP status). It serves the demo, proofs and tests alike.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import orjson
from pydantic import ValidationError

from gateway.config import Deployment, MockBehaviour
from gateway.errors import UpstreamError
from gateway.providers.base import Answer, Request, Usage
from gateway.providers.failure import failure

_WORDS = (
    "The",
    "gateway",
    "answers",
    "with",
    "the",
    "same",
    "words",
    "every",
    "time",
    "so",
    "counts",
    "agree",
)
_DEFAULT = MockBehaviour()


class MockProvider:
    """Answers from within the process."""

    async def complete(self, deployment: Deployment, request: Request) -> Answer:
        """One whole answer after `latency_s`."""
        behaviour = await _begin(deployment, request)
        usage = _usage(behaviour, request)
        body = orjson.dumps(
            {
                **_envelope(deployment, "chat.completion"),
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": "".join(_tokens(usage.completion))},
                        "finish_reason": "stop",
                    }
                ],
                "usage": _usage_object(usage),
            }
        )
        return Answer(body, usage)

    async def stream(self, deployment: Deployment, request: Request) -> MockStream:
        """A stream whose first token comes after `latency_s`."""
        behaviour = await _begin(deployment, request)
        return MockStream(deployment, behaviour, request)

    async def close(self) -> None:
        """Nothing is open."""


class MockStream:
    """One event per token, `chunk_interval_s` apart."""

    def __init__(self, deployment: Deployment, behaviour: MockBehaviour, request: Request) -> None:
        self._envelope = _envelope(deployment, "chat.completion.chunk")
        self._behaviour = behaviour
        self._wants_usage = request.wants_usage
        self._whole = _usage(behaviour, request)
        self.usage = Usage(self._whole.prompt, 0, estimated=True)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for number, token in enumerate(_tokens(self._whole.completion)):
            if number and self._behaviour.chunk_interval_s:
                await asyncio.sleep(self._behaviour.chunk_interval_s)
            delta = {"role": "assistant", "content": token} if number == 0 else {"content": token}
            self.usage.completion += 1
            yield self._event(delta, None)
        yield self._event({}, "stop")
        self.usage = self._whole
        if self._wants_usage:
            yield _sse({**self._envelope, "choices": [], "usage": _usage_object(self._whole)})

    async def close(self) -> None:
        """Nothing is open."""

    def _event(self, delta: dict[str, str], finish: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _sse({**self._envelope, "choices": [choice]})


async def _begin(deployment: Deployment, request: Request) -> MockBehaviour:
    behaviour = deployment.mock or _DEFAULT
    asked = request.body.get("mock")
    if asked is not None:
        behaviour = _overridden(behaviour, asked)
    if behaviour.latency_s:
        await _sleep(behaviour.latency_s, deployment)
    if behaviour.error is not None:
        raise failure(behaviour.error, "the mock provider was asked to fail")
    return behaviour


async def _sleep(latency: float, deployment: Deployment) -> None:
    most = deployment.timeouts.first_byte_s
    await asyncio.sleep(min(latency, most))
    if latency > most:
        raise UpstreamError(504, "timeout", f"no answer within {most:g} s")


def _overridden(behaviour: MockBehaviour, asked: Any) -> MockBehaviour:
    try:
        return MockBehaviour.model_validate({**behaviour.model_dump(), **asked})
    except (ValidationError, TypeError):
        message = "mock: unknown field or a value out of range"
        raise UpstreamError(400, "invalid_request_error", message, retryable=False) from None


def _usage(behaviour: MockBehaviour, request: Request) -> Usage:
    prompt = behaviour.prompt_tokens
    if prompt is None:
        prompt = max(len(orjson.dumps(request.body.get("messages"))) // 4, 1)
    completion = behaviour.completion_tokens
    asked = request.body.get("mock")
    most = request.most_completion
    if most is not None and not (isinstance(asked, dict) and "completion_tokens" in asked):
        completion = min(completion, most)
    return Usage(prompt, completion)


def _tokens(count: int) -> list[str]:
    # Beyond this the text says nothing new; the count is what is billed.
    written = min(count, 2000)
    return [f"{' ' if i else ''}{_WORDS[i % len(_WORDS)]}" for i in range(written)]


def _envelope(deployment: Deployment, kind: str) -> dict[str, Any]:
    now = time.time()
    identity = f"chatcmpl-mock-{int(now * 1e6):x}"
    return {"id": identity, "object": kind, "created": int(now), "model": deployment.model}


def _usage_object(usage: Usage) -> dict[str, int]:
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
    }


def _sse(event: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(event) + b"\n\n"

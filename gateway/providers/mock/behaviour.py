"""What the mock provider is to do for one request: the deployment's settings and the request's own."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from pydantic import ValidationError

from gateway.config import Deployment, MockBehaviour
from gateway.errors import UpstreamError
from gateway.providers.base import Request
from gateway.providers.failure import failure
from gateway.tokens import Usage

_DEFAULT = MockBehaviour()
_PROMPTS = {"chat": "messages", "completions": "prompt", "embeddings": "input"}


async def begin(deployment: Deployment, request: Request) -> MockBehaviour:
    """Wait as long as asked for. Raises UpstreamError for what the request gets wrong or asks to fail with."""
    behaviour = deployment.mock or _DEFAULT
    asked = request.body.get("mock")
    if asked is not None:
        behaviour = _overridden(behaviour, asked)
    if behaviour.latency_s:
        await _sleep(behaviour.latency_s, deployment)
    if behaviour.error is not None:
        raise failure(behaviour.error, "the mock provider was asked to fail")
    return behaviour


def usage_of(behaviour: MockBehaviour, request: Request) -> Usage:
    """Four bytes per prompt token, and as many completion tokens as told, within the request's own limit."""
    prompt = behaviour.prompt_tokens
    if prompt is None:
        prompt = max(len(orjson.dumps(request.body.get(_PROMPTS[request.kind]))) // 4, 1)
    if request.kind == "embeddings":
        return Usage(prompt)
    completion = behaviour.completion_tokens
    asked = request.body.get("mock")
    most = request.most_completion
    if most is not None and not (isinstance(asked, dict) and "completion_tokens" in asked):
        completion = min(completion, most)
    return Usage(prompt, completion)


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

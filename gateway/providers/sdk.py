"""Providers that the LiteLLM SDK knows and the gateway does not: `litellm/<name>`, the optional extra `litellm`.

The SDK is slow to import and large, so it is imported by the first request that needs it, off the loop.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson

from gateway.config import Deployment
from gateway.config.known import SDK_PREFIX
from gateway.config.proxy import DIRECT
from gateway.errors import UpstreamError
from gateway.providers import usage as accounts
from gateway.providers.base import Answer, Request, Stream
from gateway.providers.failure import failure, scrubbed
from gateway.tokens import Usage
from gateway.translate.events import plain

_KINDS = frozenset({"chat", "completions", "embeddings"})
_CALLS = {"chat": "acompletion", "completions": "atext_completion", "embeddings": "aembedding"}
_GARBAGE = (ValueError, TypeError, KeyError, AttributeError)


class SdkProvider:
    """One module for the whole process; the SDK keeps its own connections, and takes a proxy from its environment."""

    def __init__(self, proxy: str | None = None) -> None:
        self._proxy = proxy
        self._sdk: Any = None

    def kinds(self, _: Deployment) -> frozenset[str]:
        """What the SDK gives in OpenAI's form."""
        return _KINDS

    async def complete(self, deployment: Deployment, request: Request) -> Answer:
        """One call. Raises UpstreamError."""
        answer = await self._call(deployment, request, stream=False)
        try:
            shown = answer.model_dump(exclude_none=False)
            return Answer(orjson.dumps(shown), _usage(shown, request))
        except _GARBAGE:
            raise UpstreamError(502, "api_error", "the upstream's answer is not what was asked for") from None

    async def stream(self, deployment: Deployment, request: Request) -> Stream:
        """Open a stream. Raises UpstreamError."""
        chunks = await self._call(deployment, request, stream=True)
        return _SdkStream(chunks, deployment, request)

    async def close(self) -> None:
        """The SDK closes what it opened when the process ends."""

    async def _call(self, deployment: Deployment, request: Request, stream: bool) -> Any:
        call = await self._function(_CALLS[request.kind])
        arguments = _arguments(deployment, request)
        if stream:
            arguments.update(stream=True, stream_options={"include_usage": True})
        return await _within(deployment, call(**arguments))

    async def _function(self, name: str) -> Callable[..., Awaitable[Any]]:
        if self._sdk is None:
            self._sdk = await asyncio.to_thread(_import, self._proxy)
        call: Callable[..., Awaitable[Any]] = getattr(self._sdk, name)
        return call


class _SdkStream:
    """Chunks of the SDK as events.

    A stream that its provider cut ends, with the SDK, as if it were whole: with a finish reason and a usage that the
    SDK made up. Its own notes tell what the provider really said (decision 147).
    """

    closing = b"data: [DONE]\n\n"

    def __init__(self, chunks: Any, deployment: Deployment, request: Request) -> None:
        self._chunks = chunks
        self._deployment = deployment
        self._wants_usage = request.wants_usage
        self.usage = Usage(request.raw_size // 4, 0, estimated=True)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        source = aiter(self._chunks)
        limit = self._deployment.timeouts.first_byte_s
        while True:
            chunk = await _within(self._deployment, anext(source, None), limit)
            limit = self._deployment.timeouts.idle_s
            if chunk is None:
                self._must_be_finished()
                return
            try:
                event = chunk.model_dump(exclude_none=True)
                finishes = any(choice.get("finish_reason") for choice in event.get("choices") or ())
                passes = self._passes(event)
                made = plain(event)
            except _GARBAGE:
                raise UpstreamError(502, "api_error", "the upstream's stream is not what was asked for") from None
            if finishes:
                self._must_be_finished()
            if passes:
                yield made

    async def close(self) -> None:
        """Give up the SDK's connection."""
        end = getattr(self._chunks, "aclose", None)
        if end is not None:
            await end()

    def _must_be_finished(self) -> None:
        notes = _notes(self._chunks)
        if notes is not None and not (notes.received_finish_reason or notes.intermittent_finish_reason):
            raise UpstreamError(502, "connection_error", "the stream ended before it was complete")

    def _passes(self, event: dict[str, Any]) -> bool:
        told = event.pop("usage", None)
        if not told:
            self.usage.completion += 1
            return True
        self.usage = accounts.from_chat(told)
        notes = _notes(self._chunks)
        self.usage.estimated = notes is not None and not any(getattr(chunk, "usage", None) for chunk in notes.chunks)
        if self._wants_usage:
            event["usage"] = told
        return self._wants_usage or bool(event.get("choices"))


def _notes(stream: Any) -> Any:
    """The SDK's stream that remembers what came, below what may be around it; None where there is none."""
    while stream is not None and not hasattr(stream, "received_finish_reason"):
        stream = getattr(stream, "completion_stream", None)
    return stream


def _import(proxy: str | None) -> Any:
    # Without it the SDK fetches its price list from the network while it is imported.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    # Its argument for that takes 0 as "not said", and then tries three times behind the gateway's back.
    os.environ["DEFAULT_MAX_RETRIES"] = "0"
    if proxy == DIRECT:
        os.environ["no_proxy"] = "*"
    elif proxy is not None:
        os.environ["https_proxy"] = os.environ["http_proxy"] = proxy
        direct = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
        os.environ["no_proxy"] = f"{direct},localhost,127.0.0.1,::1".lstrip(",")
    try:
        sdk: Any = importlib.import_module("litellm")
    except ImportError:
        message = "this model needs the LiteLLM SDK: install stackctl with the extra `litellm`"
        raise UpstreamError(500, "api_error", message) from None
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        # It writes what it likes, and the gateway's logs hold no content.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    sdk.telemetry = False
    sdk.suppress_debug_info = True
    sdk.drop_params = False
    return sdk


def _arguments(deployment: Deployment, request: Request) -> dict[str, Any]:
    name = deployment.provider.removeprefix(SDK_PREFIX)
    arguments = {n: v for n, v in request.body.items() if n in _ARGUMENTS}
    others = {n: v for n, v in request.body.items() if n not in _ARGUMENTS and n not in _LEFT_OUT}
    if others:
        arguments["extra_body"] = others
    arguments["model"] = f"{name}/{deployment.model}"
    # Retries and fallbacks are the gateway's.
    arguments.update(num_retries=0, max_retries=0, timeout=deployment.timeouts.total_s)
    own = {"api_key": deployment.api_key, "api_base": deployment.api_base, "api_version": deployment.api_version}
    arguments.update({n: v for n, v in own.items() if v})
    if deployment.headers:
        arguments["extra_headers"] = dict(deployment.headers)
    return arguments


# OpenAI's fields are the SDK's arguments. Any other goes to the upstream's body as it is, never to the SDK, which has
# arguments of its own: from a client they would choose another address, credential or behaviour.
_ARGUMENTS = frozenset(
    {
        "messages", "prompt", "input", "audio", "best_of", "dimensions", "echo", "encoding_format", "frequency_penalty",
        "function_call", "functions", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens", "metadata",
        "modalities", "n", "parallel_tool_calls", "prediction", "presence_penalty", "reasoning_effort",
        "response_format", "seed", "service_tier", "stop", "store", "suffix", "temperature", "thinking", "tool_choice",
        "tools", "top_logprobs", "top_p", "user", "verbosity", "web_search_options",
    }
)  # fmt: skip
_LEFT_OUT = frozenset({"mock", "cache", "stream", "stream_options", "model"})


async def _within(deployment: Deployment, waiting: Awaitable[Any], seconds: float | None = None) -> Any:
    limit = seconds or deployment.timeouts.first_byte_s
    try:
        async with asyncio.timeout(limit):
            return await waiting
    except TimeoutError:
        raise UpstreamError(504, "timeout", f"no answer within {limit:g} s") from None
    except (asyncio.CancelledError, UpstreamError):
        raise
    except Exception as error:
        raise _told(error, deployment) from None


def _told(error: Exception, deployment: Deployment) -> UpstreamError:
    # What breaks off in a stream comes wrapped.
    cause = getattr(error, "original_exception", None) or error
    if type(cause).__name__ == "APIConnectionError":
        return UpstreamError(502, "connection_error", "the upstream closed the connection")
    status = getattr(error, "status_code", None)
    if not isinstance(status, int):
        return UpstreamError(502, "api_error", "the SDK could not make the call")
    if status in (401, 403):
        return failure(status, "the upstream refused the gateway's credential")
    # The SDK puts the exception's and the provider's name in front of the upstream's words.
    text = scrubbed(str(getattr(error, "message", "") or ""), deployment)
    headers = getattr(error, "litellm_response_headers", None) or {}
    retry_after = str(headers.get("retry-after", ""))
    return failure(status, text, retry_after.encode() if retry_after.isdigit() else None)


def _usage(shown: dict[str, Any], request: Request) -> Usage:
    told = shown.get("usage")
    if told:
        return accounts.from_chat(told)
    return Usage(request.raw_size // 4, len(orjson.dumps(shown.get("choices"))) // 4, estimated=True)

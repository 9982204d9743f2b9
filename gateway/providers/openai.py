"""Any upstream that speaks OpenAI's chat completions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson

from gateway.config import BASES, Deployment
from gateway.errors import UpstreamError
from gateway.providers.base import Answer, Request, Usage
from gateway.providers.failure import failure
from gateway.upstream import Body, Client, Target
from gateway.upstream.sse import EventSplitter, data_of

# `mock` is for the mock provider; strict upstreams refuse fields they do not know.
_OURS = ("mock",)


class OpenAIProvider:
    """Passes unknown fields and the answer's bytes through untouched."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._targets: dict[str, Target] = {}

    async def complete(self, deployment: Deployment, request: Request) -> Answer:
        """One call. Raises UpstreamError."""
        body = orjson.dumps(_upstream_body(deployment, request.body))
        reply = await self._client.post(self._target(deployment), body, deployment.timeouts)
        if reply.status != 200:
            raise failure(reply.status, _message(reply.body, reply.status), reply.headers.get(b"retry-after"))
        try:
            parsed = orjson.loads(reply.body)
            usage = usage_of(parsed["usage"]) if parsed.get("usage") else _guessed(request, parsed)
        except (ValueError, TypeError, AttributeError, KeyError):
            raise UpstreamError(502, "api_error", "the upstream's answer is not a chat completion") from None
        return Answer(reply.body, usage)

    async def stream(self, deployment: Deployment, request: Request) -> OpenAIStream:
        """Open a stream; the upstream is always asked for usage. Raises UpstreamError."""
        upstream = _upstream_body(deployment, request.body)
        options = upstream.get("stream_options")
        upstream["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
        body = await self._client.open(self._target(deployment), orjson.dumps(upstream), deployment.timeouts)
        if body.status != 200:
            message = _message(await body.whole(), body.status)
            raise failure(body.status, message, body.headers.get(b"retry-after"))
        if not body.headers.get(b"content-type", b"text/event-stream").startswith(b"text/event-stream"):
            body.close()
            raise UpstreamError(502, "api_error", "the upstream's stream is not server-sent events")
        return OpenAIStream(body, request)

    async def close(self) -> None:
        """Close pooled connections."""
        await self._client.close()

    def _target(self, deployment: Deployment) -> Target:
        target = self._targets.get(deployment.id)
        if target is None:
            base = (deployment.api_base or BASES[deployment.provider]).rstrip("/")
            headers = {"Authorization": f"Bearer {deployment.api_key}"} if deployment.api_key else {}
            target = self._targets[deployment.id] = Target.post(f"{base}/chat/completions", headers)
        return target


class OpenAIStream:
    """Events as the upstream sends them; the usage event is held back unless the client asked for it."""

    def __init__(self, body: Body, request: Request) -> None:
        self._body = body
        self._wants_usage = request.wants_usage
        self._complete = False
        self.usage = Usage(request.raw_size // 4, 0, estimated=True)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        splitter = EventSplitter()
        try:
            async for chunk in self._body:
                for event in splitter.feed(chunk):
                    data = data_of(event)
                    if data == b"[DONE]":
                        self._complete = True
                        return
                    if self._passes(data):
                        yield event + b"\n\n"
        except ValueError:
            raise UpstreamError(502, "api_error", "the upstream's stream is not server-sent events") from None
        raise UpstreamError(502, "connection_error", "the stream ended before it was complete")

    async def close(self) -> None:
        """Give the connection up if the stream is not at its end."""
        # After `[DONE]` the connection finds the end by itself and is used again.
        if not self._complete:
            self._body.close()

    def _passes(self, data: bytes) -> bool:
        if b'"error"' in data[:64]:
            raise UpstreamError(502, "api_error", _message(data))
        if b'"usage"' not in data:
            self.usage.completion += 1
            return True
        event = orjson.loads(data)
        if not isinstance(event, dict) or not event.get("usage"):
            self.usage.completion += 1
            return True
        self.usage = usage_of(event["usage"])
        return self._wants_usage or bool(event.get("choices"))


def usage_of(usage: dict[str, Any]) -> Usage:
    """OpenAI's `usage` object."""
    prompt = usage.get("prompt_tokens_details") or {}
    completion = usage.get("completion_tokens_details") or {}
    return Usage(
        int(usage.get("prompt_tokens") or 0),
        int(usage.get("completion_tokens") or 0),
        int(prompt.get("cached_tokens") or 0),
        reasoning=int(completion.get("reasoning_tokens") or 0),
        audio_prompt=int(prompt.get("audio_tokens") or 0),
        audio_completion=int(completion.get("audio_tokens") or 0),
    )


def _guessed(request: Request, answer: dict[str, Any]) -> Usage:
    """Four bytes per token where the upstream does not say."""
    text = orjson.dumps(answer.get("choices"))
    return Usage(request.raw_size // 4, len(text) // 4, estimated=True)


def _upstream_body(deployment: Deployment, body: dict[str, Any]) -> dict[str, Any]:
    upstream = {name: value for name, value in body.items() if name not in _OURS}
    upstream["model"] = deployment.model
    return upstream


def _message(body: bytes, status: int = 0) -> str:
    """The upstream's own words, shortened; whatever is not an error object is not repeated."""
    if status in (401, 403):
        # Upstreams repeat parts of the credential in these.
        return "the upstream refused the gateway's credential"
    try:
        error = orjson.loads(body)["error"]
        text = error["message"] if isinstance(error, dict) else error
    except (ValueError, TypeError, KeyError):
        return "the upstream gave no reason"
    return str(text)[:500]

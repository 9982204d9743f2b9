"""Anthropic's Messages API: messages as they are, chat completions by translation."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.config import Deployment, known
from gateway.errors import UpstreamError
from gateway.providers import usage as accounts
from gateway.providers.address import anthropic_target, with_headers
from gateway.providers.base import Answer, Kind, Request, Stream
from gateway.providers.failure import refusal
from gateway.providers.messages_stream import MessagesStream
from gateway.providers.openai import open_events
from gateway.providers.translated_stream import TranslatedStream
from gateway.providers.translating import translated
from gateway.tokens import Usage
from gateway.translate.outbound.anthropic_answer import AnthropicReader, from_message
from gateway.translate.outbound.anthropic_request import to_messages
from gateway.upstream import Client, Target


class AnthropicProvider:
    """Passes unknown fields through untouched, also those of a chat request that OpenAI does not have."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._targets: dict[tuple[str, Kind], Target] = {}

    def kinds(self, deployment: Deployment) -> frozenset[str]:
        """As the table says."""
        return known(deployment.provider).kinds

    async def complete(self, deployment: Deployment, request: Request) -> Answer:
        """One call. Raises UpstreamError."""
        body = orjson.dumps(_body(deployment, request))
        reply = await self._client.post(self._target(deployment, request), body, deployment.timeouts)
        if reply.status != 200:
            raise refusal(deployment, reply.status, reply.headers, reply.rest())
        try:
            return _answer(request, orjson.loads(reply.rest()), reply.rest())
        except (ValueError, TypeError, AttributeError, KeyError):
            raise UpstreamError(502, "api_error", "the upstream's answer is not a message") from None

    async def stream(self, deployment: Deployment, request: Request) -> Stream:
        """Open a stream. Raises UpstreamError."""
        body = orjson.dumps(_body(deployment, request))
        events = await open_events(self._client, self._target(deployment, request), body, deployment)
        if request.kind == "messages":
            return MessagesStream(events, request, deployment)
        return TranslatedStream(events, AnthropicReader(), request, deployment)

    async def close(self) -> None:
        """Close pooled connections."""
        await self._client.close()

    def _target(self, deployment: Deployment, request: Request) -> Target:
        key = (deployment.id, request.kind)
        target = self._targets.get(key)
        if target is None:
            target = self._targets[key] = anthropic_target(deployment, request.kind)
        return with_headers(target, request.headers) if request.headers else target


def _body(deployment: Deployment, request: Request) -> dict[str, Any]:
    if request.kind == "chat":
        return translated(lambda body: to_messages(body, deployment.model), request.body)
    body = {name: value for name, value in request.body.items() if name not in ("mock", "cache")}
    body["model"] = deployment.model
    return body


def _answer(request: Request, parsed: dict[str, Any], raw: bytes) -> Answer:
    if request.kind == "count_tokens":
        accounts.tokens(parsed["input_tokens"])
        return Answer(raw, Usage())
    usage = accounts.from_messages(parsed["usage"])
    if request.kind == "messages":
        return Answer(raw, usage)
    return Answer(orjson.dumps(from_message(parsed, usage)), usage)

"""Any upstream that speaks OpenAI's API, Azure's included."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from gateway.config import Deployment, KnownProvider, known
from gateway.errors import UpstreamError
from gateway.providers import usage as accounts
from gateway.providers.address import azure_has_responses, azure_target, openai_target
from gateway.providers.base import Answer, Kind, Request, Stream
from gateway.providers.failure import refusal
from gateway.providers.openai_streams import ChatStream, ResponsesStream
from gateway.providers.pushed import PushedStream
from gateway.tokens import Usage
from gateway.upstream import Body, Client, Reply, Target

# `mock` is for the mock provider, `cache` for the cache; strict upstreams refuse fields they do not know.
_OURS: Final = ("mock", "cache")


@dataclass(slots=True)
class _Way:
    """What is the same for every request to one deployment."""

    known: KnownProvider
    kinds: frozenset[str]
    make: Callable[[Deployment, Kind], Target]
    targets: dict[Kind, Target] = field(default_factory=dict)


class OpenAIProvider:
    """Passes unknown fields and the answer's bytes through untouched."""

    def __init__(self, client: Client) -> None:
        self._client, self._pools = client, client.pools
        self._ways: dict[str, _Way] = {}

    def kinds(self, deployment: Deployment) -> frozenset[str]:
        """As the table says; Azure's older versions lack responses."""
        return self._way(deployment).kinds

    async def complete(self, deployment: Deployment, request: Request) -> Answer:
        """One call. Raises UpstreamError."""
        target, sent = self._call(deployment, request)
        return self.read(deployment, request, await self._client.post(target, sent, deployment.timeouts))

    def begin(self, deployment: Deployment, request: Request, reply: Reply) -> Callable[[], None] | None:
        """See Direct."""
        target, sent = self._call(deployment, request)
        return self._pools.begin(target, sent, deployment.timeouts, reply)

    def read(self, deployment: Deployment, request: Request, body: Body) -> Answer:
        """See Direct."""
        raw = body.rest()
        if body.status != 200:
            raise refusal(deployment, body.status, body.headers, raw)
        try:
            usage = _told(request, orjson.loads(raw))
        except (ValueError, TypeError, AttributeError, KeyError):
            raise UpstreamError(502, "api_error", "the upstream's answer is not what was asked for") from None
        return Answer(raw, usage)

    async def stream(self, deployment: Deployment, request: Request) -> Stream:
        """Open a stream; the upstream is always asked for usage. Raises UpstreamError."""
        way = self._way(deployment)
        upstream = _upstream_body(deployment, way.known, request.body)
        if request.kind != "responses" and way.known.stream_usage:
            options = upstream.get("stream_options")
            upstream["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
        target = _target(way, deployment, request.kind)
        body = await open_events(self._client, target, orjson.dumps(upstream), deployment)
        if request.kind == "responses":
            return ResponsesStream(body, request, deployment)
        return ChatStream(body, request, deployment)

    async def close(self) -> None:
        """Close pooled connections."""
        await self._client.close()

    def _call(self, deployment: Deployment, request: Request) -> tuple[Target, bytes]:
        way = self._ways.get(deployment.id) or self._way(deployment)
        target = way.targets.get(request.kind) or _target(way, deployment, request.kind)
        return target, orjson.dumps(_upstream_body(deployment, way.known, request.body))

    def _way(self, deployment: Deployment) -> _Way:
        way = self._ways.get(deployment.id)
        if way is None:
            entry = known(deployment.provider)
            kinds = entry.kinds
            if entry.wire == "azure" and not azure_has_responses(deployment):
                kinds = kinds - {"responses"}
            make = azure_target if entry.wire == "azure" else openai_target
            way = self._ways[deployment.id] = _Way(entry, kinds, make)
        return way


async def open_events(client: Client, target: Target, body: bytes, deployment: Deployment) -> Body:
    """A stream of server-sent events whose head is there. Raises UpstreamError for anything else."""
    opened = await client.post(target, body, deployment.timeouts, streaming=True)
    if opened.status != 200:
        raise refusal(deployment, opened.status, opened.headers, await opened.whole())
    if not opened.headers.get(b"content-type", b"text/event-stream").startswith(b"text/event-stream"):
        opened.close()
        raise UpstreamError(502, "api_error", PushedStream.broken)
    return opened


def _target(way: _Way, deployment: Deployment, kind: Kind) -> Target:
    target = way.targets.get(kind)
    if target is None:
        target = way.targets[kind] = way.make(deployment, kind)
    return target


def _told(request: Request, answer: dict[str, Any]) -> Usage:
    """The usage of an answer; four bytes per token where the upstream does not say."""
    usage = answer.get("usage")
    if usage:
        found = accounts.from_responses(usage) if request.kind == "responses" else accounts.from_chat(usage)
        found.batched = answer.get("service_tier") in accounts.BATCH_TIERS
        return found
    if request.kind == "embeddings":
        return Usage(request.raw_size // 4, estimated=True)
    made = answer["output" if request.kind == "responses" else "choices"]
    return Usage(request.raw_size // 4, len(orjson.dumps(made)) // 4, estimated=True)


def _upstream_body(deployment: Deployment, entry: KnownProvider, body: dict[str, Any]) -> dict[str, Any]:
    upstream = {**body, "model": deployment.model}
    for name in _OURS:
        upstream.pop(name, None)
    if entry.rename or entry.drop:
        _adapt(entry, upstream)
    return upstream


def _adapt(entry: KnownProvider, upstream: dict[str, Any]) -> None:
    for name, theirs in entry.rename.items():
        if name in upstream:
            value = upstream.pop(name)
            upstream.setdefault(theirs, value)
    for name in entry.drop:
        upstream.pop(name, None)

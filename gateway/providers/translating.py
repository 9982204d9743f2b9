"""A provider that takes every kind of request: what its upstream does not have goes by way of chat completions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol, TypeVar

import orjson

from gateway.config import Deployment
from gateway.errors import UpstreamError
from gateway.providers.base import Answer, Direct, Kind, Provider, Request, Stream
from gateway.tokens import Usage
from gateway.translate import UnsupportedError, WrongRequestError
from gateway.translate.inbound import completions, messages, responses
from gateway.upstream.sse import data_of

T = TypeVar("T")
_BROKEN = (ValueError, TypeError, KeyError, AttributeError, IndexError)


class ChunkWriter(Protocol):
    """Chat chunks in, events of another API out."""

    def feed(self, chunk: dict[str, Any]) -> list[bytes]:
        """The events one chunk makes."""
        ...

    def closing(self, usage: Usage) -> tuple[list[bytes], bytes]:
        """What is left to say, and the event that ends the stream."""
        ...


class Front(Protocol):
    """A module of `gateway.translate.inbound`."""

    def to_chat(self, body: dict[str, Any]) -> dict[str, Any]: ...

    def from_chat(self, answer: dict[str, Any], asked: dict[str, Any], usage: Usage) -> dict[str, Any]: ...

    def writer(self, asked: dict[str, Any]) -> ChunkWriter: ...


_FRONTS: dict[Kind, Front] = {"completions": completions, "messages": messages, "responses": responses}


class Translating:
    """Wraps a provider."""

    def __init__(self, provider: Provider, direct: Direct | None = None) -> None:
        """`direct` is the same provider, if it is one."""
        self._provider = provider
        self._direct = direct
        self._kinds: dict[str, frozenset[str]] = {}

    def kinds(self, deployment: Deployment) -> frozenset[str]:
        """What the upstream has itself."""
        found = self._kinds.get(deployment.id)
        if found is None:
            found = self._kinds[deployment.id] = self._provider.kinds(deployment)
        return found

    def complete(self, deployment: Deployment, request: Request) -> Awaitable[Answer]:
        """Raises UpstreamError."""
        if request.kind in (self._kinds.get(deployment.id) or self.kinds(deployment)):
            return self._provider.complete(deployment, request)
        return self._translated(deployment, request)

    def direct(self, deployment: Deployment, kind: Kind) -> Direct | None:
        """The provider itself, if it can be asked for this kind as it is and without waiting."""
        return self._direct if kind in self.kinds(deployment) else None

    async def _translated(self, deployment: Deployment, request: Request) -> Answer:
        if request.kind == "count_tokens":
            return Answer(orjson.dumps({"input_tokens": max(request.raw_size // 4, 1)}), Usage())
        front = _front(request.kind)
        answer = await self._provider.complete(deployment, _as_chat(front, request))
        try:
            body = front.from_chat(orjson.loads(answer.body), request.body, answer.usage)
        except _BROKEN:
            raise UpstreamError(502, "api_error", "the upstream's answer is not a chat completion") from None
        return Answer(orjson.dumps(body), answer.usage)

    async def stream(self, deployment: Deployment, request: Request) -> Stream:
        """Raises UpstreamError when the upstream refuses."""
        if request.kind in self.kinds(deployment):
            return await self._provider.stream(deployment, request)
        front = _front(request.kind)
        stream = await self._provider.stream(deployment, _as_chat(front, request))
        return _Rewritten(stream, front.writer(request.body))

    async def close(self) -> None:
        """Give up connections."""
        await self._provider.close()


class _Rewritten:
    """A chat stream as another API's events."""

    def __init__(self, stream: Stream, writer: ChunkWriter) -> None:
        self._stream = stream
        self._writer = writer
        self.closing = b""

    @property
    def usage(self) -> Usage:
        return self._stream.usage

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for event in self._stream:
            try:
                made = self._writer.feed(orjson.loads(data_of(event.strip())))
            except _BROKEN:
                raise UpstreamError(502, "api_error", "the upstream's stream is not chat completions") from None
            for one in made:
                yield one
        rest, self.closing = self._writer.closing(self._stream.usage)
        for one in rest:
            yield one

    async def close(self) -> None:
        """Give up the connection if the stream is not at its end."""
        await self._stream.close()


def translated(make: Callable[[dict[str, Any]], T], body: dict[str, Any]) -> T:
    """A request's translation. Raises UpstreamError 400 that names the field where it can."""
    try:
        return make(body)
    except UnsupportedError as error:
        raise UpstreamError(400, "invalid_request_error", str(error), param=error.field) from None
    except WrongRequestError as error:
        message = str(error)
        raise UpstreamError(400, "invalid_request_error", message, retryable=False, param=error.field) from None
    except _BROKEN:
        message = "A field of the request has the wrong type"
        raise UpstreamError(400, "invalid_request_error", message, retryable=False) from None


def _front(kind: Kind) -> Front:
    front = _FRONTS.get(kind)
    if front is None:
        raise UpstreamError(400, "invalid_request_error", f"This model's provider has no {kind}", param="model")
    return front


def _as_chat(front: Front, request: Request) -> Request:
    body = translated(front.to_chat, request.body)
    return Request("chat", body, request.raw_size, request.stream, wants_usage=True)

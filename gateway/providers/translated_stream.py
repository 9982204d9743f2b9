"""A stream of an upstream that does not speak chat completions, as chat chunks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol

import orjson

from gateway.config import Deployment
from gateway.errors import UpstreamError
from gateway.providers.base import Request
from gateway.providers.failure import reported
from gateway.tokens import Usage
from gateway.translate.events import plain
from gateway.upstream import Body
from gateway.upstream.sse import EventSplitter, data_of


class EventReader(Protocol):
    """The upstream's events in, chat chunks out. `ended`: nothing more comes. `may_end`: the connection's end is fine."""

    ended: bool
    may_end: bool
    pieces: int

    @property
    def usage(self) -> Usage | None: ...

    def feed(self, event: dict[str, Any]) -> list[dict[str, Any]]: ...

    def usage_chunk(self, usage: Usage) -> dict[str, Any]: ...


class TranslatedStream:
    """Its usage is counted in pieces until the upstream has told it."""

    closing = b"data: [DONE]\n\n"

    def __init__(self, body: Body, reader: EventReader, request: Request, deployment: Deployment) -> None:
        self._body = body
        self._reader = reader
        self._request = request
        self._deployment = deployment
        self._complete = False

    @property
    def usage(self) -> Usage:
        told = self._reader.usage
        if told is not None and self._complete:
            return told
        prompt = told.prompt if told is not None else self._request.raw_size // 4
        least = max(self._reader.pieces, told.completion if told else 0)
        return Usage(prompt, least, estimated=True, prompt_told=told is not None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        splitter = EventSplitter()
        try:
            async for chunk in self._body:
                for event in splitter.feed(chunk):
                    for made in self._read(data_of(event)):
                        yield plain(made)
                    if self._reader.ended:
                        self._complete = True
                        break
                if self._complete:
                    break
        except (ValueError, TypeError, KeyError, AttributeError, IndexError):
            raise UpstreamError(502, "api_error", "the upstream's stream is not what its API promises") from None
        self._complete = self._complete or self._reader.may_end
        if not self._complete:
            raise UpstreamError(502, "connection_error", "the stream ended before it was complete")
        if self._request.wants_usage:
            yield plain(self._reader.usage_chunk(self.usage))

    async def close(self) -> None:
        """Give the connection up if the stream is not at its end."""
        if not self._complete:
            self._body.close()

    def _read(self, data: bytes) -> list[dict[str, Any]]:
        if not data:
            return []
        event = orjson.loads(data)
        if "error" in event:
            raise reported(self._deployment, event)
        return self._reader.feed(event)

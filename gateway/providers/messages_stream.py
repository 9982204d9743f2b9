"""Anthropic's events as they are, watched for their usage and their end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson

from gateway.config import Deployment
from gateway.errors import UpstreamError
from gateway.providers.base import Request, Usage
from gateway.providers.failure import reported
from gateway.providers.usage import from_messages
from gateway.upstream import Body
from gateway.upstream.sse import EventSplitter, data_of


class MessagesStream:
    """Only the events that can matter to the books are parsed."""

    def __init__(self, body: Body, request: Request, deployment: Deployment) -> None:
        self._body = body
        self._deployment = deployment
        self._told: dict[str, Any] = {}
        self.usage = Usage(request.raw_size // 4, 0, estimated=True)
        self.closing = b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        splitter = EventSplitter()
        try:
            async for chunk in self._body:
                for event in splitter.feed(chunk):
                    if not self._ends(data_of(event)):
                        yield event + b"\n\n"
                        continue
                    self.closing = event + b"\n\n"
                    return
        except (ValueError, TypeError, KeyError, AttributeError):
            raise UpstreamError(502, "api_error", "the upstream's stream is not what its API promises") from None
        raise UpstreamError(502, "connection_error", "the stream ended before it was complete")

    async def close(self) -> None:
        """Give the connection up if the stream is not at its end."""
        if not self.closing:
            self._body.close()

    def _ends(self, data: bytes) -> bool:
        if not data:
            return False
        if not data.startswith(b"{"):
            raise ValueError("not an object")
        if b'"content_block_delta"' in data[:80]:
            self.usage.completion += 1
            return False
        event = orjson.loads(data)
        kind = event["type"]
        if kind == "error":
            raise reported(self._deployment, event)
        if kind == "message_start":
            self._told.update(event["message"]["usage"])
            self.usage.prompt, self.usage.prompt_told = from_messages(self._told).prompt, True
        elif kind == "message_delta":
            self._told.update({n: v for n, v in (event.get("usage") or {}).items() if v is not None})
        elif kind == "message_stop" and "output_tokens" in self._told:
            self.usage = from_messages(self._told)
        return bool(kind == "message_stop")

"""Streams of upstreams that speak OpenAI's API."""

from __future__ import annotations

from typing import Any, Final

import orjson

from gateway.config import Deployment
from gateway.providers import usage as accounts
from gateway.providers.base import Request
from gateway.providers.failure import reported
from gateway.providers.pushed import PushedStream
from gateway.tokens import Usage
from gateway.upstream import Body
from gateway.upstream.sse import data_of

_ENDINGS: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})


class ChatStream(PushedStream):
    """Events as the upstream sends them; the usage event is held back unless the client asked for it."""

    closing: bytes = b"data: [DONE]\n\n"

    def __init__(self, body: Body, request: Request, deployment: Deployment) -> None:
        super().__init__(body, Usage(request.raw_size // 4, 0, estimated=True))
        self._deployment = deployment
        self._wants_usage = request.wants_usage
        self._begun = False

    def _events(self, chunk: bytes) -> list[bytes]:
        if self._begun and self._plain(chunk):
            return [chunk]
        found = []
        for event in self._splitter.feed(chunk):
            data = data_of(event)
            if data == b"[DONE]":
                self._complete = True
                break
            if data and self._passes(data):
                found.append(event + b"\n\n")
        return found

    def _plain(self, chunk: bytes) -> bool:
        """Whether a chunk is whole events that tell nothing but what was made: most are, and need no parsing."""
        count = chunk.count(b"\n\n")
        if (
            self._splitter.pending
            or b"\r" in chunk
            or not chunk.startswith(b"data: {")
            or not chunk.endswith(b"}\n\n")
            or chunk.count(b"}\n\ndata: {") != count - 1
            or chunk.count(b"\n") != 2 * count
            or b'"error"' in chunk
            or chunk.count(b'"usage"') != chunk.count(b'"usage":null')
        ):
            return False
        self.usage.completion += count
        return True

    def _passes(self, data: bytes) -> bool:
        if not self._begun:
            # Once per stream: an upstream that talks nonsense is found out before the client has heard of it.
            self._begun = isinstance(orjson.loads(data), dict)
        if not self._begun or not data.startswith(b"{") or not data.endswith(b"}"):
            raise ValueError("not an object")
        if b'"error"' in data[:64] and (event := orjson.loads(data)).get("error"):
            raise reported(self._deployment, event)
        if b'"usage"' not in data:
            self.usage.completion += 1
            return True
        event = orjson.loads(data)
        if not event.get("usage"):
            self.usage.completion += 1
            return True
        self.usage = accounts.from_chat(event["usage"])
        self.usage.batched = event.get("service_tier") in accounts.BATCH_TIERS
        return self._wants_usage or bool(event.get("choices"))


class ResponsesStream(PushedStream):
    """Events of the Responses API as they are; the one that ends it holds the usage."""

    def __init__(self, body: Body, request: Request, deployment: Deployment) -> None:
        super().__init__(body, Usage(request.raw_size // 4, 0, estimated=True))
        self._deployment = deployment

    def _events(self, chunk: bytes) -> list[bytes]:
        found = []
        for event in self._splitter.feed(chunk):
            data = data_of(event)
            if not data or data == b"[DONE]":
                continue
            if self._ends(orjson.loads(data)):
                self.closing, self._complete = event + b"\n\n", True
                break
            found.append(event + b"\n\n")
        return found

    def _ends(self, event: dict[str, Any]) -> bool:
        kind = event.get("type")
        if kind == "error":
            raise reported(self._deployment, event)
        if isinstance(kind, str) and kind.endswith(".delta"):
            self.usage.completion += 1
        if kind not in _ENDINGS:
            return False
        response = event.get("response") or {}
        if kind == "response.failed":
            raise reported(self._deployment, response)
        if response.get("usage"):
            self.usage = accounts.from_responses(response["usage"])
            self.usage.batched = response.get("service_tier") in accounts.BATCH_TIERS
        return True

"""Anthropic's events as they are, watched for their usage and their end."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson

from gateway.config import Deployment
from gateway.providers.base import Request
from gateway.providers.failure import reported
from gateway.providers.pushed import PushedStream
from gateway.providers.usage import from_messages
from gateway.tokens import Usage
from gateway.upstream import Body
from gateway.upstream.sse import data_of


class MessagesStream(PushedStream):
    """Only the events that can matter to the books are parsed."""

    broken: ClassVar[str] = "the upstream's stream is not what its API promises"

    def __init__(self, body: Body, request: Request, deployment: Deployment) -> None:
        super().__init__(body, Usage(request.raw_size // 4, 0, estimated=True))
        self._deployment = deployment
        self._told: dict[str, Any] = {}

    def _events(self, chunk: bytes) -> list[bytes]:
        found = []
        for event in self._splitter.feed(chunk):
            if self._ends(data_of(event)):
                self.closing, self._complete = event + b"\n\n", True
                break
            found.append(event + b"\n\n")
        return found

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

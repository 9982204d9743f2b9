"""uvicorn's HTTP protocol with what a public port needs: bounded headers, bounded patience, one write per answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

_MOST_HEADERS = 64 << 10
_MOST_URL = 16 << 10
# From the connection, or from the end of an answer's keep-alive, to the end of the next request's headers.
_HEADERS_WITHIN_S = 30.0


class Protocol(HttpToolsProtocol):
    """A connection of a client."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._size = 0
        self._slow = self.loop.call_later(_HEADERS_WITHIN_S, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._slow.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._size = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > _MOST_URL:
            raise ValueError("the URL is too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._size += len(name) + len(value)
        if self._size > _MOST_HEADERS:
            # httptools turns this into the parser's error, and uvicorn that into a 400 and the connection's end.
            raise ValueError("the headers are too large")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._slow.cancel()
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before and self.cycle is not None:
            # The task that calls `send` starts at the loop's next turn.
            self.cycle.__class__ = Cycle

    def _too_slow(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


class Cycle(RequestResponseCycle):
    """A request and its answer. A whole answer with its length is written at once, without looking at each header."""

    async def send(self, message: Any) -> None:
        """ASGI's `send`, and `gateway.whole`: status, header lines and body together."""
        if message["type"] != "gateway.whole":
            await super().send(message)
            return
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected or self.response_started:
            return
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(self._bytes(message))
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _bytes(self, message: Mapping[str, Any]) -> bytes:
        headers = (*self.default_headers, *cast(Iterable[tuple[bytes, bytes]], message["headers"]))
        head = b"\r\n".join([b"%b: %b" % header for header in headers])
        body = message["body"]
        if not head.count(b"\n") == head.count(b"\r") == len(headers) - 1:
            raise RuntimeError("a header holds a line break")
        if (b"connection", b"close") in headers:
            self.keep_alive = False
        closing = b"" if self.keep_alive or (b"connection", b"close") in headers else b"connection: close\r\n"
        sent = b"" if self.scope["method"] == "HEAD" else body
        status = STATUS_LINE[message["status"]]
        return b"%bcontent-length: %d\r\n%b%b\r\n\r\n%b" % (status, len(body), closing, head, sent)

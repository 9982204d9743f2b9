"""A connection of a client: HTTP/1.1 with bounded headers and bounded patience, parsed by httptools, served by ASGI.

uvicorn's server listens, accepts and drains; this takes the place of its protocol, which costs as much as everything
the gateway does with a request (docs/decisions/092, bench/README.md).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

import httptools

from gateway.api.answers import error_body
from gateway.worker.exchange import Exchange, closing_answer

if TYPE_CHECKING:
    from uvicorn import Config
    from uvicorn.server import ServerState

_MOST_HEADERS = 64 << 10
_MOST_URL = 16 << 10
_MOST_UNREAD = 1 << 16
# From the connection or the first byte of a request to the end of its headers.
_HEADERS_WITHIN_S = 30.0
# Longer than clients and load balancers keep an idle connection (mostly 60 s), so that they close it first.
_IDLE_FOR_S = 75.0
# Of a connection that was accepted right before its worker drains.
_FIRST_REQUEST_WITHIN_S = 2.0
_NEVER = float("inf")
_MOST_PATHS = 256
_ASGI = {"version": "3.0", "spec_version": "2.3"}


class Protocol(asyncio.Protocol):
    """One connection. Requests that a client sends ahead wait for the answers before them."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """As uvicorn's server makes its protocols."""
        self._app = config.loaded_app
        self._app_state = app_state
        self._server = server_state
        self._loop = _loop or asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._addresses: tuple[Any, Any] = (None, None)
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._size = 0
        self._expects = False
        # The exchange that is answered now, the last one that was read, and those between.
        self._current: Exchange | None = None
        self._latest: Exchange | None = None
        self._ahead: deque[Exchange] = deque()
        self._drained: asyncio.Future[None] | None = None
        self._reading = True
        # Whether a request was answered here, and whether the next one is the last.
        self._served = self._last = False
        self.full = False
        self.deadline = _NEVER

    def check(self, now: float) -> None:
        """Called every second: end a connection that has idled, or has sent headers, for too long."""
        if now > self.deadline:
            self.close()

    def shutdown(self) -> None:
        """uvicorn drains: what is in flight is finished, then the connection ends."""
        self._last = True
        if self._current is not None:
            self._current.keep_alive = False
        elif self._served:
            self.close()
        else:
            # It was accepted a moment ago, and its request is on the way.
            self.deadline = min(self.deadline, self._loop.time() + _FIRST_REQUEST_WITHIN_S)

    def write(self, data: bytes) -> None:
        """To the client."""
        if self._transport is not None:
            self._transport.write(data)

    def later(self, call: Callable[[bytes], None], data: bytes) -> None:
        """At the loop's next turn, after what was asked for before."""
        self._loop.call_soon(call, data)

    async def drain(self) -> None:
        """Wait until the client has read most of what was written, or is gone."""
        while self.full and self._transport is not None:
            if self._drained is None:
                self._drained = self._loop.create_future()
            await asyncio.shield(self._drained)

    def read_on(self) -> None:
        """The body so far was taken."""
        if not self._reading and self._transport is not None and not self._transport.is_closing():
            self._reading = True
            self._transport.resume_reading()

    def close(self) -> None:
        """After what was written."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.close()

    def completed(self, keep_alive: bool) -> None:
        """The current exchange has its whole answer."""
        self._server.total_requests += 1
        self._current = None
        self._served = True
        if not keep_alive:
            self.close()
            return
        if self._ahead:
            self._serve(self._ahead.popleft())
        else:
            self.deadline = self._loop.time() + _IDLE_FOR_S
        self.read_on()

    # The transport's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._server.connections.add(cast(Any, self))
        names = [transport.get_extra_info(name) for name in ("sockname", "peername")]
        here, there = ((n[0], n[1]) if isinstance(n, tuple) else None for n in names)
        self._addresses = (here, there)
        self.deadline = self._loop.time() + _HEADERS_WITHIN_S

    def connection_lost(self, _: Exception | None) -> None:
        self._transport = None
        self.deadline = _NEVER
        self._server.connections.discard(cast(Any, self))
        self._ahead.clear()
        if self._current is not None:
            self._current.lost()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # An offer that may be ignored; the request itself is answered.
            return
        except httptools.HttpParserError:
            if self._current is None:
                message = error_body(400, "invalid_request_error", "This is not HTTP/1.1, or its headers are too large")
                self.write(closing_answer(400, message))
            self.close()

    def eof_received(self) -> None:
        """A client that has closed its side is gone."""

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    # httptools' callbacks; an exception in one becomes the parser's error

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers = []
        self._size = 0
        self._expects = False
        if self._current is None:
            self.deadline = self._loop.time() + _HEADERS_WITHIN_S

    def on_url(self, url: bytes) -> None:
        self._url = self._url + url if self._url else url
        if len(self._url) > _MOST_URL:
            raise ValueError("the URL is too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._size += len(name) + len(value)
        if self._size > _MOST_HEADERS:
            raise ValueError("the headers are too large")
        name = name.lower()
        if name == b"expect":
            self._expects = value.lower() == b"100-continue"
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.deadline = _NEVER
        parser = self._parser
        version = parser.get_http_version()
        path, raw_path, query = _split(self._url)
        scope = {
            "type": "http",
            "asgi": _ASGI,
            "http_version": version,
            "server": self._addresses[0],
            "client": self._addresses[1],
            "scheme": "http",
            "root_path": "",
            "method": parser.get_method().decode("ascii"),
            "path": path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": self._headers,
            "state": self._app_state,
        }
        exchange = Exchange(
            self, scope, parser.should_keep_alive() and version != "1.0" and not self._last, self._expects
        )
        self._latest = exchange
        if self._current is None:
            self._serve(exchange)
        else:
            self._ahead.append(exchange)
            self._pause_reading()

    def on_body(self, chunk: bytes) -> None:
        exchange = self._latest
        if exchange is not None and exchange.feed(chunk) > _MOST_UNREAD:
            self._pause_reading()

    def on_message_complete(self) -> None:
        if self._latest is not None:
            self._latest.end_of_body()
            self._latest = None

    def _pause_reading(self) -> None:
        if self._reading and self._transport is not None and not self._transport.is_closing():
            self._reading = False
            self._transport.pause_reading()

    def _serve(self, exchange: Exchange) -> None:
        self._current = exchange
        tasks = self._server.tasks
        task = self._loop.create_task(exchange.run(self._app))
        tasks.add(task)
        exchange.abandon = task.cancel
        exchange.done = lambda: tasks.discard(task)


_paths: dict[bytes, tuple[str, bytes, bytes]] = {}


def _split(url: bytes) -> tuple[str, bytes, bytes]:
    """(path, raw path, query). Raises httptools' error for what is no URL."""
    known = _paths.get(url)
    if known is not None:
        return known
    parsed = httptools.parse_url(url)
    raw = parsed.path or b"/"
    path = raw.decode("ascii")
    found = (unquote(path) if "%" in path else path, raw, parsed.query or b"")
    if len(_paths) < _MOST_PATHS and len(url) < _MOST_PATHS:
        _paths[url] = found
    return found

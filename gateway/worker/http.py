"""A connection of a client: HTTP/1.1 with bounded headers and bounded patience, parsed by httptools.

uvicorn's server listens, accepts and drains; this takes the place of its protocol, which costs as much as everything
the gateway does with a request (docs/decisions/092, bench/README.md).
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import unquote

import httptools

from gateway.api.answers import error_body
from gateway.api.exchange import Exchange, Handler, closing_answer
from gateway.outbox import Outbox, put, socket_of
from gateway.same_head import Head, learned

if TYPE_CHECKING:
    from uvicorn import Config
    from uvicorn.server import ServerState

_MOST_HEADERS: Final = 64 << 10
_MOST_URL: Final = 16 << 10
_MOST_UNREAD: Final = 1 << 16
# A chunk of one byte takes six.
_OVERHEAD: Final = 8
# From the connection or the first byte of a request to the end of its headers.
_HEADERS_WITHIN_S: Final = 30.0
# Longer than clients and load balancers keep an idle connection (mostly 60 s), so that they close it first.
_IDLE_FOR_S: Final = 75.0
# Of a connection that was accepted right before its worker drains.
_FIRST_REQUEST_WITHIN_S: Final = 2.0
# A client that takes so long to read what is waiting for it has stopped: it must not hold its upstream and its limits.
_READS_WITHIN_S: Final = 120.0
# For the rest of a body whose request is answered already.
_REST_WITHIN_S: Final = 10.0
_NEVER: Final = float("inf")
_MOST_TARGETS: Final = 256
# A client whose heads differ, by a number of the request or a time, is not watched for ever.
_MOST_HEADS: Final = 4


class Protocol(asyncio.Protocol):
    """One connection. Requests that a client sends ahead wait for the answers before them."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],  # noqa: ARG002 - uvicorn passes it by this name
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        outbox: Outbox,
    ) -> None:
        """As uvicorn's server makes its protocols. The config's app is a `gateway.api.answers.Handler`."""
        self._handler = cast(Handler, config.loaded_app)
        self._server = server_state
        self._loop = _loop or asyncio.get_running_loop()
        self._outbox = outbox
        self._out = b""
        self._raw: dict[bytes, bytes] = {}
        # httptools calls this for every header; a dictionary's own method is the cheapest there is.
        self.on_header = self._raw.__setitem__
        # It knows this connection, and stays as long as that does.
        self._parser: Any = None
        self._transport: asyncio.Transport | None = None
        self._socket = -1
        self.addresses: tuple[Any, Any] = (None, None)
        self._url = b""
        # Bytes that came and were not the body's: of headers, of trailers, of chunks' sizes.
        self._overhead = 0
        # The exchange that is answered now, the last one that was read, and those between.
        self._current: Exchange | None = None
        self._latest: Exchange | None = None
        # One whose headers are there, and perhaps its body in the bytes that are read now.
        self._new: Exchange | None = None
        # The head of a request that was read here, and how many were remembered so far.
        self._head: _RequestHead | None = None
        self._heads = 0
        self._ahead: deque[Exchange] = deque()
        self._drained: asyncio.Future[None] | None = None
        self._reading = True
        # Whether a request was answered here, and whether the next one is the last.
        self._served = self._last = False
        self.full = False
        self.deadline = _NEVER

    def check(self, now: float) -> None:
        """Called every second: end a connection that has idled, has sent headers, or has not read, for too long."""
        if now <= self.deadline or self._transport is None:
            return
        if self.full or self._transport.is_closing():
            # What it does not read would be waited for.
            self._transport.abort()
        else:
            self.close()
            self.deadline = now + _READS_WITHIN_S

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
        """To the client, with what else this turn of the loop sends."""
        if self._out:
            self._out += data
        elif self._transport is not None:
            self._out = data
            self._outbox.add(self)

    def send_out(self) -> None:
        """What was written goes to the transport."""
        out, self._out = self._out, b""
        if out and self._transport is not None and not self._transport.is_closing():
            put(self._transport, self._socket, out)

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
        """After what was written. What the client sends from now on makes the kernel reset the connection."""
        self.send_out()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.close()

    def completed(self, keep_alive: bool, whole: bool) -> None:
        """The current exchange has its whole answer, perhaps before its request was whole.

        Closing a connection with unread bytes resets it, and the client may lose its answer with that. So what is left
        of a body that was not needed is read for a while.
        """
        self._server.total_requests += 1
        self._outbox.requests -= 1
        self._current = None
        self._served = True
        if whole:
            self.free(keep_alive)
            return
        self.deadline = self._loop.time() + _REST_WITHIN_S
        if not keep_alive:
            self.send_out()
            if self._transport is not None and not self._transport.is_closing():
                self._transport.write_eof()
        self.read_on()

    def free(self, keep_alive: bool) -> None:
        """A request is answered and was read to its end."""
        if not keep_alive or self._last:
            self.close()
            return
        if self._ahead:
            self._current = self._ahead.popleft()
            self._outbox.requests += 1
            # Not within the answer that is ending.
            self._loop.call_soon(self._current.begin, self._handler)
        else:
            self.deadline = self._loop.time() + _IDLE_FOR_S
        if not self._reading:
            self.read_on()

    def outlived_by(self, task: asyncio.Task[None]) -> None:
        """The client has left, but not everything is done: a draining worker waits for it."""
        tasks = self._server.tasks
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    # The transport's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._socket = socket_of(transport)
        self._parser = httptools.HttpRequestParser(self)
        self._server.connections.add(cast(Any, self))
        names = [transport.get_extra_info(name) for name in ("sockname", "peername")]
        here, there = ((n[0], n[1]) if isinstance(n, tuple) else None for n in names)
        self.addresses = (here, there)
        self.deadline = self._loop.time() + _HEADERS_WITHIN_S

    def connection_lost(self, _: Exception | None) -> None:
        self._transport, self._out = None, b""
        self._server.connections.discard(cast(Any, self))
        self._ahead.clear()
        if self._current is not None:
            self._outbox.requests -= 1
            self._current.lost()
        self.resume_writing()
        self.deadline = _NEVER
        # Nothing may be left that knows this connection and is known by it: it would stay in memory (process.memory).
        self._parser = self._current = self._latest = self._new = None

    def data_received(self, data: bytes) -> None:
        fresh = self._latest is None and self._current is None and not self._overhead
        if fresh:
            if self._head is not None and (read := self._head.read(data)) is not None:
                self._again(self._head, read[0], read[1])
                return
            self.deadline = self._loop.time() + _HEADERS_WITHIN_S
        self._overhead += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # An offer that may be ignored; the request itself is answered.
            pass
        except httptools.HttpParserError:
            self._new = None
            self._refuse()
            return
        if self._overhead > _MOST_HEADERS:
            self._refuse()
        if (exchange := self._new) is not None:
            self._new = None
            if fresh and self._heads < _MOST_HEADS and self._latest is None and exchange.keep_alive:
                self._heads += 1
                parts = learned(data, exchange.headers)
                self._head = None if parts is None else _RequestHead(*parts, exchange)
            exchange.begin(self._handler)

    def _again(self, head: _RequestHead, headers: dict[bytes, bytes], body: bytes) -> None:
        exchange = self._current = Exchange(self, headers, head.method, head.target, "1.1", not self._last)
        self._outbox.requests += 1
        self.deadline = _NEVER
        exchange.key_hash = head.key_hash
        exchange.feed(body)
        exchange.end_of_body()
        exchange.begin(self._handler)
        head.key_hash = exchange.key_hash

    def eof_received(self) -> None:
        """A client that has closed its side is gone."""

    def pause_writing(self) -> None:
        self.full = True
        self.deadline = self._loop.time() + _READS_WITHIN_S

    def resume_writing(self) -> None:
        self.full = False
        self.deadline = _NEVER if self._current is not None else self._loop.time() + _IDLE_FOR_S
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    # httptools' callbacks; an exception in one becomes the parser's error

    def on_url(self, url: bytes) -> None:
        self._url = self._url + url if self._url else url
        if len(self._url) > _MOST_URL:
            raise ValueError("the URL is too long")

    def on_headers_complete(self) -> None:
        self.deadline = _NEVER
        parser, raw = self._parser, self._raw
        if self._overhead > _MOST_HEADERS and sum(map(len, raw)) + sum(map(len, raw.values())) > _MOST_HEADERS:
            raise ValueError("the headers are too large")
        headers = {name.lower(): value for name, value in raw.items()}
        raw.clear()
        url, self._url = self._url, b""
        target = _targets.get(url) or _split(url)
        version, method = parser.get_http_version(), parser.get_method().decode("ascii")
        keep_alive = version == "1.1" and not self._last and parser.should_keep_alive()
        exchange = self._latest = Exchange(self, headers, method, target, version, keep_alive)
        self._overhead = 0
        if self._current is None:
            self._current = self._new = exchange
            self._outbox.requests += 1
        else:
            self._ahead.append(exchange)
            self._pause_reading()

    def on_body(self, chunk: bytes) -> None:
        self._overhead -= _OVERHEAD * len(chunk)
        exchange = self._latest
        if exchange is not None and exchange.feed(chunk) > _MOST_UNREAD:
            self._pause_reading()

    def on_message_complete(self) -> None:
        self._overhead = 0
        # Trailers came as headers.
        self._raw.clear()
        if self._latest is not None:
            self._latest.end_of_body()
            self._latest = None

    def _pause_reading(self) -> None:
        if self._reading and self._transport is not None and not self._transport.is_closing():
            self._reading = False
            self._transport.pause_reading()

    def _refuse(self) -> None:
        if self._current is None and self._latest is None:
            message = error_body(400, "invalid_request_error", "This is not HTTP/1.1, or its headers are too large")
            self.write(closing_answer(400, message))
        self.close()


class _RequestHead(Head):
    """Of a request, with its method and what it asked for, and the hash of its credential, once that was asked for."""

    __slots__ = ("key_hash", "method", "target")

    def __init__(
        self, before: bytes, after: bytes, headers: dict[bytes, bytes], name: bytes, exchange: Exchange
    ) -> None:
        super().__init__(before, after, headers, name)
        self.key_hash = ""
        self.method = exchange.method
        self.target = exchange.target


_targets: Final[dict[bytes, tuple[str, bytes, bytes]]] = {}


def _split(url: bytes) -> tuple[str, bytes, bytes]:
    """(path, raw path, query). Raises httptools' error for what is no URL."""
    parsed = httptools.parse_url(url)
    raw = parsed.path or b"/"
    path = raw.decode("ascii")
    found = (unquote(path) if "%" in path else path, raw, parsed.query or b"")
    if len(_targets) < _MOST_TARGETS and len(url) < _MOST_TARGETS:
        _targets[url] = found
    return found

"""One HTTP/1.1 connection: writes a request, parses the response, enforces its deadlines."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Protocol, cast

import httptools

from gateway.config import Timeouts
from gateway.errors import UpstreamError

# Above this much unread body the connection stops reading until the consumer has caught up.
_HIGH_WATER = 1 << 20


class StaleConnectionError(Exception):
    """A kept-alive connection was closed by the upstream before it said anything: safe to try again."""


class Body:
    """A response as it arrives: `status` and `headers` first, then chunks."""

    __slots__ = ("_chunks", "_connection", "_error", "_loop", "_waiter", "ended", "headers", "kept", "size", "status")

    def __init__(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
        self._connection = connection
        # Asking for the running loop costs a system call.
        self._loop = loop
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self._chunks: deque[bytes] = deque()
        self.size = 0
        self.kept = 0
        self.ended = False
        self._error: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await self.read():
            yield chunk

    async def read(self) -> bytes:
        """What came next, or nothing at the end. Raises what ended it before."""
        while not self._chunks:
            if self._error is not None:
                raise self._error
            if self.ended:
                return b""
            await self._wait()
        chunk = self._chunks.popleft()
        self.kept -= len(chunk)
        if self.kept < _HIGH_WATER:
            self._connection.resume()
        return chunk

    async def whole(self) -> bytes:
        """All of the body."""
        while not self.ended and self._error is None:
            await self._wait()
        if self._error is not None:
            raise self._error
        return self.rest()

    def rest(self) -> bytes:
        """What is there and was not taken."""
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)

    def close(self) -> None:
        """Not interested in the rest."""
        if not self.ended and self._error is None:
            self._connection.abort()

    def feed(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self.size += len(chunk)
        self.kept += len(chunk)
        self._wake()

    def end(self, error: BaseException | None = None) -> None:
        self.ended = error is None
        self._error = error
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None


class Connection(asyncio.Protocol):
    """Carries one request at a time. `released` is called when it can take the next one."""

    def __init__(self, pool: ConnectionHome, loop: asyncio.AbstractEventLoop) -> None:
        self._pool = pool
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._body: Body | None = None
        self._head: asyncio.Future[Body] | None = None
        self._streaming = False
        self._paused = False
        self._used = False
        self._heard = False
        self._timeouts = Timeouts()
        self._most = 0
        self._deadline = self._end = 0.0

    @property
    def open(self) -> bool:
        """Whether a request can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, data: bytes, timeouts: Timeouts, most: int, streaming: bool) -> asyncio.Future[Body]:
        """Send a request. The future ends with the head (streaming) or with the whole response."""
        if self._transport is None:
            raise StaleConnectionError
        now = self._loop.time()
        self._timeouts, self._most, self._streaming = timeouts, most, streaming
        self._end = now + timeouts.total_s
        self._deadline = now + timeouts.first_byte_s
        self._heard = False
        self._body = Body(self, self._loop)
        head = self._head = self._loop.create_future()
        self._transport.write(data)
        return head

    def check(self, now: float) -> None:
        """Called by the pool's clock: end the request when its deadline has passed."""
        if self._body is not None and now > min(self._deadline, self._end) and not self._paused:
            limit = self._timeouts.first_byte_s
            what = f"no answer within {limit:g} s"
            if self._heard:
                what = f"nothing more for {self._timeouts.idle_s:g} s"
            if now > self._end:
                what = f"not finished within {self._timeouts.total_s:g} s"
            self._fail(UpstreamError(504, "timeout", what))

    def abort(self) -> None:
        """Drop the connection and whatever is on it."""
        self._fail(ConnectionAbortedError("given up"))

    def resume(self) -> None:
        """The consumer has caught up."""
        if self._paused and self._transport is not None:
            self._paused = False
            self._deadline = self._loop.time() + self._timeouts.idle_s
            self._transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._pool.lost(self)
        if self._body is None:
            return
        if self._used and not self._heard:
            self._finish(StaleConnectionError())
        elif self._heard and exc is None and self._ends_with_close():
            self._finish(None)
        else:
            self._finish(UpstreamError(502, "connection_error", "the upstream closed the connection"))

    def data_received(self, data: bytes) -> None:
        if self._body is None:
            # Bytes nobody asked for: the connection cannot be trusted.
            self.close()
            return
        self._heard = True
        self._deadline = self._loop.time() + self._timeouts.idle_s
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail(UpstreamError(502, "api_error", "the upstream's answer is not HTTP"))

    def eof_received(self) -> bool:
        return False

    def close(self) -> None:
        """Close without waiting."""
        if self._transport is not None:
            self._transport.close()

    # httptools' callbacks

    def on_message_begin(self) -> None:
        if self._body is None:
            # A second answer to one request: whoever is next must not get it.
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._body is not None:
            self._body.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        body, head = self._body, self._head
        if body is None or head is None:
            return
        body.status = self._parser.get_status_code()
        if self._streaming and body.status >= 200 and not head.done():
            head.set_result(body)

    def on_body(self, chunk: bytes) -> None:
        body = self._body
        if body is None:
            return
        body.feed(chunk)
        if body.size > self._most:
            self._fail(UpstreamError(502, "api_error", f"the answer is larger than {self._most} bytes"))
        elif self._streaming and body.kept > _HIGH_WATER and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self._body is None:
            return
        if self._body.status < 200:
            # An interim answer: the real one follows.
            self._body.headers.clear()
            return
        keep = self._parser.should_keep_alive()
        self._finish(None)
        self._used = True
        if keep and self.open and not self._paused:
            self._pool.released(self)
        else:
            self.close()

    def _ends_with_close(self) -> bool:
        headers = self._body.headers if self._body is not None else {}
        framed = b"content-length" in headers or b"chunked" in headers.get(b"transfer-encoding", b"")
        return bool(self._body is not None and self._body.status) and not framed

    def _finish(self, error: Exception | None) -> None:
        body, head = self._body, self._head
        self._body = self._head = None
        if body is None or head is None:
            return
        body.end(error)
        if not head.done():
            if error is None:
                head.set_result(body)
            else:
                head.set_exception(error)

    def _fail(self, error: Exception) -> None:
        self._finish(error)
        if self._transport is not None:
            self._transport.abort()


class ConnectionHome(Protocol):
    """What a connection tells the pool it belongs to."""

    def released(self, connection: Connection) -> None:
        """The connection can take another request."""
        ...

    def lost(self, connection: Connection) -> None:
        """The connection is gone."""
        ...

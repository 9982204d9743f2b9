"""One HTTP/1.1 connection: writes a request, parses the response, enforces its deadlines."""

from __future__ import annotations

import asyncio
from typing import Any, Final, Protocol, cast

import httptools

from gateway.config import Timeouts
from gateway.errors import UpstreamError
from gateway.outbox import Outbox, put, socket_of
from gateway.same_head import Head, learned
from gateway.upstream.body import HIGH_WATER, Body
from gateway.upstream.hang_up import HangUps
from gateway.upstream.unread import closed_before_all_came

# An upstream that names a request or the time in its heads seldom sends one again.
_CHANCES: Final = 4


class StaleConnectionError(Exception):
    """The connection was closed before anything was written to it: safe to take another."""


class Reply(Protocol):
    """Who waits for a response; a future is one."""

    def done(self) -> bool: ...

    def set_result(self, body: Body, /) -> None: ...

    def set_exception(self, error: Exception, /) -> None: ...


class Connection(asyncio.Protocol):
    """Carries one request at a time. `released` is called when it can take the next one."""

    def __init__(
        self, pool: ConnectionHome, loop: asyncio.AbstractEventLoop, outbox: Outbox, hang_ups: HangUps
    ) -> None:
        self._pool = pool
        self._loop = loop
        self._outbox = outbox
        self._hang_ups = hang_ups
        # Of the socket: for what watches it, and for what writes to it.
        self._number = self._socket = -1
        # A request that waits for the end of this turn of the loop.
        self._out = b""
        self._transport: asyncio.Transport | None = None
        self._raw: dict[bytes, bytes] = {}
        # httptools calls this for every header; a dictionary's own method is the cheapest there is.
        self.on_header = self._raw.__setitem__
        # It knows this connection, and stays as long as that does.
        self._parser: Any = None
        # The head of an answer that was read here, and how many more are remembered before one has come again.
        self._head: Head | None = None
        self._chances = _CHANCES
        self._body: Body | None = None
        self._reply: Reply | None = None
        self._streaming = False
        self._paused = False
        self._used = False
        self._heard = False
        self._unread = False
        self._timeouts = Timeouts()
        self._most = 0
        self._deadline = self._end = 0.0

    def send(self, data: bytes, timeouts: Timeouts, most: int, streaming: bool, reply: Reply) -> None:
        """Send a request. `reply` is told the head (streaming) or the whole response. Raises StaleConnectionError."""
        if self._transport is None:
            raise StaleConnectionError
        now = self._loop.time()
        self._timeouts, self._most, self._streaming = timeouts, most, streaming
        self._end = now + timeouts.total_s
        self._deadline = now + timeouts.first_byte_s
        self._heard = False
        self._body = Body(self, self._loop)
        self._reply = reply
        self._out = data
        self._outbox.add(self)

    def send_out(self) -> None:
        """The request goes to the transport, unless the upstream has closed the connection since it was used last."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._used and self._hang_ups.seen(self._number, self._outbox.turn):
            # With the request still in hand, whose owner takes another connection.
            self._transport.abort()
            return
        out, self._out = self._out, b""
        put(self._transport, self._socket, out)

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

    def drop(self) -> None:
        """Nobody takes it. Whoever gave up waiting for it in the moment it was made is not told of its end by uvloop."""
        if self._transport is not None:
            self._transport.abort()
        self._transport = self._parser = None

    def resume(self) -> None:
        """The consumer has caught up."""
        if self._paused and self._transport is not None:
            self._paused = False
            self._deadline = self._loop.time() + self._timeouts.idle_s
            self._transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpResponseParser(self)
        self._number = self._hang_ups.watch(transport)
        self._socket = socket_of(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = self._parser = None
        self._pool.lost(self)
        if self._body is None:
            return
        if self._out:
            self._out = b""
            self._finish(StaleConnectionError())
            return
        if self._heard and exc is None and self._ends_with_close():
            self._finish(None)
        else:
            # Whether it read the request on a kept connection before it closed that, nobody can know, unless the
            # system says so: a reset is what a server's system answers to bytes that no program read.
            unheard = self._used and not self._heard
            unread = unheard and (self._unread or isinstance(exc, ConnectionResetError | BrokenPipeError))
            if unheard:
                self._pool.doubt()
            message = "the upstream closed the connection"
            self._finish(UpstreamError(502, "connection_error", message, unheard=unheard, unread=unread))

    def data_received(self, data: bytes) -> None:
        if self._body is None:
            # Bytes nobody asked for: the connection cannot be trusted.
            self.close()
            return
        first, self._heard = not self._heard, True
        if first and not self._streaming and self._head is not None and (read := self._head.read(data)) is not None:
            self._again(self._body, read[0], read[1])
            return
        self._deadline = self._loop.time() + self._timeouts.idle_s
        body = self._body
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail(UpstreamError(502, "api_error", "the upstream's answer is not HTTP"))
        else:
            if first and self._chances and body.ended and body.status == 200:
                self._remember(data, body)

    def _again(self, body: Body, headers: dict[bytes, bytes], whole: bytes) -> None:
        """An answer with the head of an earlier one, which was 200 and left the connection open."""
        self._chances = _CHANCES
        body.status, body.raw_headers = 200, headers
        self.on_body(whole)
        if self._body is not None:
            self._done(True)

    def _remember(self, data: bytes, body: Body) -> None:
        """The head of an answer. An upstream whose heads all differ is not watched for ever."""
        self._chances -= 1
        if (parts := learned(data, dict(body.raw_headers))) is not None:
            self._head = Head(*parts)

    def eof_received(self) -> bool:
        transport = self._transport
        if self._body is not None and not self._heard and transport is not None:
            self._unread = transport.get_write_buffer_size() > 0 or closed_before_all_came(transport)
            # Nobody will answer: do not wait until the rest of the request is written.
            self._loop.call_soon(transport.abort)
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

    def on_headers_complete(self) -> None:
        body, reply = self._body, self._reply
        headers = self._raw.copy()
        self._raw.clear()
        if body is None or reply is None:
            return
        body.status = self._parser.get_status_code()
        body.raw_headers = headers
        if self._streaming and body.status >= 200 and not reply.done():
            reply.set_result(body)

    def on_body(self, chunk: bytes) -> None:
        body = self._body
        if body is None:
            return
        body.feed(chunk)
        if body.size > self._most:
            self._fail(UpstreamError(502, "api_error", f"the answer is larger than {self._most} bytes"))
        elif self._streaming and body.kept > HIGH_WATER and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self._body is None:
            return
        if self._body.status < 200:
            # An interim answer: the real one follows.
            return
        # Trailers came as headers.
        self._raw.clear()
        self._done(self._parser.should_keep_alive())

    def _done(self, keep: bool) -> None:
        self._finish(None)
        self._used = True
        if keep and not self._paused and self._transport is not None:
            self._pool.released(self)
        else:
            self.close()

    def _ends_with_close(self) -> bool:
        headers = self._body.headers if self._body is not None else {}
        framed = b"content-length" in headers or b"chunked" in headers.get(b"transfer-encoding", b"")
        return bool(self._body is not None and self._body.status) and not framed

    def _finish(self, error: Exception | None) -> None:
        body, reply = self._body, self._reply
        self._body = self._reply = None
        if body is None or reply is None:
            return
        body.end(error)
        if not reply.done():
            if error is None:
                reply.set_result(body)
            else:
                reply.set_exception(error)

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

    def doubt(self) -> None:
        """Other idle connections may be as dead as this one was."""
        ...

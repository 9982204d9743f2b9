"""One request on a connection and its answer: ASGI's `receive` and `send`."""

from __future__ import annotations

import asyncio
import http
import logging
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, Protocol

from gateway.api.answers import Receive, Scope, Send, error_body

_log = logging.getLogger("gateway.worker")
_STATUS = {s.value: b"HTTP/1.1 %d %b\r\n" % (s.value, s.phrase.encode()) for s in http.HTTPStatus}
_GONE = {"type": "http.disconnect"}
_BODILESS = frozenset({204, 304})
_CLOSE = (b"connection", b"close")
_UNKNOWN = 1 << 62


class Connection(Protocol):
    """What an exchange needs of its connection."""

    full: bool

    def write(self, data: bytes) -> None: ...

    def later(self, call: Callable[[bytes], None], data: bytes) -> None: ...

    async def drain(self) -> None: ...

    def read_on(self) -> None: ...

    def close(self) -> None: ...

    def completed(self, keep_alive: bool) -> None: ...


class Exchange:
    """`run` calls the app. Beside ASGI's messages `send` takes `gateway.whole`: status, headers and body at once.

    Both that and ASGI's start may bring a `head`: header lines that are written already. The last part of a body may
    bring a `trailer`, header lines that were not known before.
    """

    __slots__ = (
        "_body", "_chunked", "_complete", "_connection", "_ended", "_expects", "_gone", "_head", "_left", "_started",
        "_taken", "_waiter", "abandon", "done", "keep_alive", "scope",
    )  # fmt: skip

    def __init__(self, connection: Connection, scope: dict[str, Any], keep_alive: bool, expects: bool) -> None:
        self._connection = connection
        self.scope = scope
        self.keep_alive = keep_alive
        self._expects = expects
        self._body: list[bytes] = []
        self._ended = self._taken = self._gone = False
        self._started = self._complete = self._chunked = False
        # Bytes of the body that are still to be sent; the head until the first of them is.
        self._left = 0
        self._head = b""
        self._waiter: asyncio.Future[None] | None = None
        self.done: Callable[[], None] = _nothing
        # What ends the app's work; the app says by `gateway.abandonable` whether it may be ended in the middle.
        self.abandon: Callable[[], object] = _nothing
        scope["gateway.abandonable"] = False

    async def run(self, app: Callable[[Scope, Receive, Send], Any]) -> None:
        """The app's answer, or a 500 when there is none. Nothing is raised."""
        try:
            await app(self.scope, self.receive, self.send)
        except Exception:
            _log.exception("an answer failed")
        finally:
            self.done()
        if self._complete or self._gone:
            return
        if not self._started:
            self._write_whole(500, (_CLOSE,), error_body(500, "api_error", "The gateway failed"))
        else:
            self._connection.close()

    # The connection's side

    def feed(self, chunk: bytes) -> int:
        """A part of the body. Returns how much waits to be taken."""
        if not self._complete:
            self._body.append(chunk)
            self._wake()
        return sum(map(len, self._body)) if len(self._body) > 1 else len(chunk)

    def end_of_body(self) -> None:
        """The request is whole."""
        self._ended = True
        self._wake()

    def lost(self) -> None:
        """The client is gone."""
        self._gone = True
        self._wake()
        if self.scope["gateway.abandonable"]:
            self.abandon()

    # The app's side

    async def receive(self) -> MutableMapping[str, Any]:
        """ASGI's `receive`. After the whole body it waits until the client leaves or has its answer."""
        if self._expects and not self._started and not self._gone:
            self._connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._expects = False
        while not (self._gone or self._complete or self._body or (self._ended and not self._taken)):
            self._connection.read_on()
            await self._wait()
        if self._gone or self._complete:
            return _GONE
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body = []
        self._taken = self._ended
        return {"type": "http.request", "body": body, "more_body": not self._ended}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """ASGI's `send`. What a client that has left would get is dropped."""
        if self._connection.full:
            await self._connection.drain()
        if self._gone or self._complete:
            return
        kind = message["type"]
        if kind == "http.response.body":
            self._send_part(message.get("body", b""), message.get("more_body", False), message.get("trailer", b""))
        elif self._started:
            raise RuntimeError(f"{kind} after the answer has begun")
        elif kind == "gateway.whole":
            self._write_whole(message["status"], message["headers"], message["body"], message["head"])
        else:
            self._start(message["status"], message.get("headers", ()), message.get("head", b""))

    def _write_whole(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes, head: bytes = b"") -> None:
        self._started = True
        lines = self._lines(headers) + head
        sent = b"" if self.scope["method"] == "HEAD" else body
        self._finish(b"%b%bcontent-length: %d\r\n\r\n%b" % (_STATUS[status], lines, len(body), sent))

    def _start(self, status: int, headers: Iterable[tuple[bytes, bytes]], head: bytes) -> None:
        self._started = True
        names = {name.lower(): value for name, value in headers}
        lines = self._lines(headers) + head
        if self.scope["method"] == "HEAD" or status in _BODILESS:
            self._left = 0
        elif (length := names.get(b"content-length")) is not None:
            self._left = int(length)
        elif self.scope["http_version"] == "1.0":
            # It knows no chunks: the end of the connection is the end of the body.
            self._left = _UNKNOWN
        else:
            self._chunked = True
            lines += b"transfer-encoding: chunked\r\n"
        # It goes out with the first part of the body: one packet instead of two.
        self._head = b"%b%b\r\n" % (_STATUS[status], lines)

    def _send_part(self, body: bytes, more: bool, trailer: bytes) -> None:
        if not self._started:
            raise RuntimeError("a body before its head")
        if self._chunked:
            data = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            if not more:
                data += b"0\r\n%b\r\n" % trailer
        else:
            data = body[: self._left]
            self._left -= len(data)
        if self._head:
            data, self._head = self._head + data, b""
        if more:
            self._connection.write(data)
            return
        # A body that is shorter than was announced can only be told by the connection's end.
        self.keep_alive = self.keep_alive and not self._left
        self._finish(data)

    def _lines(self, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        lines = [b"%b: %b\r\n" % header for header in headers]
        head = b"".join(lines)
        if not head.count(b"\n") == head.count(b"\r") == len(lines):
            raise RuntimeError("a header holds a line break")
        if _CLOSE in headers:
            self.keep_alive = False
        elif not self.keep_alive:
            head += b"connection: close\r\n"
        return head

    def _finish(self, data: bytes) -> None:
        self._complete = True
        self._wake()
        # The ledger's rows of this turn are written in between: see gateway.ledger.spool.
        self._connection.later(self._end, data)

    def _end(self, data: bytes) -> None:
        self._connection.write(data)
        # A client that still sends a body must not have it taken for its next request's.
        self._connection.completed(self.keep_alive and self._ended)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None


def closing_answer(status: int, body: bytes) -> bytes:
    """An answer to what was no request; the connection ends with it."""
    head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
    return _STATUS[status] + head + body


def _nothing() -> None:
    return

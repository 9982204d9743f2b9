"""One request on a connection and its answer: ASGI's `receive` and `send`, and a shorter way for what is whole."""

from __future__ import annotations

import asyncio
import http
import logging
from collections.abc import Callable, Coroutine, MutableMapping
from typing import Any, Final, Protocol

from gateway.api.answers import JSON_LINE, Scope, error_body, lines_of
from gateway.api.tasks import answer_by

_log: Final = logging.getLogger("gateway.worker")
_STATUS: Final = {s.value: b"HTTP/1.1 %d %b\r\n" % (s.value, s.phrase.encode()) for s in http.HTTPStatus}
_GONE: Final = {"type": "http.disconnect"}
_BODILESS: Final = frozenset({204, 304})
_CLOSE: Final = b"connection: close\r\n"
_UNKNOWN: Final = 1 << 62
_ASGI: Final = {"version": "3.0", "spec_version": "2.3"}


class Connection(Protocol):
    """What an exchange needs of its connection."""

    full: bool
    addresses: tuple[Any, Any]

    def write(self, data: bytes) -> None: ...

    async def drain(self) -> None: ...

    def read_on(self) -> None: ...

    def close(self) -> None: ...

    def completed(self, keep_alive: bool, whole: bool) -> None: ...

    def free(self, keep_alive: bool) -> None: ...

    def outlived_by(self, task: asyncio.Task[None]) -> None: ...


class Exchange:
    """What a handler answers.

    ASGI's messages are dictionaries that are awaited one by one; most answers are whole at once. For apps that speak
    ASGI there are `scope`, `receive` and `send`. `headers` are the request's by lower-case name, the last one of a
    name; `key_hash` is that of the credential in them, empty when it was not asked for yet. `own_lines` go into the head
    of every answer. `gone`: the client has left, at which `on_gone` was called; while `abandonable`, the handler's task
    is cancelled then. `begin` has it answered, `go_on` gives it a task if it had none. The last part of a body may bring
    a `trailer`, header lines that were not known before.
    """

    # What most exchanges never change stands in the class: it costs nothing per request.
    abandonable: bool = False
    gone: bool = False
    on_gone: Callable[[], None] | None = None
    own_lines: bytes = b""
    key_hash: str = ""
    task: asyncio.Task[None] | None = None
    _ended: bool = False
    _taken: bool = False
    _started: bool = False
    _complete: bool = False
    _chunked: bool = False
    # Bytes of the body that are still to be sent; the head until the first of them is.
    _left: int = 0
    _head: bytes = b""
    _waiter: asyncio.Future[None] | None = None

    def __init__(
        self,
        connection: Connection,
        headers: dict[bytes, bytes],
        method: str,
        target: tuple[str, bytes, bytes],
        version: str,
        keep_alive: bool,
    ) -> None:
        """`target`: path, raw path and query."""
        self._connection = connection
        self.headers = headers
        self.method = method
        self.target = target
        self.path = target[0]
        self._version = version
        self.keep_alive = keep_alive
        self._body: list[bytes] = []

    def begin(self, handler: Handler) -> None:
        """Have it answered. Without an answer there is a 500. Nothing is raised."""
        try:
            way = handler(self)
        except Exception:
            _log.exception("an answer failed")
            self.make_up()
            return
        if way is not None:
            self.go_on(way)

    def go_on(self, way: Coroutine[Any, Any, None]) -> None:
        """Have this answer it, in a task."""
        self.task = asyncio.get_running_loop().create_task(answer_by(self, way))

    def make_up(self) -> None:
        """For an answer that never came."""
        if self._complete or self.gone:
            return
        if not self._started:
            self.answer(500, JSON_LINE + _CLOSE, error_body(500, "api_error", "The gateway failed"))
        else:
            self._connection.close()

    # The connection's side

    def feed(self, chunk: bytes) -> int:
        """A part of the body. Returns how much waits to be taken."""
        if self._complete:
            # It was answered without it.
            return 0
        body = self._body
        body.append(chunk)
        if self._waiter is not None:
            self._wake()
        return sum(map(len, body)) if len(body) > 1 else len(chunk)

    def end_of_body(self) -> None:
        """The request is whole."""
        self._ended = True
        if self._waiter is not None:
            self._wake()
        if self._complete:
            self._connection.free(self.keep_alive)

    def lost(self) -> None:
        """The client is gone."""
        self.gone = True
        self._wake()
        if self.on_gone is not None:
            self.on_gone()
        task = self.task
        if task is not None and not task.done():
            self._connection.outlived_by(task)
            if self.abandonable:
                task.cancel()

    # The app's side

    @property
    def full(self) -> bool:
        """Whether the client reads too slowly: `drain` before more is written."""
        return self._connection.full

    async def drain(self) -> None:
        """Wait until the client has read most of what was written, or is gone."""
        await self._connection.drain()

    def whole_body(self) -> bytes | None:
        """The body if all of it is there, once."""
        if not self._ended or self._taken or self.gone:
            return None
        self._taken = True
        body, self._body = self._body, []
        if len(body) == 1:
            return body[0]
        # A large one may have made its connection stop reading.
        self._connection.read_on()
        return b"".join(body)

    def answer(self, status: int, lines: bytes, body: bytes) -> None:
        """A whole answer. What a client that has left would get is dropped."""
        if self.gone or self._complete:
            return
        self._started = True
        if not self._ended:
            self._answered_early(lines)
        end = b"" if self.keep_alive else self._closing(lines)
        sent = b"" if self.method == "HEAD" else body
        head = b"%b%b%b%bcontent-length: %d\r\n\r\n" % (_STATUS[status], lines, self.own_lines, end, len(body))
        self._finish(head + sent)

    def scope(self) -> Scope:
        """For an ASGI app, with `receive` and `send`."""
        return {
            "type": "http",
            "asgi": _ASGI,
            "http_version": self._version,
            "server": self._connection.addresses[0],
            "client": self._connection.addresses[1],
            "scheme": "http",
            "root_path": "",
            "method": self.method,
            "path": self.path,
            "raw_path": self.target[1],
            "query_string": self.target[2],
            "headers": list(self.headers.items()),
            "gateway.exchange": self,
        }

    async def receive(self) -> MutableMapping[str, Any]:
        """ASGI's `receive`. After the whole body it waits until the client leaves or has its answer."""
        if not self._ended and not self._started and self.headers.pop(b"expect", b"").lower() == b"100-continue":
            self._connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not (self.gone or self._complete or self._body or (self._ended and not self._taken)):
            self._connection.read_on()
            await self._wait()
        if self.gone or self._complete:
            return _GONE
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body = []
        self._taken = self._ended
        return {"type": "http.request", "body": body, "more_body": not self._ended}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """ASGI's `send`. What a client that has left would get is dropped."""
        if self._connection.full:
            await self._connection.drain()
        if self.gone or self._complete:
            return
        kind = message["type"]
        if kind == "http.response.body":
            self.send_part(message.get("body", b""), message.get("more_body", False))
        else:
            headers = tuple(message.get("headers", ()))
            length = next((value for name, value in headers if name.lower() == b"content-length"), None)
            self.start(message["status"], lines_of(headers), None if length is None else int(length))

    def start(self, status: int, lines: bytes, length: int | None = None) -> None:
        """The head of an answer that comes in parts; of `length` bytes if that is known."""
        if self.gone or self._complete:
            return
        if self._started:
            raise RuntimeError("a head after the answer has begun")
        self._started = True
        if not self._ended:
            self._answered_early(lines)
        lines += self.own_lines
        if not self.keep_alive:
            lines += self._closing(lines)
        elif _CLOSE in lines:
            self.keep_alive = False
        if self.method == "HEAD" or status in _BODILESS:
            self._left = 0
        elif length is not None:
            self._left = length
        elif self._version == "1.0":
            # It knows no chunks: the end of the connection is the end of the body.
            self._left = _UNKNOWN
        else:
            self._chunked = True
            lines += b"transfer-encoding: chunked\r\n"
        # It goes out with the first part of the body: one packet instead of two.
        self._head = b"%b%b\r\n" % (_STATUS[status], lines)

    def send_part(self, body: bytes, more: bool, trailer: bytes = b"") -> None:
        """A part of the body after its head; the client's pace is the caller's to mind."""
        if self.gone or self._complete:
            return
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

    @staticmethod
    def _closing(lines: bytes) -> bytes:
        return b"" if _CLOSE in lines else _CLOSE

    def _finish(self, data: bytes) -> None:
        self._complete = True
        if self._waiter is not None:
            self._wake()
        self._body = []
        self._connection.write(data)
        self._connection.completed(self.keep_alive, self._ended)

    def _answered_early(self, lines: bytes) -> None:
        """Before its body is whole. Whoever asked whether to send one may send its next request instead."""
        if b"expect" in self.headers or _CLOSE in lines:
            self.keep_alive = False

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        # Who is cancelled here leaves it behind, done.
        await self._waiter
        self._waiter = None


# What it returns is awaited; None: the exchange is answered, or will be.
Handler = Callable[[Exchange], Coroutine[Any, Any, None] | None]


def closing_answer(status: int, body: bytes) -> bytes:
    """An answer to what was no request; the connection ends with it."""
    head = b"content-type: application/json\r\n%bcontent-length: %d\r\n\r\n" % (_CLOSE, len(body))
    return _STATUS[status] + head + body

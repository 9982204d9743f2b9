"""Answers: as bytes on an exchange, and errors in OpenAI's shape."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, MutableMapping
from typing import Any, Protocol

import orjson

from gateway.errors import ApiError

Scope = MutableMapping[str, Any]
Header = tuple[bytes, bytes]
_BREAKS = bytes.maketrans(b"\r\n", b"??")

JSON: Header = (b"content-type", b"application/json")
EVENTS: tuple[Header, ...] = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
)


class Exchange(Protocol):
    """One request and its answer.

    ASGI's messages are dictionaries that are awaited one by one; most answers are whole at once. For apps that speak
    ASGI there are `scope`, `receive` and `send`. `headers` are the request's by lower-case name, the last one of a
    name. `own_lines` go into the head of every answer. `gone`: the client has left, at which `on_gone` was called;
    while `abandonable`, the handler's task is cancelled then. `go_on` gives it a task if it had none.
    """

    method: str
    path: str
    headers: dict[bytes, bytes]
    own_lines: bytes
    abandonable: bool
    gone: bool
    on_gone: Callable[[], None] | None

    @property
    def full(self) -> bool: ...

    async def drain(self) -> None: ...

    def whole_body(self) -> bytes | None: ...

    def answer(self, status: int, lines: bytes, body: bytes) -> None: ...

    def start(self, status: int, lines: bytes, length: int | None = None) -> None: ...

    def send_part(self, body: bytes, more: bool, trailer: bytes = b"") -> None: ...

    def go_on(self, way: Coroutine[Any, Any, None]) -> None: ...

    def scope(self) -> Scope: ...

    async def receive(self) -> MutableMapping[str, Any]: ...

    async def send(self, message: MutableMapping[str, Any]) -> None: ...


# What it returns is awaited; None: the exchange is answered, or will be.
Handler = Callable[[Exchange], Coroutine[Any, Any, None] | None]


def header_value(text: str) -> bytes:
    """A text as what may stand in a header."""
    return text.encode("ascii", "replace").translate(_BREAKS)


def lines_of(headers: Iterable[Header]) -> bytes:
    """Headers as lines. Raises RuntimeError for one that holds a line break."""
    lines = [b"%b: %b\r\n" % header for header in headers]
    head = b"".join(lines)
    if not head.count(b"\n") == head.count(b"\r") == len(lines):
        raise RuntimeError("a header holds a line break")
    return head


JSON_LINE = lines_of((JSON,))


def error_body(status: int, kind: str, message: str, param: str | None = None, code: str | None = None) -> bytes:
    """OpenAI's error object; `code` is a string, as LiteLLM's clients expect, and the status if no word says more."""
    return orjson.dumps({"error": {"message": message, "type": kind, "param": param, "code": code or str(status)}})


async def send_bytes(
    exchange: Exchange, status: int, body: bytes, headers: Iterable[Header] = (JSON,), head: bytes = b""
) -> None:
    """A whole answer. `head` are further header lines, each with its line break."""
    if exchange.full:
        await exchange.drain()
    exchange.answer(status, lines_of(headers) + head, body)


async def send_error(exchange: Exchange, error: ApiError, headers: Iterable[Header] = ()) -> None:
    """An ApiError as an answer."""
    body = error_body(error.status, error.kind, error.message, error.param, error.code)
    await send_bytes(exchange, error.status, body, (JSON, *error.headers, *headers))

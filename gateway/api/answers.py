"""Answers as ASGI messages, and errors in OpenAI's shape."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import orjson

from gateway.errors import ApiError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]
_BREAKS = bytes.maketrans(b"\r\n", b"??")

JSON: Header = (b"content-type", b"application/json")
EVENTS: tuple[Header, ...] = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
)


def header_value(text: str) -> bytes:
    """A text as what may stand in a header."""
    return text.encode("ascii", "replace").translate(_BREAKS)


def error_body(status: int, kind: str, message: str, param: str | None = None, code: str | None = None) -> bytes:
    """OpenAI's error object; `code` is a string, as LiteLLM's clients expect, and the status if no word says more."""
    return orjson.dumps({"error": {"message": message, "type": kind, "param": param, "code": code or str(status)}})


async def send_bytes(
    send: Send, status: int, body: bytes, headers: Iterable[Header] = (JSON,), head: bytes = b""
) -> None:
    """A whole answer. `head` are further header lines, each with its line break."""
    # Not ASGI's own two messages: see gateway.worker.exchange.
    await send({"type": "gateway.whole", "status": status, "headers": tuple(headers), "head": head, "body": body})


async def send_error(send: Send, error: ApiError, headers: Iterable[Header] = ()) -> None:
    """An ApiError as an answer."""
    body = error_body(error.status, error.kind, error.message, error.param, error.code)
    await send_bytes(send, error.status, body, (JSON, *error.headers, *headers))

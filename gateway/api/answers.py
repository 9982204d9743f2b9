"""Answers: as bytes on an exchange, and errors in OpenAI's shape."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, Final

import orjson

from gateway.errors import ApiError

if TYPE_CHECKING:
    from gateway.api.exchange import Exchange

Scope = MutableMapping[str, Any]
Header = tuple[bytes, bytes]
_BREAKS: Final = bytes.maketrans(b"\r\n", b"??")

JSON: Final[Header] = (b"content-type", b"application/json")
EVENTS: Final[tuple[Header, ...]] = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
)


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


JSON_LINE: Final = lines_of((JSON,))


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

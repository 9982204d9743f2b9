"""From an ASGI scope to a checked request."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import orjson

from gateway.api.answers import Receive, Scope
from gateway.errors import ApiError
from gateway.providers import Kind, Request

MOST_BODY = 32 << 20
_BODY_WITHIN_S = 120.0
# What is left of a body that is not wanted is not waited for.
_CLOSE = (b"connection", b"close")
_FORWARDED = frozenset({b"anthropic-beta"})
_KEY_HEADERS = frozenset({b"x-api-key", b"api-key"})


class ClientLeftError(Exception):
    """The client went away before its request was whole."""


def credential(scope: Scope) -> bytes:
    """The bearer token, `x-api-key` or Azure's `api-key`; empty when there is none."""
    found = b""
    for name, value in scope["headers"]:
        if name == b"authorization":
            kind, _, token = value.partition(b" ")
            return bytes(token.strip()) if kind.lower() == b"bearer" else b""
        if name in _KEY_HEADERS:
            found = value
    return found


async def read_body(receive: Receive, most: int = MOST_BODY) -> bytes:
    """The whole body. Raises ApiError 408 and 413, and ClientLeftError."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body") and message["type"] == "http.request":
        return _within(body, most)
    try:
        async with asyncio.timeout(_BODY_WITHIN_S):
            return await _rest(receive, message, body, most)
    except TimeoutError:
        message_408 = f"The body was not whole within {_BODY_WITHIN_S:g} s"
        raise ApiError(408, "timeout", message_408, headers=(_CLOSE,)) from None


async def _rest(receive: Receive, message: MutableMapping[str, Any], body: bytes, most: int) -> bytes:
    parts, size = [bytes(body)], len(body)
    while True:
        if message["type"] == "http.disconnect":
            raise ClientLeftError
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise _too_large(most)


def parse(kind: Kind, raw: bytes) -> Request:
    """Check what the gateway itself relies on; the upstream judges the rest. Raises ApiError 400."""
    try:
        body: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise _invalid("The body is not valid JSON") from None
    if not isinstance(body, dict):
        raise _invalid("The body must be a JSON object")
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise _invalid("`model` must be the name of a model", "model")
    if kind in ("chat", "messages", "count_tokens"):
        _check_messages(body)
    elif kind == "embeddings" and not body.get("input"):
        raise _invalid("`input` must be text, tokens, or a list of either", "input")
    if kind in ("embeddings", "count_tokens"):
        return Request(kind, body, len(raw))
    stream = body.get("stream") or False
    if not isinstance(stream, bool):
        raise _invalid("`stream` must be true or false", "stream")
    options = body.get("stream_options")
    wants_usage = isinstance(options, dict) and bool(options.get("include_usage"))
    return Request(kind, body, len(raw), stream, wants_usage)


def forwarded(scope: Scope) -> dict[str, str]:
    """The headers of a client of Anthropic's API that its upstream must see too."""
    return {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in _FORWARDED}


def _check_messages(body: dict[str, Any]) -> None:
    if not isinstance(body.get("messages"), list) or not body["messages"]:
        raise _invalid("`messages` must be a list with at least one message", "messages")


def _within(body: bytes, most: int) -> bytes:
    if len(body) > most:
        raise _too_large(most)
    return body


def _too_large(most: int) -> ApiError:
    return ApiError(413, "invalid_request_error", f"The body is larger than {most} bytes", headers=(_CLOSE,))


def _invalid(message: str, param: str | None = None) -> ApiError:
    return ApiError(400, "invalid_request_error", message, param=param)

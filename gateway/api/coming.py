"""Waiting for a body that was not whole when its request was taken."""

from __future__ import annotations

import asyncio

from gateway.api.exchange import Exchange
from gateway.api.requests import CLOSE, too_large
from gateway.errors import ApiError

_BODY_WITHIN_S = 120.0


class ClientLeftError(Exception):
    """The client went away before its request was whole."""


async def coming_body(exchange: Exchange, most: int) -> bytes:
    """A body that was not whole yet when its request was taken. Raises ApiError 408 and 413, and ClientLeftError."""
    try:
        async with asyncio.timeout(_BODY_WITHIN_S):
            return await _coming(exchange, most)
    except TimeoutError:
        message = f"The body was not whole within {_BODY_WITHIN_S:g} s"
        raise ApiError(408, "timeout", message, headers=(CLOSE,)) from None


async def _coming(exchange: Exchange, most: int) -> bytes:
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await exchange.receive()
        if message["type"] == "http.disconnect":
            raise ClientLeftError
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
        size += len(parts[-1])
        if size > most:
            raise too_large(most)
    return b"".join(parts)

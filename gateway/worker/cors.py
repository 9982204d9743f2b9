"""Answers to browsers: which origins may read what the API says."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

from gateway.api.answers import Header, lines_of
from gateway.api.exchange import Exchange, Handler

_PREFLIGHT: tuple[Header, ...] = (
    (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
    (b"access-control-allow-headers", b"*, authorization, content-type, x-api-key"),
    (b"access-control-max-age", b"600"),
)
_EXPOSED: Header = (b"access-control-expose-headers", b"*")


def with_cors(handler: Handler, origins: Sequence[str]) -> Handler:
    """The same handler; without origins it is not even wrapped, and browsers refuse other pages by themselves."""
    if not origins:
        return handler
    allowed = frozenset(origin.encode() for origin in origins)

    def handle(exchange: Exchange) -> Coroutine[Any, Any, None] | None:
        origin = exchange.headers.get(b"origin", b"")
        if origin and (origin in allowed or b"*" in allowed):
            exchange.own_lines = lines_of(((b"access-control-allow-origin", origin), (b"vary", b"origin"), _EXPOSED))
            if exchange.method == "OPTIONS":
                exchange.answer(200, lines_of(_PREFLIGHT), b"")
                return None
        return handler(exchange)

    return handle

"""Answers to browsers: which origins may read what the API says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from gateway.api.answers import Header, Receive, Scope, Send, send_bytes

_App = Callable[[Scope, Receive, Send], Awaitable[None]]
_PREFLIGHT: tuple[Header, ...] = (
    (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
    (b"access-control-allow-headers", b"*, authorization, content-type, x-api-key"),
    (b"access-control-max-age", b"600"),
)
_EXPOSED: Header = (b"access-control-expose-headers", b"*")


def with_cors(app: _App, origins: Sequence[str]) -> _App:
    """The same app; without origins it is not even wrapped, and browsers refuse other pages by themselves."""
    if not origins:
        return app
    allowed = frozenset(origin.encode() for origin in origins)

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        origin = next((value for name, value in scope.get("headers", ()) if name == b"origin"), b"")
        if not origin or not (origin in allowed or b"*" in allowed):
            await app(scope, receive, send)
            return
        own = ((b"access-control-allow-origin", origin), (b"vary", b"origin"), _EXPOSED)
        if scope["method"] == "OPTIONS":
            await send_bytes(send, 200, b"", (*own, *_PREFLIGHT))
            return

        async def send_own(message: MutableMapping[str, Any]) -> None:
            if "headers" in message:
                message["headers"] = [*message["headers"], *own]
            await send(message)

        await app(scope, receive, send_own)

    return handle

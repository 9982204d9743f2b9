"""The ASGI app of one worker: hot paths first, FastAPI for the rest."""

from __future__ import annotations

from fastapi import FastAPI

from gateway.api.answers import Receive, Scope, Send, send_error
from gateway.api.endpoint import Endpoint
from gateway.api.open_routes import OpenRoutes
from gateway.errors import ApiError

_CHAT = frozenset({"/v1/chat/completions", "/chat/completions"})


class App:
    """Dispatch by path and method."""

    def __init__(self, chat: Endpoint, routes: OpenRoutes, admin: FastAPI) -> None:
        self._chat = chat
        self._routes = routes
        self._admin = admin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request. Other scopes (websocket) are not served."""
        if scope["type"] != "http":
            return
        path, method = scope["path"], scope["method"]
        if path in _CHAT:
            if method == "POST":
                await self._chat(scope, receive, send)
            else:
                await _wrong_method(send, path, "POST")
        elif path in self._routes.paths:
            if method in ("GET", "HEAD"):
                await self._routes.paths[path](scope, receive, send)
            else:
                await _wrong_method(send, path, "GET")
        else:
            await self._admin(scope, receive, send)


async def _wrong_method(send: Send, path: str, allowed: str) -> None:
    error = ApiError(405, "invalid_request_error", f"{path} takes {allowed}", headers=((b"allow", allowed.encode()),))
    await send_error(send, error)

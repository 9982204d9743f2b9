"""The ASGI app of one worker: hot paths first, FastAPI for the rest."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI

from gateway.api.answers import Receive, Scope, Send, send_error
from gateway.api.endpoint import Endpoint
from gateway.api.open_routes import OpenRoutes
from gateway.errors import ApiError
from gateway.providers import Kind

# Each also without `/v1`, as LiteLLM serves them.
_PATHS: dict[Kind, str] = {
    "chat": "/chat/completions",
    "completions": "/completions",
    "embeddings": "/embeddings",
    "responses": "/responses",
    "messages": "/messages",
    "count_tokens": "/messages/count_tokens",
}


class App:
    """Dispatch by path and method."""

    def __init__(self, endpoints: Mapping[Kind, Endpoint], routes: OpenRoutes, admin: FastAPI) -> None:
        self._endpoints = {prefix + path: endpoints[kind] for kind, path in _PATHS.items() for prefix in ("/v1", "")}
        self._routes = routes
        self._admin = admin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request. Other scopes (websocket) are not served."""
        if scope["type"] != "http":
            return
        path, method = scope["path"], scope["method"]
        endpoint = self._endpoints.get(path)
        if endpoint is not None:
            if method == "POST":
                await endpoint(scope, receive, send)
            else:
                await _wrong_method(send, path, "POST")
        elif (route := self._routes.find(path)) is not None:
            if method in ("GET", "HEAD"):
                await route(scope, receive, send)
            else:
                await _wrong_method(send, path, "GET")
        else:
            await self._admin(scope, receive, send)


async def _wrong_method(send: Send, path: str, allowed: str) -> None:
    error = ApiError(405, "invalid_request_error", f"{path} takes {allowed}", headers=((b"allow", allowed.encode()),))
    await send_error(send, error)

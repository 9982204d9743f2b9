"""The ASGI app of one worker: hot paths first, FastAPI for the rest."""

from __future__ import annotations

import asyncio
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


_DRAINING = ApiError(
    503,
    "service_unavailable",
    "This worker is shutting down; send the request again",
    headers=((b"connection", b"close"), (b"retry-after", b"1")),
)


_NOT_HERE = ApiError(404, "not_found_error", "There is nothing at this path")


class App:
    """Dispatch by path and method."""

    def __init__(
        self,
        endpoints: Mapping[Kind, Endpoint],
        routes: OpenRoutes,
        admin: FastAPI | None,
        recycle_after: int = 0,
    ) -> None:
        """After `recycle_after` model requests (0: never) `worn` is set. `admin` is None where it has another port."""
        self._endpoints = {
            prefix + path: endpoints[kind]
            for kind, path in _PATHS.items()
            if kind in endpoints
            for prefix in ("/v1", "")
        }
        self._routes = routes
        self._admin = admin
        self._left = recycle_after
        self.worn = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request. Other scopes (websocket) are not served."""
        if scope["type"] != "http":
            return
        path, method = scope["path"], scope["method"]
        endpoint = self._endpoints.get(path)
        if endpoint is not None:
            if method != "POST":
                await _wrong_method(send, path, "POST")
            elif self._routes.draining:
                await send_error(send, _DRAINING)
            else:
                self._count()
                await endpoint(scope, receive, send)
        elif (route := self._routes.find(path)) is not None:
            if method in ("GET", "HEAD"):
                await route(scope, receive, send)
            else:
                await _wrong_method(send, path, "GET")
        elif self._admin is not None:
            await self._admin(scope, receive, send)
        else:
            await send_error(send, _NOT_HERE)

    def _count(self) -> None:
        if self._left:
            self._left -= 1
            if not self._left:
                self.worn.set()


async def _wrong_method(send: Send, path: str, allowed: str) -> None:
    error = ApiError(405, "invalid_request_error", f"{path} takes {allowed}", headers=((b"allow", allowed.encode()),))
    await send_error(send, error)

"""What one worker answers: hot paths first, FastAPI for the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, Final

from fastapi import FastAPI

from gateway.api.answers import send_error
from gateway.api.endpoint import Endpoint
from gateway.api.exchange import Exchange
from gateway.api.open_routes import OpenRoutes
from gateway.errors import ApiError
from gateway.providers import Kind

# Each also without `/v1`, as LiteLLM serves them.
_PATHS: Final[dict[Kind, str]] = {
    "chat": "/chat/completions",
    "completions": "/completions",
    "embeddings": "/embeddings",
    "responses": "/responses",
    "messages": "/messages",
    "count_tokens": "/messages/count_tokens",
}


_DRAINING: Final = ApiError(
    503,
    "service_unavailable",
    "This worker is shutting down; send the request again",
    headers=((b"connection", b"close"), (b"retry-after", b"1")),
)


_NOT_HERE: Final = ApiError(404, "not_found_error", "There is nothing at this path")


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

    def __call__(self, exchange: Exchange) -> Coroutine[Any, Any, None] | None:
        """One HTTP request."""
        endpoint = self._endpoints.get(exchange.path)
        if endpoint is None or exchange.method != "POST" or self._routes.draining:
            return self._elsewhere(exchange)
        if self._left:
            self._count()
        return endpoint(exchange)

    async def _elsewhere(self, exchange: Exchange) -> None:
        path, method = exchange.path, exchange.method
        if path in self._endpoints:
            if method != "POST":
                await _wrong_method(exchange, "POST")
            else:
                await send_error(exchange, _DRAINING)
        elif (route := self._routes.find(path)) is not None:
            if method in ("GET", "HEAD"):
                await route(exchange)
            else:
                await _wrong_method(exchange, "GET")
        elif self._admin is not None:
            await self._admin(exchange.scope(), exchange.receive, exchange.send)
        else:
            await send_error(exchange, _NOT_HERE)

    def _count(self) -> None:
        self._left -= 1
        if not self._left:
            self.worn.set()


async def _wrong_method(exchange: Exchange, allowed: str) -> None:
    error = ApiError(
        405, "invalid_request_error", f"{exchange.path} takes {allowed}", headers=((b"allow", allowed.encode()),)
    )
    await send_error(exchange, error)

"""`/v1/models`, `/health*` and `/metrics`: small answers that never wait for an upstream."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

from gateway import __version__
from gateway.api.admission import Admission, check_usable
from gateway.api.answers import JSON, lines_of, send_bytes, send_error
from gateway.api.dialects import body_of
from gateway.api.exchange import Exchange
from gateway.api.requests import credential
from gateway.errors import AccountantGoneError, ApiError
from gateway.limits.link import AccountantLink
from gateway.metrics.page import CONTENT_TYPE
from gateway.providers import Kind
from gateway.routing import Router

_EXPORTER_PATIENCE_S = 10.0
_LARGEST_PIECE = 256 << 10
_PAGE = lines_of(((b"content-type", CONTENT_TYPE),))
Route = Callable[[Exchange], Coroutine[Any, Any, None]]
_ONE_MODEL = ("/v1/models/", "/models/")


class OpenRoutes:
    """Handlers by path. `draining` turns the probes to 503 when the worker is to end."""

    def __init__(
        self,
        admission: Admission,
        router: Router,
        link: AccountantLink,
        exporter: Path,
        metrics_token: str | None,
        workers: int,
    ) -> None:
        self._admission = admission
        self._router = router
        self._link = link
        self._exporter = exporter
        self._token = metrics_token.encode() if metrics_token else None
        self._workers = workers
        self.draining = False
        self._paths: dict[str, Route] = {
            "/v1/models": self._models,
            "/models": self._models,
            "/metrics": self._metrics,
            "/health": self._health,
            "/health/liveliness": self._alive,
            "/health/liveness": self._alive,
            "/health/readiness": self._ready,
        }

    def find(self, path: str) -> Route | None:
        """The handler of a path."""
        route = self._paths.get(path)
        if route is None and path.startswith(_ONE_MODEL):
            return self._models
        return route

    async def _models(self, exchange: Exchange) -> None:
        theirs = b"anthropic-version" in exchange.headers
        try:
            names = await self._callable(exchange)
            _, _, asked = exchange.path.partition("/models/")
            if asked and asked not in names:
                raise ApiError(404, "not_found_error", f"The model {asked[:100]!r} does not exist", param="model")
        except ApiError as error:
            kind: Kind = "messages" if theirs else "chat"
            await send_bytes(exchange, error.status, body_of(kind, error), (JSON, *error.headers))
            return
        shown = [_anthropic_model(name) if theirs else _openai_model(name) for name in ([asked] if asked else names)]
        page = {"has_more": False, "first_id": names[0] if names else None, "last_id": names[-1] if names else None}
        listed = {"data": shown, **(page if theirs else {"object": "list"})}
        await send_bytes(exchange, 200, orjson.dumps(shown[0] if asked else listed))

    async def _callable(self, exchange: Exchange) -> list[str]:
        """What the caller may call; the master key sees every model, though it calls none. Raises ApiError."""
        listed = [m.name for m in self._router.models.values() if not m.hidden]
        if self._admission.is_master(credential(exchange.headers)):
            return listed
        key = await self._admission.key(exchange)
        check_usable(key)
        return [name for name in listed if key.may_call(name, False)]

    async def _metrics(self, exchange: Exchange) -> None:
        if self._token is not None and not hmac.compare_digest(credential(exchange.headers), self._token):
            await send_error(exchange, ApiError(401, "invalid_api_key", "/metrics needs its bearer token"))
            return
        begun = False
        try:
            async with asked_exporter(self._exporter, b"page\n") as (left, reader):
                exchange.start(200, _PAGE + b"content-length: %d\r\n" % left, left)
                begun = True
                while left and not exchange.gone:
                    piece = await _piece(reader, left)
                    left -= len(piece)
                    exchange.send_part(piece, left > 0)
                    if exchange.full:
                        await exchange.drain()
        except (OSError, TimeoutError):
            # A page that has begun ends with its connection, shorter than was announced.
            if not begun:
                await send_error(exchange, ApiError(503, "service_unavailable", "The exporter does not answer"))

    async def _health(self, exchange: Exchange) -> None:
        try:
            report = (await self._link.ask({"op": "health"}))["result"]
        except AccountantGoneError as error:
            await send_error(exchange, ApiError(503, "service_unavailable", str(error)))
            return
        except ApiError as error:
            await send_error(exchange, error)
            return
        await send_bytes(exchange, 200, orjson.dumps(report))

    async def _alive(self, exchange: Exchange) -> None:
        status, text = (503, "shutting down") if self.draining else (200, "I'm alive!")
        await send_bytes(exchange, status, orjson.dumps(text))

    async def _ready(self, exchange: Exchange) -> None:
        if self.draining:
            await send_bytes(exchange, 503, orjson.dumps({"status": "shutting_down"}))
            return
        problem = await self._problem()
        body = {"status": problem or "healthy", "version": __version__, "workers": self._workers}
        await send_bytes(exchange, 503 if problem else 200, orjson.dumps(body))

    async def _problem(self) -> str:
        try:
            async with asyncio.timeout(2.0):
                await self._link.ask({"op": "ping"})
        except (AccountantGoneError, TimeoutError):
            return "the accountant does not answer"
        except ApiError as error:
            return error.message
        try:
            async with asyncio.timeout(2.0):
                async with asked_exporter(self._exporter, b"ping\n"):
                    pass
        except (OSError, TimeoutError):
            return "the exporter does not answer"
        return ""


def _openai_model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "gateway"}


def _anthropic_model(name: str) -> dict[str, Any]:
    return {"type": "model", "id": name, "display_name": name, "created_at": "1970-01-01T00:00:00Z"}


@asynccontextmanager
async def asked_exporter(socket: Path, question: bytes) -> AsyncIterator[tuple[int, asyncio.StreamReader]]:
    """The length of the exporter's answer in bytes, and where it is read, piece by piece: a page may have tens of
    megabytes. Raises OSError or TimeoutError when it cannot be had.
    """
    async with asyncio.timeout(_EXPORTER_PATIENCE_S):
        reader, writer = await asyncio.open_unix_connection(socket)
    try:
        writer.write(question)
        async with asyncio.timeout(_EXPORTER_PATIENCE_S):
            length = await reader.readline()
        if not length:
            raise ConnectionResetError("the exporter closed the connection")
        yield int(length), reader
    finally:
        writer.close()


async def _piece(reader: asyncio.StreamReader, left: int) -> bytes:
    async with asyncio.timeout(_EXPORTER_PATIENCE_S):
        piece = await reader.read(min(left, _LARGEST_PIECE))
    if not piece:
        raise ConnectionResetError("the exporter broke off")
    return piece

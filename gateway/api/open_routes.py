"""`/v1/models`, `/health*` and `/metrics`: small answers that never wait for an upstream."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson

from gateway import __version__
from gateway.api.admission import Admission, check_usable
from gateway.api.answers import Receive, Scope, Send, send_bytes, send_error
from gateway.api.requests import credential
from gateway.errors import AccountantGoneError, ApiError
from gateway.limits.link import AccountantLink
from gateway.metrics.page import CONTENT_TYPE
from gateway.routing import Router

_EXPORTER_PATIENCE_S = 10.0


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
        self.paths: dict[str, Callable[[Scope, Receive, Send], Awaitable[None]]] = {
            "/v1/models": self._models,
            "/models": self._models,
            "/metrics": self._metrics,
            "/health": self._health,
            "/health/liveliness": self._alive,
            "/health/liveness": self._alive,
            "/health/readiness": self._ready,
        }

    async def _models(self, scope: Scope, _: Receive, send: Send) -> None:
        try:
            key = await self._admission.key(scope)
            check_usable(key)
        except ApiError as error:
            await send_error(send, error)
            return
        names = [m.name for m in self._router.models() if not m.hidden and key.may_call(m.name, False)]
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "gateway"} for name in names]
        await send_bytes(send, 200, orjson.dumps({"object": "list", "data": data}))

    async def _metrics(self, scope: Scope, _: Receive, send: Send) -> None:
        if self._token is not None and not hmac.compare_digest(credential(scope), self._token):
            await send_error(send, ApiError(401, "invalid_api_key", "/metrics needs its bearer token"))
            return
        try:
            page = await ask_exporter(self._exporter, b"page\n")
        except (OSError, TimeoutError):
            await send_error(send, ApiError(503, "service_unavailable", "The exporter does not answer"))
            return
        await send_bytes(send, 200, page, ((b"content-type", CONTENT_TYPE),))

    async def _health(self, _scope: Scope, _: Receive, send: Send) -> None:
        try:
            report = (await self._link.ask({"op": "health"}))["result"]
        except AccountantGoneError as error:
            await send_error(send, ApiError(503, "service_unavailable", str(error)))
            return
        await send_bytes(send, 200, orjson.dumps(report))

    async def _alive(self, _scope: Scope, _: Receive, send: Send) -> None:
        status, text = (503, "shutting down") if self.draining else (200, "I'm alive!")
        await send_bytes(send, status, orjson.dumps(text))

    async def _ready(self, _scope: Scope, _: Receive, send: Send) -> None:
        if self.draining:
            await send_bytes(send, 503, orjson.dumps({"status": "shutting_down"}))
            return
        problem = await self._problem()
        body = {"status": problem or "healthy", "version": __version__, "workers": self._workers}
        await send_bytes(send, 503 if problem else 200, orjson.dumps(body))

    async def _problem(self) -> str:
        try:
            async with asyncio.timeout(2.0):
                await self._link.ask({"op": "ping"})
        except (AccountantGoneError, TimeoutError):
            return "the accountant does not answer"
        try:
            async with asyncio.timeout(2.0):
                await ask_exporter(self._exporter, b"ping\n")
        except (OSError, TimeoutError):
            return "the exporter does not answer"
        return ""


async def ask_exporter(socket: Path, question: bytes) -> bytes:
    """The exporter's answer. Raises OSError or TimeoutError when it cannot be had whole."""
    async with asyncio.timeout(_EXPORTER_PATIENCE_S):
        reader, writer = await asyncio.open_unix_connection(socket)
        try:
            writer.write(question)
            length = await reader.readline()
            if not length:
                raise ConnectionResetError("the exporter closed the connection")
            try:
                return await reader.readexactly(int(length))
            except asyncio.IncompleteReadError:
                raise ConnectionResetError("the exporter broke off") from None
        finally:
            writer.close()

"""Put a worker together, serve until told to stop, leave nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
import socket
from collections.abc import Iterator
from functools import partial
from typing import Any, cast

import uvicorn

from gateway import wire
from gateway.api.accounting import Accounting
from gateway.api.admin import admin_app
from gateway.api.admission import Admission
from gateway.api.attempts import Attempts
from gateway.api.endpoint import Endpoint
from gateway.api.missing_usage import count_with
from gateway.api.open_routes import OpenRoutes
from gateway.config import Config
from gateway.counting import TokenCounter
from gateway.errors import SpoolFullError
from gateway.ledger import SpoolWriter
from gateway.limits import Gate
from gateway.limits.link import AccountantLink
from gateway.limits.passes import Passes
from gateway.metrics.recorder import Recorder
from gateway.outbox import Outbox
from gateway.pricing import Price
from gateway.process.memory import settle
from gateway.providers.base import KINDS
from gateway.providers.registry import providers_for
from gateway.routing import Router, cooldowns_of
from gateway.state import StateDirectory
from gateway.worker import admin_port
from gateway.worker.app import App
from gateway.worker.cors import with_cors
from gateway.worker.extras import cache_of, guard_of
from gateway.worker.http import Protocol

_log = logging.getLogger("gateway.worker")
_LOOK_EVERY_S = 1.0


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Worker:
    """One worker's parts, wired."""

    def __init__(
        self, config: Config, state: StateDirectory, slot: str, prices: dict[str, Price | None], spool: SpoolWriter
    ) -> None:
        self.spool = spool
        self.link = AccountantLink(state.accountant_socket)
        self.gate = Gate(self.link)
        self.passes = Passes(self.link)
        self.link.greeting, self.link.pushed, self.link.lost = (
            self._hello,
            self._pushed,
            self.passes.forget_all,
        )
        self.outbox = Outbox(asyncio.get_running_loop(), config.serving.busy_poll_us / 1e6)
        self.providers = providers_for(config, self.outbox)
        count_with(TokenCounter(state.tokens_socket))
        cooldowns = cooldowns_of(config, state.run)
        router = Router(config, prices, cooldowns, self.gate.headroom)
        recorder = Recorder(state.metrics, slot)
        for model in config.models:
            recorder.count("litellm_current_load", 0.0, model.name)
        accounting = Accounting(recorder, self.gate.leases, self.spool)
        admission = Admission(
            self.passes,
            self.gate,
            router,
            config.master_key,
            refused_models(config, prices),
            config.serving.max_body_bytes,
        )
        attempts = Attempts(router, self.providers, self.gate, accounting)
        self.cache = cache_of(config, router, recorder, attempts, accounting, self.gate, admission)
        self.guard = guard_of(config, router, recorder, self.link)
        self.routes = OpenRoutes(
            admission, router, self.link, state.exporter_socket, config.metrics.token, config.workers
        )
        endpoints = {
            kind: Endpoint(kind, admission, attempts, accounting, self.providers, self.guard, self.cache)
            for kind in KINDS
        }
        admin = admin_app(self.link, admission, config, prices)
        apart = config.listen.admin_port is not None
        self.app = App(endpoints, self.routes, None if apart else admin, _recycle_after(config))
        self.admin = App({}, self.routes, admin) if apart and slot == admin_port.SERVED_BY else None

    async def keep_spool(self) -> None:
        """Try again to write rows that a full disk kept in memory."""
        while True:
            await asyncio.sleep(0.5)
            with contextlib.suppress(SpoolFullError):
                self.spool.flush()

    async def close(self) -> None:
        """After the last request."""
        for provider in set(self.providers.values()):
            await provider.close()
        if self.cache is not None:
            await self.cache.close()
        with contextlib.suppress(SpoolFullError):
            self.spool.flush()
        self.spool.close()

    def _hello(self) -> wire.Message:
        # What is settled is no longer held, so its row must be before the position.
        with contextlib.suppress(SpoolFullError):
            self.spool.flush()
        return {
            "op": "hello",
            "session": self.spool.session,
            "position": self.spool.position,
            "held": self.gate.held(),
        }

    def _pushed(self, message: wire.Message) -> dict[str, list[int]]:
        if message["push"] == "forget":
            for key_hash in message["keys"]:
                self.passes.forget(key_hash)
                if self.guard is not None:
                    self.guard.forget(key_hash)
        returned = {key_hash: self.gate.give_back(key_hash) for key_hash in message["keys"]}
        return {key_hash: leases for key_hash, leases in returned.items() if any(leases)}


def refused_models(config: Config, prices: dict[str, Price | None]) -> frozenset[str]:
    """Models that may reach a deployment without a price, if the policy refuses those."""
    if config.pricing.unpriced == "allow":
        return frozenset()
    bare = {m.name for m in config.models if any(prices.get(d.id) is None for d in m.deployments)}
    return frozenset(m.name for m in config.models if bare & {m.name, *m.fallbacks, *m.context_fallbacks})


def _recycle_after(config: Config) -> int:
    """With a jitter, so that workers do not end together."""
    after = config.serving.recycle_after
    return int(after * random.uniform(0.9, 1.1)) if after else 0  # noqa: S311


async def _watch(server: uvicorn.Server) -> None:
    """End connections of clients that are too slow or have idled too long."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        now = loop.time()
        for connection in list(server.server_state.connections):
            if isinstance(connection, Protocol):
                connection.check(now)


def _server(app: Any, config: Config, outbox: Outbox) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            interface="asgi3",
            loop="none",
            http=cast(Any, partial(Protocol, outbox=outbox)),
            ws="none",
            proxy_headers=False,
            date_header=False,
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=int(config.serving.drain_s),
        )
    )


async def _administer(app: App, config: Config, outbox: Outbox) -> None:
    """Serve the admin API on its own port until cancelled."""
    if config.listen.admin_port is None:
        return
    listener = await admin_port.bound(config.listen.admin_host, config.listen.admin_port)
    server = _server(app, config, outbox)
    watching = asyncio.create_task(_watch(server))
    try:
        await server.serve(sockets=[listener])
    finally:
        watching.cancel()
        listener.close()


async def _spool(state: StateDirectory, slot: str, stop: asyncio.Event) -> SpoolWriter | None:
    """Wait for room on a full disk: a worker that gave up would in the end take the others with it."""
    told, waits = asyncio.create_task(stop.wait()), False
    while not stop.is_set():
        try:
            spool = SpoolWriter(state.spool, f"{slot}-{secrets.token_hex(6)}")
        except OSError as error:
            if not waits:
                _log.error("this worker waits for room for its ledger rows: %s", error)
            waits = True
            await asyncio.wait((told,), timeout=_LOOK_EVERY_S)
        else:
            told.cancel()
            return spool
    return None


async def run(
    config: Config,
    state: StateDirectory,
    slot: str,
    listener: socket.socket,
    prices: dict[str, Price | None],
    stop: asyncio.Event,
) -> None:
    """Be a worker until `stop`, then finish what is in flight."""
    spool = await _spool(state, slot, stop)
    if spool is None:
        return
    worker = Worker(config, state, slot, prices, spool)
    server = _server(with_cors(worker.app, config.serving.cors_origins), config, worker.outbox)
    loops = (worker.link.keep(), worker.keep_spool(), _watch(server))
    tasks = [asyncio.create_task(loop) for loop in loops]
    if worker.admin is not None:
        tasks.append(asyncio.create_task(_administer(worker.admin, config, worker.outbox)))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    settle()
    ends = [asyncio.create_task(event.wait()) for event in (stop, worker.app.worn)]
    await asyncio.wait((serving, *ends), return_when=asyncio.FIRST_COMPLETED)
    # A worker that is only replaced answers what it has accepted; its successor gets the rest.
    worker.routes.draining = stop.is_set()
    server.should_exit = True
    await serving
    for task in (*tasks, *ends):
        task.cancel()
    await worker.close()

"""Put a worker together, serve until told to stop, leave nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import random
import secrets
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn

from gateway import wire
from gateway.api.accounting import Accounting
from gateway.api.admin import admin_app
from gateway.api.admission import Admission
from gateway.api.attempts import Attempts
from gateway.api.endpoint import Endpoint
from gateway.api.open_routes import OpenRoutes
from gateway.config import Config
from gateway.errors import SpoolFullError
from gateway.ledger import SpoolWriter
from gateway.limits import Gate
from gateway.limits.link import AccountantLink
from gateway.limits.passes import Passes
from gateway.metrics.recorder import Recorder
from gateway.pricing import Price
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

    def __init__(self, config: Config, state: StateDirectory, slot: str, prices: dict[str, Price | None]) -> None:
        self.session = f"{slot}-{secrets.token_hex(6)}"
        self.spool = SpoolWriter(state.spool, self.session, asyncio.get_running_loop().call_soon)
        self.link = AccountantLink(state.accountant_socket)
        self.gate = Gate(self.link)
        self.passes = Passes(self.link)
        self.link.greeting, self.link.pushed, self.link.lost = (
            self._hello,
            self._pushed,
            self.passes.forget_all,
        )
        self.providers = providers_for(config)
        cooldowns = cooldowns_of(config, state.run)
        router = Router(config, prices, cooldowns, lambda identity: self.gate.headroom(None, identity))
        recorder = Recorder(state.metrics, slot)
        for model in config.models:
            recorder.count("litellm_current_load", 0.0, model.name)
        accounting = Accounting(recorder, self.gate, self.spool)
        admission = Admission(
            self.passes, self.gate, router, config.master_key, _refused(config, prices), config.serving.max_body_bytes
        )
        attempts = Attempts(router, self.providers, self.gate, accounting)
        self.cache = cache_of(config, router, recorder, attempts, accounting, self.gate, admission)
        self.guard = guard_of(config, router, recorder, self.link)
        self.routes = OpenRoutes(
            admission, router, self.link, state.exporter_socket, config.metrics.token, config.workers
        )
        endpoints = {kind: Endpoint(kind, admission, attempts, accounting, self.guard, self.cache) for kind in KINDS}
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
            "session": self.session,
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


def _refused(config: Config, prices: dict[str, Price | None]) -> frozenset[str]:
    """Models that may reach a deployment without a price, if the policy refuses those."""
    if config.pricing.unpriced == "allow":
        return frozenset()
    bare = {m.name for m in config.models if any(prices.get(d.id) is None for d in m.deployments)}
    return frozenset(m.name for m in config.models if m.name in bare or bare & set(m.fallbacks))


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


def _server(app: Any, config: Config) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            loop="none",
            http=Protocol,
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


async def _administer(app: App, config: Config) -> None:
    """Serve the admin API on its own port until cancelled."""
    if config.listen.admin_port is None:
        return
    listener = await admin_port.bound(config.listen.admin_host, config.listen.admin_port)
    server = _server(app, config)
    watching = asyncio.create_task(_watch(server))
    try:
        await server.serve(sockets=[listener])
    finally:
        watching.cancel()
        listener.close()


async def run(
    config: Config,
    state: StateDirectory,
    slot: str,
    listener: socket.socket,
    prices: dict[str, Price | None],
    stop: asyncio.Event,
) -> None:
    """Be a worker until `stop`, then finish what is in flight."""
    worker = Worker(config, state, slot, prices)
    server = _server(with_cors(worker.app, config.serving.cors_origins), config)
    loops = (worker.link.keep(), worker.keep_spool(), _watch(server))
    tasks = [asyncio.create_task(loop) for loop in loops]
    if worker.admin is not None:
        tasks.append(asyncio.create_task(_administer(worker.admin, config)))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    gc.collect()
    gc.freeze()
    # A request leaves no cycles behind; at the default of 700 objects a collection ran at every tenth of them.
    gc.set_threshold(50_000, 20, 100)
    ends = [asyncio.create_task(event.wait()) for event in (stop, worker.app.worn)]
    await asyncio.wait((serving, *ends), return_when=asyncio.FIRST_COMPLETED)
    # A worker that is only replaced answers what it has accepted; its successor gets the rest.
    worker.routes.draining = stop.is_set()
    server.should_exit = True
    await serving
    for task in (*tasks, *ends):
        task.cancel()
    await worker.close()

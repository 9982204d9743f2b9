"""The accountant process: its socket, its clock, its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine
from typing import Any

from gateway import clock, wire
from gateway.accountant.admin import Admin
from gateway.accountant.books import Books
from gateway.accountant.desk import Desk
from gateway.accountant.gauges import Gauges
from gateway.accountant.health import ProviderHealth
from gateway.accountant.holdings import Holdings
from gateway.accountant.intake import Drained, Intake
from gateway.accountant.lobby import Lobby
from gateway.accountant.records import Key
from gateway.accountant.reserves import Reserves
from gateway.accountant.sessions import Session, Sessions
from gateway.accountant.sync import Sync
from gateway.accountant.windows import LocalWindows, SharedWindows, Windows
from gateway.config import Config
from gateway.errors import ApiError
from gateway.ledger.opening import open_store
from gateway.ledger.postgres import PostgresStore, place
from gateway.ledger.spool_reader import SpoolReader
from gateway.ledger.store import Store, StoreError
from gateway.process.memory import settle
from gateway.routing import cooldowns_of
from gateway.state import StateDirectory

_log = logging.getLogger("gateway.accountant")
# While rows come: many small looks hold up a worker on the same core less than few large ones.
_LOOK_AGAIN_S = {Drained.NOTHING: 0.05, Drained.ALL: 0.005, Drained.SOME: 0.001}
# So often it is tried to do with short turns.
_PATIENCE = 50
# Rarer commits write a page of the database less often: at 50 ms each row cost nearly twice as much.
_COMMIT_EVERY_S = 0.2
# What there is at each is written over most of the time to the next one: requests on the same core meet little of it.
_SPREAD_S = 0.16
# Nobody scrapes more often.
_PUBLISH_EVERY_S = 0.2
_ROLL_EVERY_S = 1.0
_REFRESH_EVERY_S = 1.0
_TRY_AGAIN_S = 1.0
# Workers reconnect to a restarted accountant well within this time.
_COMEBACK_S = 30.0


class Accountant:
    """Wires the parts together and speaks with workers."""

    def __init__(self, config: Config, state: StateDirectory, store: Store) -> None:
        self._config = config
        self._state = state
        self._store = store
        self._books = Books(config, store)
        self._health = ProviderHealth(config)
        self._sessions = Sessions()
        self._shared = store if isinstance(store, PostgresStore) else None
        self._reserves = Reserves(self._books, self._shared) if self._shared else None
        self._windows: Windows = SharedWindows(self._shared) if self._shared else LocalWindows()
        self._holdings = Holdings(self._books, self._windows)
        self._sync: Sync | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        # Accounts whose gauges are to be written.
        self._charged: set[tuple[str, str]] = set()
        self._comeback = time.monotonic() + _COMEBACK_S
        self._publish_at = self._refresh_at = 0.0

    async def open(self) -> None:
        """Load the books and what the spools hold. Raises StoreError."""
        await self._books.open()
        spools = SpoolReader(self._state.spool, await self._store.positions())
        last = await self._shared.batch() if self._shared else 0
        counted = frozenset(d.id for m in self._config.models for d in m.deployments if d.tpm is not None)
        self._intake = Intake(self._books, self._holdings, self._windows, self._health, spools, last, counted)
        if self._reserves is not None:
            await self._reserves.sync()
        self._intake.drain()
        self._gauges = Gauges(
            self._state.metrics,
            self._config,
            self._books,
            self._windows,
            self._health,
            cooldowns_of(self._config, self._state.run),
        )
        self._desk = Desk(
            self._config, self._books, self._holdings, self._windows, self._intake, self._sessions, self._reserves
        )
        self._admin = Admin(self._books, self._holdings, self._gauges, self._reserves, self._forget)
        settle()

    async def serve(self, stop: asyncio.Event) -> None:
        """Answer until `stop`, then take in and commit what is left."""
        socket = self._state.accountant_socket
        socket.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._connected, path=socket)
        socket.chmod(0o600)
        loops = [asyncio.create_task(loop) for loop in (self._clock(), self._write(), *self._together())]
        told = asyncio.create_task(stop.wait())
        await asyncio.wait((*loops, told), return_when=asyncio.FIRST_COMPLETED)
        # The thread of a batch whose task is cancelled writes it all the same, and then it would be written again.
        async with self._intake.committing:
            for loop in loops:
                if loop.done():
                    # Without it nothing is taken in; a fresh process starts from what is durable.
                    loop.result()
                loop.cancel()
            await asyncio.wait(loops)
        server.close()
        self._intake.drain()
        await self._commit()
        if self._reserves is not None:
            with contextlib.suppress(StoreError):
                await self._reserves.let_go(list(self._books.accounts()))
        await self._store.close()

    def _together(self) -> list[Any]:
        if self._shared is None or self._reserves is None or not isinstance(self._windows, SharedWindows):
            return []
        parts = (self._books, self._reserves, self._windows, self._gauges, self._desk, self._forget)
        self._sync = Sync(self._shared, *parts)
        return [self._windows.run(), self._sync.run()]

    async def _clock(self) -> None:
        turns, behind = self._store.turns, 0
        while True:
            begun = await self._begun()
            try:
                drained = self._look(in_turn=begun and behind < _PATIENCE)
            finally:
                if begun:
                    turns.end()
            behind = behind + 1 if drained is Drained.SOME else 0
            await asyncio.sleep(_LOOK_AGAIN_S[drained])

    async def _begun(self) -> bool:
        """Wait for a turn, but not for long: a disk that hangs must not keep rows from being taken in."""
        for _ in range(_PATIENCE):
            if self._store.turns.begin():
                return True
            await asyncio.sleep(max(self._store.turns.wait_s, _LOOK_AGAIN_S[Drained.SOME]))
        return False

    def _look(self, in_turn: bool) -> Drained:
        drained = self._intake.drain(in_turn)
        self._intake.free_some()
        self._call_back_overdrawn()
        if (now := time.monotonic()) >= self._publish_at:
            self._publish_at = now + _PUBLISH_EVERY_S
            self._publish_charged()
        if now >= self._refresh_at:
            self._refresh_at = now + _REFRESH_EVERY_S
            self._gauges.refresh(self._intake.backlog)
            if now > self._comeback:
                self._holdings.forget_early(set(self._sessions.connected))
        return drained

    async def _write(self) -> None:
        roll_at = 0.0
        while True:
            begun = time.monotonic()
            try:
                if await self._commit(_SPREAD_S):
                    await self._intake.remove_finished()
                    if (now := time.monotonic()) >= roll_at:
                        roll_at = now + _ROLL_EVERY_S
                        await self._roll()
            except StoreError as error:
                _log.error("the database does not answer: %s", error)
                if self._reserves is not None:
                    self._reserves.doubt()
            await asyncio.sleep(begun + _COMMIT_EVERY_S - time.monotonic())

    async def _commit(self, within_s: float = 0.0) -> bool:
        done = await self._intake.commit(self._reserves.lock if self._reserves else None, within_s)
        if not done and self._reserves is not None:
            self._reserves.doubt()
        return done

    async def _roll(self) -> None:
        for rolled in await self._store.roll(clock.now()):
            account = self._books.account(rolled.kind, rolled.identity)
            if account is not None:
                account.advance(rolled.window_start)
                self._gauges.reset(account, rolled.ended)

    def _call_back_overdrawn(self) -> None:
        for kind, identity in self._intake.charged:
            account = self._books.account(kind, identity)
            if account is not None and account.free is not None and account.free < 0:
                self._run_soon(self._desk.overdrawn(account))
        self._charged |= self._intake.charged
        self._intake.charged.clear()

    def _publish_charged(self) -> None:
        for kind, identity in self._charged:
            if (account := self._books.account(kind, identity)) is not None:
                self._gauges.refresh_money(account)
        self._charged.clear()

    def _run_soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _forget(self, keys: list[Key]) -> None:
        if keys:
            message = {"push": "forget", "keys": [key.record.hash for key in keys]}
            await self._desk.call_back(message)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session("", writer)
        try:
            while (message := await wire.read(reader)) is not None:
                self._received(session, message)
        finally:
            self._disconnected(session)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _received(self, session: Session, message: wire.Message) -> None:
        if "ack" in message:
            session.acknowledged(message["ack"], message["returned"])
            return
        if message["op"] == "hello":
            self._greeted(session, message)
            return
        self._run_soon(self._answer(session, message))

    def _greeted(self, session: Session, message: wire.Message) -> None:
        session.name = message["session"]
        self._intake.drain()
        position = (message["position"][0], message["position"][1])
        self._holdings.adopt(session.name, position, message["held"])
        self._sessions.connected[session.name] = session
        session.send({"id": message["id"], "ok": True})

    def _disconnected(self, session: Session) -> None:
        session.end()
        if self._sessions.connected.get(session.name) is session:
            del self._sessions.connected[session.name]
            # First charge what it answered, then forget what it was promised.
            self._intake.drain()
            self._holdings.drop_session(session.name)

    async def _answer(self, session: Session, message: wire.Message) -> None:
        try:
            answer = await self._operation(session, message)
        except ApiError as error:
            answer = {"error": {"status": error.status, "kind": error.kind, "message": error.message}}
        except StoreError as error:
            _log.error("operation %s: %s", message.get("op"), error)
            text = "The database does not answer; try again later"
            answer = {"error": {"status": 503, "kind": "service_unavailable", "message": text}}
        except Exception:
            _log.exception("operation %s failed", message.get("op"))
            answer = {"error": {"status": 500, "kind": "internal_error", "message": "the accountant failed"}}
        session.send({"id": message["id"], **answer})

    async def _operation(self, session: Session, message: wire.Message) -> dict[str, Any]:
        match message["op"]:
            case "look_up":
                return await self._look_up(message["key"])
            case "reserve":
                return await self._desk.reserve(session.name, message["key"], message["estimate"], message["tokens"])
            case "claim":
                return await self._desk.claim(message["deployment"])
            case "admin":
                return {"result": await self._administer(message)}
            case "health":
                self._intake.drain()
                return {"result": self._health.report()}
            case _:
                return {"workers": len(self._sessions.connected)}

    async def _look_up(self, key_hash: str) -> dict[str, Any]:
        found = self._desk.look_up(key_hash)
        if found["pass"] is None and self._sync is not None:
            # It may have been made a moment ago on another gateway.
            await self._sync.fresh()
            found = self._desk.look_up(key_hash)
        return found

    async def _administer(self, message: wire.Message) -> Any:
        """Whoever asks sees what was answered before."""
        path, body = message["path"], message["body"]
        self._intake.drain()
        done = await self._commit()
        if not done and path.startswith("/spend"):
            raise ApiError(503, "service_unavailable", "The database does not answer; rows wait in the spool")
        if self._sync is not None:
            # A change must start from what the other gateways made of it.
            await self._sync.look()
        return await self._admin.call(path, body, message.get("by", ""))


async def run(config: Config, state: StateDirectory, stop: asyncio.Event) -> None:
    """Be the accountant until `stop`. While a shared database cannot be used, it waits and says so (decision 150)."""
    accountant: Accountant | None
    if config.database.url == "sqlite":
        accountant = await _opened_alone(config, state)
    else:
        async with Lobby(state.accountant_socket, place(config.database.url)) as lobby:
            accountant = await _opened_in_time(config, state, stop, lobby)
    if accountant is not None:
        await accountant.serve(stop)


async def _opened_alone(config: Config, state: StateDirectory) -> Accountant:
    """Raises SystemExit: a file that cannot be used today cannot be used tomorrow."""
    try:
        return await _opened(config, state)
    except StoreError as error:
        remedy = "move it away to begin anew, or run the version that wrote it"
        _log.error("%s cannot be used: %s; %s", state.database, error, remedy)
        raise SystemExit(1) from None


async def _opened_in_time(
    config: Config, state: StateDirectory, stop: asyncio.Event, lobby: Lobby
) -> Accountant | None:
    told = asyncio.create_task(stop.wait())
    while not stop.is_set():
        try:
            accountant = await _opened(config, state)
        except StoreError as error:
            lobby.waits(str(error))
            await asyncio.wait((told,), timeout=_TRY_AGAIN_S)
        else:
            lobby.over()
            return accountant
    return None


async def _opened(config: Config, state: StateDirectory) -> Accountant:
    store = open_store(config, state)
    try:
        await store.open()
        accountant = Accountant(config, state, store)
        await accountant.open()
    except StoreError:
        if store.shared:
            await store.close()
        raise
    return accountant

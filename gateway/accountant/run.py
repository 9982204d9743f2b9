"""The accountant process: its socket, its clock, its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from itertools import count
from typing import Any

from gateway import wire
from gateway.accountant.admin import Admin
from gateway.accountant.books import Books
from gateway.accountant.desk import Desk
from gateway.accountant.gauges import Gauges
from gateway.accountant.health import ProviderHealth
from gateway.accountant.holdings import Holdings
from gateway.accountant.intake import Intake
from gateway.accountant.records import Key
from gateway.accountant.sessions import Session, Sessions
from gateway.config import Config
from gateway.errors import ApiError
from gateway.ledger.database import Database
from gateway.ledger.spool import SpoolReader
from gateway.state import StateDirectory

_log = logging.getLogger("gateway.accountant")
_DRAIN_EVERY_S = 0.05
# In turns of the above.
_COMMIT_EVERY = 4
_SECOND = 20
# Workers reconnect to a restarted accountant well within this time.
_COMEBACK_S = 30.0


class Accountant:
    """Wires the parts together and speaks with workers."""

    def __init__(self, config: Config, state: StateDirectory) -> None:
        self._database = Database(state.database)
        self._books = Books(config, self._database)
        self._holdings = Holdings(self._books)
        self._health = ProviderHealth(config)
        self._sessions = Sessions()
        spools = SpoolReader(state.spool, self._database.positions())
        self._intake = Intake(self._books, self._holdings, self._health, spools)
        self._intake.drain()
        self._gauges = Gauges(state.metrics, config, self._books, self._health)
        self._desk = Desk(self._books, self._holdings, self._intake, self._sessions)
        self._admin = Admin(self._books, self._holdings, self._gauges, self._forget)
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, state: StateDirectory, stop: asyncio.Event) -> None:
        """Answer until `stop`, then take in and commit what is left."""
        state.accountant_socket.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._connected, path=state.accountant_socket)
        state.accountant_socket.chmod(0o600)
        clock = asyncio.create_task(self._clock())
        told = asyncio.create_task(stop.wait())
        await asyncio.wait((clock, told), return_when=asyncio.FIRST_COMPLETED)
        if clock.done():
            # Without its clock nothing is taken in; a fresh process starts from what is durable.
            clock.result()
        clock.cancel()
        server.close()
        self._intake.drain()
        self._intake.commit()
        self._database.close()

    async def _clock(self) -> None:
        comeback = time.monotonic() + _COMEBACK_S
        for turn in count():
            self._intake.drain()
            self._publish_charged()
            if turn % _COMMIT_EVERY == 0 and self._intake.commit():
                self._intake.remove_finished()
            if turn % _SECOND == 0:
                self._roll(time.time())
                self._gauges.refresh(self._intake.backlog)
                if time.monotonic() > comeback:
                    self._holdings.forget_early(set(self._sessions.connected))
            await asyncio.sleep(_DRAIN_EVERY_S)

    def _roll(self, now: float) -> None:
        for account in self._books.accounts():
            if account.duration is not None and (ended := account.roll(now)):
                self._intake.touch(account)
                self._gauges.reset(account, ended)
                self._gauges.refresh_money(account)

    def _publish_charged(self) -> None:
        for table, identity in self._intake.charged:
            owner = (self._books.keys if table == "keys" else self._books.teams).get(identity)
            if owner is not None:
                self._gauges.refresh_money(owner.account)
        self._intake.charged.clear()

    async def _forget(self, keys: list[Key]) -> None:
        if keys:
            message = {"push": "forget", "keys": [key.record.hash for key in keys]}
            self._desk.take_back(await self._sessions.push(message))

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
        task = asyncio.create_task(self._answer(session, message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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
        except Exception:
            _log.exception("operation %s failed", message.get("op"))
            answer = {"error": {"status": 500, "kind": "internal_error", "message": "the accountant failed"}}
        session.send({"id": message["id"], **answer})

    async def _operation(self, session: Session, message: wire.Message) -> dict[str, Any]:
        match message["op"]:
            case "look_up":
                return self._desk.look_up(message["key"])
            case "reserve":
                return await self._desk.reserve(session.name, message["key"], message["estimate"])
            case "claim":
                return self._desk.claim(message["deployment"])
            case "admin":
                self._intake.drain()
                self._intake.commit()
                return {"result": await self._admin.call(message["path"], message["body"])}
            case "health":
                self._intake.drain()
                return {"result": self._health.report()}
            case _:
                return {"workers": len(self._sessions.connected)}


async def run(config: Config, state: StateDirectory, stop: asyncio.Event) -> None:
    """Be the accountant until `stop`."""
    await Accountant(config, state).serve(state, stop)

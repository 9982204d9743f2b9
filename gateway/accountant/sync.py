"""Keeping step with the other gateways on the same database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from gateway.accountant.books import Books
from gateway.accountant.desk import Desk
from gateway.accountant.gauges import Gauges
from gateway.accountant.records import Key, stored
from gateway.accountant.reserves import Reserves
from gateway.accountant.windows import SharedWindows
from gateway.ledger.postgres import PostgresStore
from gateway.ledger.store import KEY, Stored, StoreError

_log = logging.getLogger("gateway.accountant")
_EVERY_S = 0.5
_BACK_WITHIN_S = 2.0


class Sync:
    """Looks for changes twice a second and whenever another gateway says so."""

    def __init__(
        self,
        store: PostgresStore,
        books: Books,
        reserves: Reserves,
        windows: SharedWindows,
        gauges: Gauges,
        desk: Desk,
        forget: Callable[[list[Key]], Awaitable[None]],
    ) -> None:
        self._store = store
        self._books = books
        self._reserves = reserves
        self._windows = windows
        self._gauges = gauges
        self._desk = desk
        self._forget = forget
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._gone: list[Key] = []
        self._one_look = asyncio.Lock()
        # Calls of `fresh` so far, and the last ones that a look served and failed.
        self._asked = self._served = self._failed = 0
        self._away = False
        # Done when the round of `run` that is under way is over.
        self._round: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        store.heard = self._heard

    async def run(self) -> None:
        """Keep step until cancelled."""
        while True:
            try:
                await self._store.listen()
                await self.look()
                await self._reserves.let_idle_go()
                self._windows.gateways = max(await self._store.alive(), 1)
                self._windows.answered()
                self._away = False
            except StoreError as error:
                if not self._away:
                    _log.error("the database is away, this gateway goes on with what it holds: %s", error)
                self._away = True
                self._reserves.doubt()
                self._windows.go_alone(str(error))
            self._round.set_result(None)
            self._round = asyncio.get_running_loop().create_future()
            self._wake.clear()
            try:
                await asyncio.wait_for(self._wake.wait(), _EVERY_S)
            except TimeoutError:
                continue

    async def fresh(self) -> None:
        """Know what the others had changed when this was called; whoever waits at the same time shares one look.

        Raises StoreError. A database that was away is not asked by everybody: the next regular attempt tells whether
        it is back.
        """
        if self._away:
            await asyncio.wait((self._round,), timeout=_BACK_WITHIN_S)
        self._asked += 1
        turn = self._asked
        async with self._one_look:
            if self._away or self._failed >= turn:
                raise StoreError("the database is away")
            if self._served >= turn:
                return
            covered = self._asked
            try:
                await self.look()
            except StoreError:
                self._failed = covered
                raise
            self._served = covered

    def _heard(self, message: str) -> None:
        verb, _, rest = message.partition(":")
        if verb == "recall":
            kind, _, identity = rest.partition(":")
            task = asyncio.create_task(self._recalled(kind, identity))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._wake.set()

    async def _recalled(self, kind: str, identity: str) -> None:
        try:
            await self._desk.recalled(kind, identity)
        except StoreError as error:
            _log.error("a budget could not be let go: %s", error)

    async def look(self) -> None:
        """Take over what the others changed. Raises StoreError."""
        # Under the lock, so that no batch is half settled between the database's sums and ours.
        async with self._reserves.lock:
            rows = await self._store.changes()
            changed = [row for row in rows if self._differs(row)]
            for row in changed:
                self._apply(row)
            for row in rows:
                if not row.deleted:
                    self._books.set_money(row)
        keys = self._touched(changed)
        for row in rows:
            if (account := self._books.account(row.kind, row.identity)) is not None:
                self._gauges.refresh_money(account)
        if keys:
            for key in keys:
                if key.record.hash in self._books.keys:
                    self._gauges.publish_key(key)
            await self._forget(keys)

    def _differs(self, row: Stored) -> bool:
        holder = self._books.holder(row.kind, row.identity)
        if row.deleted or holder is None:
            return row.deleted == (holder is not None)
        return stored(holder.record).record != row.record

    def _apply(self, row: Stored) -> None:
        if not row.deleted:
            self._books.take_in(row)
            return
        if row.kind == KEY and (key := self._books.keys.get(row.identity)) is not None:
            self._gone.append(key)
            self._gauges.remove_key(key.record.alias, key.team_alias)
        elif row.kind == "team" and (team := self._books.teams.get(row.identity)) is not None:
            self._gauges.remove_team(team.record.alias)
        self._books.leave_out(row.kind, row.identity)

    def _touched(self, changed: list[Stored]) -> list[Key]:
        """Keys whose passes are to be forgotten: the changed ones and those of changed teams and users."""
        gone, self._gone = self._gone, []
        hashes = {row.identity for row in changed if row.kind == KEY}
        owners = {row.identity for row in changed if row.kind != KEY}
        alive = [
            key
            for key in self._books.keys.values()
            if key.record.hash in hashes or key.record.team_id in owners or key.record.user_id in owners
        ]
        return alive + gone

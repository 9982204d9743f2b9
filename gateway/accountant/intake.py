"""From the spools into memory at once, and into the database in batches.

While the database is away, rows wait in the spools and are charged all the same; in memory stay their
positions and sums, so that a long outage costs no more memory than a short one.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from gateway import clock
from gateway.accountant.account import Account
from gateway.accountant.books import Books
from gateway.accountant.health import ProviderHealth
from gateway.accountant.holdings import Holdings
from gateway.accountant.windows import Windows
from gateway.ledger import Row
from gateway.ledger.spool import SpoolReader, session_of
from gateway.ledger.store import Batch, Charge, Store, StoreError

_log = logging.getLogger("gateway.accountant")
_BATCH_ROWS = 2000
_MOST_IN_MEMORY = 20_000


@dataclass(slots=True)
class _Waiting:
    """A batch and where its rows stand in the spools."""

    batch: Batch
    parts: list[tuple[str, int, int]] = field(default_factory=list)
    count: int = 0
    whole: bool = True
    tried: bool = False


class Intake:
    """Reads new rows, charges accounts, and commits rows, positions and money together."""

    def __init__(
        self,
        books: Books,
        holdings: Holdings,
        windows: Windows,
        health: ProviderHealth,
        spools: SpoolReader,
        last_batch: int,
    ) -> None:
        self._books = books
        self._store: Store = books.store
        self._holdings = holdings
        self._windows = windows
        self._health = health
        self._spools = spools
        self._number = last_batch
        self._batches: list[_Waiting] = []
        self._in_memory = 0
        self._committing = asyncio.Lock()
        self.backlog = 0
        self.charged: set[tuple[str, str]] = set()

    def drain(self) -> None:
        """Take in every whole row that is in the spools now."""
        now = clock.now()
        for name in self._spools.names():
            while True:
                start = self._spools.positions.get(name, 0)
                rows = self._spools.read(name)
                end = self._spools.positions[name]
                if end == start:
                    break
                waiting = self._open()
                waiting.parts.append((name, start, end))
                waiting.batch.positions[name] = end
                for offset, row in rows:
                    self._take(waiting, name, offset, row, now)

    async def commit(self, money: asyncio.Lock | None = None) -> bool:
        """Put what was taken in into the database. On failure nothing is lost and False is returned."""
        async with self._committing:
            while self._batches:
                waiting = self._batches[0]
                try:
                    if money is None:
                        await self._settle(waiting)
                    else:
                        async with money:
                            await self._settle(waiting)
                except StoreError as error:
                    _log.error("the database does not take rows; they wait: %s", error)
                    return False
        return True

    async def remove_finished(self) -> None:
        """Delete spools that nobody writes to any more, once all their rows are committed."""
        waiting = {name for batch in self._batches for name, _, _ in batch.parts}
        for name in self._spools.names():
            if name not in waiting and self._spools.remove_if_finished(name):
                await self._store.forget_spool(name)

    async def _settle(self, waiting: _Waiting) -> None:
        batch = waiting.batch
        if not waiting.tried:
            waiting.tried = True
            self._work_out_holds(batch)
        rows = batch.rows
        if not waiting.whole:
            rows = [row for part in waiting.parts for row in self._spools.between(*part)]
        await self._store.settle(Batch(batch.number, rows, batch.positions, batch.charges))
        self._batches.pop(0)
        self.backlog -= waiting.count
        self._in_memory -= len(batch.rows)
        for (kind, identity, _), charge in batch.charges.items():
            if (account := self._books.account(kind, identity)) is not None:
                account.unsettled -= charge.spent
                if account.hold is not None:
                    account.hold -= charge.hold

    def _work_out_holds(self, batch: Batch) -> None:
        """A hold pays for what was spent; what it could not pay for stays with the budget."""
        left: dict[tuple[str, str], int] = {}
        for (kind, identity, _), charge in batch.charges.items():
            account = self._books.account(kind, identity)
            if account is None or account.hold is None or account.budget is None:
                continue
            unpaid = left.setdefault((kind, identity), max(-(account.free or 0), 0))
            part = min(unpaid, charge.spent)
            left[kind, identity] = unpaid - part
            charge.hold = charge.spent - part

    def _open(self) -> _Waiting:
        last = self._batches[-1] if self._batches else None
        if last is None or last.tried or last.count >= _BATCH_ROWS:
            self._number += 1
            last = _Waiting(Batch(self._number, [], {}), whole=self._in_memory < _MOST_IN_MEMORY)
            self._batches.append(last)
        return last

    def _take(self, waiting: _Waiting, name: str, offset: int, row: Row, now: float) -> None:
        waiting.count += 1
        self.backlog += 1
        if waiting.whole:
            waiting.batch.rows.append(row)
            self._in_memory += 1
        self._holdings.release(session_of(name), name, offset, row)
        self._health.note(row)
        tokens = row.prompt_tokens + row.completion_tokens
        if row.deployment and tokens:
            self._windows.give_back(f"deployment:{row.deployment}", int(row.started // 60), 0, -tokens, 0)
        key = self._books.find(row.key)
        if key is not None and row.minute and tokens != row.reserved_tokens:
            for identity, _ in key.limited:
                self._windows.give_back(identity, row.minute, 0, row.reserved_tokens - tokens, 0)
        if row.cost:
            # A key may be deleted while its request is in flight; team and user pay all the same.
            owners = (self._books.teams.get(row.team_id), self._books.users.get(row.user_id))
            for payer in (key, *owners):
                if payer is not None:
                    self._charge(waiting.batch, payer.account, row, now)

    def _charge(self, batch: Batch, account: Account, row: Row, now: float) -> None:
        window = account.charge(row.cost, row.started, now)
        charge = batch.charges.setdefault((account.kind, account.identity, window), Charge())
        charge.spent += row.cost
        self.charged.add((account.kind, account.identity))

"""From the spools into memory at once, and into the database in batches.

While the database is away, rows wait in the spools and are charged all the same; in memory stay their
positions and sums, so that a long outage costs no more memory than a short one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from enum import Enum
from itertools import groupby
from operator import itemgetter

from gateway import clock
from gateway.accountant.account import Account
from gateway.accountant.books import Books
from gateway.accountant.health import ProviderHealth
from gateway.accountant.holdings import Holdings
from gateway.accountant.windows import Windows
from gateway.ledger import Row, Values
from gateway.ledger.spool import session_of
from gateway.ledger.spool_reader import SpoolReader
from gateway.ledger.store import Batch, Charge, Store, StoreError

_log = logging.getLogger("gateway.accountant")
_BATCH_ROWS = 2000
# Some forty rows, in which a worker on the same core stands still.
_PIECE_BYTES = 16 << 10
# So many rows are two seconds of a busy worker. Who is that late makes no pauses, who is half as late shorter ones.
_LATE_ROWS = 20_000
_MOST_IN_MEMORY = 20_000
_NOTHING = (0, 0, 0, 0, 0)
_AT = {name: at for at, name in enumerate(Row._fields)}
_started, _attempts = itemgetter(_AT["started"]), itemgetter(_AT["attempts"])
_payment = itemgetter(
    *map(_AT.__getitem__, ("key", "team_id", "user_id", "deployment", "minute", "started")),
    *map(_AT.__getitem__, ("cost", "released", "slot", "reserved_tokens", "prompt_tokens", "completion_tokens")),
)


class Drained(Enum):
    """Of the rows that were in the spools."""

    NOTHING = 0
    SOME = 1
    ALL = 2


@dataclass(slots=True)
class _Waiting:
    """A batch and where its rows stand in the spools."""

    batch: Batch
    parts: list[tuple[str, int, int]] = field(default_factory=list)
    count: int = 0
    whole: bool = True
    tried: bool = False

    def reach(self, name: str, start: int, end: int) -> None:
        """A spool was read from `start` to `end`."""
        if self.parts and (self.parts[-1][0], self.parts[-1][2]) == (name, start):
            start = self.parts.pop()[1]
        self.parts.append((name, start, end))
        self.batch.positions[name] = end


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
        token_limited: frozenset[str],
    ) -> None:
        """`token_limited`: deployments whose tokens per minute are limited."""
        self._books = books
        self._store: Store = books.store
        self._holdings = holdings
        self._windows = windows
        self._health = health
        self._spools = spools
        self._token_limited = token_limited
        self._number = last_batch
        self._batches: list[_Waiting] = []
        self._in_memory = 0
        # Held while batches go into the database.
        self.committing = asyncio.Lock()
        self.backlog = 0
        self.charged: set[tuple[str, str]] = set()

    def drain(self, in_turn: bool = False) -> Drained:
        """Take in every whole row that is in the spools now, or as many as the turn has time for."""
        now, found, turns = clock.now(), Drained.NOTHING, self._store.turns
        for name in self._spools.names():
            while True:
                start = self._spools.position(name)
                rows = self._spools.read(name, _PIECE_BYTES)
                end = self._spools.position(name)
                if end == start:
                    break
                found = Drained.ALL
                waiting = self._open()
                waiting.reach(name, start, end)
                self._take(waiting, name, start, end, rows, now)
                if in_turn and turns.over and self.backlog < _LATE_ROWS:
                    return Drained.SOME
        return found

    async def commit(self, money: asyncio.Lock | None = None, within_s: float = 0.0) -> bool:
        """Put what was taken in so far into the database, evenly `within_s` if there is much of it.

        On failure nothing is lost and False is returned.
        """
        async with self.committing:
            begun, batches = time.perf_counter(), list(self._batches)
            for number, waiting in enumerate(batches, 1):
                until = begun + within_s * number / len(batches)
                try:
                    if money is None:
                        await self._settle(waiting, until)
                    else:
                        async with money:
                            await self._settle(waiting, until)
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

    def free_some(self) -> None:
        """Give back a piece of what finished spools held."""
        self._spools.free_some()

    async def _settle(self, waiting: _Waiting, until: float) -> None:
        batch = waiting.batch
        if not waiting.tried:
            waiting.tried = True
            self._work_out_holds(batch)
        rows, in_memory = batch.rows, len(batch.rows)
        if not waiting.whole:
            rows = [row for part in waiting.parts for row in self._spools.between(*part)]
        self._store.turns.pressure = min(self.backlog / _LATE_ROWS, 1.0)
        await self._store.settle(Batch(batch.number, rows, batch.positions, batch.charges, until))
        self._batches.pop(0)
        self.backlog -= waiting.count
        self._in_memory -= in_memory
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
        # Rows that are not in memory wait for a database that is away, perhaps for long: the fewer batches the better.
        if last is None or last.tried or last.count >= (self._store.batch_rows if last.whole else _BATCH_ROWS):
            self._number += 1
            last = _Waiting(Batch(self._number, [], {}), whole=self._in_memory < _MOST_IN_MEMORY)
            self._batches.append(last)
        return last

    def _take(self, waiting: _Waiting, name: str, start: int, end: int, rows: list[Values], now: float) -> None:
        """Every row of every worker comes by here, so what is to be done is done once for all rows of the same payers."""
        waiting.count += len(rows)
        self.backlog += len(rows)
        if waiting.whole:
            waiting.batch.rows.extend(rows)
            self._in_memory += len(rows)
        self._note(rows)
        session, books = session_of(name), self._books
        released_all = self._holdings.releases_all(session, name, start)
        if not released_all:
            for offset, row in zip(self._spools.starts(name, start, end), rows, strict=True):
                self._holdings.release(session, name, offset, row)
        for payer, (cost, released, slots, reserved, tokens) in _sums(rows).items():
            key_hash, team_id, user_id, deployment, minute, second = payer
            if tokens and deployment in self._token_limited:
                self._windows.give_back(f"deployment:{deployment}", second // 60, 0, -tokens, 0)
            if minute and reserved != tokens:
                self._give_tokens_back(key_hash, minute, reserved - tokens)
            if released_all and (released or slots):
                self._holdings.give_back(session, key_hash, released, slots)
            if cost:
                # A key may be deleted while its request is in flight; team and user pay all the same.
                for owner in (books.find(key_hash), books.teams.get(team_id), books.users.get(user_id)):
                    if owner is not None:
                        self._charge(waiting.batch, owner.account, cost, second, now)

    def _note(self, rows: list[Values]) -> None:
        for attempts, of_them in groupby(rows, _attempts):
            alike = list(of_them)
            self._health.note(attempts, len(alike), _started(alike[-1]))

    def _give_tokens_back(self, key_hash: str, minute: int, unused: int) -> None:
        if (key := self._books.find(key_hash)) is not None:
            for identity, _ in key.limited:
                self._windows.give_back(identity, minute, 0, unused, 0)

    def _charge(self, batch: Batch, account: Account, cost: int, second: int, now: float) -> None:
        window = account.charge(cost, second, now)
        of_period = account.kind, account.identity, window
        charge = batch.charges.get(of_period)
        if charge is None:
            charge = batch.charges[of_period] = Charge()
        charge.spent += cost
        self.charged.add((account.kind, account.identity))


def _sums(rows: list[Values]) -> dict[tuple[str, str, str, str, int, int], tuple[int, int, int, int, int]]:
    """(cost, released, slots, reserved tokens, tokens) by key, team, user, deployment, minute and second.

    Periods begin with a second, so rows of one second belong to the same.
    """
    sums: dict[tuple[str, str, str, str, int, int], tuple[int, int, int, int, int]] = {}
    for key, team, user, deployment, minute, at, cost, released, slot, reserved, prompt, completion in map(
        _payment, rows
    ):
        payer = key, team, user, deployment, minute, int(at)
        costs, releases, slots, reserves, tokens = sums.get(payer, _NOTHING)
        sums[payer] = (
            costs + cost,
            releases + released,
            slots + slot,
            reserves + reserved,
            tokens + prompt + completion,
        )
    return sums

"""The embedded database of one gateway. One connection in one thread, so that a slow disk stalls no answer.

With apsw, whose SQLite takes three quarters of the time per row of the one behind Python's own module (decision 169).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import apsw
import orjson

from gateway.ledger.audit import FIELDS, Change, Column, changes_of
from gateway.ledger.migrations import missing
from gateway.ledger.row import COLUMNS, Values
from gateway.ledger.store import Batch, Question, Rolled, Stored, StoreError, TakenError, conditions
from gateway.priority import Turns, step_back

T = TypeVar("T")
# Between two looks at the time: 50 us of work.
_PIECE_ROWS = 8
# In pages: what goes from the write-ahead log into the file in one go. Where rows of few keys are written it is less:
# that of so many rows, which takes as long as a turn or two.
_CHECKPOINT = 250
_CHECKPOINT_ROWS = 300
_WIDTH = len(COLUMNS)
# One thread at a time uses the connection, so SQLite need not see to that at every value it is given.
_ONE_THREAD = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_NOMUTEX
_BUSY_MS = 2000
# Only fixed names are put into statements; values always go through parameters.
_INSERT = f"insert into ledger ({', '.join(COLUMNS)}) values ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
_NOTE = f"insert into audit ({', '.join(FIELDS)}) values ({', '.join('?' * len(FIELDS))})"  # noqa: S608
_CHARGE = """update accounts set total = total + ?1,
    spent = spent + case when ?2 >= window_start then ?1 else 0 end where kind = ?3 and identity = ?4"""
_SAVE = """insert into accounts (kind, identity, alias, record, budget, period_s, window_start)
    values (?, ?, ?, ?, ?, ?, ?) on conflict (kind, identity) do update set alias = excluded.alias,
    record = excluded.record, budget = excluded.budget, period_s = excluded.period_s,
    window_start = case when accounts.period_s is null then excluded.window_start else accounts.window_start end
    returning spent, total, window_start"""
_ROLL = """update accounts set spent = 0, window_start = window_start + (?1 - window_start) / period_s * period_s
    where period_s is not null and window_start + period_s <= ?1
    returning kind, identity, window_start, period_s"""


class SqliteStore:
    """See `gateway.ledger.store.Store`."""

    shared = False
    # A quarter of a millisecond to commit.
    batch_rows = 300

    def __init__(self, path: Path) -> None:
        self._path = path
        # A batch of rows takes milliseconds, which requests on the same core would have to wait.
        self._thread = ThreadPoolExecutor(1, "sqlite", initializer=step_back)
        self._db: apsw.Connection
        self.turns = Turns()
        self._since_checkpoint = 0

    async def open(self) -> None:
        """Connect and bring the schema up to date."""
        await self._run(self._open)

    async def close(self) -> None:
        """Close the connection."""
        await self._run(lambda: self._db.close())
        self._thread.shutdown()

    async def positions(self) -> dict[str, int]:
        """How far each spool is in the ledger."""
        return dict(await self._ask("select name, position from spools"))

    async def settle(self, batch: Batch) -> None:
        """Rows, positions and charges in one transaction."""
        await self._run(lambda: self._settle(batch))

    async def forget_spool(self, name: str) -> None:
        """The spool's file was deleted after all of it was taken in."""
        await self._ask("delete from spools where name = ?", (name,))

    async def load(self) -> list[Stored]:
        """Every key, team and user, oldest first."""
        found = await self._ask(
            "select kind, identity, alias, record, budget, period_s, spent, total, window_start "
            "from accounts order by rowid"
        )
        return [Stored(k, i, a, orjson.loads(r), *money) for k, i, a, r, *money in found]

    async def save(self, stored: Stored, now: float) -> Stored:
        """Insert or update; money and a running period stay."""
        given = (stored.kind, stored.identity, stored.alias, orjson.dumps(stored.record).decode())
        money = (stored.budget, stored.period_s, int(now))
        (row,) = await self._ask(_SAVE, (*given, *money))
        stored.spent, stored.total, stored.window_start = row
        return stored

    async def rekey(self, old: str, stored: Stored) -> Stored:
        """A key gets a new identity and keeps its money."""
        sql = """update accounts set identity = ?, record = ? where kind = ? and identity = ?
            returning spent, total, window_start"""
        given = (stored.identity, orjson.dumps(stored.record).decode(), stored.kind, old)
        (row,) = await self._ask(sql, given)
        stored.spent, stored.total, stored.window_start = row
        return stored

    async def delete(self, kind: str, identity: str) -> None:
        """Remove a key, team or user; its ledger rows stay."""
        await self._ask("delete from accounts where kind = ? and identity = ?", (kind, identity))

    async def reset(self, kind: str, identity: str) -> None:
        """Nothing is spent of this period."""
        await self._ask("update accounts set spent = 0 where kind = ? and identity = ?", (kind, identity))

    async def roll(self, now: float) -> list[Rolled]:
        """Start every period that is due."""
        due = "select kind, identity, window_start from accounts where period_s is not null and window_start + period_s <= ?"

        def run() -> list[Rolled]:
            old = {(k, i): start for k, i, start in self._fetch(due, (int(now),))}
            if not old:
                return []
            new = self._fetch(_ROLL, (int(now),))
            return [Rolled(k, i, start, (start - old[k, i]) // period) for k, i, start, period in new]

        return await self._run(run)

    async def rows(self, question: Question) -> tuple[list[dict[str, Any]], int]:
        """Ledger rows, newest first, and how many there are."""
        where, found = conditions(question, lambda _: "?", _has_tag)

        def run() -> tuple[list[dict[str, Any]], int]:
            query = f"select {', '.join(COLUMNS)} from ledger where {where} order by id desc limit ? offset ?"  # noqa: S608
            rows = self._fetch(query, (*found, question.limit, question.offset))
            ((count,),) = self._fetch(f"select count(*) from ledger where {where}", found)  # noqa: S608
            return [dict(zip(COLUMNS, row, strict=True)) for row in rows], count

        return await self._run(run)

    async def sums(self) -> tuple[int, int]:
        """(rows, nano-USD) of the whole ledger."""
        query = "select count(*), coalesce(sum(cost), 0) from ledger"
        ((rows, cost),) = await self._ask(query)
        return rows, cost

    async def note(self, changes: Sequence[Change]) -> None:
        """Keep changes for audits."""
        given = [change.values() for change in changes]

        def run() -> None:
            self._db.executemany(_NOTE, given)

        await self._run(run)

    async def changes_noted(self, limit: int, offset: int) -> tuple[list[tuple[int, Change]], int]:
        """Changes with their numbers, newest first, and how many there are."""
        query = f"select id, {', '.join(FIELDS)} from audit order by id desc limit ? offset ?"  # noqa: S608
        rows = await self._ask(query, (limit, offset))
        ((count,),) = await self._ask("select count(*) from audit")
        return changes_of(rows), count

    async def last_used(self, keys: Sequence[str]) -> dict[str, float]:
        """When each of these keys made its latest request."""
        query = "select max(started) from ledger where key = ?"
        found = await self._run(lambda: [self._fetch(query, (key,))[0][0] for key in keys])
        return {key: at for key, at in zip(keys, found, strict=True) if at is not None}

    async def columns(self) -> list[Column]:
        """Every column of every table, with its longest text."""
        return await self._run(self._columns)

    def _columns(self) -> list[Column]:
        tables = self._fetch("select name from sqlite_master where type = 'table' order by name")
        found = []
        for (table,) in tables:
            for _, name, kind, *_ in self._fetch(f"pragma table_info({table})"):
                query = f"select coalesce(max(length({name})), 0) from {table} where typeof({name}) = 'text'"  # noqa: S608
                found.append(Column(table, name, str(kind).lower(), self._fetch(query)[0][0]))
        return found

    async def _ask(self, sql: str, given: Sequence[Any] = ()) -> list[Any]:
        """One statement and what it answers."""
        return await self._run(lambda: self._fetch(sql, given))

    def _fetch(self, sql: str, given: Sequence[Any] = ()) -> list[Any]:
        return self._db.execute(sql, given).fetchall()

    async def _run(self, call: Callable[[], T]) -> T:
        """In the connection's thread, which nothing of the connection may leave: no cursor, no statement."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)
        except apsw.ConstraintError as error:
            raise TakenError(str(error)) from None
        except apsw.Error as error:
            raise StoreError(f"{self._path.name}: {error}") from None

    def _open(self) -> None:
        self._db = apsw.Connection(str(self._path), flags=_ONE_THREAD)
        self._db.set_busy_timeout(_BUSY_MS)
        self._path.chmod(0o600)
        # Of a new file only. A row is a third of a kilobyte: twice the usual page takes an eighth off its time.
        self._db.pragma("page_size", 8192)
        self._db.pragma("journal_mode", "wal")
        self._db.pragma("wal_autocheckpoint", _CHECKPOINT)
        # In WAL mode NORMAL cannot lose a committed row to a killed process, only to a power cut.
        self._db.pragma("synchronous", "normal")
        self._db.execute("create table if not exists schema_steps (number integer primary key, name text not null)")
        applied = {n for (n,) in self._fetch("select number from schema_steps")}
        try:
            steps = missing("sqlite", applied)
        except ValueError as error:
            raise StoreError(str(error)) from None
        for number, name, sql in steps:
            self._db.execute(f"begin; {sql}; insert into schema_steps values ({number}, '{name}'); commit")  # noqa: S608

    def _settle(self, batch: Batch) -> None:
        self._since_checkpoint += len(batch.rows)
        with self._turn():
            self._write(batch, self._in_turns(batch.rows, batch.until))
            self._let_go(batch.rows)
        if self._since_checkpoint >= _CHECKPOINT_ROWS:
            self._since_checkpoint = 0
            # The rows are in the ledger, whatever becomes of it.
            with self._turn(), suppress(apsw.Error):
                self._fetch("pragma wal_checkpoint(passive)")

    def _write(self, batch: Batch, rows: Iterator[Values]) -> None:
        with self._transaction():
            self._db.executemany(_INSERT, rows)
            self._db.executemany("insert or replace into spools values (?, ?)", batch.positions.items())
            charges = [(c.spent, window, kind, identity) for (kind, identity, window), c in batch.charges.items()]
            self._db.executemany(_CHARGE, charges)

    def _in_turns(self, rows: Sequence[Values], until: float) -> Iterator[Values]:
        """What is written of each row, while the turn goes on and in further ones, evenly `until` the end."""
        begun = time.perf_counter()
        for start in range(0, len(rows), _PIECE_ROWS):
            self.turns.between(begun + (until - begun) * start / len(rows))
            for row in rows[start : start + _PIECE_ROWS]:
                yield row[:_WIDTH]

    def _let_go(self, rows: list[Values]) -> None:
        """To free three hundred rows at once takes as long as two turns."""
        while rows:
            self.turns.between(0.0)
            del rows[-_PIECE_ROWS:]

    @contextmanager
    def _turn(self) -> Iterator[None]:
        self.turns.wait()
        try:
            yield
        finally:
            self.turns.end()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
            self._db.execute("commit")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise


def _has_tag(mark: str) -> str:
    return f"exists (select 1 from json_each(tags) where value = {mark})"  # noqa: S608

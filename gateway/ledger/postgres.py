"""The database of several gateways: PostgreSQL by asyncpg.

Every gateway's accountant has its own small pool and one more connection that listens for what the others
changed. Budgets are promised in chunks (`hold`), requests per minute one by one (`limits`), both in the
database, so that no two gateways can promise the same money or the same place in a minute.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import orjson

from gateway.ledger.audit import FIELDS, Change, Column, changes_of
from gateway.ledger.migrations import missing
from gateway.ledger.row import COLUMNS, FLAGS, Values
from gateway.ledger.store import Batch, Question, Rolled, Stored, StoreError, TakenError, by_account, conditions
from gateway.priority import Turns

_log = logging.getLogger("gateway.accountant")
_CHANNEL = "gateway"
_FLAGS = slice(COLUMNS.index(FLAGS[0]), COLUMNS.index(FLAGS[-1]) + 1)
_TIMEOUT_S = 5.0
# Any number that every gateway agrees on: one at a time brings the schema up to date.
_MIGRATION_LOCK = 0x6761746577617931
_FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
_ACCOUNT = "kind, identity, alias, record, budget, period_s, spent, total, window_start, deleted_at is not null as gone"
_XACT = "pg_current_xact_id()::text::bigint"
_SAVE = f"""insert into accounts (kind, identity, alias, record, budget, period_s, window_start)
    values ($1, $2, $3, $4, $5, $6, $7) on conflict (kind, identity) do update set alias = excluded.alias,
    record = excluded.record, budget = excluded.budget, period_s = excluded.period_s,
    window_start = case when accounts.period_s is null then excluded.window_start else accounts.window_start end,
    deleted_at = null, revision = {_XACT} returning spent, total, window_start"""  # noqa: S608
_CHARGE = f"""update accounts a set total = a.total + $1, revision = {_XACT},
    spent = a.spent + case when $2 >= a.window_start then $1 else 0 end where kind = $3 and identity = $4"""  # noqa: S608
_ROLL = f"""update accounts a set spent = 0, revision = {_XACT},
    window_start = a.window_start + ($1 - a.window_start) / a.period_s * a.period_s
    from (select kind, identity, window_start as before from accounts
          where period_s is not null and deleted_at is null and window_start + period_s <= $1
          order by kind, identity for update) due
    where a.kind = due.kind and a.identity = due.identity and a.window_start = due.before
    returning a.kind, a.identity, a.window_start, (a.window_start - due.before) / a.period_s"""  # noqa: S608


class PostgresStore:
    """See `gateway.ledger.store.Store`. `replica` names this gateway among those on the database."""

    shared = True
    # A transaction is some round trips.
    batch_rows = 2000

    def __init__(self, url: str, replica: str, connections: int) -> None:
        self._url = url
        self._replica = replica
        self._connections = connections
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._listener: asyncpg.Connection[asyncpg.Record] | None = None
        self._horizon = 0
        self.turns = Turns()
        self.heard: Callable[[str], None] = lambda _: None

    async def open(self) -> None:
        """Connect and bring the schema up to date."""
        try:
            self._pool = await asyncpg.create_pool(
                self._url, min_size=1, max_size=self._connections, timeout=_TIMEOUT_S,
                command_timeout=_TIMEOUT_S, reset=_keep, server_settings={"application_name": f"gateway {self._replica}"[:63]},
            )  # fmt: skip
        except (*_FAILURES, ValueError) as error:
            raise StoreError(f"PostgreSQL cannot be used: {_why(error)}") from None
        async with self._connection() as db:
            await self._migrate(db)
            await db.execute("insert into replicas (replica) values ($1) on conflict do nothing", self._replica)

    async def close(self) -> None:
        """Close every connection."""
        if self._listener is not None:
            self._listener.terminate()
        if self._pool is not None:
            self._pool.terminate()

    async def batch(self) -> int:
        """The number of the last batch that this gateway has in the ledger."""
        async with self._connection() as db:
            return int(await db.fetchval("select batch from replicas where replica = $1", self._replica))

    async def positions(self) -> dict[str, int]:
        """How far each of this gateway's spools is in the ledger."""
        async with self._connection() as db:
            found = await db.fetch("select name, position from spools where replica = $1", self._replica)
        return dict(found)

    async def settle(self, batch: Batch) -> None:
        """Rows, positions, charges and holds in one transaction; a batch that is there already is left alone."""
        async with self._connection() as db, db.transaction():
            turn = "update replicas set batch = $2, seen = now() where replica = $1 and batch = $2 - 1"
            if await db.execute(turn, self._replica, batch.number) == "UPDATE 0":
                # The commit's answer was lost, not the commit.
                return
            await self._charge(db, batch)
            rows = [(self._replica, *_values(row)) for row in batch.rows]
            await db.copy_records_to_table("ledger", records=rows, columns=("replica", *COLUMNS))
            await db.executemany(
                "insert into spools values ($1, $2, $3) on conflict (replica, name) do update set position = $3",
                [(self._replica, *item) for item in batch.positions.items()],
            )

    async def _charge(self, db: Any, batch: Batch) -> None:
        order = by_account(batch.charges)
        # Locked first and in one order, so that two gateways never wait for each other.
        await db.execute(
            "select 1 from accounts a join unnest($1::text[], $2::text[]) as c (kind, identity) "
            "using (kind, identity) order by a.kind, a.identity for update of a",
            [kind for kind, _, _ in order],
            [identity for _, identity, _ in order],
        )
        charges = [(batch.charges[at].spent, at[2], at[0], at[1]) for at in order]
        await db.executemany(_CHARGE, charges)
        used = [(batch.charges[at].hold, at[0], at[1], self._replica) for at in order if batch.charges[at].hold]
        await db.executemany(
            "update holds set amount = amount - $1 where kind = $2 and identity = $3 and replica = $4", used
        )

    async def forget_spool(self, name: str) -> None:
        """The spool's file was deleted after all of it was taken in."""
        async with self._connection() as db:
            await db.execute("delete from spools where replica = $1 and name = $2", self._replica, name)

    async def load(self) -> list[Stored]:
        """Every key, team and user, oldest first."""
        async with self._connection() as db:
            self._horizon = await self._oldest_open(db)
            found = await db.fetch(f"select {_ACCOUNT} from accounts where deleted_at is null order by serial")  # noqa: S608
        return [_stored(row) for row in found]

    async def changes(self) -> list[Stored]:
        """What anybody changed since the last look, deleted ones too; this gateway's sign of life goes along."""
        async with self._connection() as db:
            await db.execute("update replicas set seen = now() where replica = $1", self._replica)
            horizon = await self._oldest_open(db)
            found = await db.fetch(
                f"select {_ACCOUNT} from accounts where revision >= $1 order by serial",  # noqa: S608
                self._horizon,
            )
        # What was not yet committed at this look is seen at the next.
        self._horizon = horizon
        return [_stored(row) for row in found]

    async def save(self, stored: Stored, now: float) -> Stored:
        """Insert or update; money and a running period stay."""
        given = (stored.kind, stored.identity, stored.alias, orjson.dumps(stored.record).decode())
        async with self._connection() as db:
            row = await db.fetchrow(_SAVE, *given, stored.budget, stored.period_s, int(now))
            await self._tell(db, "changed")
        stored.spent, stored.total, stored.window_start = row
        return stored

    async def rekey(self, old: str, stored: Stored) -> Stored:
        """A key gets a new identity and keeps its money; the others see the old one gone."""
        copied = "budget, period_s, spent, total, window_start"
        gone = f"update accounts set deleted_at = now(), revision = {_XACT} where kind = $1 and identity = $2"  # noqa: S608
        made = f"""insert into accounts (kind, identity, alias, record, {copied})
            select kind, $3, $4, $5, {copied} from accounts where kind = $1 and identity = $2
            returning spent, total, window_start"""  # noqa: S608
        record = orjson.dumps(stored.record).decode()
        async with self._connection() as db, db.transaction():
            await db.execute(gone, stored.kind, old)
            row = await db.fetchrow(made, stored.kind, old, stored.identity, stored.alias, record)
            await db.execute(
                "update holds set identity = $3 where kind = $1 and identity = $2", stored.kind, old, stored.identity
            )
            await self._tell(db, "changed")
        stored.spent, stored.total, stored.window_start = row
        return stored

    async def delete(self, kind: str, identity: str) -> None:
        """Remove a key, team or user; the others see it gone, its ledger rows stay."""
        gone = f"""update accounts set deleted_at = now(), spent = 0, total = 0, revision = {_XACT}
            where kind = $1 and identity = $2"""  # noqa: S608
        async with self._connection() as db:
            await db.execute(gone, kind, identity)
            await db.execute("delete from accounts where deleted_at < now() - interval '1 day'")
            await self._tell(db, "changed")

    async def reset(self, kind: str, identity: str) -> None:
        """Nothing is spent of this period."""
        sql = f"update accounts set spent = 0, revision = {_XACT} where kind = $1 and identity = $2"  # noqa: S608
        async with self._connection() as db:
            await db.execute(sql, kind, identity)

    async def roll(self, now: float) -> list[Rolled]:
        """Start every period that is due; of two gateways one is told."""
        async with self._connection() as db:
            return [Rolled(*row) for row in await db.fetch(_ROLL, int(now))]

    async def rows(self, question: Question) -> tuple[list[dict[str, Any]], int]:
        """Ledger rows, newest first, and how many there are."""
        where, found = conditions(question, lambda n: f"${n}", lambda mark: f"tags::jsonb ? {mark}")
        query = f"select {', '.join(COLUMNS)} from ledger where {where} order by id desc "  # noqa: S608
        limits = f"limit ${len(found) + 1} offset ${len(found) + 2}"
        async with self._connection() as db:
            rows = await db.fetch(query + limits, *found, question.limit, question.offset)
            count = await db.fetchval(f"select count(*) from ledger where {where}", *found)  # noqa: S608
        return [dict(row) for row in rows], int(count)

    async def sums(self) -> tuple[int, int]:
        """(rows, nano-USD) of the whole ledger."""
        async with self._connection() as db:
            rows, cost = await db.fetchrow("select count(*), coalesce(sum(cost), 0)::bigint from ledger")
        return int(rows), int(cost)

    async def note(self, changes: Sequence[Change]) -> None:
        """Keep changes for audits."""
        marks = ", ".join(f"${n + 1}" for n in range(len(FIELDS)))
        statement = f"insert into audit ({', '.join(FIELDS)}) values ({marks})"  # noqa: S608
        async with self._connection() as db:
            await db.executemany(statement, [change.values() for change in changes])

    async def changes_noted(self, limit: int, offset: int) -> tuple[list[tuple[int, Change]], int]:
        """Changes with their numbers, newest first, and how many there are."""
        query = f"select id, {', '.join(FIELDS)} from audit order by id desc limit $1 offset $2"  # noqa: S608
        async with self._connection() as db:
            rows = await db.fetch(query, limit, offset)
            count = await db.fetchval("select count(*) from audit")
        return changes_of(rows), int(count)

    async def last_used(self, keys: Sequence[str]) -> dict[str, float]:
        """When each of these keys made its latest request."""
        query = """select k, (select started from ledger where key = k order by started desc limit 1)
            from unnest($1::text[]) as k"""
        async with self._connection() as db:
            found = await db.fetch(query, list(keys))
        return {key: at for key, at in found if at is not None}

    async def columns(self) -> list[Column]:
        """Every column of every table, with its longest text."""
        query = """select table_name, column_name, data_type from information_schema.columns
            where table_schema = current_schema() order by table_name, ordinal_position"""
        found = []
        async with self._connection() as db:
            for table, name, kind in await db.fetch(query):
                longest = 0
                if kind == "text":
                    longest = await db.fetchval(f'select coalesce(max(length("{name}")), 0) from "{table}"')  # noqa: S608
                found.append(Column(table, name, kind, int(longest)))
        return found

    async def hold(self, kind: str, identity: str, need: int, part: int) -> tuple[int, int, int, int] | None:
        """(held now, held by others, spent, window) or None when the account is gone."""
        async with self._connection() as db:
            row = await db.fetchrow("select * from hold($1, $2, $3, $4, $5)", kind, identity, self._replica, need, part)
        return None if row is None else (int(row[0]), int(row[1]), int(row[2]), int(row[3]))

    async def holds(self) -> dict[tuple[str, str], int]:
        """All that this gateway holds."""
        async with self._connection() as db:
            found = await db.fetch("select kind, identity, amount from holds where replica = $1", self._replica)
        return {(kind, identity): amount for kind, identity, amount in found}

    async def let_go(self, kind: str, identity: str, amount: int) -> None:
        """Give back a part of a hold."""
        async with self._connection() as db:
            await db.execute(
                "update holds set amount = amount - $1 where kind = $2 and identity = $3 and replica = $4",
                amount, kind, identity, self._replica,
            )  # fmt: skip

    async def limits(self, *columns: Sequence[Any]) -> list[Any]:
        """Give back and ask for places in minutes; see the function `limits` of the schema."""
        async with self._connection() as db:
            return list(
                await db.fetch(
                    "select * from limits($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) order by place",
                    self._replica, *columns,
                )
            )  # fmt: skip

    async def set_slots(self, taken: dict[str, int]) -> None:
        """What this gateway has in flight, counted anew: all else it held is free."""
        async with self._connection() as db, db.transaction():
            await db.execute("delete from slots where replica = $1", self._replica)
            await db.executemany(
                "insert into slots values ($1, $2, $3)", [(i, self._replica, n) for i, n in taken.items()]
            )

    async def alive(self) -> int:
        """How many gateways gave a sign of life within the last minute."""
        async with self._connection() as db:
            return int(await db.fetchval("select count(*) from replicas where seen > now() - interval '1 minute'"))

    async def recall(self, kind: str, identity: str) -> None:
        """Ask the other gateways to let go of what they hold and do not need."""
        async with self._connection() as db:
            await self._tell(db, f"recall:{kind}:{identity}")

    async def listen(self) -> None:
        """Hear the others, if that is not so already."""
        if self._listener is not None and not self._listener.is_closed():
            return
        try:
            self._listener = await asyncpg.connect(self._url, timeout=_TIMEOUT_S, command_timeout=_TIMEOUT_S)
            await self._listener.add_listener(_CHANNEL, lambda *heard: self._hear(str(heard[3])))
        except _FAILURES as error:
            raise StoreError(type(error).__name__) from None

    def _hear(self, text: str) -> None:
        sender, _, message = text.partition(" ")
        if sender != self._replica:
            self.heard(message)

    async def _tell(self, db: Any, message: str) -> None:
        await db.execute("select pg_notify($1, $2)", _CHANNEL, f"{self._replica} {message}")

    async def _oldest_open(self, db: Any) -> int:
        return int(await db.fetchval("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint"))

    async def _migrate(self, db: Any) -> None:
        async with db.transaction():
            await db.execute("select pg_advisory_xact_lock($1)", _MIGRATION_LOCK)
            await db.execute("create table if not exists schema_steps (number int primary key, name text not null)")
            applied = {row[0] for row in await db.fetch("select number from schema_steps")}
            try:
                steps = missing("postgres", applied)
            except ValueError as error:
                raise StoreError(str(error)) from None
            for number, name, sql in steps:
                await db.execute(sql)
                await db.execute("insert into schema_steps values ($1, $2)", number, name)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        if self._pool is None:
            raise StoreError("not connected")
        try:
            async with self._pool.acquire(timeout=_TIMEOUT_S) as connection:
                yield connection
        except asyncpg.UniqueViolationError:
            raise TakenError("the alias is taken") from None
        except asyncio.CancelledError:
            raise
        except _FAILURES as error:
            # The text of a database's error may repeat values; its kind does not.
            raise StoreError(f"PostgreSQL: {type(error).__name__}") from None


def place(url: str) -> str:
    """Where a URL points to, without user and password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 5432}{parts.path}"


def _why(error: Exception) -> str:
    """Why no connection came about. What a server says of one (`database "x" does not exist`) holds no secret."""
    if isinstance(error, asyncpg.PostgresError):
        return str(error)
    if isinstance(error, TimeoutError):
        return f"no answer within {_TIMEOUT_S:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


async def _keep(_: Any) -> None:
    """Nothing to reset: no statement here changes its session, and a reset would be one more round trip."""


def _stored(row: Any) -> Stored:
    kind, identity, alias, record, budget, period_s, spent, total, window_start, gone = row
    fields = orjson.loads(record)
    return Stored(kind, identity, alias, fields, budget, period_s, spent, total, window_start, gone)


def _values(row: Values) -> tuple[Any, ...]:
    """A row's values in the order of `COLUMNS`."""
    return (*row[: _FLAGS.start], *map(bool, row[_FLAGS]), *row[_FLAGS.stop : len(COLUMNS)])

"""The embedded database: keys, teams, ledger and how far each spool has been taken in."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

from gateway.ledger.row import Row

_SCHEMA = """
create table if not exists meta (name text primary key, value text not null);
create table if not exists teams (
  team_id text primary key, alias text not null unique, record text not null,
  spent integer not null default 0, total integer not null default 0, window_start real not null);
create table if not exists keys (
  hash text primary key, alias text not null unique, record text not null,
  spent integer not null default 0, total integer not null default 0, window_start real not null);
create table if not exists spools (name text primary key, position integer not null);
create table if not exists ledger (
  id integer primary key, request_id text not null, started real not null,
  key text not null, alias text not null, team_id text not null, team text not null,
  model text not null, served_model text not null, deployment text not null, provider text not null,
  upstream_model text not null, prompt_tokens integer not null, cached_tokens integer not null,
  completion_tokens integer not null, cost integer not null, priced integer not null,
  estimated integer not null, status integer not null, error_type text not null, stream integer not null,
  ttft_ms real, duration_ms real not null, attempts text not null);
create index if not exists ledger_by_start on ledger (started);
create index if not exists ledger_by_key on ledger (key, started);
create index if not exists ledger_by_request on ledger (request_id);
"""
_LEDGER_COLUMNS = (
    "request_id", "started", "key", "alias", "team_id", "team",
    "model", "served_model", "deployment", "provider", "upstream_model",
    "prompt_tokens", "cached_tokens", "completion_tokens", "cost", "priced", "estimated",
    "status", "error_type", "stream", "ttft_ms", "duration_ms",
)  # fmt: skip
# Only fixed names are put into statements; values always go through parameters.
_INSERT = (
    f"insert into ledger ({', '.join(_LEDGER_COLUMNS)}, attempts) "  # noqa: S608 - fixed names
    f"values ({', '.join('?' * (len(_LEDGER_COLUMNS) + 1))})"
)


class Database:
    """One connection, used by the accountant only."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, timeout=2.0)
        path.chmod(0o600)
        self._db.row_factory = sqlite3.Row
        self._db.execute("pragma journal_mode=wal")
        # In WAL mode NORMAL cannot lose a committed row to a killed process, only to a power cut.
        self._db.execute("pragma synchronous=normal")
        self._db.executescript(_SCHEMA)
        self._db.execute("insert or ignore into meta values ('schema', '1')")

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def positions(self) -> dict[str, int]:
        """How far each spool is in the ledger."""
        return {row["name"]: row["position"] for row in self._db.execute("select name, position from spools")}

    def settle(
        self,
        rows: Iterable[Row],
        positions: dict[str, int],
        accounts: Iterable[tuple[str, int, int, float, str]],
    ) -> None:
        """Rows, spool positions and what they did to accounts, all or nothing.

        `accounts` holds (table, spent, total, window_start, id) with table `keys` or `teams`.
        """
        with self._transaction():
            self._db.executemany(_INSERT, [_values(row) for row in rows])
            self._db.executemany("insert or replace into spools values (?, ?)", positions.items())
            for table, *values in accounts:
                column = "hash" if table == "keys" else "team_id"
                self._db.execute(
                    f"update {table} set spent=?, total=?, window_start=? where {column}=?",  # noqa: S608
                    values,
                )

    def forget_spool(self, name: str) -> None:
        """A spool file was deleted after all of it was taken in."""
        self._db.execute("delete from spools where name=?", (name,))

    def load(self, table: str) -> list[tuple[dict[str, Any], int, int, float]]:
        """(record, spent, total, window_start) of all keys or teams, oldest first."""
        rows = self._db.execute(
            f"select record, spent, total, window_start from {table} order by rowid"  # noqa: S608
        )
        return [(orjson.loads(r["record"]), r["spent"], r["total"], r["window_start"]) for r in rows]

    def save(self, table: str, identity: str, alias: str, record: dict[str, Any], window_start: float) -> None:
        """Insert or update a key or a team; its money stays as it is."""
        column = "hash" if table == "keys" else "team_id"
        self._db.execute(
            f"insert into {table} ({column}, alias, record, window_start) values (?, ?, ?, ?) "  # noqa: S608
            f"on conflict ({column}) do update set alias=excluded.alias, record=excluded.record, "
            "window_start=excluded.window_start",
            (identity, alias, orjson.dumps(record).decode(), window_start),
        )

    def delete(self, table: str, identity: str) -> None:
        """Remove a key or a team; its ledger rows stay."""
        column = "hash" if table == "keys" else "team_id"
        self._db.execute(f"delete from {table} where {column}=?", (identity,))  # noqa: S608

    def ledger(self, where: str, values: Sequence[Any], limit: int) -> list[dict[str, Any]]:
        """Rows, newest first. `where` is built from fixed column names by the caller."""
        query = f"select * from ledger where {where} order by id desc limit ?"  # noqa: S608
        return [dict(row) for row in self._db.execute(query, (*values, limit))]

    def _transaction(self) -> _Transaction:
        return _Transaction(self._db)


class _Transaction:
    """`begin immediate` ... `commit`, or `rollback` on an exception."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("begin immediate")

    def __exit__(self, kind: object, *_: object) -> None:
        self._db.execute("commit" if kind is None else "rollback")


def _values(row: Row) -> tuple[Any, ...]:
    return (*[getattr(row, name) for name in _LEDGER_COLUMNS], orjson.dumps(row.attempts).decode())

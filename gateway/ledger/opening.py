"""Which store a config asks for, and how this gateway is named there."""

from __future__ import annotations

import secrets

from gateway.config import Config
from gateway.ledger.postgres import PostgresStore
from gateway.ledger.sqlite import SqliteStore
from gateway.ledger.store import Store
from gateway.state import StateDirectory

# One accountant needs no more at once: rows, limits, changes, an administrator's question.
_MOST_CONNECTIONS = 8


def open_store(config: Config, state: StateDirectory) -> Store:
    """The store, not connected yet."""
    database = config.database
    if database.url == "sqlite":
        return SqliteStore(state.database)
    # One of this gateway's part is the connection that listens.
    part = max(database.pool_size // database.replicas - 1, 1)
    return PostgresStore(database.url, _replica(state), min(part, _MOST_CONNECTIONS))


def _replica(state: StateDirectory) -> str:
    """A name that stays with the state directory: its spools and holds belong to it."""
    path = state.root / "replica"
    if not path.exists():
        path.write_text(secrets.token_hex(8), encoding="utf-8")
        path.chmod(0o600)
    return path.read_text(encoding="utf-8").strip()

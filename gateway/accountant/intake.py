"""From the spools into memory at once, and into the database in batches."""

from __future__ import annotations

import logging
import sqlite3

from gateway.accountant.account import Account
from gateway.accountant.books import Books
from gateway.accountant.health import ProviderHealth
from gateway.accountant.holdings import Holdings
from gateway.ledger import Row
from gateway.ledger.spool import SpoolReader, session_of

_log = logging.getLogger("gateway.accountant")
_MOST_WAITING = 50_000


class Intake:
    """Reads new rows, charges accounts, and commits rows, positions and money together."""

    def __init__(self, books: Books, holdings: Holdings, health: ProviderHealth, spools: SpoolReader) -> None:
        self._books = books
        self._holdings = holdings
        self._health = health
        self._spools = spools
        self._waiting: list[Row] = []
        self._touched: dict[tuple[str, str], Account] = {}
        self._moved: set[str] = set()
        self.charged: set[tuple[str, str]] = set()

    @property
    def backlog(self) -> int:
        """Rows that are not in the database yet."""
        return len(self._waiting)

    def drain(self) -> None:
        """Take in every whole row that is in the spools now."""
        for name in self._spools.names():
            while self.backlog < _MOST_WAITING:
                rows = self._spools.read(name)
                if not rows:
                    break
                self._moved.add(name)
                for offset, row in rows:
                    self._take(name, offset, row)

    def commit(self) -> bool:
        """Put what was taken in into the database. On failure nothing is lost and False is returned."""
        if not self._moved and not self._touched:
            return True
        positions = {name: self._spools.positions[name] for name in self._moved}
        accounts = [(a.table, a.spent, a.total, a.window_start, a.identity) for a in self._touched.values()]
        try:
            self._books.database.settle(self._waiting, positions, accounts)
        except sqlite3.Error as error:
            _log.error("the database does not take rows; they wait: %s", error)
            return False
        self._waiting.clear()
        self._touched.clear()
        self._moved.clear()
        return True

    def touch(self, account: Account) -> None:
        """An account changed other than by a row: store it with the next commit."""
        self._touched[account.table, account.identity] = account

    def remove_finished(self) -> None:
        """Delete spools that nobody writes to any more, once all their rows are committed."""
        for name in self._spools.names():
            if name not in self._moved and self._spools.remove_if_finished(name):
                self._books.database.forget_spool(name)

    def _take(self, name: str, offset: int, row: Row) -> None:
        self._waiting.append(row)
        self._holdings.release(session_of(name), name, offset, row)
        self._health.note(row)
        tokens = row.prompt_tokens + row.completion_tokens
        if (minute := self._books.minutes.get(row.deployment)) is not None:
            minute.count_tokens(tokens, row.started)
        key = self._books.keys.get(row.key)
        if key is None:
            return
        key.minute.count_tokens(tokens, row.started)
        if row.cost:
            for account in key.accounts:
                account.charge(row.cost, row.started)
                self.touch(account)
                self.charged.add((account.table, account.identity))

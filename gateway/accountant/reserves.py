"""The parts of shared budgets that this gateway holds: fetched before they are needed, let go when idle.

Everything that changes a hold runs under one lock, so that what the database holds for this gateway and what
is in memory never differ by more than an answer that got lost; after such a loss the database's word counts.
"""

from __future__ import annotations

import asyncio
import time

from gateway.accountant.account import Account
from gateway.accountant.books import Books
from gateway.ledger.postgres import PostgresStore
from gateway.ledger.store import StoreError

# A fetched chunk is at most this part of what is free, so that several gateways never starve each other.
_PART = 8
_IDLE_S = 5.0
# Others answer a recall within milliseconds; asking them again sooner than this helps nobody.
_RECALL_EVERY_S = 0.5
_RECALL_WAIT_S = 0.3


class Reserves:
    """Holds of one gateway."""

    def __init__(self, books: Books, store: PostgresStore) -> None:
        self._books = books
        self._store = store
        self.lock = asyncio.Lock()
        self._stale = True
        self._used: dict[tuple[str, str], float] = {}
        self._recalled: dict[tuple[str, str], float] = {}

    async def fetch(self, account: Account, estimate: int, others: bool = False) -> None:
        """Hold enough for one more request, if the budget has it. `others`: ask them to let go first.

        Raises StoreError when the database does not say.
        """
        if others:
            await self._recall(account)
        async with self.lock:
            await self._refresh()
            need = account.lacks(estimate)
            if need:
                await self._fetch(account, need)
        self._used[account.kind, account.identity] = time.monotonic()

    async def _fetch(self, account: Account, need: int) -> None:
        try:
            answer = await self._store.hold(account.kind, account.identity, need, _PART)
        except StoreError:
            self._stale = True
            raise
        if answer is None or account.hold is None:
            return
        granted, _, spent, window = answer
        account.hold += granted
        account.window_start, account.spent = window, spent + account.unsettled

    async def let_go(self, accounts: list[Account]) -> None:
        """Give back all that is not promised. Raises StoreError."""
        async with self.lock:
            await self._refresh()
            for account in accounts:
                spare = min(account.free or 0, account.hold or 0)
                if account.hold is None or spare <= 0:
                    continue
                # First out of memory: what may or may not have been given back must not be promised.
                account.hold -= spare
                try:
                    await self._store.let_go(account.kind, account.identity, spare)
                except StoreError:
                    self._stale = True
                    raise

    async def let_idle_go(self) -> None:
        """What nobody used for a while is for the other gateways."""
        before = time.monotonic() - _IDLE_S
        idle = [
            account
            for account in self._books.accounts()
            if account.hold and self._used.get((account.kind, account.identity), 0.0) < before
        ]
        if idle:
            await self.let_go(idle)

    async def sync(self) -> None:
        """After a doubt, take over what the database says is held. Raises StoreError."""
        async with self.lock:
            await self._refresh()

    async def _refresh(self) -> None:
        if not self._stale:
            return
        holds = await self._store.holds()
        for account in self._books.accounts():
            account.hold = holds.get((account.kind, account.identity), 0)
        self._stale = False

    def doubt(self) -> None:
        """The database was away: an answer may have been lost."""
        self._stale = True

    async def _recall(self, account: Account) -> None:
        at = (account.kind, account.identity)
        last = self._recalled.get(at, -_RECALL_EVERY_S)
        now = time.monotonic()
        if now - last < _RECALL_EVERY_S:
            await asyncio.sleep(max(last + _RECALL_WAIT_S - now, 0.0))
            return
        self._recalled[at] = now
        await self._store.recall(*at)
        await asyncio.sleep(_RECALL_WAIT_S)

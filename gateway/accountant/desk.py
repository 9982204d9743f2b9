"""What the accountant answers to workers."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from gateway import clock, wire
from gateway.accountant.account import Account
from gateway.accountant.books import Books
from gateway.accountant.holdings import Holdings, over_budget, over_limit
from gateway.accountant.intake import Intake
from gateway.accountant.records import Key, Record
from gateway.accountant.reserves import Reserves
from gateway.accountant.sessions import Sessions
from gateway.accountant.windows import Limits, Place, Windows
from gateway.config import Config
from gateway.ledger.store import StoreError

# A worker gets at most this part of what is left of a minute, shared with the other workers, and never more turns.
_TURNS_SHARE = 8
_MOST_TURNS = 2000
# A request that does not fit into the rest of a budget waits so long for others to settle, and looks so often.
_SETTLED_WITHIN_S = 1.0
_LOOK_EVERY_S = 0.02
_GONE = {"ok": False, "kind": "invalid_api_key", "message": "This key was deleted", "retry_after": 0}
_UNKNOWN = {
    "ok": False,
    "kind": "service_unavailable",
    "message": "The budget cannot be checked at the moment: the database does not answer",
    "retry_after": 1,
}


class Desk:
    """Look-ups, reservations and minutes of deployments. `reserves` is None when this gateway is alone."""

    def __init__(
        self,
        config: Config,
        books: Books,
        holdings: Holdings,
        windows: Windows,
        intake: Intake,
        sessions: Sessions,
        reserves: Reserves | None,
    ) -> None:
        self._workers = config.workers
        self._books = books
        self._holdings = holdings
        self._windows = windows
        self._intake = intake
        self._sessions = sessions
        self._reserves = reserves
        self._deployments = {
            d.id: Limits(f"deployment:{d.id}", d.rpm, d.tpm) for model in config.models for d in model.deployments
        }

    def look_up(self, key_hash: str) -> dict[str, Any]:
        """The pass of a key, or None when there is no such key."""
        key = self._books.keys.get(key_hash)
        return {"pass": key.pass_for_workers() if key else None}

    async def reserve(self, session: str, key_hash: str, estimate: int, tokens: int) -> dict[str, Any]:
        """Let one request of a key in, or say which limit refuses it."""
        key = self._books.keys.get(key_hash)
        if key is None:
            return _GONE
        refusal = await self._afford(key, estimate)
        if refusal is not None:
            return refusal
        if not key.limited:
            return self._holdings.grant(session, key, estimate, None)
        return await self._reserve_rated(session, key, estimate, tokens)

    async def _reserve_rated(self, session: str, key: Key, estimate: int, tokens: int) -> dict[str, Any]:
        taken: list[tuple[str, Record, Place]] = []
        refusal: dict[str, Any] | None = None
        if any(record.tpm_limit is not None for _, record in key.limited):
            # Tokens that were answered and are not counted yet would be used again.
            self._intake.drain()
        for identity, record in key.limited:
            place = await self._windows.take(_limits(identity, record), tokens)
            if place.refusal:
                # Count what was answered meanwhile, and call back what nobody has used, before refusing.
                self._intake.drain()
                if place.refusal == "requests" and self._windows.handed_out(identity):
                    await self._recall_turns(key)
                place = await self._windows.take(_limits(identity, record), tokens)
            if place.refusal:
                refusal = over_limit(identity, place, record)
                break
            taken.append((identity, record, place))
        # Waiting for the count took time in which the money may have gone to others.
        if refusal is None and self._holdings.short(key, estimate):
            refusal = await self._afford(key, estimate)
        # It may have been deleted, too.
        if refusal is None and self._books.keys.get(key.record.hash) is not key:
            refusal = _GONE
        if refusal is not None:
            for identity, record, place in taken:
                slots = int(record.max_parallel_requests is not None)
                self._windows.give_back(identity, place.minute, 1, tokens, slots)
            return refusal
        first = taken[0][2] if taken else None
        answer = {**self._holdings.grant(session, key, estimate, first), **self._hand_out(key, taken)}
        return {**answer, "headroom": min((headroom(r, p) for _, r, p in taken), default=1.0)}

    def _hand_out(self, key: Key, taken: list[tuple[str, Record, Place]]) -> dict[str, Any]:
        """Turns of this minute for the asking worker: see docs/decisions/090."""
        lefts = [place.requests_left for _, _, place in taken if place.requests_left is not None]
        if key.counted_singly or not lefts:
            return {}
        turns = min(min(lefts) // (_TURNS_SHARE * self._workers), _MOST_TURNS)
        if turns <= 0 or not all(self._windows.hand_out(identity, p.minute, turns) for identity, _, p in taken):
            return {}
        return {"turns": turns, "turns_for_s": 60 - clock.now() % 60}

    async def claim(self, deployment: str) -> dict[str, Any]:
        """Count one attempt in a deployment's minute, if its limits still allow one."""
        limits = self._deployments.get(deployment)
        if limits is None or (limits.rpm is None and limits.tpm is None):
            return {"ok": True, "headroom": 1.0, "for_s": 60}
        if limits.tpm is not None:
            self._intake.drain()
        place = await self._windows.take(limits, 0)
        left = _share(place.requests_left, limits.rpm, place.tokens_left, limits.tpm)
        ok = not place.refusal
        return {"ok": ok, "retry_after": place.wait_s, "headroom": left if ok else 0.0, "for_s": place.wait_s}

    async def call_back(self, message: wire.Message, sessions: set[str] | None = None) -> None:
        """Push to some workers or to all, and take back the leases that they give up."""
        minute = clock.now() // 60
        returned = await self._sessions.push(message, sessions)
        # Turns that were under way while a minute ended belong to nobody: counted in the next, they would open it.
        same = clock.now() // 60 == minute
        for session, leases in returned:
            for key_hash, (money, turns) in leases.items():
                self._holdings.give_back(session, key_hash, money)
                key = self._books.find(key_hash)
                for identity, _ in key.limited if key is not None and turns and same else ():
                    self._windows.hand_back(identity, turns)

    async def overdrawn(self, account: Account) -> None:
        """More was charged than was promised: leases that workers still have would be spent on top of it."""
        for key in self._books.payers(account)[:1]:
            await self._recall_money(key)

    async def recalled(self, kind: str, identity: str) -> None:
        """Another gateway needs this budget. Raises StoreError."""
        account = self._books.account(kind, identity)
        if account is None or self._reserves is None:
            return
        for key in self._books.payers(account)[:1]:
            await self._recall_money(key)
        await self._reserves.let_go([account])

    async def _afford(self, key: Key, estimate: int) -> dict[str, Any] | None:
        """None when every budget has room: then it stays so until the next await."""
        if any(account.budget is not None for account in key.accounts):
            # What was answered since the last look may have cost more than was reserved for it.
            self._intake.drain()
        if not self._holdings.short(key, estimate):
            return None
        # Before a refusal: fetch more, and call unused leases back.
        try:
            if self._holdings.short(key, estimate):
                await self._fetch(key, estimate, others=False)
            if self._holdings.short(key, estimate):
                await self._recall_money(key)
                await self._fetch(key, estimate, others=False)
            if self._holdings.short(key, estimate):
                await self._fetch(key, estimate, others=True)
        except StoreError:
            return _UNKNOWN if self._holdings.short(key, estimate) else None
        short = await self._short_of(key, estimate)
        return over_budget(self._books, short[0]) if short else None

    async def _short_of(self, key: Key, estimate: int) -> list[Account]:
        """The budgets without room, after a moment for requests in flight to settle: what they leave may be enough."""
        end = time.monotonic() + _SETTLED_WITHIN_S
        while short := self._holdings.short(key, estimate):
            used_up = any(account.spent >= (account.budget or 0) for account in short)
            if used_up or self._reserves is not None or time.monotonic() > end:
                break
            await asyncio.sleep(_LOOK_EVERY_S)
            self._intake.drain()
        return short

    async def _fetch(self, key: Key, estimate: int, others: bool) -> None:
        if self._reserves is None:
            return
        for account in self._holdings.short(key, estimate):
            # Who has spent it all has nothing to let go.
            used_up = account.budget is not None and account.spent >= account.budget
            await self._reserves.fetch(account, estimate, others and not used_up)

    async def _recall_money(self, key: Key) -> None:
        """Of all keys that share a budget with this one."""
        sessions, keys = self._holdings.leased(key)
        if sessions:
            await self.call_back({"push": "recall", "keys": keys}, sessions)
            self._intake.drain()

    async def _recall_turns(self, key: Key) -> None:
        """From all workers: who holds turns is not kept."""
        await self.call_back({"push": "recall", "keys": [peer.record.hash for peer in self._books.peers(key)]})
        self._intake.drain()


def _limits(identity: str, record: Record) -> Limits:
    return Limits(identity, record.rpm_limit, record.tpm_limit, record.max_parallel_requests)


def headroom(record: Record, place: Place) -> float:
    """The share of a rate limit that is left, 0 to 1."""
    return _share(place.requests_left, record.rpm_limit, place.tokens_left, record.tpm_limit)


def _share(requests: int | None, rpm: int | None, tokens: int | None, tpm: int | None) -> float:
    parts = [left / limit for left, limit in ((requests, rpm), (tokens, tpm)) if limit and left is not None]
    return min(parts, default=1.0)

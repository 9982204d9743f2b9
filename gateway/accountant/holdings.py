"""What the accountant has promised to each worker run, per key, and the decision to promise more.

A worker run is a `session`; its name is also that of its spool. A promise is given back by the rows of the
spool (`Row.released`), so that a request is either held or charged, never neither, whatever dies when.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from gateway.accountant.account import Account
from gateway.accountant.books import Books
from gateway.accountant.records import Key
from gateway.ledger import Row
from gateway.money import usd_from_nano

# A lease is at most this part of what is free, so that all workers together never block a request.
_LEASE_SHARE = 8
# Below this many estimated requests per lease, each request is held singly and exactly.
_LEASE_REQUESTS = 8
# A worker never holds more turns of one key than this, or a burst elsewhere would call them back at once.
_MOST_TURNS = 2000


@dataclass(slots=True)
class Holding:
    """Nano-USD and parallel requests promised to one session for one key."""

    money: int = 0
    slots: int = 0


class Holdings:
    """All promises. `reserve` decides; `release` takes rows' releases back."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._held: dict[tuple[str, str], Holding] = {}
        # Rows before this point of a spool were given back before the session said what it holds.
        self._counted: dict[str, tuple[str, int]] = {}
        # Releases read from a spool before its session said hello (this process was just restarted).
        self._early: dict[str, list[tuple[tuple[str, int], Row]]] = {}

    def adopt(self, session: str, position: tuple[str, int], held: dict[str, list[int]]) -> None:
        """A worker (re)connected and says what it holds as of `position` of its spool."""
        self.drop_session(session)
        self._counted[session] = position
        for key_hash, (money, slots) in held.items():
            self._change(session, key_hash, money, slots)
        for at, row in self._early.pop(session, ()):
            if at >= position:
                self._change(session, row.key, -row.released, -int(row.slot))

    def drop_session(self, session: str) -> None:
        """A worker run ended: nothing is promised to it any more."""
        self._counted.pop(session, None)
        for of_session, key_hash in [pair for pair in self._held if pair[0] == session]:
            holding = self._held[of_session, key_hash]
            self._change(session, key_hash, -holding.money, -holding.slots)
            del self._held[of_session, key_hash]

    def release(self, session: str, name: str, offset: int, row: Row) -> None:
        """Take back what a row releases, unless the session has already left it out of its account."""
        if not row.released and not row.slot:
            return
        counted = self._counted.get(session)
        if counted is None:
            self._early.setdefault(session, []).append(((name, offset), row))
        elif (name, offset) >= counted:
            self._change(session, row.key, -row.released, -int(row.slot))

    def forget_early(self, alive: set[str]) -> None:
        """Sessions that did not come back are gone for good."""
        for session in [name for name in self._early if name not in alive]:
            del self._early[session]

    def give_back(self, session: str, key_hash: str, money: int) -> None:
        """The unused rest of a lease came back."""
        self._change(session, key_hash, -money, 0)

    def drop_key(self, key: Key) -> None:
        """A key is deleted: its team is owed back what was held through it."""
        for (_, key_hash), holding in self._held.items():
            if key_hash == key.record.hash:
                for account in key.accounts:
                    account.held -= holding.money
                holding.money = holding.slots = 0

    def move_key(self, key: Key, before: list[Account]) -> None:
        """A key changed its team: what is held through it moves along."""
        money = sum(h.money for (_, key_hash), h in self._held.items() if key_hash == key.record.hash)
        for account in before:
            account.held -= money
        for account in key.accounts:
            account.held += money

    def lessees(self, key: Key) -> set[str]:
        """Sessions that hold money of any key that shares a budget with this one."""
        team = key.team
        peers = {k.record.hash for k in self._books.keys_of(team)} if team else set()
        peers.add(key.record.hash)
        return {session for (session, key_hash), held in self._held.items() if key_hash in peers and held.money > 0}

    def refusal(self, key: Key, now: float) -> dict[str, Any] | None:
        """Why the key may not send another request now; None when it may."""
        for account in key.accounts:
            if account.free is not None and account.free <= 0:
                return _over_budget(key, account)
        record = key.record
        limit = record.max_parallel_requests
        if limit is not None and key.in_flight >= limit:
            return _refused("max_parallel_requests", limit, "requests in flight", 1)
        exceeded = key.minute.refusal(now)
        wait = int(60 - now % 60) + 1
        if exceeded == "requests":
            return _refused("rpm_limit", record.rpm_limit, "requests per minute", wait)
        if exceeded == "tokens":
            return _refused("tpm_limit", record.tpm_limit, "tokens per minute", wait)
        return None

    def grant(self, session: str, key: Key, estimate: int) -> dict[str, Any]:
        """Promise money for one request (`lease` false) or for many; `refusal` has said yes."""
        free = [account.free for account in key.accounts if account.free is not None]
        share = min(free) // (_LEASE_SHARE * self._books.config.workers) if free else 0
        record = key.record
        held_singly = record.tpm_limit is not None or record.max_parallel_requests is not None
        leased = bool(free) and not held_singly and share >= max(_LEASE_REQUESTS * estimate, 1)
        amount = share if leased else estimate if free else 0
        slotted = record.max_parallel_requests is not None
        turns = 0 if held_singly else self._turns(key)
        key.minute.requests += 1 + turns
        self._change(session, key.record.hash, amount, int(slotted))
        for_s = 60 - time.time() % 60
        return {
            "ok": True, "amount": amount, "lease": leased, "slot": slotted, "turns": turns, "turns_for_s": for_s,
        }  # fmt: skip

    def _turns(self, key: Key) -> int:
        """How many more requests of this minute the asking worker may let in by itself."""
        left = key.minute.remaining(time.time())
        return 0 if left is None else min((left - 1) // (_LEASE_SHARE * self._books.config.workers), _MOST_TURNS)

    def _change(self, session: str, key_hash: str, money: int, slots: int) -> None:
        holding = self._held.setdefault((session, key_hash), Holding())
        holding.money += money
        holding.slots += slots
        key = self._books.keys.get(key_hash)
        if key is not None:
            key.in_flight += slots
            for account in key.accounts:
                account.held += money


def _over_budget(key: Key, account: Account) -> dict[str, Any]:
    alias = key.record.alias if account.table == "keys" or key.team is None else key.team.record.alias
    whose = "key" if account.table == "keys" else "team"
    spent, budget = usd_from_nano(account.spent), usd_from_nano(account.budget or 0)
    message = (
        f"Budget has been exceeded! The budget of {whose} {alias} is used up. "
        f"Current cost: {spent:.9g}, Max budget: {budget:.9g}"
    )
    if account.held > 0 and account.free is not None and account.free + account.held > 0:
        message = (
            f"The rest of the budget of {whose} {alias} is reserved by requests in flight. "
            f"Current cost: {spent:.9g}, Max budget: {budget:.9g}"
        )
    return {"ok": False, "kind": "budget_exceeded", "message": message, "retry_after": 0}


def _refused(name: str, limit: int | None, what: str, wait: int) -> dict[str, Any]:
    message = f"Rate limit exceeded for this key: {name} is {limit} {what}"
    return {"ok": False, "kind": "rate_limit_exceeded", "message": message, "retry_after": wait}

"""What the accountant has promised to each worker run, per key, and the decision to promise more.

A worker run is a `session`; its name is also that of its spool. A promise is given back by the rows of the
spool (`Row.released`), so that a request is either held or charged, never neither, whatever dies when.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.accountant.account import Account
from gateway.accountant.books import Books
from gateway.accountant.records import Key
from gateway.accountant.windows import Place, Windows
from gateway.ledger import Row, Values
from gateway.ledger.store import KEY
from gateway.money import usd_from_nano

# A lease is at most this part of what is free, so that all workers together never block a request.
_LEASE_SHARE = 8
# Below this many estimated requests per lease, each request is held singly and exactly.
_LEASE_REQUESTS = 8


@dataclass(slots=True)
class Holding:
    """Nano-USD and parallel requests promised to one session for one key."""

    money: int = 0
    slots: int = 0


class Holdings:
    """All promises. `grant` promises; `release` takes rows' releases back."""

    def __init__(self, books: Books, windows: Windows) -> None:
        self._books = books
        self._windows = windows
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
            if slots and (key := self._books.find(key_hash)) is not None:
                for identity in _slotted(key):
                    self._windows.adopt(identity, slots)
        for at, row in self._early.pop(session, ()):
            if at >= position:
                self.give_back(session, row.key, row.released, row.slot)

    def drop_session(self, session: str) -> None:
        """A worker run ended: nothing is promised to it any more."""
        self._counted.pop(session, None)
        for of_session, key_hash in [pair for pair in self._held if pair[0] == session]:
            holding = self._held[of_session, key_hash]
            self.give_back(session, key_hash, holding.money, holding.slots)
            del self._held[of_session, key_hash]

    def releases_all(self, session: str, name: str, offset: int) -> bool:
        """Whether what rows from this point of a spool on release is to be taken back: the session has said hello, and
        what it said it holds does not leave them out already.
        """
        counted = self._counted.get(session)
        return counted is not None and (name, offset) >= counted

    def release(self, session: str, name: str, offset: int, values: Values) -> None:
        """Take back what one row releases, at once or when the session has said hello."""
        row = Row._make(values)
        if not row.released and not row.slot:
            return
        if session not in self._counted:
            self._early.setdefault(session, []).append(((name, offset), row))
        elif self.releases_all(session, name, offset):
            self.give_back(session, row.key, row.released, row.slot)

    def forget_early(self, alive: set[str]) -> None:
        """Sessions that did not come back are gone for good."""
        for session in [name for name in self._early if name not in alive]:
            del self._early[session]

    def drop_key(self, key: Key) -> None:
        """A key is deleted: its owners are owed back what was held through it."""
        for (_, key_hash), holding in self._held.items():
            if key_hash == key.record.hash:
                for account in key.accounts:
                    account.held -= holding.money
                holding.money = holding.slots = 0

    def move_key(self, key: Key, before: list[Account]) -> None:
        """A key changed its team or user: what is held through it moves along."""
        money = sum(h.money for (_, key_hash), h in self._held.items() if key_hash == key.record.hash)
        for account in before:
            account.held -= money
        for account in key.accounts:
            account.held += money

    def leased(self, key: Key) -> tuple[set[str], list[str]]:
        """Sessions that hold money of keys that share a budget with this one, and those keys' hashes."""
        peers = {one for peer in self._books.peers(key) for one in (peer.record.hash, *peer.record.previous)}
        held = [at for at, holding in self._held.items() if holding.money > 0 and at[1] in peers]
        return {session for session, _ in held}, sorted({key_hash for _, key_hash in held})

    def short(self, key: Key, estimate: int) -> list[Account]:
        """Accounts that do not let a request of this estimate in."""
        return [account for account in key.accounts if account.lacks(estimate)]

    def grant(self, session: str, key: Key, estimate: int, place: Place | None) -> dict[str, Any]:
        """Promise money for one request (`lease` false) or for many; nothing is short."""
        free = [account.free for account in key.accounts if account.free is not None]
        rated = key.counted_singly
        share = min(free) // (_LEASE_SHARE * self._books.config.workers) if free else 0
        leased = bool(free) and not rated and share >= max(_LEASE_REQUESTS * estimate, 1)
        if leased:
            # Who asks again for another reason than money, or many times at once, holds its share already.
            holding = self._held.get((session, key.record.hash))
            amount = max(share - holding.money if holding is not None else share, estimate)
        else:
            amount = estimate if free else 0
        self._change(session, key.record.hash, amount, int(rated))
        minute = place.minute if place is not None else 0
        return {"ok": True, "amount": amount, "lease": leased, "slot": rated, "minute": minute}

    def give_back(self, session: str, key_hash: str, money: int, slots: int = 0) -> None:
        """So much is promised no more: rows released it, the unused rest of a lease came back, or the session ended."""
        self._change(session, key_hash, -money, -slots)
        if slots and (key := self._books.find(key_hash)) is not None:
            for identity in _slotted(key):
                self._windows.give_back(identity, 0, 0, 0, slots)

    def _change(self, session: str, key_hash: str, money: int, slots: int) -> None:
        holding = self._held.get((session, key_hash))
        if holding is None:
            holding = self._held[session, key_hash] = Holding()
        holding.money += money
        holding.slots += slots
        key = self._books.find(key_hash)
        if key is not None:
            for account in key.accounts:
                account.held += money


def _slotted(key: Key) -> list[str]:
    return [identity for identity, record in key.limited if record.max_parallel_requests is not None]


def over_budget(books: Books, account: Account) -> dict[str, Any]:
    """The refusal of a budget that is used up or wholly promised."""
    if account.kind == KEY:
        name = books.keys[account.identity].record.alias
    else:
        owners = books.teams if account.kind == "team" else books.users
        name = owners[account.identity].record.alias
    spent, budget = usd_from_nano(account.spent), usd_from_nano(account.budget or 0)
    what = f"The budget of {account.kind} {name} is used up. "
    if account.spent < (account.budget or 0):
        what = f"The rest of the budget of {account.kind} {name} is reserved by requests in flight. "
    else:
        what = "Budget has been exceeded! " + what
    message = f"{what}Current cost: {spent:.9g}, Max budget: {budget:.9g}"
    return {"ok": False, "kind": "budget_exceeded", "message": message, "retry_after": 0}


def over_limit(identity: str, place: Place, record: Any) -> dict[str, Any]:
    """The refusal of a count."""
    if place.refusal == "unknown":
        message = "Rate limits cannot be checked at the moment: the database does not answer"
        return {"ok": False, "kind": "service_unavailable", "message": message, "retry_after": place.wait_s}
    name, limit, what, wait = {
        "requests": ("rpm_limit", record.rpm_limit, "requests per minute", place.wait_s),
        "tokens": ("tpm_limit", record.tpm_limit, "tokens per minute", place.wait_s),
        "parallel": ("max_parallel_requests", record.max_parallel_requests, "requests in flight", 1),
    }[place.refusal]
    whose = identity.partition(":")[0]
    message = f"Rate limit exceeded for this {whose}: {name} is {limit} {what}"
    return {"ok": False, "kind": "rate_limit_exceeded", "message": message, "retry_after": wait}

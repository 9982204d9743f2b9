"""Keys, teams and users in memory; the database is written first."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from gateway import clock
from gateway.accountant.account import Account
from gateway.accountant.audit import change_between
from gateway.accountant.records import Key, KeyRecord, Owner, Record, TeamRecord, UserRecord, restored, stored
from gateway.config import Budget, Config
from gateway.ledger.store import KEY, TEAM, USER, Store, Stored
from gateway.money import nano_from_usd

# More keys than this share one `other` series in histograms; test keys always have their own.
OWN_SERIES = 200
TEST_PREFIX = "stackctl-test-"


def digest(secret: str) -> str:
    """How a key is stored: the hex SHA-256 of its secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Books:
    """Owns every key, team and user; nothing else changes them. Saving raises StoreError."""

    def __init__(self, config: Config, store: Store) -> None:
        self.config = config
        self.store = store
        self.keys: dict[str, Key] = {}
        self.aliases: dict[str, Key] = {}
        self.teams: dict[str, Owner] = {}
        self.users: dict[str, Owner] = {}
        # Hashes that keys had before they were rotated: requests in flight still end under them.
        self._renamed: dict[str, str] = {}
        # What changed since somebody asked: for the audit, which knows who did it.
        self._changes: list[tuple[Record | None, Record | None, int]] = []

    async def open(self) -> None:
        """Load everything, then let the config's teams and keys win."""
        rows = await self.store.load()
        for row in sorted(rows, key=lambda r: r.kind == KEY):
            self.take_in(row)
        await self._declare()

    def accounts(self) -> Iterator[Account]:
        """All accounts."""
        for holders in (self.teams, self.users, self.keys):
            for holder in holders.values():
                yield holder.account

    def find(self, key_hash: str) -> Key | None:
        """The key that has or had this hash."""
        return self.keys.get(key_hash) or self.keys.get(self._renamed.get(key_hash, ""))

    def account(self, kind: str, identity: str) -> Account | None:
        """One account."""
        holder = self.holder(kind, identity)
        return holder.account if holder else None

    def holder(self, kind: str, identity: str) -> Key | Owner | None:
        """One key, team or user."""
        return self._holders(kind).get(identity)

    async def put(self, record: KeyRecord | TeamRecord | UserRecord) -> Key | Owner:
        """Add a key, team or user or replace its record; money and a running period stay."""
        record.updated_at = clock.now()
        row = stored(record)
        known = self.holder(row.kind, row.identity)
        before = known.record if known is not None else None
        found = await self.store.save(row, record.updated_at)
        self.take_in(found)
        self._changes.append((before, record, 0))
        return self._holders(found.kind)[found.identity]

    async def put_key(self, record: KeyRecord) -> Key:
        """Add or replace a key."""
        if record.hash not in self.keys:
            record.own_series = len(self.keys) < OWN_SERIES or record.alias.startswith(TEST_PREFIX)
        await self.put(record)
        return self.keys[record.hash]

    async def rotate(self, key: Key, record: KeyRecord) -> Key:
        """The same key under a new hash: money, holdings and period go along."""
        old, account = key.record, key.account
        found = await self.store.rekey(old.hash, stored(record))
        self._changes.append((old, record, 0))
        self.leave_out(KEY, old.hash)
        account.identity = record.hash
        self.keys[record.hash] = Key(record, account)
        self.take_in(found)
        return self.keys[record.hash]

    async def drop(self, account: Account) -> None:
        """Forget a key, team or user; its ledger rows stay."""
        known = self.holder(account.kind, account.identity)
        await self.store.delete(account.kind, account.identity)
        if known is not None:
            self._changes.append((known.record, None, 0))
        self.leave_out(account.kind, account.identity)

    def take_in(self, row: Stored) -> Key | Owner:
        """What the database says of a key, team or user; the money of a known one stays."""
        record = restored(row)
        account = self.account(row.kind, row.identity)
        if account is None:
            account = Account(row.kind, row.identity, hold=0 if self.store.shared else None)
            account.window_start, account.spent, account.total = row.window_start, row.spent, row.total
        elif account.period_s is None:
            account.window_start = row.window_start
        account.budget, account.period_s = row.budget, row.period_s
        if isinstance(record, KeyRecord):
            return self._take_key(record, account)
        owners = self.teams if row.kind == TEAM else self.users
        owner = owners.setdefault(row.identity, Owner(record, account))
        owner.record = record
        return owner

    async def note(self, actor: str, action: str) -> None:
        """Keep what changed since the last call for audits. Raises StoreError."""
        changes, self._changes = self._changes, []
        found = [change_between(*change, actor, action, clock.now()) for change in changes]
        noted = [change for change in found if change is not None]
        if noted:
            await self.store.note(noted)

    def spend_was_reset(self, record: Record, spent: int) -> None:
        """For the audit: so much counts no more."""
        self._changes.append((record, record, spent))

    def set_money(self, row: Stored) -> None:
        """Other gateways spend too: what all have spent is what the database has and what waits here."""
        account = self.account(row.kind, row.identity)
        if account is not None:
            account.window_start = row.window_start
            account.spent = row.spent + account.unsettled
            account.total = row.total + account.unsettled

    def leave_out(self, kind: str, identity: str) -> None:
        """It is gone from the database."""
        holder = self._holders(kind).pop(identity, None)
        if isinstance(holder, Key):
            self.aliases.pop(holder.record.alias, None)
            for owner in holder.owners:
                owner.keys.pop(identity, None)

    def keys_of(self, owner: Owner) -> list[Key]:
        """The keys of a team or a user."""
        return list(owner.keys.values())

    def peers(self, key: Key) -> list[Key]:
        """Keys that share a budget with this one, itself too."""
        found = {key.record.hash: key}
        for owner in key.owners:
            found.update(owner.keys)
        return list(found.values())

    def payers(self, account: Account) -> list[Key]:
        """The keys whose requests are charged to this account."""
        holder = self.holder(account.kind, account.identity)
        if holder is None:
            return []
        return [holder] if isinstance(holder, Key) else self.keys_of(holder)

    def team_named(self, alias: str) -> Owner | None:
        """The team with this alias."""
        return next((t for t in self.teams.values() if t.record.alias == alias), None)

    def _take_key(self, record: KeyRecord, account: Account) -> Key:
        key = self.keys.get(record.hash)
        if key is None:
            key = self.keys[record.hash] = Key(record, account)
        elif self.aliases.get(key.record.alias) is key:
            del self.aliases[key.record.alias]
        key.record = record
        for owner in key.owners:
            owner.keys.pop(record.hash, None)
        key.team = self.teams.get(record.team_id) if record.team_id else None
        key.user = self.users.get(record.user_id) if record.user_id else None
        for owner in key.owners:
            owner.keys[record.hash] = key
        self.aliases[record.alias] = key
        for old in record.previous:
            self._renamed[old] = record.hash
        return key

    def _holders(self, kind: str) -> dict[str, Key] | dict[str, Owner]:
        holders: dict[str, dict[str, Key] | dict[str, Owner]]
        holders = {KEY: self.keys, TEAM: self.teams, USER: self.users}
        return holders[kind]

    async def _declare(self) -> None:
        """The config's teams and keys win over what an earlier config or the admin API said."""
        for team in self.config.teams:
            found = self.team_named(team.name)
            record = found.record if found else TeamRecord(team_id=team.name, alias=team.name, created_at=clock.now())
            for name, value in _budget_fields(team.budget).items():
                setattr(record, name, value)
            await self.put(record)
        for declared in self.config.keys:
            owner = self.team_named(declared.team) if declared.team else None
            known = self.aliases.get(declared.name)
            if known is not None and known.record.hash != digest(declared.secret):
                await self.drop(known.account)
            await self.put_key(
                KeyRecord(
                    hash=digest(declared.secret),
                    alias=declared.name,
                    shown=shown(declared.secret),
                    team_id=owner.account.identity if owner else None,
                    models=list(declared.models),
                    rpm_limit=declared.rpm,
                    tpm_limit=declared.tpm,
                    max_parallel_requests=declared.max_parallel,
                    blocked=known.record.blocked if known else False,
                    created_at=known.record.created_at if known else clock.now(),
                    own_series=known.record.own_series if known else True,
                    **_budget_fields(declared.budget),
                )
            )
        await self.note("config", "declared")


def _budget_fields(budget: Budget | None) -> dict[str, Any]:
    if budget is None:
        return {"max_budget": None, "soft_budget": None, "budget_duration": None}
    soft = None if budget.soft_usd is None else nano_from_usd(budget.soft_usd)
    return {"max_budget": nano_from_usd(budget.usd), "soft_budget": soft, "budget_duration": budget.period}


def shown(secret: str) -> str:
    """What may be shown of a key: its last four characters."""
    return f"sk-...{secret[-4:]}"

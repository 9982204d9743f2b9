"""Keys, teams and deployments' minutes in memory; the database holds the same after each intake."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator

from gateway.accountant.account import Account, Minute
from gateway.accountant.records import Key, KeyRecord, Team, TeamRecord, open_account, stored
from gateway.config import Config
from gateway.ledger.database import Database
from gateway.money import nano_from_usd

# More keys than this share one `other` series in histograms; test keys always have their own.
OWN_SERIES = 200
TEST_PREFIX = "stackctl-test-"


def digest(secret: str) -> str:
    """How a key is stored: the hex SHA-256 of its secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Books:
    """Owns every key and team; nothing else changes them."""

    def __init__(self, config: Config, database: Database) -> None:
        self.config = config
        self.database = database
        self.keys: dict[str, Key] = {}
        self.aliases: dict[str, Key] = {}
        self.teams: dict[str, Team] = {}
        self.minutes = {
            d.id: Minute(d.rpm, d.tpm) for model in config.models for d in model.deployments if d.rpm or d.tpm
        }
        self._load()
        self._declare()

    def accounts(self) -> Iterator[Account]:
        """All accounts of keys and teams."""
        for team in self.teams.values():
            yield team.account
        for key in self.keys.values():
            yield key.account

    def put_team(self, record: TeamRecord) -> Team:
        """Add a team or replace its record; money and period stay."""
        team = self.teams.get(record.team_id)
        if team is None:
            team = Team(record, open_account("teams", record.team_id, record, time.time()))
            self.teams[record.team_id] = team
        team.record = record
        self._save(team.account, record, record.alias)
        return team

    def put_key(self, record: KeyRecord) -> Key:
        """Add a key or replace its record; money and period stay."""
        key = self.keys.get(record.hash)
        team = self.teams.get(record.team_id) if record.team_id else None
        if key is None:
            record.own_series = len(self.keys) < OWN_SERIES or record.alias.startswith(TEST_PREFIX)
            account = open_account("keys", record.hash, record, time.time())
            key = Key(record, account, Minute(record.rpm_limit, record.tpm_limit), team)
            self.keys[record.hash] = key
        else:
            self.aliases.pop(key.record.alias, None)
        key.record, key.team = record, team
        key.minute.rpm, key.minute.tpm = record.rpm_limit, record.tpm_limit
        self.aliases[record.alias] = key
        self._save(key.account, record, record.alias)
        return key

    def drop_key(self, key: Key) -> None:
        """Forget a key; its ledger rows stay."""
        self.database.delete("keys", key.record.hash)
        del self.keys[key.record.hash]
        del self.aliases[key.record.alias]

    def drop_team(self, team: Team) -> None:
        """Forget a team that no key belongs to any more."""
        self.database.delete("teams", team.record.team_id)
        del self.teams[team.record.team_id]

    def keys_of(self, team: Team) -> list[Key]:
        """The keys of a team."""
        return [key for key in self.keys.values() if key.team is team]

    def team_named(self, alias: str) -> Team | None:
        """The team with this alias."""
        return next((t for t in self.teams.values() if t.record.alias == alias), None)

    def _save(self, account: Account, record: KeyRecord | TeamRecord, alias: str) -> None:
        if account.duration is None and record.budget_duration is not None:
            account.window_start = time.time()
        account.budget, account.duration = record.max_budget, record.budget_duration
        self.database.save(account.table, account.identity, alias, stored(record), account.window_start)

    def _load(self) -> None:
        for raw, spent, total, start in self.database.load("teams"):
            team = TeamRecord(**raw)
            account = open_account("teams", team.team_id, team, start)
            account.spent, account.total = spent, total
            self.teams[team.team_id] = Team(team, account)
        for raw, spent, total, start in self.database.load("keys"):
            record = KeyRecord(**raw)
            account = open_account("keys", record.hash, record, start)
            account.spent, account.total = spent, total
            owner = self.teams.get(record.team_id) if record.team_id else None
            key = Key(record, account, Minute(record.rpm_limit, record.tpm_limit), owner)
            self.keys[record.hash] = self.aliases[record.alias] = key

    def _declare(self) -> None:
        """The config's teams and keys win over what an earlier config or the admin API said."""
        for team in self.config.teams:
            found = self.team_named(team.name)
            record = found.record if found else TeamRecord(team.name, team.name, created_at=time.time())
            record.max_budget = nano_from_usd(team.budget.usd) if team.budget else None
            record.budget_duration = team.budget.period if team.budget else None
            self.put_team(record)
        for declared in self.config.keys:
            team_found = self.team_named(declared.team) if declared.team else None
            known = self.aliases.get(declared.name)
            if known is not None and known.record.hash != digest(declared.secret):
                self.drop_key(known)
            self.put_key(
                KeyRecord(
                    hash=digest(declared.secret),
                    alias=declared.name,
                    shown=shown(declared.secret),
                    team_id=team_found.record.team_id if team_found else None,
                    models=list(declared.models),
                    max_budget=nano_from_usd(declared.budget.usd) if declared.budget else None,
                    budget_duration=declared.budget.period if declared.budget else None,
                    rpm_limit=declared.rpm,
                    tpm_limit=declared.tpm,
                    max_parallel_requests=declared.max_parallel,
                    blocked=known.record.blocked if known else False,
                    created_at=known.record.created_at if known else time.time(),
                    own_series=known.record.own_series if known else True,
                )
            )


def shown(secret: str) -> str:
    """What may be shown of a key: its last four characters."""
    return f"sk-...{secret[-4:]}"

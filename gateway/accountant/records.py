"""Keys and teams as the accountant keeps them: the stored record and the money beside it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from gateway.accountant.account import Account, Minute


@dataclass(slots=True)
class TeamRecord:
    """What is stored of a team. Money in nano-USD."""

    team_id: str
    alias: str
    max_budget: int | None = None
    budget_duration: str | None = None
    models: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    created_at: float = 0.0


@dataclass(slots=True)
class KeyRecord:
    """What is stored of a key: its SHA-256, never the key. Money in nano-USD."""

    hash: str
    alias: str
    shown: str
    team_id: str | None = None
    models: list[str] = field(default_factory=list)
    max_budget: int | None = None
    budget_duration: str | None = None
    rpm_limit: int | None = None
    tpm_limit: int | None = None
    max_parallel_requests: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    blocked: bool = False
    expires: float | None = None
    created_at: float = 0.0
    own_series: bool = True

    @property
    def rated(self) -> bool:
        """Whether every request must be asked for, because a count limits it."""
        return any(x is not None for x in (self.rpm_limit, self.tpm_limit, self.max_parallel_requests))


@dataclass(slots=True)
class Team:
    """A team and its money."""

    record: TeamRecord
    account: Account


@dataclass(slots=True)
class Key:
    """A key, its money, its minute and how many of its requests are in flight."""

    record: KeyRecord
    account: Account
    minute: Minute
    team: Team | None
    in_flight: int = 0

    @property
    def accounts(self) -> list[Account]:
        """Every account a request of this key is charged to."""
        return [self.account, self.team.account] if self.team else [self.account]

    @property
    def metered(self) -> bool:
        """Whether any budget applies."""
        return any(account.budget is not None for account in self.accounts)

    def pass_for_workers(self) -> dict[str, Any]:
        """What a worker needs to know to let a request in."""
        record, team = self.record, self.team.record if self.team else None
        return {
            "hash": record.hash,
            "alias": record.alias,
            "series": record.alias if record.own_series else "other",
            "team_id": team.team_id if team else "",
            "team": team.alias if team else "",
            "models": record.models,
            "team_models": team.models if team else [],
            "blocked": record.blocked,
            "expires": record.expires,
            "metered": self.metered,
            "rated": record.rated,
            "slotted": record.max_parallel_requests is not None,
        }


def stored(record: KeyRecord | TeamRecord) -> dict[str, Any]:
    """The record as JSON for the database."""
    return asdict(record)


def open_account(table: str, identity: str, record: KeyRecord | TeamRecord, start: float) -> Account:
    """A new account of a record."""
    return Account(table, identity, record.max_budget, record.budget_duration, start)

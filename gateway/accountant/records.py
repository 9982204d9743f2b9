"""Keys, teams and users as the accountant keeps them: the stored record and the money beside it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from gateway import period
from gateway.accountant.account import Account
from gateway.ledger.store import KEY, TEAM, USER, Stored


@dataclass(slots=True, kw_only=True)
class Record:
    """What keys, teams and users have in common. Money in nano-USD."""

    alias: str
    max_budget: int | None = None
    soft_budget: int | None = None
    budget_duration: str | None = None
    rpm_limit: int | None = None
    tpm_limit: int | None = None
    max_parallel_requests: int | None = None
    models: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    blocked: bool = False
    created_at: float = 0.0
    updated_at: float = 0.0

    @property
    def rated(self) -> bool:
        """Whether every request must be asked for, because a count limits it."""
        return any(x is not None for x in (self.rpm_limit, self.tpm_limit, self.max_parallel_requests))


@dataclass(slots=True, kw_only=True)
class TeamRecord(Record):
    """A team; keys belong to it."""

    team_id: str


@dataclass(slots=True, kw_only=True)
class UserRecord(Record):
    """A user; keys belong to them. `email` is shown to administrators only, never a label."""

    user_id: str
    email: str | None = None
    role: str = "internal_user"


@dataclass(slots=True, kw_only=True)
class KeyRecord(Record):
    """A key: its SHA-256, never the key. `previous` are the hashes it had before it was rotated."""

    hash: str
    shown: str
    team_id: str | None = None
    user_id: str | None = None
    expires: float | None = None
    own_series: bool = True
    previous: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Owner:
    """A team or a user, and its money."""

    record: TeamRecord | UserRecord
    account: Account
    # By hash.
    keys: dict[str, Key] = field(default_factory=dict, repr=False, compare=False)

    @property
    def team_id(self) -> str:
        """The id of a team."""
        return self.account.identity


@dataclass(slots=True)
class Key:
    """A key, its money and whom it belongs to."""

    record: KeyRecord
    account: Account
    team: Owner | None = None
    user: Owner | None = None

    @property
    def owners(self) -> list[Owner]:
        """The team and the user, where there are."""
        return [owner for owner in (self.team, self.user) if owner is not None]

    @property
    def accounts(self) -> list[Account]:
        """Every account a request of this key is charged to."""
        if self.team is None and self.user is None:
            return [self.account]
        return [self.account, *(owner.account for owner in self.owners)]

    @property
    def team_alias(self) -> str:
        """The label `team`."""
        return self.team.record.alias if self.team else ""

    @property
    def limited(self) -> list[tuple[str, Record]]:
        """(identity, record) of everyone whose counts limit this key's requests."""
        everyone: list[tuple[str, Record]] = [(identity_of(self.account), self.record)]
        everyone += [(identity_of(owner.account), owner.record) for owner in self.owners]
        return [(identity, record) for identity, record in everyone if record.rated]

    @property
    def counted_singly(self) -> bool:
        """Whether a limit needs to know of every single request when it starts and ends."""
        return any(r.tpm_limit is not None or r.max_parallel_requests is not None for _, r in self.limited)

    def pass_for_workers(self) -> dict[str, Any]:
        """What a worker needs to know to let a request in."""
        record, team, user = self.record, self.team, self.user
        return {
            "hash": record.hash,
            "alias": record.alias,
            "series": record.alias if record.own_series else "other",
            "team_id": team.account.identity if team else "",
            "team": self.team_alias,
            "user_id": user.account.identity if user else "",
            "models": record.models,
            "team_models": team.record.models if team else [],
            "user_models": user.record.models if user else [],
            "tags": record.tags,
            "blocked": record.blocked or any(owner.record.blocked for owner in self.owners),
            "expires": record.expires,
            "metered": any(account.budget is not None for account in self.accounts),
            "rated": bool(self.limited),
            "counted_singly": self.counted_singly,
        }


def identity_of(account: Account) -> str:
    """How an account is named among those that share minutes and parallel requests."""
    return f"{account.kind}:{account.identity}"


def kind_of(record: Record) -> str:
    """Which kind of account a record has."""
    return KEY if isinstance(record, KeyRecord) else TEAM if isinstance(record, TeamRecord) else USER


def stored(record: KeyRecord | TeamRecord | UserRecord) -> Stored:
    """The record for the database."""
    identity = (
        record.hash
        if isinstance(record, KeyRecord)
        else record.team_id
        if isinstance(record, TeamRecord)
        else record.user_id
    )
    seconds = period.seconds(record.budget_duration) if record.budget_duration else None
    return Stored(kind_of(record), identity, record.alias, asdict(record), record.max_budget, seconds)


def restored(row: Stored) -> KeyRecord | TeamRecord | UserRecord:
    """The record from the database."""
    if row.kind == KEY:
        return KeyRecord(**row.record)
    return TeamRecord(**row.record) if row.kind == TEAM else UserRecord(**row.record)

"""The seam between the accountant and its database: SQLite for one gateway, PostgreSQL for several.

Only the accountant of a gateway holds a store; workers never connect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.ledger.audit import Change, Column
from gateway.ledger.row import Values
from gateway.priority import Turns

KEY, TEAM, USER = "key", "team", "user"


class StoreError(Exception):
    """The database did not do it; nothing was changed, or it cannot be known. Never holds a secret."""


class TakenError(StoreError):
    """The alias belongs to another one."""


@dataclass(slots=True)
class Stored:
    """A key, team or user as the database has it. Money in nano-USD, times in whole seconds."""

    kind: str
    identity: str
    alias: str
    record: dict[str, Any]
    budget: int | None = None
    period_s: int | None = None
    spent: int = 0
    total: int = 0
    window_start: int = 0
    deleted: bool = False


@dataclass(slots=True)
class Charge:
    """What rows did to one account's period that began at `window`, and what they used up of its hold."""

    spent: int = 0
    hold: int = 0


@dataclass(slots=True)
class Batch:
    """Rows that reach the ledger together with what they did; all or nothing, and once.

    `number` counts the batches of one gateway; `charges` is by (kind, identity, window). `until`, of the clock of
    `time.perf_counter`: there is time for it until then. A store may empty the list of rows once
    they are in the ledger.
    """

    number: int
    rows: list[Values]
    positions: dict[str, int]
    charges: dict[tuple[str, str, int], Charge] = field(default_factory=dict)
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class Rolled:
    """A period ended; `ended` of them since the last look."""

    kind: str
    identity: str
    window_start: int
    ended: int


@dataclass(frozen=True, slots=True)
class Question:
    """Which ledger rows, newest first. `equal` maps column to value; times in seconds."""

    equal: Mapping[str, Any] = field(default_factory=dict)
    since: float | None = None
    until: float | None = None
    tag: str | None = None
    limit: int = 100
    offset: int = 0


class Store(Protocol):
    """All methods raise StoreError when the database does not answer or refuses."""

    shared: bool
    # How many rows it takes best in one transaction.
    batch_rows: int
    # Of its own long work and that of who uses it.
    turns: Turns

    async def open(self) -> None:
        """Connect and bring the schema up to date."""
        ...

    async def close(self) -> None: ...

    async def positions(self) -> dict[str, int]:
        """How far each of this gateway's spools is in the ledger."""
        ...

    async def settle(self, batch: Batch) -> None: ...

    async def forget_spool(self, name: str) -> None: ...

    async def load(self) -> list[Stored]:
        """Every key, team and user, oldest first."""
        ...

    async def save(self, stored: Stored, now: float) -> Stored:
        """Insert or update; spent money and a running period stay. Raises TakenError."""
        ...

    async def rekey(self, old: str, stored: Stored) -> Stored:
        """A key gets a new identity and keeps its money."""
        ...

    async def delete(self, kind: str, identity: str) -> None: ...

    async def reset(self, kind: str, identity: str) -> None:
        """Set an account's spending of this period to nothing."""
        ...

    async def roll(self, now: float) -> list[Rolled]:
        """Start every period that is due; each end is reported to one gateway only."""
        ...

    async def rows(self, question: Question) -> tuple[list[dict[str, Any]], int]:
        """Ledger rows and how many there are without limit and offset."""
        ...

    async def sums(self) -> tuple[int, int]:
        """(rows, nano-USD) of the whole ledger."""
        ...

    async def note(self, changes: Sequence[Change]) -> None:
        """Keep changes for audits."""
        ...

    async def changes_noted(self, limit: int, offset: int) -> tuple[list[tuple[int, Change]], int]:
        """Changes with their numbers, newest first, and how many there are."""
        ...

    async def last_used(self, keys: Sequence[str]) -> dict[str, float]:
        """When each of these keys made its latest request, as far as the ledger has any."""
        ...

    async def columns(self) -> list[Column]:
        """Every column of every table, with its longest text: what could hold content, and whether it does."""
        ...


def conditions(question: Question, mark: Callable[[int], str], tag: Callable[[str], str]) -> tuple[str, Sequence[Any]]:
    """The `where` of a question. `mark` writes the n-th parameter, `tag` tests one for being among the tags."""
    parts: list[str] = []
    found: list[Any] = []

    def add(form: str, value: Any) -> None:
        found.append(value)
        parts.append(form.format(mark(len(found))))

    for column, value in question.equal.items():
        add(f"{column} = {{}}", value)
    if question.since is not None:
        add("started >= {}", question.since)
    if question.until is not None:
        add("started < {}", question.until)
    if question.tag is not None:
        add(tag("{}"), question.tag)
    return " and ".join(parts) or "true", found


def by_account(charges: Iterable[tuple[str, str, int]]) -> list[tuple[str, str, int]]:
    """Charges in the one order in which everybody locks accounts."""
    return sorted(charges)

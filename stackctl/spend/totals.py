"""Sums of ledger rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackctl.client import SpendRow

NONE = "(none)"
"""The name of the group of rows that have no value in a dimension."""

DIMENSIONS: dict[str, Callable[[SpendRow], Iterable[str]]] = {
    "team": lambda row: (row.team,),
    "key": lambda row: (row.key,),
    "user": lambda row: (row.user,),
    "model": lambda row: (row.model,),
    "provider": lambda row: (row.provider,),
    "tag": lambda row: row.tags or ("",),
    "day": lambda row: (f"{row.started:%Y-%m-%d}",),
}


@dataclass
class Total:
    """Rows that belong together. Money in USD; `unpriced` and `estimated` count requests."""

    name: str
    requests: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0
    estimated: int = 0

    def add(self, row: SpendRow) -> None:
        self.requests += 1
        self.failed += not row.success
        self.prompt_tokens += row.prompt_tokens
        self.completion_tokens += row.completion_tokens
        self.cost = add_usd(self.cost, row.cost)
        self.unpriced += not row.priced
        self.estimated += row.estimated

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def add_usd(one: float, other: float) -> float:
    """A sum without the noise of binary fractions: a ledger's costs are whole nano-USD."""
    return round(one + other, 12)


def sum_usd(costs: Iterable[float]) -> float:
    """See `add_usd`."""
    return round(math.fsum(costs), 12)


def totals_by(dimension: str, rows: Iterable[SpendRow]) -> list[Total]:
    """One total per value of a dimension, the dearest first (days in order).

    A row with several tags counts in full for each of them, so the totals by tag may exceed the sum.
    """
    groups: dict[str, Total] = {}
    for row in rows:
        for value in DIMENSIONS[dimension](row):
            name = value or NONE
            groups.setdefault(name, Total(name)).add(row)
    if dimension == "day":
        return sorted(groups.values(), key=lambda total: total.name)
    return sorted(groups.values(), key=lambda total: (-total.cost, total.name))


def daily(dimension: str, rows: Iterable[SpendRow]) -> dict[str, dict[str, float]]:
    """Value → day → USD, for charts over time."""
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        for value in DIMENSIONS[dimension](row):
            days = found.setdefault(value or NONE, {})
            day = f"{row.started:%Y-%m-%d}"
            days[day] = add_usd(days.get(day, 0.0), row.cost)
    return found

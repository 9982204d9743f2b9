"""Do the ledger, the metrics and the provider's invoice tell the same story, day by day and model by model?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from stackctl.problem import Problem, Severity

if TYPE_CHECKING:
    from stackctl.client import SpendRow
    from stackctl.spend.invoice import InvoiceLine

Costs = Mapping[tuple[str, str], float]
"""(day, model) → USD."""


@dataclass(frozen=True)
class Comparison:
    """One model on one day, in USD. None where a source says nothing about it.

    `estimated` is the part of the ledger's cost that stands on estimated tokens; `unpriced` counts requests that had no
    price and stand in the ledger with 0.
    """

    day: str
    model: str
    ledger: float
    metrics: float | None
    invoice: float | None
    estimated: float
    unpriced: int

    @property
    def difference(self) -> float | None:
        """Invoice minus ledger; without an invoice, metrics minus ledger."""
        other = self.invoice if self.invoice is not None else self.metrics
        return None if other is None else other - self.ledger

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"difference": self.difference}


def compare(rows: Iterable[SpendRow], metrics: Costs | None, invoice: Iterable[InvoiceLine] | None) -> list[Comparison]:
    """One comparison per day and model that any source knows, in order."""
    ledger: dict[tuple[str, str], list[SpendRow]] = {}
    for row in rows:
        ledger.setdefault((f"{row.started:%Y-%m-%d}", row.model), []).append(row)
    billed: dict[tuple[str, str], float] = {}
    for line in invoice or ():
        billed[line.day, line.model] = billed.get((line.day, line.model), 0.0) + line.cost
    keys = sorted(ledger.keys() | billed.keys() | (metrics or {}).keys())
    return [
        Comparison(
            day=day,
            model=model,
            ledger=sum(row.cost for row in ledger.get((day, model), [])),
            metrics=None if metrics is None else metrics.get((day, model), 0.0),
            invoice=None if invoice is None else billed.get((day, model), 0.0),
            estimated=sum(row.cost for row in ledger.get((day, model), []) if row.estimated),
            unpriced=sum(not row.priced for row in ledger.get((day, model), [])),
        )
        for day, model in keys
    ]


def findings(comparisons: Iterable[Comparison], tolerance: float) -> list[Problem]:
    """A problem for each comparison whose sources differ by more than `tolerance` (a share of the larger)."""
    problems: list[Problem] = []
    for item in comparisons:
        for name, other in (("invoice", item.invoice), ("metrics", item.metrics)):
            if other is not None and _differ(item.ledger, other, tolerance):
                problems.append(_difference(item, name, other))
        if item.unpriced:
            problems.append(
                Problem(
                    "spend/unpriced",
                    f"{item.day} {item.model}: {item.unpriced} requests have no price and count as $0",
                    Severity.WARNING,
                    remedy="give the deployment a price in stack.yaml",
                )
            )
    return problems


def _differ(one: float, other: float, tolerance: float) -> bool:
    return abs(one - other) > max(tolerance * max(abs(one), abs(other)), 1e-9)


def _difference(item: Comparison, name: str, other: float) -> Problem:
    share = (other - item.ledger) / item.ledger if item.ledger else float("inf")
    estimated = f"; ${item.estimated:,.6f} of the ledger stands on estimated tokens" if item.estimated else ""
    return Problem(
        f"spend/{name}-differs",
        f"{item.day} {item.model}: the {name} says ${other:,.6f}, the ledger ${item.ledger:,.6f} ({share:+.1%}){estimated}",
        consequence="chargeback and budgets rest on the ledger",
        remedy="compare prices and model names with the provider's price list",
    )

"""Do the ledger, the metrics and the provider's invoice tell the same story, day by day and model by model?"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from stackctl.problem import Problem, Severity
from stackctl.spend.totals import add_usd, sum_usd

if TYPE_CHECKING:
    from stackctl.client import SpendRow
    from stackctl.spend.invoice import InvoiceLine

Costs = Mapping[tuple[str, str], float]
"""(day, model) → USD."""
_SNAPSHOT = re.compile(r"[-@](20\d{2}-?\d{2}-?\d{2})$")


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
        return None if other is None else round(other - self.ledger, 12)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"difference": self.difference}


def compare(rows: Iterable[SpendRow], metrics: Costs | None, invoice: Iterable[InvoiceLine] | None) -> list[Comparison]:
    """One comparison per day and model that any source knows, in order.

    Metrics know a model as clients ask for it, an invoice as its provider names it (with or without the day of its
    snapshot): where the two names stand for different requests, each is compared with the ledger for itself.
    """
    paid = [row for row in rows if row.cost or not row.priced]
    asked, served = _by_day(paid, lambda row: row.model), _by_day(paid, lambda row: row.upstream or row.model)
    if invoice is None:
        keys = sorted(asked.keys() | (metrics or {}).keys())
        return [_comparison(key, asked.get(key, []), metrics, None) for key in keys]
    billed = _billed(invoice, {model for _, model in served})
    found = []
    for key in sorted(asked.keys() | served.keys() | billed.keys() | (metrics or {}).keys()):
        mine, theirs = asked.get(key, []), served.get(key, [])
        if mine == theirs:
            found.append(_comparison(key, mine, metrics, billed))
            continue
        if metrics is not None and (mine or key in metrics):
            found.append(_comparison(key, mine, metrics, None))
        if theirs or key in billed:
            found.append(_comparison(key, theirs, None, billed))
    return found


def _by_day(rows: Iterable[SpendRow], name: Callable[[SpendRow], str]) -> dict[tuple[str, str], list[SpendRow]]:
    found: dict[tuple[str, str], list[SpendRow]] = {}
    for row in rows:
        found.setdefault((f"{row.started:%Y-%m-%d}", name(row)), []).append(row)
    return found


def _billed(invoice: Iterable[InvoiceLine], served: Container[str]) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for line in invoice:
        plain = _SNAPSHOT.sub("", line.model)
        model = plain if line.model not in served and plain in served else line.model
        found[line.day, model] = add_usd(found.get((line.day, model), 0.0), line.cost)
    return found


def _comparison(key: tuple[str, str], rows: list[SpendRow], metrics: Costs | None, invoice: Costs | None) -> Comparison:
    return Comparison(
        *key,
        ledger=sum_usd(row.cost for row in rows),
        metrics=None if metrics is None else metrics.get(key, 0.0),
        invoice=None if invoice is None else invoice.get(key, 0.0),
        estimated=sum_usd(row.cost for row in rows if row.estimated),
        unpriced=sum(not row.priced for row in rows),
    )


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
    share = f"{(other - item.ledger) / item.ledger:+.1%}" if item.ledger else "nothing of it is in the ledger"
    estimated = f"; ${item.estimated:,.6f} of the ledger stands on estimated tokens" if item.estimated else ""
    return Problem(
        f"spend/{name}-differs",
        f"{item.day} {item.model}: the {name} says ${other:,.6f}, the ledger ${item.ledger:,.6f} ({share}){estimated}",
        consequence="chargeback and budgets rest on the ledger",
        remedy="compare prices and model names with the provider's price list",
    )

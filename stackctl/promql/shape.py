"""What an expression can return: labels, values and where they come from, without asking a server."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

INF = math.inf


@dataclass(frozen=True)
class Interval:
    """The values a sample can have; NaN is left aside. Open ends are excluded."""

    low: float = -INF
    high: float = INF
    low_open: bool = False
    high_open: bool = False

    @property
    def is_empty(self) -> bool:
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))

    def contains(self, value: float) -> bool:
        above = value > self.low or (value == self.low and not self.low_open)
        below = value < self.high or (value == self.high and not self.high_open)
        return above and below

    def within(self, other: Interval) -> Interval:
        """The intersection."""
        low, low_open = max((self.low, self.low_open), (other.low, other.low_open))
        high, closed = min((self.high, not self.high_open), (other.high, not other.high_open))
        return Interval(low, high, low_open, not closed)

    def hull(self, other: Interval) -> Interval:
        """The smallest interval around both."""
        low, low_open = min((self.low, self.low_open), (other.low, other.low_open))
        high, closed = max((self.high, not self.high_open), (other.high, not other.high_open))
        return Interval(low, high, low_open, not closed)

    def __str__(self) -> str:
        left, right = (
            "(" if self.low_open or self.low == -INF else "[",
            ")" if self.high_open or self.high == INF else "]",
        )
        return f"{left}{self.low:g}, {self.high:g}{right}"


ANY = Interval()
NOT_NEGATIVE = Interval(0)
ONE = Interval(1, 1)


@dataclass(frozen=True)
class Death:
    """Why an expression returns nothing, ever; `check` is the check that says so in detail."""

    reason: str
    at: int
    check: str = ""


@dataclass(frozen=True)
class Shape:
    """The result of an expression. `certain` labels are never empty; `possible` is None when any label may occur."""

    certain: frozenset[str] = frozenset()
    possible: frozenset[str] | None = frozenset()
    fixed: Mapping[str, str] = field(default_factory=dict)
    """Labels whose one value is known."""
    values: Interval = ANY
    kind: str = "gauge"
    """counter, gauge, bucket, sum, count, rate, quantile, scalar, string or unknown."""
    buckets: tuple[float, ...] = ()
    """Finite bucket edges of the histogram this is made of, if it still is one."""
    bounds: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The only values of labels whose values are known."""
    metrics: frozenset[str] = frozenset()
    """The engine series it stands on, recording rules resolved."""
    dead: Death | None = None

    def may_have(self, label: str) -> bool:
        return self.possible is None or label in self.possible

    def only(self, labels: frozenset[str]) -> Shape:
        """With no other labels than these."""
        possible = labels if self.possible is None else self.possible & labels
        fixed = {name: value for name, value in self.fixed.items() if name in labels}
        return replace(self, certain=self.certain & labels, possible=possible, fixed=fixed)

    def less(self, labels: frozenset[str]) -> Shape:
        """Without these labels."""
        possible = None if self.possible is None else self.possible - labels
        fixed = {name: value for name, value in self.fixed.items() if name not in labels}
        return replace(self, certain=self.certain - labels, possible=possible, fixed=fixed)

    def joined(self, other: Shape) -> Shape:
        """What `or`, or two rules recording one name, return."""
        possible = None if self.possible is None or other.possible is None else self.possible | other.possible
        fixed = {name: value for name, value in self.fixed.items() if other.fixed.get(name) == value}
        live = [shape for shape in (self, other) if shape.dead is None]
        kind = self.kind if self.kind == other.kind else "gauge"
        if len(live) == 1:
            return replace(live[0], metrics=self.metrics | other.metrics)
        return Shape(
            self.certain & other.certain,
            possible,
            fixed,
            self.values.hull(other.values),
            kind,
            self.buckets if self.buckets == other.buckets else (),
            {name: self.bounds[name] | other.bounds[name] for name in self.bounds.keys() & other.bounds.keys()},
            self.metrics | other.metrics,
            self.dead,
        )


UNKNOWN = Shape(possible=None, kind="unknown")

"""A proof as data: one chain of hops per alert, each with its time, its evidence and its verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

GRACE_S = 5.0
"""What the bound allows beyond scrape, evaluation, `for` and group_wait (issue: delivery within … + 5 s)."""


class HopState(StrEnum):
    """Where a hop is; a planned hop that follows a failed one stays planned."""

    PLANNED = "planned"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class Outcome(StrEnum):
    """What came of one alert."""

    RUNNING = "running"
    PROVEN = "proven"
    NOT_DELIVERED = "not delivered"
    NOT_RESOLVED = "delivered, not resolved"
    INTERRUPTED = "interrupted"


@dataclass
class Hop:
    """One step of an alert on its way. Times are Unix seconds; `clock` says on whose clock `finished` was read."""

    name: str
    title: str
    state: HopState = HopState.PLANNED
    started: float | None = None
    finished: float | None = None
    clock: str = ""
    limit_s: float = 0.0
    evidence: dict[str, Any] = field(default_factory=dict)
    likely_causes: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float | None:
        """How long the hop took; None while it has not finished."""
        return None if self.started is None or self.finished is None else self.finished - self.started

    def elapsed(self, now: float) -> float:
        """Seconds since the hop began, also while it waits; 0 before."""
        if self.started is None:
            return 0.0
        return max(0.0, (self.finished if self.finished is not None else now) - self.started)

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "state": str(self.state),
            "started": stamp(self.started),
            "finished": stamp(self.finished),
            "clock": self.clock,
            "seconds": _rounded(self.seconds),
            "limit_seconds": _rounded(self.limit_s),
            "evidence": self.evidence,
            "likely_causes": self.likely_causes,
        }


@dataclass
class AlertProof:
    """The chain of one alert; `label` is the value of its `stackctl_test` label.

    `evaluated` is False where the alert was posted to Alertmanager by hand, so that nothing is proven about its rule.
    """

    name: str
    label: str
    driver: str
    hops: list[Hop]
    evaluated: bool = True
    bound_s: float = 0.0
    outcome: Outcome = Outcome.RUNNING
    verdict: str = ""

    def hop(self, name: str) -> Hop:
        """The hop of that name; raises KeyError if this chain has none."""
        for hop in self.hops:
            if hop.name == name:
                return hop
        raise KeyError(name)

    @property
    def failed_hop(self) -> Hop | None:
        return next((hop for hop in self.hops if hop.state is HopState.FAILED), None)

    @property
    def delivery_s(self) -> float | None:
        """Seconds from the crossing of the threshold (the end of the first hop) to the delivery."""
        crossed, delivered = self.hops[0].finished, self.hop("delivered").finished
        return None if crossed is None or delivered is None else delivered - crossed

    @property
    def within_bound(self) -> bool | None:
        """Whether the delivery was as fast as it should be; None where there was none."""
        return None if self.delivery_s is None else self.delivery_s <= self.bound_s

    def as_json(self) -> dict[str, Any]:
        return {
            "alert": self.name,
            "label": self.label,
            "driver": self.driver,
            "rule_evaluated": self.evaluated,
            "outcome": str(self.outcome),
            "verdict": self.verdict,
            "delivery_seconds": _rounded(self.delivery_s),
            "bound_seconds": _rounded(self.bound_s),
            "within_bound": self.within_bound,
            "hops": [hop.as_json() for hop in self.hops],
        }


@dataclass
class Proof:
    """A whole run. `id` is 8 hex digits; `evidence_file` is where the same facts were written as JSON."""

    id: str
    receiver: str
    alerts: list[AlertProof]
    endpoints: dict[str, str]
    started: float
    stack: str = ""
    finished: float | None = None
    cleaned_up: bool = False
    notes: list[str] = field(default_factory=list)
    verdict: str = ""
    evidence_file: str = ""

    @property
    def ok(self) -> bool:
        """Every alert was delivered and resolved, and nothing was left behind."""
        return self.cleaned_up and all(alert.outcome is Outcome.PROVEN for alert in self.alerts)

    @property
    def expected_s(self) -> float:
        """How long the slowest alert may take from its crossing to its delivery."""
        return max((alert.bound_s for alert in self.alerts), default=0.0)

    def as_json(self) -> dict[str, Any]:
        """Plain values; holds no secret."""
        return {
            "version": 1,
            "id": self.id,
            "stack": self.stack,
            "ok": self.ok,
            "verdict": self.verdict,
            "started": stamp(self.started),
            "finished": stamp(self.finished),
            "receiver": self.receiver,
            "expected_seconds": _rounded(self.expected_s),
            "endpoints": self.endpoints,
            "cleaned_up": self.cleaned_up,
            "notes": self.notes,
            "alerts": [alert.as_json() for alert in self.alerts],
            "evidence_file": self.evidence_file,
        }


def stamp(when: float | None) -> str | None:
    """Unix seconds as RFC 3339 in UTC with milliseconds."""
    if when is None:
        return None
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)

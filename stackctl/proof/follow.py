"""Waiting for one hop after the other, and telling whoever watches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from stackctl.errors import StackctlError, UnavailableError
from stackctl.proof.hops import AlertProof, Hop, HopState, Outcome, Proof
from stackctl.proof.verdict import alert_verdict

if TYPE_CHECKING:
    from stackctl.proof.observe.receiver import Sighting

Probe = Callable[[], Awaitable["Sighting | None"]]


@dataclass(frozen=True)
class Event:
    """What just changed in a proof.

    `planned` comes first, when alerts, bounds and the expected duration are known; `note` carries a line worth telling;
    `hop` comes when a hop begins, is done or fails; `alert` when an alert's outcome is known; `finished` last.
    """

    kind: Literal["planned", "note", "hop", "alert", "finished"]
    alert: AlertProof | None = None
    hop: Hop | None = None
    text: str = ""


OnUpdate = Callable[[Proof, Event], None]


def unwatched(_proof: Proof, _event: Event) -> None:
    """An OnUpdate that tells nobody."""


class HopFailedError(Exception):
    """A hop did not happen within its limit, or cannot happen any more."""

    def __init__(self, hop: Hop, reason: str) -> None:
        super().__init__(reason)
        self.hop = hop
        self.reason = reason


class Chain:
    """Takes one alert's hops in order. `limit` gives the seconds a hop may take, by its name."""

    def __init__(
        self, alert: AlertProof, limit: Callable[[str], float], poll_s: float, tell: Callable[[Event], None]
    ) -> None:
        self.alert = alert
        self._limit = limit
        self._poll_s = poll_s
        self._tell = tell
        self._reached: float | None = None

    def conclude(self, outcome: Outcome) -> None:
        """The alert's outcome is known, and so are the causes where a hop failed."""
        self.alert.outcome = outcome
        self.alert.verdict = alert_verdict(self.alert)
        if self.alert.failed_hop:
            self._tell(Event("hop", self.alert, self.alert.failed_hop))
        self._tell(Event("alert", self.alert, text=self.alert.verdict))

    async def act(self, name: str, action: Awaitable[Sighting]) -> None:
        """A hop that is our own doing; raises HopFailedError if it cannot be done."""
        hop = self._begin(name)
        try:
            self._done(hop, await action)
        except StackctlError as error:
            raise self._failed(hop, error.message) from error

    async def wait(self, name: str, probe: Probe) -> None:
        """A hop that somebody else does: ask until it is seen; raises HopFailedError after its limit.

        A part that does not answer is asked again until then: it may be restarting.
        """
        hop = self._begin(name)
        hop.limit_s = self._limit(name)
        deadline = time.monotonic() + hop.limit_s
        silence = ""
        while True:
            try:
                seen, silence = await probe(), ""
            except UnavailableError as error:
                seen, silence = None, error.message
            if seen is not None:
                return self._done(hop, seen)
            if time.monotonic() >= deadline:
                raise self._failed(hop, silence)
            await asyncio.sleep(self._poll_s)

    def _begin(self, name: str) -> Hop:
        hop = self.alert.hop(name)
        hop.state = HopState.WAITING
        hop.started = self._reached if self._reached is not None else time.time()
        self._tell(Event("hop", self.alert, hop))
        return hop

    def _done(self, hop: Hop, seen: Sighting) -> None:
        hop.state = HopState.DONE
        hop.clock = seen.clock
        hop.evidence |= seen.evidence
        # A component's own time may lie before the moment at which we noticed the hop before: no hop takes less than 0.
        hop.finished = max(seen.at, hop.started or seen.at)
        self._reached = hop.finished
        self._tell(Event("hop", self.alert, hop))

    def _failed(self, hop: Hop, reason: str) -> HopFailedError:
        hop.state = HopState.FAILED
        hop.clock = "stackctl"
        hop.finished = time.time()
        if reason:
            hop.evidence["error"] = reason
        return HopFailedError(hop, reason)

    def restart_clock(self, at: float) -> None:
        """The next hop begins at this Unix time, not when the one before ended."""
        self._reached = at

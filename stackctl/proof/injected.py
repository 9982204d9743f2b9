"""An alert that traffic cannot provoke: posted to Alertmanager with its rule's labels, then followed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx

from stackctl.errors import StackctlError
from stackctl.proof.causes import Case, diagnose
from stackctl.proof.follow import HopFailedError
from stackctl.proof.hops import HopState, Outcome, stamp
from stackctl.proof.observe.receiver import Sighting

if TYPE_CHECKING:
    from stackctl.proof.follow import Chain
    from stackctl.proof.observe.prometheus import Rule
    from stackctl.proof.session import Session

# Should everything fail, Alertmanager itself ends the alert after this long.
_LIFE_S = 600.0


class InjectedAlert:
    """One alert posted by hand: proves route, receiver and message, and nothing about the rule's expression."""

    def __init__(self, session: Session, chain: Chain, case: Case, rule: Rule | None, reason: str) -> None:
        self._session = session
        self._chain = chain
        self._case = case
        self._rule = rule
        self._reason = reason
        self._started: float | None = None
        self.alert = chain.alert

    async def run(self) -> None:
        """From the post to the RESOLVED message; a failed hop ends in a verdict, not in an exception."""
        try:
            await self._chain.act("injected", self._inject())
            await self._chain.wait("received", self._received)
            await self._chain.wait("delivered", lambda: self._delivered("firing"))
            self._chain.restart_clock(time.time())
            await self._chain.act("withdrawn", self._end())
            await self._chain.wait("resolved", lambda: self._delivered("resolved"))
            self._chain.conclude(Outcome.PROVEN)
        except HopFailedError as failure:
            await diagnose(failure.hop, self._case)
            delivered = self.alert.hop("delivered").state is HopState.DONE
            self._chain.conclude(Outcome.NOT_RESOLVED if delivered else Outcome.NOT_DELIVERED)

    def withdraw(self) -> bool:
        """End the alert if it was posted and has not ended; blocking, for clean-up. False if that failed."""
        if self._started is None:
            return True
        try:
            url = f"{self._session.alertmanager.url}/api/v2/alerts"
            httpx.post(url, json=[self._body(time.time())], timeout=5, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            return False
        self._started = None
        return True

    async def _inject(self) -> Sighting:
        if self._rule is None:
            raise StackctlError(f"the rule {self.alert.name} is not loaded in Prometheus, so it could never fire")
        self._started = time.time()
        await self._session.alertmanager.post(self._body(self._started + _LIFE_S))
        return Sighting(self._started, "stackctl", {"why": self._reason, "rule_evaluated": False})

    async def _end(self) -> Sighting:
        now = time.time()
        await self._session.alertmanager.post(self._body(now))
        self._started = None
        return Sighting(now, "stackctl")

    def _body(self, ends: float) -> dict[str, object]:
        text = f"Test {self._case.label} by stackctl, posted to Alertmanager: {self._reason}."
        return {
            "labels": self._case.labels,
            "annotations": {"summary": f"Test of {self.alert.name}", "description": text},
            "startsAt": stamp(self._started),
            "endsAt": stamp(ends),
        }

    async def _received(self) -> Sighting | None:
        found = await self._session.alertmanager.alert(self.alert.name, self._case.label)
        if found is None:
            return None
        return Sighting(found.updated_at, "alertmanager updatedAt", {"receivers": found.receivers})

    async def _delivered(self, state: str) -> Sighting | None:
        return await self._session.receiver.seen(self.alert.name, self._case.label, state)

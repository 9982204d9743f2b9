"""An alert provoked by traffic, followed from the crossing to the RESOLVED message."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackctl.errors import StackctlError
from stackctl.proof.causes import Case, diagnose
from stackctl.proof.follow import HopFailedError
from stackctl.proof.hops import Outcome
from stackctl.proof.observe.receiver import Sighting
from stackctl.proof.signals import in_prometheus, on_page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from stackctl.proof.drivers import Stimulus, Traffic
    from stackctl.proof.follow import Chain
    from stackctl.proof.observe.prometheus import ActiveAlert
    from stackctl.proof.session import Session


@dataclass(frozen=True)
class Removal:
    """When the canary was removed: from when to when, and whether the gateway did it."""

    began: float
    ended: float
    done: bool

    async def seen(self) -> Sighting:
        """Raises StackctlError if the canary is still there."""
        if not self.done:
            raise StackctlError("the gateway did not remove the canary's key and team")
        return Sighting(self.ended, "stackctl")


class ProvokedAlert:
    """One alert on its way. `settled` is set once its rule fires, or once it is clear that it will not."""

    def __init__(self, session: Session, chain: Chain, stimulus: Stimulus, case: Case) -> None:
        self._session = session
        self._chain = chain
        self._stimulus = stimulus
        self._case = case
        self.alert = chain.alert
        self.settled = asyncio.Event()

    async def fire(self, traffic: Traffic) -> None:
        """From the crossing to the FIRING message; a failed hop ends in a verdict, not in an exception."""
        try:
            await self._chain.act("answered", self._stimulus.cross(traffic))
            async with _beside(self._stimulus, traffic):
                await self._follow()
        except HopFailedError as failure:
            await diagnose(failure.hop, self._case)
            self._chain.conclude(Outcome.NOT_DELIVERED)
        finally:
            self.settled.set()

    async def resolve(self, removal: Removal) -> None:
        """From the removal of the canary to the RESOLVED message; nothing if it was not delivered."""
        if self.alert.outcome is not Outcome.RUNNING:
            return
        self._chain.restart_clock(removal.began)
        try:
            await self._chain.act("removed", removal.seen())
            await self._chain.wait("inactive", self._inactive)
            await self._chain.wait("resolved", lambda: self._delivered("resolved"))
            self._chain.conclude(Outcome.PROVEN)
        except HopFailedError as failure:
            await diagnose(failure.hop, self._case)
            self._chain.conclude(Outcome.NOT_RESOLVED)

    async def _follow(self) -> None:
        page, prometheus, signal = self._session.metrics, self._session.prometheus, self._stimulus.signal
        await self._chain.wait("exposed", lambda: on_page(page, signal, self._case.canary))
        await self._chain.wait("scraped", lambda: in_prometheus(prometheus, signal, self._case.canary))
        if any(hop.name == "pending" for hop in self.alert.hops):
            await self._chain.wait("pending", self._pending)
        await self._chain.wait("firing", self._firing)
        self.settled.set()
        await self._chain.wait("received", self._received)
        await self._chain.wait("delivered", lambda: self._delivered("firing"))

    async def _pending(self) -> Sighting | None:
        active = await self._active()
        return None if active is None else Sighting(active.active_at, "prometheus activeAt", _evidence(active))

    async def _firing(self) -> Sighting | None:
        active = await self._active()
        if active is None or active.state != "firing":
            return None
        since = await self._session.prometheus.state_since(self.alert.name, self._case.label, "firing")
        clock = "prometheus evaluation" if since else "stackctl"
        return Sighting(since or time.time(), clock, _evidence(active))

    async def _active(self) -> ActiveAlert | None:
        return await self._session.prometheus.alert(self.alert.name, self._case.label)

    async def _received(self) -> Sighting | None:
        found = await self._session.alertmanager.alert(self.alert.name, self._case.label)
        if found is None:
            return None
        evidence = {"receivers": found.receivers, "state": found.state}
        return Sighting(found.updated_at, "alertmanager updatedAt", evidence)

    async def _delivered(self, state: str) -> Sighting | None:
        return await self._session.receiver.seen(self.alert.name, self._case.label, state)

    async def _inactive(self) -> Sighting | None:
        if await self._active() is not None:
            return None
        rule = await self._session.prometheus.rule(self.alert.name)
        return Sighting(rule.evaluated_at if rule else time.time(), "prometheus evaluation")


@asynccontextmanager
async def _beside(stimulus: Stimulus, traffic: Traffic) -> AsyncIterator[None]:
    """Keep the condition up while the hops are followed."""
    task = asyncio.create_task(stimulus.sustain(traffic))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _evidence(active: ActiveAlert) -> dict[str, object]:
    return {"active_at": active.active_at, "value": active.value, "labels": active.labels}

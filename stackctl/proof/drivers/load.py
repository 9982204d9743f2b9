"""Stimuli that keep requests going: failing ones, slow ones, and many in one minute."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from stackctl.errors import StackctlError, UnavailableError
from stackctl.proof.observe.receiver import Sighting
from stackctl.proof.signals import Signal

if TYPE_CHECKING:
    from stackctl.client import ChatAnswer
    from stackctl.proof.drivers.base import Traffic

_PAUSE_S = 0.5
_BURST = 12
HEADROOM_RPM = 20
_LATE_IN_MINUTE_S = 50.0


class ErrorsStimulus:
    """Every request fails with status 500, twice a second: far over any error ratio, and over its volume floor."""

    def __init__(self) -> None:
        self.signal = Signal("litellm_errors_total", 1)

    async def cross(self, traffic: Traffic) -> Sighting:
        for _ in range(_BURST):
            answer = await traffic.ask(latency_s=0, error=500)
            if answer.ok:
                raise StackctlError("the canary's request succeeded although it asked for an error")
        return Sighting(answer.received, "stackctl", {"requests": _BURST, "status": answer.status})

    async def sustain(self, traffic: Traffic) -> None:
        await _repeat(traffic, latency_s=0, error=500)


class LatencyStimulus:
    """Answers that take a fifth longer than the threshold, four at a time."""

    _PARALLEL = 4

    def __init__(self, threshold_s: float) -> None:
        self._latency_s = threshold_s * 1.2
        self.signal = Signal("litellm_request_duration_seconds_sum", threshold_s)

    async def cross(self, traffic: Traffic) -> Sighting:
        answers = await asyncio.gather(*(self._ask(traffic) for _ in range(self._PARALLEL)))
        last = max(answers, key=lambda answer: answer.received)
        if not last.ok:
            raise StackctlError(f"the canary's slow request ended with {last.status}: {last.error}")
        return Sighting(last.received, "stackctl", {"requests": len(answers), "seconds": round(last.seconds, 3)})

    async def sustain(self, traffic: Traffic) -> None:
        settings = {"latency_s": self._latency_s, "patience_s": self._latency_s + 30}
        await asyncio.gather(*(_repeat(traffic, **settings) for _ in range(self._PARALLEL)))

    async def _ask(self, traffic: Traffic) -> ChatAnswer:
        return await traffic.ask(latency_s=self._latency_s, patience_s=self._latency_s + 30)


class HeadroomStimulus:
    """Uses up nearly all of the key's own requests per minute, in every minute anew."""

    def __init__(self, threshold: float) -> None:
        self._requests = round(HEADROOM_RPM * (1 - threshold)) + 2
        self.signal = Signal(
            "litellm_requests_remaining", threshold, relative_to="litellm_requests_limit", falling=True
        )

    async def cross(self, traffic: Traffic) -> Sighting:
        # A burst that straddles two minutes would cross in neither of them.
        if time.time() % 60 > _LATE_IN_MINUTE_S:
            await asyncio.sleep(60.05 - time.time() % 60)
        answer = await self._burst(traffic)
        if not answer.ok:
            raise StackctlError(f"the gateway refused the canary with {answer.status}: {answer.error}")
        return Sighting(answer.received, "stackctl", {"requests": self._requests, "rpm_limit": HEADROOM_RPM})

    async def sustain(self, traffic: Traffic) -> None:
        while True:
            await asyncio.sleep(60.05 - time.time() % 60)
            await self._burst(traffic)

    async def _burst(self, traffic: Traffic) -> ChatAnswer:
        answers = [await traffic.ask(latency_s=0) for _ in range(self._requests)]
        return answers[-1]


async def _repeat(traffic: Traffic, **settings: Any) -> None:
    while True:
        try:
            await traffic.ask(**settings)
        except UnavailableError:
            await asyncio.sleep(_PAUSE_S)  # a restarting gateway: whether the alert survives that is what is watched
        await asyncio.sleep(_PAUSE_S)

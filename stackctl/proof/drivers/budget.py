"""Spends a canary's budget, step by step, up to a fraction of it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from stackctl.client import calls
from stackctl.errors import StackctlError
from stackctl.proof.observe.receiver import Sighting
from stackctl.proof.signals import Signal

if TYPE_CHECKING:
    from stackctl.client import ChatAnswer
    from stackctl.proof.drivers.base import Traffic

_FIRST_TOKENS = 100
_LARGEST_STEP = 0.2
_OVERSHOOT = 1.02
_MOST_TOKENS = 1_000_000
_MOST_STEPS = 60
_BOOKING_S = 5.0


class Purse:
    """What one canary has spent of its budget, in USD; shared by the alerts that climb the same ladder."""

    def __init__(self, budget: float) -> None:
        self.budget = budget
        self.spent = 0.0
        self.requests = 0
        self._usd_per_token = 0.0

    async def spend_to(self, fraction: float, traffic: Traffic) -> ChatAnswer:
        """The answer of the request that reached `fraction` of the budget.

        Raises StackctlError if the gateway refuses before, or if the canary costs nothing.
        """
        goal = fraction * self.budget
        for _ in range(_MOST_STEPS):
            answer = await self._step(goal, traffic)
            if self.spent >= goal - 1e-9:
                return answer
        raise StackctlError(f"{self.requests} requests spent only {self.spent:.6f} of {goal:.6f} USD")

    async def _step(self, goal: float, traffic: Traffic) -> ChatAnswer:
        tokens = self._tokens(goal)
        answer = await traffic.ask(latency_s=0, prompt_tokens=tokens, completion_tokens=tokens)
        if not answer.ok:
            raise StackctlError(
                f"the gateway refused the canary with {answer.status} after {self.spent:.6f} of "
                f"{self.budget:.6f} USD: {answer.error}"
            )
        cost = answer.cost if answer.cost is not None else await self._booked(traffic) - self.spent
        if cost <= 0:
            raise StackctlError(
                "the canary's request cost nothing: the gateway knows no price for it",
                remedy="give the model stackctl-canary a price",
            )
        self.spent += cost
        self.requests += 1
        self._usd_per_token = cost / tokens
        return answer

    def _tokens(self, goal: float) -> int:
        """As many as bring the sum just over the goal, but no step larger than a fifth of the budget."""
        if not self._usd_per_token:
            return _FIRST_TOKENS
        usd = min((goal - self.spent) * _OVERSHOOT, self.budget * _LARGEST_STEP)
        return max(1, min(_MOST_TOKENS, round(usd / self._usd_per_token) + 1))

    async def _booked(self, traffic: Traffic) -> float:
        """What the gateway says was spent, for a gateway whose answers do not tell their cost."""
        deadline = time.monotonic() + _BOOKING_S
        while True:
            spend = (await traffic.gateway.send(calls.key_info(traffic.canary.key))).spend
            if spend > self.spent or time.monotonic() > deadline:
                return spend
            await asyncio.sleep(0.1)


class BudgetStimulus:
    """Crosses one rung of the budget ladder."""

    def __init__(self, purse: Purse, fraction: float) -> None:
        self._purse = purse
        self._fraction = fraction
        self.signal = Signal("litellm_budget_spent_usd", fraction, relative_to="litellm_budget_usd")

    async def cross(self, traffic: Traffic) -> Sighting:
        answer = await self._purse.spend_to(self._fraction, traffic)
        evidence = {
            "requests": self._purse.requests,
            "spent_usd": round(self._purse.spent, 9),
            "budget_usd": self._purse.budget,
        }
        return Sighting(answer.received, "stackctl", evidence)

    async def sustain(self, traffic: Traffic) -> None:  # noqa: ARG002 money once spent stays spent
        return

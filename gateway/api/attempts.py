"""Trying deployments until one answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.api.accounting import Accounting
from gateway.api.outcome import Outcome
from gateway.config import Deployment
from gateway.errors import UpstreamError
from gateway.limits import Gate
from gateway.providers import Provider
from gateway.routing import Router

T = TypeVar("T")
Call = Callable[[Provider, Deployment], Awaitable[T]]


class Attempts:
    """Bound to one worker's router, providers and accounting."""

    def __init__(self, router: Router, providers: dict[str, Provider], gate: Gate, accounting: Accounting) -> None:
        self._router = router
        self._providers = providers
        self._gate = gate
        self._accounting = accounting

    async def first_success(self, outcome: Outcome, call: Call[T]) -> T:
        """The first answer; `outcome.step` is who gave it. Its attempt is left to the caller to count.

        Raises the last UpstreamError when every deployment failed or one error is the request's own fault.
        """
        tried = outcome.model
        last = UpstreamError(429, "rate_limit_exceeded", "Every deployment of this model is at its rate limit")
        for step in self._router.plan(outcome.model):
            if step.limited and not await self._gate.claim(step.deployment.id):
                continue
            if step.model != tried:
                self._left(outcome, tried)
                tried = step.model
            outcome.step = step
            try:
                return await call(self._providers[step.deployment.provider], step.deployment)
            except UpstreamError as error:
                self._accounting.attempted(outcome, error.status)
                last = error
                if not error.retryable:
                    break
        self._left(outcome, tried)
        raise last

    def succeeded(self, outcome: Outcome) -> None:
        """The answer is whole: count its attempt, and the fallback if it was one."""
        self._accounting.attempted(outcome, 200)
        if outcome.step is not None and outcome.step.model != outcome.model:
            self._accounting.fell_back(outcome, outcome.step.model, True)

    def broke(self, outcome: Outcome, status: int) -> None:
        """The answer broke off after its first byte."""
        self._accounting.attempted(outcome, status)
        if outcome.step is not None:
            self._left(outcome, outcome.step.model)

    def _left(self, outcome: Outcome, model: str) -> None:
        if model != outcome.model:
            self._accounting.fell_back(outcome, model, False)

"""Trying deployments until one answers."""

from __future__ import annotations

import asyncio
import email.utils
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.api.accounting import Accounting
from gateway.api.outcome import Outcome
from gateway.config import Deployment
from gateway.errors import UpstreamError
from gateway.limits import Gate
from gateway.providers import Provider
from gateway.routing import Router, Step

T = TypeVar("T")
Call = Callable[[Provider, Deployment], Awaitable[T]]
_TOO_LONG = "context_length_exceeded"
_LEFT = 499


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
        key_share = self._gate.headroom(outcome.key, "")
        steps = deque(self._router.plan(outcome.model, key_share))
        tried_model = outcome.model
        tries: dict[str, int] = {}
        last: UpstreamError | None = None
        while steps:
            step = steps.popleft()
            tried = tries.get(step.model, 0)
            if tried > self._router.routing.retries:
                continue
            wait = self._router.cooldowns.told_to_wait(step.deployment.id)
            if wait or (step.limited and not await self._gate.claim(step.deployment.id)):
                last = last or _refused(wait)
                continue
            tries[step.model] = tried + 1
            if last is not None:
                await self._pause(sum(tries.values()) - 2)
            if step.model != tried_model:
                self._left(outcome, tried_model)
                tried_model = step.model
                outcome.fallbacks += step.model != outcome.model
            try:
                return await self._try(outcome, step, call)
            except UpstreamError as error:
                last = error
                if error.code == _TOO_LONG:
                    steps = deque(s for s in self._router.wider(outcome.model) if s.model not in tries)
                elif not error.retryable:
                    break
        self._left(outcome, tried_model)
        raise last or _refused(0.0)

    def succeeded(self, outcome: Outcome) -> None:
        """The answer is whole: count its attempt, and the fallback if it was one."""
        step = outcome.step
        self._accounting.attempted(outcome, 200)
        if step is not None:
            self._router.cooldowns.succeeded(step.deployment.id)
            if step.model != outcome.model:
                self._accounting.fell_back(outcome, step.model, True)

    def broke(self, outcome: Outcome, status: int) -> None:
        """The answer broke off after its first byte."""
        self._accounting.attempted(outcome, status)
        if outcome.step is not None:
            self._router.cooldowns.failed(outcome.step.deployment.id, status, None)
            self._left(outcome, outcome.step.model)

    async def _try(self, outcome: Outcome, step: Step, call: Call[T]) -> T:
        outcome.step = step
        began = time.perf_counter()
        self._router.cooldowns.begin(step.deployment.id)
        step.in_flight += 1
        try:
            answer = await call(self._providers[step.deployment.provider], step.deployment)
        except UpstreamError as error:
            self._accounting.attempted(outcome, error.status)
            self._router.cooldowns.failed(step.deployment.id, error.status, _seconds(error.retry_after))
            raise
        except asyncio.CancelledError:
            self._accounting.attempted(outcome, _LEFT)
            raise
        finally:
            step.in_flight -= 1
            took = time.perf_counter() - began
            outcome.upstream_s += took
        step.took(took)
        return answer

    async def _pause(self, failures: int) -> None:
        """The first retry goes out at once, for it goes elsewhere; later ones wait, each up to twice as long."""
        if failures > 0:
            most = min(self._router.routing.backoff_s * 2.0 ** (failures - 1), self._router.routing.most_backoff_s)
            await asyncio.sleep(random.uniform(0.0, most))  # noqa: S311

    def _left(self, outcome: Outcome, model: str) -> None:
        if model != outcome.model:
            self._accounting.fell_back(outcome, model, False)


def _refused(wait: float) -> UpstreamError:
    """Why a deployment may not even be asked: its provider said to wait so long, or its rate limit is used up."""
    if wait:
        message = "Every deployment of this model has asked to be left alone for a while"
        return UpstreamError(429, "rate_limit_exceeded", message, retry_after=b"%d" % (int(wait) + 1))
    return UpstreamError(429, "rate_limit_exceeded", "Every deployment of this model is at its rate limit")


def _seconds(retry_after: bytes | None) -> float | None:
    """`Retry-After` as seconds: a number or a date. None when it is absent or says nothing."""
    if retry_after is None:
        return None
    text = retry_after.decode("latin-1")
    try:
        return max(float(text), 0.0)
    except ValueError:
        pass
    try:
        return max(email.utils.parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError):
        return None

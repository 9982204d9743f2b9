"""Trying deployments until one answers."""

from __future__ import annotations

import asyncio
import email.utils
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from gateway.api.accounting import Accounting
from gateway.api.outcome import Outcome
from gateway.api.tries import Tries
from gateway.config import Deployment
from gateway.errors import UpstreamError
from gateway.limits import Gate
from gateway.providers import Answer, Provider
from gateway.routing import Router, Step

T = TypeVar("T")
Call = Callable[[Provider, Deployment], Awaitable[T]]
_TOO_LONG: Final = "context_length_exceeded"
_LEFT: Final = 499


@dataclass(slots=True)
class Made:
    """A first attempt that was made already: by the first of these steps, since `began`, and what came of it."""

    steps: list[Step]
    began: float
    result: Answer | Exception | asyncio.CancelledError | None

    async def answer(self) -> Answer:
        """The answer, or what it raised; once."""
        result, self.result = self.result, None
        try:
            if isinstance(result, Answer):
                return result
            raise result or RuntimeError("it was asked for before")
        finally:
            # An error knows this frame by now, and must not be known by it: nobody would free the two.
            del result


class Attempts:
    """Bound to one worker's router, providers and accounting."""

    def __init__(self, router: Router, providers: Mapping[str, Provider], gate: Gate, accounting: Accounting) -> None:
        self._router = router
        self._providers = providers
        self._gate = gate
        self._accounting = accounting
        self.tries = Tries(router, gate.leases, accounting)

    async def first_success(self, outcome: Outcome, call: Call[T], made: Made | None = None) -> T:
        """The first answer; `outcome.step` is who gave it. Its attempt is left to the caller to count.

        `made`: the first attempt was made already, and the first call tells what came of it.
        Raises the last UpstreamError when every deployment failed or one error is the request's own fault.
        """
        steps = (
            [*made.steps]
            if made is not None
            else [*(self._router.only.get(outcome.model) or self.tries.planned(outcome))]
        )
        cooldowns = self._router.cooldowns
        tried_model = outcome.model
        tries: dict[str, int] = {}
        last: UpstreamError | None = None
        while steps:
            step = steps.pop(0)
            tried = tries.get(step.model, 0)
            if tried > self._router.routing.retries:
                continue
            calm = made is not None or cooldowns.calm(step.deployment.id)
            wait = 0.0 if calm else cooldowns.told_to_wait(step.deployment.id)
            if wait or (step.limited and not await self._gate.claim(step.deployment.id)):
                last = last or _refused(wait)
                continue
            tries[step.model] = tried + 1
            if last is not None:
                await self._pause(sum(tries.values()) - 2)
            if step.model != tried_model:
                self.tries.left(outcome, tried_model)
                tried_model = step.model
                outcome.fallbacks += step.model != outcome.model
            if not calm:
                cooldowns.begin(step.deployment.id)
            outcome.step = step
            step.in_flight += 1
            began = time.perf_counter() if made is None else made.began
            answered = False
            try:
                answer = await call(self._providers[step.deployment.provider], step.deployment)
                answered = True
            except UpstreamError as error:
                self._failed(outcome, step, error)
                if error.unheard and (last is None or not last.unheard):
                    # The failure was a connection's, not the deployment's: the one case of a second try (decision 146).
                    steps.insert(0, step)
                    if error.unread:
                        # Nobody was asked, so this was none of the tries that `retries` is about.
                        tries[step.model] = tried
                # Without the frames it came through: this one knows it.
                last, made = error.with_traceback(None), None
                steps = self._after(error, outcome.model, steps, tries)
            except asyncio.CancelledError:
                self._accounting.attempted(outcome, _LEFT)
                raise
            else:
                step.took(time.perf_counter() - began)
                return answer
            finally:
                # A stream that has begun is in flight until it ends.
                step.in_flight -= not answered
                outcome.upstream_s += time.perf_counter() - began
        self.tries.left(outcome, tried_model)
        try:
            raise last or _refused(0.0)
        finally:
            del last

    def _after(self, error: UpstreamError, model: str, steps: list[Step], tries: dict[str, int]) -> list[Step]:
        """What is left to try."""
        if error.code == _TOO_LONG:
            return [s for s in self._router.wider(model) if s.model not in tries]
        return self._router.left(steps) if error.retryable else []

    def _failed(self, outcome: Outcome, step: Step, error: UpstreamError) -> None:
        self._accounting.attempted(outcome, error.status)
        if not error.unheard:
            self._router.cooldowns.failed(step.deployment.id, error.status, _seconds(error.retry_after))

    async def _pause(self, failures: int) -> None:
        """The first retry goes out at once, for it goes elsewhere; later ones wait, each up to twice as long."""
        if failures > 0:
            most = min(self._router.routing.backoff_s * 2.0 ** (failures - 1), self._router.routing.most_backoff_s)
            await asyncio.sleep(random.uniform(0.0, most))  # noqa: S311


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

"""Whom to try, and what is noted of who answered."""

from __future__ import annotations

from gateway.api.accounting import Accounting
from gateway.api.outcome import Outcome
from gateway.limits import Leases
from gateway.routing import Router, Step


class Tries:
    """Bound to one worker's router and accounting."""

    def __init__(self, router: Router, leases: Leases, accounting: Accounting) -> None:
        self._router = router
        self._leases = leases
        self._accounting = accounting

    def at_once(self, outcome: Outcome) -> list[Step] | None:
        """Whom to try, in this order, if the first one can be tried without asking anybody."""
        steps = self._router.only.get(outcome.model) or self.planned(outcome)
        first = steps[0]
        if first.limited or first.model != outcome.model or not self._router.cooldowns.calm(first.deployment.id):
            return None
        return steps

    def succeeded(self, outcome: Outcome) -> None:
        """The answer is whole: count its attempt, and the fallback if it was one."""
        step = outcome.step
        self._accounting.attempted(outcome, 200)
        if step is not None:
            step.in_flight -= 1
            if not self._router.cooldowns.calm(step.deployment.id):
                self._router.cooldowns.succeeded(step.deployment.id)
            if step.model != outcome.model:
                self._accounting.fell_back(outcome, step.model, True)

    def broke(self, outcome: Outcome, status: int) -> None:
        """The answer broke off after its first byte."""
        self._accounting.attempted(outcome, status)
        if outcome.step is not None:
            outcome.step.in_flight -= 1
            self._router.cooldowns.failed(outcome.step.deployment.id, status, None)
            self.left(outcome, outcome.step.model)

    def planned(self, outcome: Outcome) -> list[Step]:
        """Deployments in the order of the model's strategy."""
        share = 1.0 if outcome.key is None else self._leases.headroom(outcome.key.hash)
        return self._router.plan(outcome.model, share)

    def left(self, outcome: Outcome, model: str) -> None:
        """All of a model's deployments failed; if it was a fallback, that is counted."""
        if model != outcome.model:
            self._accounting.fell_back(outcome, model, False)

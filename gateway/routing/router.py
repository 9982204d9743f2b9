"""Which deployments a request may try, in which order. Nothing is tried twice for one request."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.config import Config
from gateway.pricing import Price
from gateway.routing.cooldown import Cooldowns
from gateway.routing.strategy import Step, ordered

# The share of a deployment's rate limit that is left, 0 to 1, as far as this process knows.
Headroom = Callable[[str], float]


class Router:
    """Plans of one process."""

    def __init__(
        self, config: Config, prices: dict[str, Price | None], cooldowns: Cooldowns, headroom: Headroom
    ) -> None:
        self.routing = config.routing
        self.cooldowns = cooldowns
        self._headroom = headroom
        # Rounded: a share of exactly 0.2 is low for 0.8.
        self._low = round(1.0 - config.routing.soft_limit, 9)
        # By the public name.
        self.models = {model.name: model for model in config.models}
        self._steps = {
            model.name: [
                Step(model.name, d, prices.get(d.id), d.rpm is not None or d.tpm is not None) for d in model.deployments
            ]
            for model in config.models
        }
        # The plans of models with one deployment and no fallbacks: no order and no share of a limit changes them.
        self.only = {
            model.name: self._steps[model.name]
            for model in config.models
            if not model.fallbacks and len(model.deployments) == 1
        }
        # A model's dearest deployment, to estimate a request's cost with.
        self.dearest = {
            name: max(steps, key=lambda s: (s.price.input + s.price.output) if s.price else 0)
            for name, steps in self._steps.items()
        }

    def plan(self, name: str, key_share: float = 1.0) -> list[Step]:
        """The model's deployments, then each fallback's.

        Whoever rests or nears its rate limit comes after everybody else: it is better than nobody. A key that
        nears its own rate limit (`key_share` is left of it) goes to the fallbacks first.
        """
        names = (name, *self.models[name].fallbacks)
        if key_share <= self._low and len(names) > 1:
            names = (*names[1:], name)
        return self._sorted(names)

    def left(self, steps: list[Step]) -> list[Step]:
        """The rest of a plan after a failure: who has begun to rest since it was made comes last, as in a new one."""
        return sorted(steps, key=lambda step: self.cooldowns.resting(step.deployment.id))

    def wider(self, name: str) -> list[Step]:
        """Where a prompt goes that is too long for the model."""
        return self._sorted(self.models[name].context_fallbacks)

    def _sorted(self, names: Iterable[str]) -> list[Step]:
        fine: list[Step] = []
        low: list[Step] = []
        resting: list[Step] = []
        # A name that is there twice is tried once.
        for name in dict.fromkeys(names):
            for step in ordered(self.routing.strategy, self._steps[name]):
                if self.cooldowns.resting(step.deployment.id):
                    resting.append(step)
                elif step.limited and self._headroom(step.deployment.id) <= self._low:
                    low.append(step)
                else:
                    fine.append(step)
        return fine + low + resting if low or resting else fine

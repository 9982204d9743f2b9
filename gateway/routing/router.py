"""Which deployments a request may try, in which order. Nothing is tried twice for one request."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.config import Config, Model
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
        self._models = {model.name: model for model in config.models}
        self._steps = {
            model.name: [
                Step(model.name, d, prices.get(d.id), d.rpm is not None or d.tpm is not None) for d in model.deployments
            ]
            for model in config.models
        }

        self._dearest = {
            name: max(steps, key=lambda s: (s.price.input + s.price.output) if s.price else 0)
            for name, steps in self._steps.items()
        }

    def model(self, name: str) -> Model | None:
        """The configured model of a public name."""
        return self._models.get(name)

    def models(self) -> list[Model]:
        """All configured models."""
        return list(self._models.values())

    def first(self, name: str) -> Step:
        """A step to estimate a request's cost with: the dearest deployment of the model."""
        return self._dearest[name]

    def plan(self, name: str, key_share: float = 1.0) -> list[Step]:
        """The model's deployments, then each fallback's.

        Whoever rests or nears its rate limit comes after everybody else: it is better than nobody. A key that
        nears its own rate limit (`key_share` is left of it) goes to the fallbacks first.
        """
        names = (name, *self._models[name].fallbacks)
        if key_share <= self._low and len(names) > 1:
            names = (*names[1:], name)
        return self._sorted(names)

    def wider(self, name: str) -> list[Step]:
        """Where a prompt goes that is too long for the model."""
        return self._sorted(self._models[name].context_fallbacks)

    def _sorted(self, names: Iterable[str]) -> list[Step]:
        fine: list[Step] = []
        low: list[Step] = []
        resting: list[Step] = []
        for name in names:
            for step in ordered(self.routing.strategy, self._steps[name]):
                if self.cooldowns.resting(step.deployment.id):
                    resting.append(step)
                elif step.limited and self._headroom(step.deployment.id) <= self._low:
                    low.append(step)
                else:
                    fine.append(step)
        return fine + low + resting if low or resting else fine

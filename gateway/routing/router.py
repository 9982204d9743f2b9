"""Weighted choice among a model's deployments, then its fallbacks; nothing is tried twice for one request."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.config import Config, Deployment, Model
from gateway.pricing import Price


@dataclass(frozen=True, slots=True)
class Step:
    """One deployment to try. `model` is the public model it belongs to."""

    model: str
    deployment: Deployment
    price: Price | None
    limited: bool


class Router:
    """Plans of one process."""

    def __init__(self, config: Config, prices: dict[str, Price | None]) -> None:
        self._models = {model.name: model for model in config.models}
        self._steps = {
            model.name: [
                Step(model.name, d, prices.get(d.id), d.rpm is not None or d.tpm is not None) for d in model.deployments
            ]
            for model in config.models
        }

    def model(self, name: str) -> Model | None:
        """The configured model of a public name."""
        return self._models.get(name)

    def models(self) -> list[Model]:
        """All configured models."""
        return list(self._models.values())

    def first(self, name: str) -> Step:
        """A step to estimate a request's cost with: the dearest deployment of the model."""
        return max(self._steps[name], key=lambda s: (s.price.input + s.price.output) if s.price else 0)

    def plan(self, name: str) -> Iterator[Step]:
        """Steps in the order to try them: the model's deployments by weight, then each fallback's."""
        yield from self._shuffled(name)
        for fallback in self._models[name].fallbacks:
            yield from self._shuffled(fallback)

    def _shuffled(self, name: str) -> list[Step]:
        steps = self._steps[name]
        if len(steps) == 1:
            return steps
        # Efraimidis and Spirakis: sorting by u^(1/w) is a weighted draw without replacement.
        draws = {id(s): random.random() ** (1 / max(s.deployment.weight, 1e-9)) for s in steps}  # noqa: S311
        return sorted(steps, key=lambda s: draws[id(s)], reverse=True)

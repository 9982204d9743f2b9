"""The order in which a model's deployments are tried."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from gateway.config import Deployment
from gateway.pricing import Price

# How much a new measurement counts in the running mean of a deployment's latency.
_NEW: Final = 0.2


@dataclass(slots=True, eq=False)
class Step:
    """One deployment to try and what this worker has seen of it. `model` is the public model it belongs to."""

    model: str
    deployment: Deployment
    price: Price | None
    limited: bool
    in_flight: int = 0
    latency_s: float = 0.0
    # The headers that name it in an answer; whoever writes them keeps them here.
    head: bytes = b""
    # Model, deployment, provider and the provider's name of the model, as the ledger has them.
    names: tuple[str, str, str, str] = field(init=False)

    def __post_init__(self) -> None:
        target = self.deployment
        self.names = (self.model, target.id, target.provider, target.model)

    def took(self, seconds: float) -> None:
        """An attempt was answered after so long."""
        self.latency_s += (seconds - self.latency_s) * (_NEW if self.latency_s else 1.0)


def _draw(step: Step) -> float:
    # Efraimidis and Spirakis: sorting by u^(1/w) is a weighted draw without replacement.
    return float(-(random.random() ** (1 / max(step.deployment.weight, 1e-9))))  # noqa: S311


def _cost(step: Step) -> float:
    return float(step.price.input + step.price.output) if step.price is not None else float("inf")


# Smallest first; equals in the order of a weighted draw.
_KEYS: Final[dict[str, Callable[[Step], tuple[float, ...]]]] = {
    "weighted": lambda step: (_draw(step),),
    "least_busy": lambda step: (step.in_flight / max(step.deployment.weight, 1e-9), _draw(step)),
    # What was never measured comes first: nothing else would measure it.
    "lowest_latency": lambda step: (step.latency_s, _draw(step)),
    "lowest_cost": lambda step: (_cost(step), _draw(step)),
    "priority": lambda step: (step.deployment.priority, _draw(step)),
}


def ordered(strategy: str, steps: list[Step]) -> list[Step]:
    """The steps, best first."""
    return steps if len(steps) == 1 else sorted(steps, key=_KEYS[strategy])

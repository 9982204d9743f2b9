"""What every traffic driver is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from stackctl.spec.model import CANARY_MODEL

if TYPE_CHECKING:
    from stackctl.client import AsyncGatewayClient, ChatAnswer
    from stackctl.proof.canary import Canary
    from stackctl.proof.observe.receiver import Sighting
    from stackctl.proof.signals import Signal


@dataclass(frozen=True)
class Traffic:
    """Sends chat requests with one canary's key."""

    gateway: AsyncGatewayClient
    canary: Canary

    async def ask(self, *, patience_s: float = 30.0, **mock: Any) -> ChatAnswer:
        """One request to the hidden model; `mock` steers the answer. Raises UnavailableError."""
        text = f"stackctl proof {self.canary.label}"
        return await self.gateway.chat(self.canary.key, CANARY_MODEL, text, mock=mock, patience=patience_s)


class Stimulus(Protocol):
    """Drives one alert's `signal` over its threshold."""

    signal: Signal

    async def cross(self, traffic: Traffic) -> Sighting:
        """Until the answer that crosses the threshold is here; raises StackctlError if it cannot be crossed."""
        ...

    async def sustain(self, traffic: Traffic) -> None:
        """Keep the condition up for as long as the rule's `for` needs it; runs until it is cancelled."""
        ...

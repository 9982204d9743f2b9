"""Which deployment gets a request, and which one next when it fails."""

from gateway.routing.cooldown import Cooldowns, cooldowns_of
from gateway.routing.router import Router
from gateway.routing.strategy import Step

__all__ = ["Cooldowns", "Router", "Step", "cooldowns_of"]

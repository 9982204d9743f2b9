"""The loop guard: notices a key that repeats itself or a conversation that grows without end."""

from gateway.guard.policy import Action, GuardPolicy
from gateway.guard.watch import Reason, Watch

__all__ = ["Action", "GuardPolicy", "Reason", "Watch"]

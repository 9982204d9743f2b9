"""Whether a request may go on: `reserve` before, `settle` after."""

from gateway.limits.gate import Gate, Reservation
from gateway.limits.passes import Pass

__all__ = ["Gate", "Pass", "Reservation"]

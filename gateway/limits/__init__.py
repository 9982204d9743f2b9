"""Whether a request may go on: `reserve` before, `settle` after."""

from gateway.limits.gate import Gate
from gateway.limits.keys import Pass
from gateway.limits.leases import Leases, Reservation

__all__ = ["Gate", "Leases", "Pass", "Reservation"]

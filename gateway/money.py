"""Money inside the gateway is an integer of nano-USD (1e-9 USD); floats exist only at the borders."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

NANO: Final = 1_000_000_000


def nano_from_usd(usd: float | int | str | Decimal) -> int:
    """USD to nano-USD, rounded half up. Goes through `str` so that 0.1 means 0.1."""
    return int((Decimal(str(usd)) * NANO).to_integral_value(rounding=ROUND_HALF_UP))


def usd_from_nano(nano: int) -> float:
    """Nano-USD to the nearest float of USD, for metrics and JSON."""
    return nano / NANO

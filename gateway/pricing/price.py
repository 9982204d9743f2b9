"""Prices as integers, so that sums are exact."""

from __future__ import annotations

from dataclasses import dataclass

_MILLION = 1_000_000
# Completion tokens assumed for a reservation when the request sets no maximum.
ASSUMED_COMPLETION = 256


@dataclass(frozen=True, slots=True)
class Price:
    """Nano-USD per million tokens."""

    input: int
    output: int
    cached_input: int


def cost(price: Price | None, prompt: int, completion: int, cached: int = 0) -> int | None:
    """Nano-USD, rounded half up; `cached` tokens are part of `prompt`. None without a price."""
    if price is None:
        return None
    cached = min(cached, prompt)
    exact = (prompt - cached) * price.input + cached * price.cached_input + completion * price.output
    return (exact + _MILLION // 2) // _MILLION


def estimate(price: Price | None, body_bytes: int, most_completion: int | None) -> int:
    """Nano-USD to reserve before the answer: four bytes per prompt token, and the most output asked for."""
    completion = ASSUMED_COMPLETION if most_completion is None else most_completion
    return cost(price, body_bytes // 4, completion) or 0

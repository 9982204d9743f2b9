"""Prices as integers, so that sums are exact."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from gateway.tokens import Usage

_MILLION: Final = 1_000_000
# Completion tokens assumed for a reservation when the request sets no maximum.
ASSUMED_COMPLETION: Final = 256


@dataclass(frozen=True, slots=True)
class Price:
    """Nano-USD per million tokens. None: as much as plain input, or output, tokens.

    `tiers` are (prompt tokens, price): the last one whose number the prompt exceeds is the price of the whole
    request, as Anthropic, Google and OpenAI bill it. `batch` is the price of batched requests.
    """

    input: int
    output: int
    cached_input: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None
    tiers: tuple[tuple[int, Price], ...] = ()
    batch: Price | None = None

    def __reduce__(self) -> tuple[type[Price], tuple[object, ...]]:
        # Compiled and frozen, it could be pickled in no other way.
        return Price, tuple(getattr(self, field.name) for field in fields(self))

    def at(self, prompt: int) -> Price:
        """The price of a request whose prompt has so many tokens."""
        found = self
        for above, price in self.tiers:
            if prompt > above:
                found = price
        return found


def cost(price: Price | None, usage: Usage, *, batch: bool = False) -> int | None:
    """Nano-USD, rounded half up once per request. None without a price.

    Parts are counted in their whole: cached tokens are prompt tokens too.
    """
    if price is None:
        return None
    if batch and price.batch is not None:
        price = price.batch
    if price.tiers:
        price = price.at(usage.prompt)
    if not (usage.cached or usage.cache_write or usage.reasoning or usage.audio_prompt or usage.audio_completion):
        prompt, completion = usage.prompt, usage.completion
        plain = prompt * price.input if prompt > 0 else 0
        if completion > 0:
            plain += completion * price.output
        return (plain + _MILLION // 2) // _MILLION
    return (_prompt(price, usage) + _completion(price, usage) + _MILLION // 2) // _MILLION


def estimate(price: Price | None, prompt: int, most_completion: int | None) -> int:
    """Nano-USD to reserve before the answer: the dearest that so many tokens can be."""
    if price is None:
        return 0
    completion = ASSUMED_COMPLETION if most_completion is None else most_completion
    if price.tiers:
        price = price.at(prompt)
    into, out = price.input, price.output
    if price.cache_write is not None and price.cache_write > into:
        into = price.cache_write
    if price.reasoning is not None and price.reasoning > out:
        out = price.reasoning
    return (prompt * into + completion * out + _MILLION // 2) // _MILLION


def split(amount: int, callers: int) -> list[int]:
    """The parts of callers who share one answer; they differ by at most 1 and sum up to the amount."""
    part, rest = divmod(amount, callers)
    return [part + (number < rest) for number in range(callers)]


def _prompt(price: Price, usage: Usage) -> int:
    parts = (
        (usage.cached, price.cached_input),
        (usage.cache_write, price.cache_write),
        (usage.audio_prompt, price.audio_input),
    )
    return _mixed(usage.prompt, price.input, parts)


def _completion(price: Price, usage: Usage) -> int:
    parts = ((usage.reasoning, price.reasoning), (usage.audio_completion, price.audio_output))
    return _mixed(usage.completion, price.output, parts)


def _mixed(whole: int, plain: int, parts: tuple[tuple[int, int | None], ...]) -> int:
    """Parts at their own rates, the rest at the plain one. Parts never exceed the whole."""
    total, rest = 0, max(whole, 0)
    for tokens, rate in parts:
        part = min(max(tokens, 0), rest)
        rest -= part
        total += part * (plain if rate is None else rate)
    return total + rest * plain

"""Where a deployment's price comes from: its own, else genai-prices, else LiteLLM's cost map, else nowhere.

Both lists are data of this installation; nothing is fetched. genai-prices goes first because it is checked
against providers' pages; the cost map (MIT licence, see `cost_map.json`) adds batch prices and rarer models.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from gateway.config import Deployment, PriceEntry, Rates
from gateway.money import NANO, nano_from_usd
from gateway.pricing.cost_map import mapped
from gateway.pricing.price import Price

# Our names of providers in genai-prices; others have the same name there.
_LISTED_AS = {"gemini": "google", "vertex": "google", "vertex_ai": "google", "bedrock": "aws"}
_KINDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cached_input": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "audio_input": "input_audio_mtok",
    "audio_output": "output_audio_mtok",
}


def price_of(deployment: Deployment) -> Price | None:
    """The price of one deployment, or None. Never fetches anything."""
    if deployment.price is not None:
        return _own(deployment.price)
    if deployment.provider == "mock":
        return None
    listed, known = _listed(deployment.provider, deployment.model), mapped(deployment.provider, deployment.model)
    if listed is None or known is None:
        return listed or known
    if (listed.input, listed.output) != (known.input, known.output):
        return listed
    return replace(listed, batch=known.batch, reasoning=listed.reasoning or known.reasoning)


def _own(entry: PriceEntry) -> Price:
    tiers = tuple(sorted((tier.above_prompt_tokens, _rates(tier)) for tier in entry.tiers))
    plain = replace(_rates(entry), tiers=tiers)
    return replace(plain, batch=_scaled(plain, Decimal(str(entry.batch_share))))


def _rates(rates: Rates) -> Price:
    def nano(usd: float | None) -> int | None:
        return None if usd is None else nano_from_usd(usd)

    return Price(
        nano_from_usd(rates.input_usd_per_million_tokens),
        nano_from_usd(rates.output_usd_per_million_tokens),
        nano(rates.cached_input_usd_per_million_tokens),
        nano(rates.cache_write_usd_per_million_tokens),
        nano(rates.reasoning_usd_per_million_tokens),
        nano(rates.audio_input_usd_per_million_tokens),
        nano(rates.audio_output_usd_per_million_tokens),
    )


def _scaled(price: Price, share: Decimal) -> Price:
    def part(rate: int | None) -> int | None:
        return None if rate is None else int(rate * share)

    return Price(
        int(price.input * share), int(price.output * share), part(price.cached_input), part(price.cache_write),
        part(price.reasoning), part(price.audio_input), part(price.audio_output),
        tuple((above, _scaled(tier, share)) for above, tier in price.tiers),
    )  # fmt: skip


def _listed(provider: str, model: str) -> Price | None:
    # Imported here: the list is large, and only the master needs it, once.
    from genai_prices import Usage, calc_price

    try:
        found = calc_price(Usage(input_tokens=1), model, provider_id=_LISTED_AS.get(provider, provider))
    except (LookupError, ValueError):
        return None
    rates = {ours: getattr(found.model_price, theirs, None) for ours, theirs in _KINDS.items()}
    if rates["input"] is None and rates["output"] is None:
        return None
    starts = sorted({tier.start for rate in rates.values() for tier in getattr(rate, "tiers", ())})
    tiers = tuple((start, _at(rates, start + 1)) for start in starts)
    return replace(_at(rates, 0), tiers=tiers)


def _at(rates: dict[str, Any], prompt: int) -> Price:
    """Their prices for a prompt of so many tokens; what they do not list at all is free."""

    def nano(name: str) -> int | None:
        listed = rates[name]
        rate = getattr(listed, "base", listed)
        for tier in getattr(listed, "tiers", ()):
            if prompt > tier.start:
                rate = tier.price
        return None if rate is None else int(Decimal(rate) * NANO)

    return Price(
        nano("input") or 0, nano("output") or 0, nano("cached_input"), nano("cache_write"),
        None, nano("audio_input"), nano("audio_output"),
    )  # fmt: skip

"""Where a deployment's price comes from: its own, else genai-prices' offline data, else nowhere."""

from __future__ import annotations

from decimal import Decimal

from gateway.config import Deployment
from gateway.money import NANO, nano_from_usd
from gateway.pricing.price import Price

# The price list has tiers by prompt size; the first tier is right for all but very long prompts.
_SAMPLE_TOKENS = 1000


def price_of(deployment: Deployment) -> Price | None:
    """The price of one deployment, or None. Never fetches anything."""
    own = deployment.price
    if own is not None:
        plain = nano_from_usd(own.input_usd_per_million_tokens)
        cached = own.cached_input_usd_per_million_tokens
        output = nano_from_usd(own.output_usd_per_million_tokens)
        return Price(plain, output, plain if cached is None else nano_from_usd(cached))
    if deployment.provider == "mock":
        return None
    return _listed(deployment.provider, deployment.model)


def _listed(provider: str, model: str) -> Price | None:
    # Imported here: the list is large, and only the master needs it, once.
    from genai_prices import Usage, calc_price

    def per_million(usage: Usage) -> int:
        total = calc_price(usage, model, provider_id=provider).total_price
        return int(Decimal(total) * NANO * 1_000_000 / _SAMPLE_TOKENS)

    try:
        plain = per_million(Usage(input_tokens=_SAMPLE_TOKENS))
        output = per_million(Usage(output_tokens=_SAMPLE_TOKENS))
        cached = per_million(Usage(input_tokens=_SAMPLE_TOKENS, cache_read_tokens=_SAMPLE_TOKENS))
    except (LookupError, ValueError):
        return None
    return Price(plain, output, cached)

"""What a request costs. `cost` returns nano-USD, or None when no price is known."""

from gateway.pricing.price import ASSUMED_COMPLETION, Price, cost, estimate, split
from gateway.pricing.source import price_of

__all__ = ["ASSUMED_COMPLETION", "Price", "cost", "estimate", "price_of", "split"]

"""What a request costs. `cost` returns nano-USD, or None when no price is known."""

from gateway.pricing.price import Price, cost, estimate
from gateway.pricing.source import price_of

__all__ = ["Price", "cost", "estimate", "price_of"]

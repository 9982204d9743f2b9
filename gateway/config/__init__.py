"""`gateway.yaml` as a frozen, typed value with its secrets resolved."""

from gateway.config.known import KnownProvider, known
from gateway.config.load import load
from gateway.config.model import (
    Budget,
    Cache,
    Config,
    DeclaredKey,
    Deployment,
    LoopGuard,
    MockBehaviour,
    Model,
    PriceEntry,
    Rates,
    Routing,
    Team,
    Timeouts,
)

__all__ = [
    "Budget",
    "Cache",
    "Config",
    "DeclaredKey",
    "Deployment",
    "KnownProvider",
    "LoopGuard",
    "MockBehaviour",
    "Model",
    "PriceEntry",
    "Rates",
    "Routing",
    "Team",
    "Timeouts",
    "known",
    "load",
]

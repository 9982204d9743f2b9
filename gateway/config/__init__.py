"""`gateway.yaml` as a frozen, typed value with its secrets resolved."""

from gateway.config.known import KnownProvider, known
from gateway.config.load import load
from gateway.config.model import (
    Budget,
    Config,
    DeclaredKey,
    Deployment,
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
    "Config",
    "DeclaredKey",
    "Deployment",
    "KnownProvider",
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

"""`gateway.yaml` as a frozen, typed value with its secrets resolved."""

from gateway.config.bases import BASES
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
    Team,
    Timeouts,
)

__all__ = [
    "BASES",
    "Budget",
    "Config",
    "DeclaredKey",
    "Deployment",
    "MockBehaviour",
    "Model",
    "PriceEntry",
    "Rates",
    "Team",
    "Timeouts",
    "load",
]

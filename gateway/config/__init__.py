"""`gateway.yaml` as a frozen, typed value with its secrets resolved."""

from gateway.config.known import KnownProvider, known
from gateway.config.load import load
from gateway.config.model import (
    Config,
    DeclaredKey,
    Deployment,
    MockBehaviour,
    Model,
    PriceEntry,
    Team,
    Timeouts,
)

__all__ = [
    "Config",
    "DeclaredKey",
    "Deployment",
    "KnownProvider",
    "MockBehaviour",
    "Model",
    "PriceEntry",
    "Team",
    "Timeouts",
    "known",
    "load",
]

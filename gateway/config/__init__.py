"""`gateway.yaml` as a frozen, typed value with its secrets resolved."""

from gateway.config.bases import BASES
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
    "BASES",
    "Config",
    "DeclaredKey",
    "Deployment",
    "MockBehaviour",
    "Model",
    "PriceEntry",
    "Team",
    "Timeouts",
    "load",
]

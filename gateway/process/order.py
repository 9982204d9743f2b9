"""What the master hands a child."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import BinaryIO

from gateway.config import Config
from gateway.pricing import Price
from gateway.state import StateDirectory


@dataclass(frozen=True, slots=True)
class Order:
    """What the master hands a child through its standard input; it holds resolved secrets."""

    role: str
    slot: str
    config: Config
    state: StateDirectory
    prices: dict[str, Price | None]
    listener: int | None
    # See gateway.clock: every process of a gateway goes by the master's time.
    clock_offset: float


def read_order(pipe: BinaryIO) -> Order:
    """The order; the pipe stays open and its end means that the master is gone."""
    order: Order = pickle.load(pipe)  # noqa: S301 - written by the parent process
    return order

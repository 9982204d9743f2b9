"""Values over time in promtool's notation: `1+2x3` is 1, 3, 5, 7."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Stretch:
    """`samples` values: the first is `first`, each next one is larger by `growth`. `absent` means no samples."""

    samples: int
    first: float
    growth: float = 0.0
    absent: bool = False
    moving: bool = False

    def text(self, scale: float, offset: float) -> str:
        """The stretch as `offset + scale * value`."""
        if self.absent:
            return f"_x{self.samples}"
        first, growth = offset + scale * self.first, scale * self.growth
        if math.isinf(first):
            return f"Inf+0x{self.samples - 1}"
        if self.moving:
            return " ".join(number(first + (index % 2) * 1e-6) for index in range(self.samples))
        return f"{number(first)}{'-' if growth < 0 else '+'}{number(abs(growth))}x{self.samples - 1}"


def notation(stretches: list[Stretch], scale: float = 1.0, offset: float = 0.0) -> str:
    """All stretches one after the other."""
    return " ".join(stretch.text(scale, offset) for stretch in stretches if stretch.samples > 0)


def number(value: float) -> str:
    """A number promtool reads, without an exponent."""
    text = f"{value:.9f}".rstrip("0").rstrip(".")
    return text if text not in ("", "-0") else "0"

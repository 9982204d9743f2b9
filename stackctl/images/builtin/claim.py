"""One attached signature, examined: accepted, or the reason why not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class Finding(IntEnum):
    """What one attached thing turned out to be, from least to most telling."""

    NOT_A_SIGNATURE = 0
    FOREIGN = 1
    NOT_EXAMINED = 2
    GOOD = 3


@dataclass(frozen=True)
class Examined:
    """The finding, and for a good signature what it says."""

    finding: Finding
    reason: str = ""
    name: str = ""
    """The repository it names; bundles name none."""
    logged: bool = False
    signed_at: datetime | None = None

"""What counts as a loop, and what is done about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What happens to a request that belongs to a loop."""

    OBSERVE = "observe"
    """Counted, answered as ever."""
    THROTTLE = "throttle"
    """Refused with 429 and Retry-After until the window has passed."""
    BLOCK = "block"
    """The key is blocked, as by /key/block, until somebody unblocks it."""


@dataclass(frozen=True, slots=True)
class GuardPolicy:
    """`repeats` near-identical requests of one key within `window_s` seconds are a loop; so are `turns` requests of one
    conversation that each grew, once the last one is larger than `context_bytes`.

    Each worker counts what it sees: a loop that is spread over N workers is noticed after at most N times as many.
    """

    action: Action = Action.OBSERVE
    window_s: float = 60.0
    repeats: int = 30
    turns: int = 40
    context_bytes: int = 400_000

"""Requests of the current minute that this worker may let in without asking (docs/decisions/090).

The accountant counts them when it hands them out, so that all workers together never exceed a limit. What is not
used lapses with its minute, or goes back when the accountant calls it back before it refuses somebody.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

# A turn is given up this long before its minute ends: an answer may have been under way.
_MARGIN_S: Final = 0.05


@dataclass(slots=True)
class _Held:
    left: int
    until: float


class Turns:
    """Turns of one worker by key hash."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}

    def take(self, key_hash: str) -> bool:
        """Use one turn, if there is one for this minute."""
        held = self._held.get(key_hash)
        if held is None or held.left <= 0 or time.monotonic() >= held.until:
            return False
        held.left -= 1
        return True

    def put(self, key_hash: str, turns: int, asked_at: float, for_s: float) -> None:
        """Turns that an answer brought; `asked_at` is when the question was sent, by the monotonic clock."""
        until = asked_at + for_s - _MARGIN_S
        held = self._held.get(key_hash)
        # Answers to questions of the same minute add up; those of an earlier one are worth nothing.
        kept = held.left if held is not None and abs(held.until - until) < 1.0 else 0
        self._held[key_hash] = _Held(kept + turns, until if held is None else max(until, held.until))

    def give_back(self, key_hash: str) -> int:
        """Give up all turns of a key. Returns how many are still of this minute."""
        held = self._held.pop(key_hash, None)
        return held.left if held is not None and time.monotonic() < held.until else 0

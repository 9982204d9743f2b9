"""The gateway's own time: seconds since the epoch that never jump and never run backwards.

A machine's clock may be set by an hour at any moment. Windows of limits and budgets must neither repeat nor
vanish then, so time goes on from where it was, by the clock that only counts, and approaches the machine's
time slowly: an hour within ten hours. All processes of one gateway start from the master's time.
"""

from __future__ import annotations

import time
from typing import Final

# Seconds of correction per second that passes.
_SLEW: Final = 0.1
# Counts through a suspended machine where the system has it.
_COUNTER: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock:
    """`now` by a counter and a wall clock; both can be given for tests."""

    def __init__(self, counter: float, wall: float) -> None:
        self._counter = counter
        self._now = wall

    def at(self, counter: float, wall: float) -> float:
        """The time when the counter and the wall clock show these."""
        passed = counter - self._counter
        if passed < 0.0:
            passed = 0.0
        self._counter = counter
        straight = self._now + passed
        behind, most = wall - straight, passed * _SLEW
        if not -most <= behind <= most:
            behind = most if behind > 0.0 else -most
        self._now = now = straight + behind
        return now


_clock = Clock(time.clock_gettime(_COUNTER), time.time())


def now() -> float:
    """Seconds since the epoch."""
    return _clock.at(time.clock_gettime(_COUNTER), time.time())


def adopt(offset: float) -> None:
    """Go by another process of this machine, which has this `offset`."""
    global _clock
    counter = time.clock_gettime(_COUNTER)
    _clock = Clock(counter, counter + offset)


def offset() -> float:
    """What is to be added to the machine's counter to get `now`."""
    return now() - time.clock_gettime(_COUNTER)

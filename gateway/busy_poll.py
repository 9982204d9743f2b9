"""A moment of looking for the next event instead of sleeping, where events have followed each other that fast.

A processor with nothing to do is halted and, on a virtual machine, given back to its host. To wake it takes longer
than all that a gateway does with a small request, and what it then needs is in no cache any more. HAProxy's
`busy-polling` and Linux's `haltpoll` look for a moment before they sleep, and so does this (docs/decisions/167).
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import Final

# So many quick answers in a row are no accident.
_AT_FIRST: Final = 4


class BusyPoll:
    """Of one event loop: keeps it from sleeping while what is sent is answered within `limit_s` again and again."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limit_s: float) -> None:
        """`limit_s`: how long is looked at most; 0: never."""
        self._loop = loop
        self._limit_s = limit_s
        self._sent = 0.0
        self._quick = 0
        self._looks = False

    def sent(self) -> None:
        """Something was sent, and what comes next may come at once."""
        if not self._limit_s:
            return
        now = time.perf_counter()
        # What was looked for, and as much again for what was done with it.
        quick = now - self._sent < 2 * self._limit_s
        self._quick = self._quick + 1 if quick else 0
        self._sent = now
        if self._quick >= _AT_FIRST and not self._looks:
            self._looks = True
            self._loop.call_soon(self._look)

    def _look(self) -> None:
        if time.perf_counter() - self._sent < self._limit_s:
            # Whoever else wants this core has it first.
            os.sched_yield()
            # A loop with something to call asks the system for events and does not wait for them.
            self._loop.call_soon(self._look)
            return
        self._looks = False
        self._quick = 0

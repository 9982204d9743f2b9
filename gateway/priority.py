"""Who may wait a little: what no client waits for must not hold up what clients do wait for."""

from __future__ import annotations

import contextlib
import os
import threading
import time

# A third of the usual weight: enough to write every row of a worker that is busy all the time on the same core.
_NICE = 5
# A ninth of a core where the kernel lets a busy worker go on for a tick of 4 ms: more than its rows need.
_TURN_S = 0.0005


def step_back() -> None:
    """Let others go first on a busy core. On Linux it is the calling thread alone that steps back."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


class Turns:
    """Long work that no client waits for, in short turns. The kernel alone would end one after a tick or two (8 ms)."""

    def __init__(self, pause_s: float = 0.0) -> None:
        """`pause_s`: how long the core is left alone between two turns; without it whoever waits has it once."""
        self._pause_s = pause_s
        self._end = time.perf_counter() + _TURN_S

    def between(self) -> None:
        """Called between two pieces: once a turn is over, whoever waits for this core goes first."""
        if time.perf_counter() >= self._end:
            if self._pause_s:
                time.sleep(self._pause_s)
            else:
                os.sched_yield()
            self._end = time.perf_counter() + _TURN_S

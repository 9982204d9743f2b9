"""Who may wait a little: what no client waits for must not hold up what clients do wait for."""

from __future__ import annotations

import contextlib
import os
import threading

# A third of the usual weight: enough to write every row of a worker that is busy all the time on the same core.
_NICE = 5


def step_back() -> None:
    """Let others go first on a busy core. On Linux it is the calling thread alone that steps back."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)

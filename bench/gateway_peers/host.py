"""How fast the machine itself is at the moment. A virtual core shares its caches and its pipelines with strangers, which
no figure of the machine tells: the same loop takes 41 or 60 ms, for seconds at a time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

_ROUNDS = 400_000
# So often it is tried to see the core at its best before anything is compared with that.
_FIRST_LOOKS = 40


class Host:
    """Of one core: how long a fixed piece of work takes, beside the shortest it ever took here."""

    def __init__(self, core: int) -> None:
        self._core = core
        self._best = min(self._look() for _ in range(_FIRST_LOOKS))

    def slowness(self) -> float:
        """1.0 is the core's best."""
        took = self._look()
        self._best = min(self._best, took)
        return took / self._best

    def _look(self) -> float:
        with _pinned(self._core):
            # Processor time: what a gateway still does once its load is over must not look like a slow host.
            begun, total = time.thread_time(), 0
            for number in range(_ROUNDS):
                total += number
            return time.thread_time() - begun


@contextmanager
def _pinned(core: int) -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)

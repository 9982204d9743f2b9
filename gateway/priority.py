"""Who may wait a little: what no client waits for must not hold up what clients do wait for."""

from __future__ import annotations

import contextlib
import os
import threading
import time

# A third of the usual weight: enough to write every row of a worker that is busy all the time on the same core.
_NICE = 5
_TURN_S = 0.0003
# Whose turn is over lets others go first for so long at least, if nothing presses.
_PAUSE_S = 0.001
# Whoever waits for the whole work, for its transaction for example, waits for its pauses too.
_LONGEST_PAUSE_S = 0.004
# Between a turn of one thread and one of another: a worker on the same core stood still for both.
_APART_S = 0.0007
# Before another look at a turn that lasts longer than it should.
_PATIENCE_S = 0.0002


def step_back() -> None:
    """Let others go first on a busy core. On Linux it is the calling thread alone that steps back."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


class Turns:
    """Long work that no client waits for, in turns. Of a process' threads one at a time has one, and then the core is
    left alone for a while. The kernel would let each of them go on for a tick or two (8 ms), and one after the other.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._end = self._free_at = 0.0
        # 0: there is time for pauses; 1: there is none. Between them all are shorter.
        self.pressure = 0.0

    @property
    def over(self) -> bool:
        """Whether the turn has lasted long enough."""
        return time.perf_counter() >= self._end

    @property
    def wait_s(self) -> float:
        """In how many seconds a turn can begin; of one that lasts too long nobody knows when it ends."""
        free_at = self._end + self._calm(_APART_S) if self._lock.locked() else self._free_at
        return free_at - time.perf_counter()

    def begin(self) -> bool:
        """Begin a turn, if it is time for one."""
        if not self._lock.acquire(blocking=False):
            return False
        if time.perf_counter() < self._free_at:
            self._lock.release()
            return False
        self._end = time.perf_counter() + _TURN_S
        return True

    def wait(self) -> None:
        """Begin a turn when it is time for one."""
        while not self.begin():
            time.sleep(max(self.wait_s, _PATIENCE_S))

    def end(self) -> None:
        """End a turn."""
        self._free_at = time.perf_counter() + self._calm(_APART_S)
        self._lock.release()

    def between(self, due: float) -> None:
        """Between two pieces of work: once the turn is over, begin another one after a pause, if possible when `due`."""
        if self.over:
            self.end()
            time.sleep(max(self._calm(_PAUSE_S), min(due - time.perf_counter(), _LONGEST_PAUSE_S)))
            self.wait()

    def _calm(self, seconds: float) -> float:
        return seconds * (1.0 - self.pressure)

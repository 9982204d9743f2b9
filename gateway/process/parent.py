"""The tie of a child to the master: it ends when it is told to, or when the master is gone."""

from __future__ import annotations

import asyncio
import ctypes
import signal
import sys

_PR_SET_PDEATHSIG = 1
# A child that cannot end by itself after its master died is ended by the kernel.
_ORPHAN_ALARM_S = 45


def die_with_parent() -> None:
    """Have the kernel say so when the master dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def told_to_stop() -> asyncio.Event:
    """Set by SIGTERM, or by the end of the pipe from the master. For use in a running loop."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(sys.stdin.fileno(), _orphaned, loop, stop)
    return stop


def _orphaned(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    loop.remove_reader(sys.stdin.fileno())
    signal.alarm(_ORPHAN_ALARM_S)
    stop.set()

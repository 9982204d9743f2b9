"""The tie of a child to the master: it ends when it is told to, or when the master is gone."""

from __future__ import annotations

import asyncio
import ctypes
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

_PR_SET_PDEATHSIG = 1
# A child that cannot end by itself after its master died is ended by the kernel.
_ORPHAN_ALARM_S = 45


def die_with_parent() -> None:
    """Have the kernel say so when the master dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def run_until_told(
    work: Callable[[asyncio.Event], Coroutine[Any, Any, None]],
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> None:
    """Run `work` in a loop of its own; its event is set by SIGTERM, or by the end of the pipe from the master."""
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(_until_told(work))


async def _until_told(work: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(sys.stdin.fileno(), _orphaned, loop, stop)
    try:
        await work(stop)
    finally:
        # The pipe ends before the kernel signals the master's death. A loop that is being closed has lost the
        # descriptor that a signal is written to before it loses its handlers, and CPython would complain on stderr.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _orphaned(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    loop.remove_reader(sys.stdin.fileno())
    signal.alarm(_ORPHAN_ALARM_S)
    stop.set()

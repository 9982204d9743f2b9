"""The last moments of a child of the master."""

from __future__ import annotations

import subprocess
import sys

# A loop that is told to stop while it is being closed: its signals' descriptor is gone, its handlers are not.
_LATE = """
import asyncio, os, signal
from gateway.process.parent import run_until_told

class Late(asyncio.SelectorEventLoop):
    def _close_self_pipe(self):
        super()._close_self_pipe()
        os.kill(os.getpid(), signal.SIGTERM)

async def work(stop):
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(stop.wait(), 10)
    print("stopped")

run_until_told(work, Late)
"""


def test_a_signal_that_finds_the_loop_half_closed_says_nothing() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _LATE], stdin=subprocess.PIPE, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "stopped\n", "")

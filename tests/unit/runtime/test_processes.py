"""A stack's processes are known by their environment, and stopped for good."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from stackctl.runtime.environment import PART, STATE
from stackctl.runtime.processes import processes_of, stop_all

if TYPE_CHECKING:
    from pathlib import Path

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
)


def start(code: str, **environment: str) -> subprocess.Popen[str]:
    started = subprocess.Popen(
        [sys.executable, "-c", code], env=os.environ | environment, stdout=subprocess.PIPE, text=True
    )
    assert started.stdout
    assert started.stdout.readline() == "ready\n"
    return started


def test_only_processes_with_the_stack_s_mark_are_its_own(tmp_path: Path) -> None:
    mark = {STATE: str(tmp_path), PART: "gateway"}
    code = STUBBORN.replace("SIG_IGN", "SIG_DFL")
    with start(code, **mark) as ours, start(code, **mark | {STATE: "/elsewhere"}) as stranger:
        assert [process.pid for process in processes_of(tmp_path)["gateway"]] == [ours.pid]
        # Nobody waits for it here, so it stays a zombie, as in a container whose init does not collect children.
        stop_all(tmp_path)
        assert processes_of(tmp_path) == {}
        assert stranger.poll() is None
        stranger.kill()


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    with start(STUBBORN, **{STATE: str(tmp_path), PART: "supervisord"}) as stubborn:
        stop_all(tmp_path, grace_s=0.2)
        assert stubborn.wait() == -9

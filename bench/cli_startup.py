"""How long the command line takes to answer, as whole processes, beside what Python alone costs here.

    python bench/cli_startup.py [RUNS]

Each command runs RUNS times after one warm-up, in turn with the others, so that a drift of the machine's speed hits
all of them alike. Prints minimum and median of the wall time and of the processor time (user and system), and the
ratio of the least processor time to that of `python -c pass`: other load changes it least.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STACKCTL = str(Path(sys.executable).parent / "stackctl")


def timed(command: list[str]) -> tuple[float, float]:
    """Seconds of wall time and of processor time of one run."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime


def main(runs: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(
            [STACKCTL, "init", directory, "--demo", "--defaults", "--name", "bench"], check=True, capture_output=True
        )
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "stackctl --help": [STACKCTL, "--help"],
            "stackctl render": [STACKCTL, "render", "-C", directory],
        }
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for turn in range(runs + 1):
            for name, command in commands.items():
                seconds = timed(command)
                if turn:
                    times[name].append(seconds)
    floor = min(processor for _, processor in times["python -c pass"])
    print(f"{runs} runs each, seconds")
    print(f"{'command':18} {'wall: min':>10} {'median':>7}   {'cpu: min':>9} {'median':>7}   x python")
    for name, taken in times.items():
        walls, processors = zip(*taken, strict=True)
        print(
            f"{name:18} {min(walls):10.3f} {statistics.median(walls):7.3f}   "
            f"{min(processors):9.3f} {statistics.median(processors):7.3f}   {min(processors) / floor:8.1f}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)

"""How long the command line takes to answer, as whole processes, beside what Python alone costs here.

    python bench/cli_startup.py [RUNS]

Each command runs RUNS times after one warm-up, in turn with the others, so that a drift of the machine's speed hits
all of them alike. Prints minimum, median and maximum of the wall time, and the median's ratio to `python -c pass`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STACKCTL = str(Path(sys.executable).parent / "stackctl")


def timed(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


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
        times: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(runs + 1):
            for name, command in commands.items():
                seconds = timed(command)
                if turn:
                    times[name].append(seconds)
    floor = statistics.median(times["python -c pass"])
    print(f"{'command':18} {'min':>7} {'median':>7} {'max':>7}   x python   ({runs} runs each, seconds of wall time)")
    for name, taken in times.items():
        middle = statistics.median(taken)
        print(f"{name:18} {min(taken):7.3f} {middle:7.3f} {max(taken):7.3f}   {middle / floor:8.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)

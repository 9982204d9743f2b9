"""How long an alert takes from the crossing of its threshold to its delivery, run after run, against its bound.

    python bench/proof_runs.py [RUNS] [DIR]

Starts a demo stack in DIR (a temporary directory by default) at the 15 s floor, runs `stackctl validate` RUNS times (10
by default) and prints, per run and alert, the measured seconds beside the bound: scrape interval + evaluation interval
+ `for` + group_wait + 5 s. Exits 1 if a run is not proven or an alert is late. The stack is stopped at the end.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

STACKCTL = str(Path(sys.executable).parent / "stackctl")


def stackctl(*arguments: str) -> dict[str, Any]:
    done = subprocess.run([STACKCTL, *arguments, "--json"], capture_output=True, text=True, check=False)
    envelope: dict[str, Any] = json.loads(done.stdout)
    return envelope


def main(runs: int, directory: Path) -> int:
    if not (directory / "stack.yaml").exists():
        stackctl("init", str(directory), "--demo", "--name", "bench")
    good = 0
    try:
        if not stackctl("up", "-C", str(directory))["ok"]:
            print("the stack did not start: run `stackctl up` in a directory of its own to see why", file=sys.stderr)
            return 1
        print(f"{'run':>3}  {'alert':22} {'delivered':>10} {'bound':>7} {'resolved':>9}")
        for run in range(1, runs + 1):
            proof = stackctl("validate", "-C", str(directory))["data"]
            for alert in proof["alerts"]:
                resolved = sum(hop["seconds"] or 0 for hop in alert["hops"] if hop["name"] in ("inactive", "resolved"))
                late = "" if alert["within_bound"] else "  LATE"
                seconds = alert["delivery_seconds"] or float("nan")
                print(
                    f"{run:3}  {alert['alert']:22} {seconds:8.1f} s {alert['bound_seconds']:5.0f} s {resolved:7.1f} s{late}"
                )
            good += proof["ok"] and all(alert["within_bound"] for alert in proof["alerts"])
    finally:
        stackctl("down", "-C", str(directory))
    print(f"{good} of {runs} runs proven within the bound")
    return 0 if good == runs else 1


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(main(count, Path(sys.argv[2]) if len(sys.argv) > 2 else Path(temporary)))

"""What 40 agents notice when a provider goes away and a fallback lives, here and at LiteLLM.

    python bench/failover.py [--rounds 1] [--agents 40] [--only ours] [--kinds killed,hang,500,cut]

The provider is killed (its connections are refused), hangs (it accepts and reads, and never answers), answers 500, or
cuts every answer before its first byte. Ends with 1 when an agent of ours saw an error.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.failing.agents import Agents, Seen, seen
from bench.failing.gateways import peers, started
from bench.gateway_peers.tools import free_port, until_open

KINDS = ("killed", "hang", "500", "cut")
WARM_S, BEFORE_S, AFTER_S = 8.0, 20.0, 30.0
FIRST, SECOND = "first-provider", "second-provider"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--agents", type=int, default=40)
    parser.add_argument("--only", choices=["ours", "litellm"])
    parser.add_argument("--kinds", default=",".join(KINDS))
    options = parser.parse_args()
    # Whoever ends it must not leave gateways behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names = [name for name in peers() if options.only in (None, name)]
    if "litellm" not in names and options.only is None:
        print("LiteLLM is not installed here (bench/gateway.py installs it): only ours is measured", file=sys.stderr)
    print(
        "provider  gateway  requests errors  longest gap  slowest  settled  p50/p99 before      during       after, s"
    )
    errors = 0
    for _ in range(options.rounds):
        for kind in options.kinds.split(","):
            for name in names:
                told = measured(name, kind, options.agents)
                print(line(kind, name, told), flush=True)
                errors += told.errors if name == "ours" else 0
    return int(errors > 0)


def measured(name: str, kind: str, agents: int) -> Seen:
    """One change-over at a gateway and providers of its own."""
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        providers = {who: Provider(who, stack) for who in (FIRST, SECOND)}
        ports = providers[FIRST].port, providers[SECOND].port
        port, key = stack.enter_context(started(name, Path(directory) / "gateway", *ports))
        asking = Agents(port, key, agents, SECOND)
        asking.start()
        try:
            time.sleep(WARM_S)
            start = time.monotonic()
            time.sleep(BEFORE_S)
            fault = time.monotonic()
            providers[FIRST].fail(kind)
            time.sleep(AFTER_S)
        finally:
            asking.stop()
        return seen(asking.answers, start, fault)


class Provider:
    """A process of its own, so that it can be killed."""

    def __init__(self, name: str, stack: ExitStack) -> None:
        self.port = free_port()
        script = Path(__file__).parent / "failing" / "upstream.py"
        self._process = subprocess.Popen([sys.executable, str(script), str(self.port), name])
        stack.callback(self._process.wait)
        stack.callback(self._process.kill)
        until_open(self.port, self._process)

    def fail(self, kind: str) -> None:
        if kind == "killed":
            self._process.kill()
        else:
            url = f"http://127.0.0.1:{self.port}/behave/{kind}"
            urllib.request.urlopen(urllib.request.Request(url, b"{}"), timeout=10).close()


def line(kind: str, name: str, told: Seen) -> str:
    def both(times: tuple[float, float]) -> str:
        ratio = times[1] / told.before[1] if told.before[1] else 0.0
        return f"{times[0]:.3f}/{times[1]:.3f} ({ratio:.1f}x)"

    return (
        f"{kind:9} {name:8} {told.requests:8} {told.errors:6} {told.gap:10.2f} s {told.slowest:6.2f} s "
        f"{told.settled:6.2f} s  {told.before[0]:.3f}/{told.before[1]:.3f}  {both(told.during)}  {both(told.after)}"
    )


if __name__ == "__main__":
    sys.exit(main())

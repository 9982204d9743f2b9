"""The bundled gateway beside its peers, in one go, interleaved, on two cores.

    python bench/gateway.py                                    everything, an hour and a half
    python bench/gateway.py --only ours,nginx --rounds 2       a quick look
    python bench/gateway.py --only ours --soak 600             resident memory under ten minutes of load

Core 0 has one gateway at a time under load, with one worker; core 1 has wrk and a fixed nginx upstream. CPU is that
of the gateway's whole process tree: of ours that is master, worker, accountant and exporter. Requests per gateway-CPU-
second is the figure to compare: it does not depend on who else uses the machine. See bench/README.md.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import statistics
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.gateway_peers.candidates import CANDIDATES, USUAL, Running, started
from bench.gateway_peers.host import Host
from bench.gateway_peers.tools import (
    CHUNKS,
    GATEWAY_CORE,
    BenchError,
    Load,
    Upstream,
    memory_mb,
    request_body,
    script,
    stopped,
    wrk,
)

# A point is measured again in which the rest of the machine used more CPU than this beside gateway, load and upstream,
# or right before or after which the gateways' core took so much longer for a fixed piece of work than at its best.
_DISTURBED = 0.35
_SLOW = 1.15
# What is told of a candidate is the median of those of its rounds in which the host was as fast as at its fastest.
_ALIKE = 0.15
_AWAKE_S = 0.5
_RETRIES = int(os.environ.get("BENCH_RETRIES", "2"))
Points = dict[tuple[str, str, int], list[Load]]


def main() -> None:
    arguments = _arguments()
    names = arguments.only.split(",") if arguments.only else list(USUAL)
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        upstream = Upstream(directory / "upstream")
        upstream.start()
        try:
            with contextlib.ExitStack() as stack:
                running = _start_all(stack, names, directory, upstream)
                points = _measure(running, directory, upstream, arguments)
                memory = {name: _memory(r) for name, r in running.items()}
                soak: list[tuple[float, dict[str, float]]] = []
                if arguments.soak and "ours" in running:
                    soak = _soak(running["ours"], upstream, directory, arguments.soak)
        finally:
            upstream.stop()
    _report(points, memory, soak)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help=f"some of {','.join(CANDIDATES)}")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each point")
    parser.add_argument("--connections", default="1,16,64")
    parser.add_argument(
        "--kinds", default="plain,tls,stream,tls-stream", help="of requests; TLS is that of the upstream"
    )
    parser.add_argument("--soak", type=float, default=0.0, help="seconds of load after which memory is compared")
    return parser.parse_args()


def _start_all(
    stack: contextlib.ExitStack, names: list[str], directory: Path, upstream: Upstream
) -> dict[str, Running]:
    running = {}
    for name in names:
        try:
            running[name] = stack.enter_context(started(name, directory / name, upstream))
        except BenchError as error:
            _say(f"{name} is left out: {error}")
        else:
            _say(f"{name} runs")
    return running


def _measure(running: dict[str, Running], directory: Path, upstream: Upstream, arguments: argparse.Namespace) -> Points:
    """All points, one candidate after the other within a round, so that drift hits all alike."""
    points: Points = defaultdict(list)
    connections = [int(c) for c in arguments.connections.split(",")]
    host = Host(GATEWAY_CORE)
    names = arguments.kinds.split(",")
    kinds = [(kind, count) for kind in names for count in connections]
    able = {(name, kind): _able(name, gateway, kind) for name, gateway in running.items() for kind in names}
    for turn in range(arguments.rounds):
        for kind, count in kinds:
            for name, gateway in running.items():
                if not able[name, kind] or gateway.process.poll() is not None:
                    continue
                url = gateway.calls[kind].url
                lua = script(directory / "request.lua", gateway.calls[kind], "stream" in kind, gateway.unlike)
                with stopped(_living(other for other in running.values() if other is not gateway)):
                    # What it has missed while it was stopped itself.
                    time.sleep(_AWAKE_S)
                    try:
                        if turn == 0:
                            wrk(url, lua, count, 2.0, gateway.process.pid, upstream.pids)
                        load = _calm(url, lua, count, arguments.seconds, gateway, upstream, host)
                    except BenchError as error:
                        able[name, kind] = False
                        _say(f"{name} has no {kind} at {count} connections: {error}")
                        continue
                points[name, kind, count].append(load)
                _say(f"{turn + 1}: {name} {kind} c={count}: {load.per_cpu_second:,.0f}/cpu-s {load.rps:,.0f}/s "
                     f"p50 {load.p50:,.0f} us p99 {load.p99:,.0f} us errors {load.errors} others {load.others:.2f} host {load.host:.2f}")  # fmt: skip
    return points


def _living(gateways: Iterable[Running]) -> list[int]:
    return [gateway.process.pid for gateway in gateways if gateway.process.poll() is None]


def _able(name: str, gateway: Running, kind: str) -> bool:
    """Whether it answers a request of this kind; if not, why is said."""
    call = gateway.calls[kind]
    body = json.dumps(request_body(call.model, "stream" in kind)).encode()
    request = urllib.request.Request(call.url, body, {"Content-Type": "application/json", **call.headers})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()
    except OSError as error:
        told = error.read().decode(errors="replace")[:300] if isinstance(error, urllib.error.HTTPError) else ""
        _say(f"{name} has no {kind}: {error} {told}")
        return False
    return True


def _calm(
    url: str, lua: Path, connections: int, seconds: float, gateway: Running, upstream: Upstream, host: Host
) -> Load:
    """The least disturbed of a few tries."""
    tries: list[Load] = []
    for _ in range(_RETRIES + 1):
        before = host.slowness()
        load = wrk(url, lua, connections, seconds, gateway.process.pid, upstream.pids)
        tries.append(dataclasses.replace(load, host=max(before, host.slowness())))
        if load.others < _DISTURBED and tries[-1].host < _SLOW:
            break
    return min(tries, key=lambda load: (load.others >= _DISTURBED, load.host))


def _memory(gateway: Running) -> dict[str, float]:
    """Resident megabytes by role; of a peer the process that has most."""
    found = memory_mb(gateway.process.pid)
    if not gateway.roles:
        return {"worker": max(found, default=0.0), "all": sum(found)}
    return {**dict(zip(("master", *gateway.roles), found, strict=False)), "all": sum(found)}


def _soak(
    gateway: Running, upstream: Upstream, directory: Path, seconds: float
) -> list[tuple[float, dict[str, float]]]:
    """(minute, MB by role) over a long load with a scrape every 15 s."""
    call = gateway.calls["plain"]
    lua = script(directory / "request.lua", call, stream=False)
    found, started_at = [(0.0, _memory(gateway))], time.monotonic()
    while (passed := time.monotonic() - started_at) < seconds:
        # wrk takes whole seconds.
        wrk(call.url, lua, 16, float(min(15, int(seconds - passed) + 1)), gateway.process.pid, upstream.pids)
        with urllib.request.urlopen(gateway.metrics, timeout=60) as page:
            page.read()
        found.append(((time.monotonic() - started_at) / 60, _memory(gateway)))
        _say(
            f"after {found[-1][0]:.1f} minutes: {', '.join(f'{role} {mb:.1f} MB' for role, mb in found[-1][1].items())}"
        )
    return found


def _report(points: Points, memory: dict[str, dict[str, float]], soak: list[tuple[float, dict[str, float]]]) -> None:
    def middle(name: str, kind: str, count: int, what: str) -> float | None:
        loads = points.get((name, kind, count), [])
        calmest = min((load.host for load in loads), default=0.0)
        alike = [getattr(load, what) for load in loads if load.host < calmest + _ALIKE]
        return statistics.median(alike) if alike else None

    def row(cells: list[str]) -> None:
        print("| " + " | ".join(cells) + " |")

    def shown(value: float | None, form: str = ",.0f") -> str:
        return "-" if value is None else format(value, form)

    names = list(memory)
    columns = sorted({(kind, count) for _, kind, count in points})
    print("\nRequests per gateway-CPU-second (median of the calmest rounds)\n")
    row(["gateway", *(f"{kind} c={count}" for kind, count in columns), "MB of its worker", "MB of all"])
    row(["---"] * (len(columns) + 3))
    for name in names:
        row(
            [
                name,
                *(shown(middle(name, *c, "per_cpu_second")) for c in columns),
                f"{memory[name]['worker']:.0f}",
                f"{memory[name]['all']:.0f}",
            ]
        )
    print("\nLatency, microseconds\n")
    row(["gateway", *(f"{kind} c={count} p50 / p99" for kind, count in columns)])
    row(["---"] * (len(columns) + 1))
    for name in names:
        best = {c: min((load.p99 for load in points.get((name, *c), [])), default=None) for c in columns}
        row([name, *(f"{shown(middle(name, *c, 'p50'))} / {shown(best[c])}" for c in columns)])
    if "ours" in memory:
        _ratios(names, middle)
    if soak:
        print("\nMB after minutes of load")
        row(["minute", *soak[0][1]])
        row(["---"] * (len(soak[0][1]) + 1))
        for minute, roles in soak[:: max(len(soak) // 10, 1)]:
            row([f"{minute:.1f}", *(f"{mb:.1f}" for mb in roles.values())])
    print("\n" + json.dumps({"errors": {f"{n} {k} {c}": sum(p.errors for p in v) for (n, k, c), v in points.items()}}))


def _ratios(names: list[str], middle: object) -> None:
    assert callable(middle)
    own = middle("ours", "plain", 16, "per_cpu_second")
    print()
    for name in names:
        theirs = middle(name, "plain", 16, "per_cpu_second")
        if name != "ours" and own and theirs:
            print(f"ours / {name}, c=16: {own / theirs:,.3g}")
    own, theirs = middle("ours", "plain", 1, "p50"), middle("nginx", "plain", 1, "p50")
    if own and theirs:
        print(f"p50 added at c=1 over the nginx proxy: {own - theirs:,.0f} us")
    for name in names:
        per_core = middle(name, "stream", 16, "per_cpu_second")
        if per_core:
            print(f"CPU per streamed chunk, {name}: {1e6 / per_core / CHUNKS:,.1f} us")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

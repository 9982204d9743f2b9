"""What counting and scraping cost, beside prometheus_client's own multiprocess mode, in one process and one go.

    python bench/metrics_cost.py                     both tables, half a minute
    python bench/metrics_cost.py --children 50000    more series per worker

Scrape: the files of 4 workers with 10,000 children each (3/4 counters, 1/4 histograms of 18 edges), the same files for
both readers, which take turns. Accounting step: one request counted in 3 counters and 1 histogram. CPU time, medians.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

WORKERS = 4
_COUNTERS = ("litellm_requests_total", "litellm_tokens_used_total", "litellm_spend_usd_total")
_HISTOGRAM = "litellm_request_duration_seconds"
_STEPS = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--children", type=int, default=10_000, help="of each worker")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        # Read by prometheus_client when it is imported.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = temporary
        _accounting(Path(temporary) / "step", arguments.rounds)
    with tempfile.TemporaryDirectory() as temporary:
        _scrapes(Path(temporary), arguments.children, arguments.rounds)


def _accounting(directory: Path, rounds: int) -> None:
    from prometheus_client import Counter, Histogram

    from gateway.metrics.catalogue import catalogue
    from gateway.metrics.recorder import Labels, Recorder

    directory.mkdir()
    recorder = Recorder(directory, "w0")
    edges = catalogue()[_HISTOGRAM].buckets
    who = ("model", "team", "key", "provider")
    requests: Counter = Counter("requests", "Requests.", (*who, "status"))
    tokens: Counter = Counter("tokens", "Tokens.", (*who, "token_type"))
    spend: Counter = Counter("spend", "USD.", who)
    seconds: Histogram = Histogram("seconds", "Seconds.", (*who, "status"), buckets=edges)

    def stock() -> None:
        requests.labels("m", "t", "k", "p", "200").inc()
        tokens.labels("m", "t", "k", "p", "input").inc(90)
        spend.labels("m", "t", "k", "p").inc(0.001)
        seconds.labels("m", "t", "k", "p", "200").observe(0.3)

    children = (
        requests.labels("m", "t", "k", "p", "200"),
        tokens.labels("m", "t", "k", "p", "input"),
        spend.labels("m", "t", "k", "p"),
        seconds.labels("m", "t", "k", "p", "200"),
    )

    def cached() -> None:
        children[0].inc()
        children[1].inc(90)
        children[2].inc(0.001)
        children[3].observe(0.3)

    def ours() -> None:
        # One counter and one histogram more than the others: requests, both kinds of tokens, spend, three histograms.
        if (series := recorder.request(Labels("m", "t", "k", "k", "p"), 200)) is not None:
            series.add(0.3, 90, 86, 0.001, 0.001)

    step = _Step(directory)
    ways: dict[str, Callable[[], None]] = {
        "prometheus_client, labels() at every step": stock,
        "prometheus_client, children kept": cached,
        "ours, 3 counters and 1 histogram": step.count,
        "ours, all of a request (4 counters, 3 histograms)": ours,
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            found[name].append(_cpu(lambda way=way: [way() for _ in range(_STEPS)] and None) / _STEPS)  # type: ignore[misc]
    base = statistics.median(found["prometheus_client, labels() at every step"])
    print("| accounting step | us | stock / this |\n| --- | --- | --- |")
    for name, times in found.items():
        middle = statistics.median(times)
        print(f"| {name} | {1e6 * middle:.2f} | {base / middle:.1f} |")


class _Step:
    """The same step as the stock one in the gateway's way: children are looked up by one tuple, cells are stored to."""

    def __init__(self, directory: Path) -> None:
        from gateway.metrics.meter import Meter

        self._meter = Meter(directory, "w1")
        self._known: dict[tuple[str, ...], object] = {}

    def count(self) -> None:
        who = ("m", "t", "k", "p", "200")
        children = self._known.get(who)
        if children is None:
            children = self._known[who] = self._make(*who)
        requests, tokens, spend, seconds = children  # type: ignore[misc]
        requests.add(1.0)
        tokens.add(90.0)
        spend.add(0.001)
        seconds.observe(0.3)

    def _make(self, *who: str) -> object:
        number = self._meter.number
        return (
            number(_COUNTERS[0], *who),
            number(_COUNTERS[1], *who[:4], "input"),
            number(_COUNTERS[2], *who[:4]),
            self._meter.distribution(_HISTOGRAM, *who),
        )


def _scrapes(directory: Path, children: int, rounds: int) -> None:
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    from gateway.metrics.meter import Distribution, Meter, Number
    from gateway.metrics.page import Page

    def filled(slot: str) -> list[Number | Distribution]:
        meter = Meter(directory, slot)
        made: list[Number | Distribution] = []
        for n in range(children // 4):
            who = (f"model-{n % 23:02d}", f"team-{n % 97:03d}", f"key-{n:06d}", "openai")
            lasts = (("200",), ("input",), ())
            made += [meter.number(name, *who, *last) for name, last in zip(_COUNTERS, lasts, strict=True)]
            made.append(meter.distribution(_HISTOGRAM, *who, "200"))
        return made

    everything = [child for worker in range(WORKERS) for child in filled(f"w{worker}")]

    def change(part: int) -> None:
        """Every `part`-th child of every worker; all buckets of a histogram."""
        for child in everything[::part] if part else ():
            if isinstance(child, Number):
                child.add(1.25)
            else:
                for edge in (0.001, 0.02, 0.3, 4.0, 50.0, 1000.0):
                    child.observe(edge)

    page = Page(directory)

    def stock() -> bytes:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(directory))  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    change(1)
    first = _cpu(page.render)
    print(f"\n{WORKERS} workers x {children:,} children, page of {len(page.render()) / 1e6:.1f} MB")
    print("| changed since the last scrape | stock, ms | ours, ms | stock / ours |\n| --- | --- | --- | --- |")
    print(f"| (the first scrape of all) | - | {1e3 * first:.0f} | - |")
    for name, part in (("every value", 1), ("every 20th child", 20), ("nothing", 0)):
        theirs, own = [], []
        for _ in range(rounds):
            change(part)
            own.append(_cpu(page.render))
            theirs.append(_cpu(stock))
        a, b = statistics.median(theirs), statistics.median(own)
        print(f"| {name} | {1e3 * a:.0f} | {1e3 * b:.1f} | {a / b:.1f} |")
    same = _samples(stock()) == _samples(page.render())
    print(f"the same samples on both pages: {same}")


def _samples(page: bytes) -> set[tuple[str, tuple[str, ...], str]]:
    """(name, labels in any order, value); no label value here holds a comma."""
    found = set()
    for line in page.decode().splitlines():
        if not line.startswith("#"):
            series, _, value = line.rpartition(" ")
            name, _, labels = series.rstrip("}").partition("{")
            found.add((name, tuple(sorted(labels.split(","))), value))
    return found


def _cpu(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


if __name__ == "__main__":
    main()

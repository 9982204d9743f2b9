"""Many requests through two gateways on one PostgreSQL, or through one on SQLite, and three sums that must agree.

    python bench/money_exactness.py [--requests 100000] [--alone] [--at-once 32]

Mixed prices, retries, fallbacks and streams that clients cut; the provider is a stand-in that keeps its own bill.
Prints the ledger's sum, the metrics' sum and the bill, and ends with 1 when they differ by a micro-dollar.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.integration.gateway.running import Running
from tests.integration.money.conftest import Pair, Provider, models
from tests.integration.money.databases import Postgres
from tests.integration.money.load import KINDS, Told, send

MIXED = (*KINDS, ("dead", False))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--at-once", type=int, default=32)
    parser.add_argument("--alone", action="store_true", help="one gateway, SQLite, no PostgreSQL")
    options = parser.parse_args()
    provider = Provider()
    try:
        with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
            run = alone if options.alone else together
            return run(Path(directory), provider, stack, options.requests, options.at_once)
    finally:
        provider.close()


def together(directory: Path, provider: Provider, stack: ExitStack, count: int, at_once: int) -> int:
    pair = Pair(directory, stack.enter_context(Postgres()), provider)
    for gateway in pair.gateways:
        stack.enter_context(gateway)
    key = pair.first.key(key_alias="bench", max_budget=100_000)
    told, seconds = timed(pair.ports, key, count, at_once)
    pair.settled()
    rows, ledger = pair.ledger("bench")
    return report(told, seconds, rows, ledger, pair.metric("litellm_spend_usd_total", key="bench"), provider)


def alone(directory: Path, provider: Provider, stack: ExitStack, count: int, at_once: int) -> int:
    gateway = stack.enter_context(Running(directory, workers=4, models=models(provider)))
    key = gateway.key(key_alias="bench", max_budget=100_000)
    told, seconds = timed([gateway.port], key, count, at_once)
    gateway.until(lambda: gateway.total("litellm_current_load") == 0, "no request is in flight")
    rows = ledger = 0
    for page in range(1, count // 10_000 + 2):
        found = gateway.admin("GET", "/spend/logs", params={"api_key": key, "page": page, "page_size": 10_000})
        rows += len(found)
        ledger += sum(row["metadata"]["cost_nano_usd"] for row in found)
    return report(told, seconds, rows, ledger, gateway.total("litellm_spend_usd_total", key="bench"), provider)


def timed(ports: list[int], key: str, count: int, at_once: int) -> tuple[Told, float]:
    start = time.perf_counter()
    told = send(ports, key, count, at_once=at_once, kinds=MIXED)
    return told, time.perf_counter() - start


def report(told: Told, seconds: float, rows: int, ledger: int, metrics: float, provider: Provider) -> int:
    bill = provider.bill()
    print(f"requests   {sum(told.statuses.values())} in {seconds:.1f} s, by status {dict(told.statuses)}")
    print(f"provider   {bill['calls']} calls, {bill['failures']} of them failed on purpose")
    print(f"rows       {rows}")
    print(f"ledger     {ledger / 1e9:.9f} USD")
    print(f"metrics    {metrics:.9f} USD")
    print(f"the bill   {bill['nano'] / 1e9:.9f} USD")
    return int(max(abs(ledger - bill["nano"]), abs(metrics * 1e9 - bill["nano"])) >= 1000)


if __name__ == "__main__":
    raise SystemExit(main())

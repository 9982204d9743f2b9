"""Many requests through two gateways on one PostgreSQL, or through one on SQLite, and three sums that must agree.

    python bench/money_exactness.py [--requests 100000] [--alone] [--faults | --limits] [--at-once 32]

Mixed prices, retries, fallbacks, streams that clients cut and answers from the cache; the provider is a stand-in that
keeps its own bill. Prints the ledger's sum, the metrics' sum and the bill, and ends with 1 when they differ by a
micro-dollar.

`--faults` kills, stops and empties what it can while the requests run: a worker, both ledger writers and a whole
gateway with SIGKILL, PostgreSQL for `--outage` seconds, Redis stopped and emptied. A request that got no answer may
have been billed; everything that was answered must be in the ledger once.

`--limits` lets keys run into budgets of a dollar and into 100 requests per minute, as hard as `--at-once` allows.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.integration.gateway.redis_server import RedisServer
from tests.integration.gateway.running import Running
from tests.integration.money.conftest import Pair, Provider, models
from tests.integration.money.databases import Postgres
from tests.integration.money.load import KINDS, Told, send

MIXED = (*KINDS, ("dead", False))
# Nano-USD that a single request of these can cost: 2,000 prompt and 500 completion tokens of `dear`.
DEAREST = 20_000_000
# With --limits: so many keys with a dollar, so many minutes; what a request costs, and what nobody knew of it.
BUDGETS, MINUTES = 20, 3
EACH, UNKNOWN = 9_000_000, 3_000_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--at-once", type=int, default=32)
    parser.add_argument("--faults", action="store_true", help="break things meanwhile")
    parser.add_argument("--limits", action="store_true", help="budgets of a dollar and 100 requests per minute")
    parser.add_argument("--outage", type=float, default=60.0, help="seconds without PostgreSQL")
    parser.add_argument("--alone", action="store_true", help="one gateway, SQLite, no PostgreSQL")
    options = parser.parse_args()
    provider = Provider()
    try:
        with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
            if options.faults:
                return broken(Path(directory), provider, stack, options.requests, options.at_once, options.outage)
            if options.limits:
                return limited(Path(directory), provider, stack, options.at_once, options.alone)
            run = alone if options.alone else together
            return run(Path(directory), provider, stack, options.requests, options.at_once)
    finally:
        provider.close()


def together(directory: Path, provider: Provider, stack: ExitStack, count: int, at_once: int) -> int:
    pair = started(directory, provider, stack)
    key = pair.first.key(key_alias="bench", max_budget=100_000)
    told, seconds = timed(pair.ports, key, count, at_once, cached=True)
    pair.settled()
    rows, ledger = pair.ledger("bench")
    print(f"from cache {pair.metric('litellm_cache_hits_total'):.0f} requests")
    return report(told, seconds, rows, ledger, pair.metric("litellm_spend_usd_total", key="bench"), provider)


def started(directory: Path, provider: Provider, stack: ExitStack) -> Pair:
    pair = Pair(directory, stack.enter_context(Postgres()), stack.enter_context(RedisServer()), provider, workers=4)
    for gateway in pair.gateways:
        stack.enter_context(gateway)
    return pair


def broken(directory: Path, provider: Provider, stack: ExitStack, count: int, at_once: int, outage: float) -> int:
    pair = started(directory, provider, stack)
    key = pair.first.key(key_alias="bench", max_budget=100_000)
    told, seconds = timed(pair.ports, key, count, at_once, cached=True, meanwhile=Faults(pair, count, outage))
    pair.settled()
    ids = [i for (i,) in pair.postgres.query("select request_id from ledger where alias = 'bench'")]
    rows, ledger = pair.ledger("bench")
    ((spent,),) = pair.postgres.query("select total from accounts where alias = 'bench'")
    bill, silent = provider.bill()["nano"], told.statuses[0]
    print(f"requests   {count} in {seconds:.1f} s, by status {dict(told.statuses)}; {silent} got no answer")
    print(
        f"rows       {rows}, of which twice {len(ids) - len(set(ids))}; answered and missing {len(set(told.ids) - set(ids))}"
    )
    print(f"ledger     {ledger / 1e9:.9f} USD; the key's account {spent / 1e9:.9f} USD")
    print(f"the bill   {bill / 1e9:.9f} USD; {(bill - ledger) / 1e9:.9f} USD of it for requests that got no answer")
    wrong = len(ids) != len(set(ids)) or not set(told.ids) <= set(ids) or ledger != spent
    return int(wrong or not ledger <= bill <= ledger + silent * DEAREST)


def limited(directory: Path, provider: Provider, stack: ExitStack, at_once: int, single: bool) -> int:
    gateways = [one_gateway(directory, provider, stack)] if single else started(directory, provider, stack).gateways
    ports = [gateway.port for gateway in gateways]
    wrong = [dollar(gateways, ports, number, at_once) for number in range(BUDGETS)]
    wrong += [minute(gateways, ports, number, at_once) for number in range(MINUTES)]
    return int(any(wrong))


def dollar(gateways: list[Running], ports: list[int], number: int, at_once: int) -> bool:
    """A key spends its dollar; whether that went wrong."""
    first, key_alias = gateways[number % len(gateways)], f"dollar-{number}"
    key = first.key(key_alias=key_alias, max_budget=1)
    told = send(ports, key, 300, at_once=at_once, kinds=(("dear", False),), tokens=(1000, 400))
    for gateway in gateways:
        gateway.until(lambda g=gateway: g.total("litellm_current_load") == 0, "no request is in flight")
    page = first.admin("GET", "/spend/logs/v2", params={"api_key": key, "page_size": 1000})
    spent = sum(row["metadata"]["cost_nano_usd"] for row in page["data"])
    print(
        f"{key_alias:<10} {spent / 1e9:.9f} USD; {told.statuses[200]} let in, {told.statuses[429]} refused", flush=True
    )
    # Each reserves its 400 completion tokens; that its prompt has 1,000 tokens nobody knew.
    return set(told.statuses) != {200, 429} or not 10**9 - 8 * EACH < spent <= 10**9 + at_once * UNKNOWN


def minute(gateways: list[Running], ports: list[int], number: int, at_once: int) -> bool:
    """A key sends more than twice its requests of a minute; whether others than exactly 100 were let in."""
    key = gateways[number % len(gateways)].key(key_alias=f"hundred-{number}", rpm_limit=100)
    if number == 0 or time.time() % 60 > 20:
        time.sleep(60.2 - time.time() % 60)
    began = time.time() // 60
    told = send(ports, key, 260, at_once=at_once, kinds=(("cheap", False),), tokens=(5, 5))
    whole = time.time() // 60 == began
    late = "" if whole else "; not counted: the machine took longer than a minute"
    print(f"a minute   {told.statuses[200]} let in, {told.statuses[429]} refused{late}", flush=True)
    return whole and told.statuses != {200: 100, 429: 160}


class Faults:
    """What breaks when; called with the number of requests that are done."""

    def __init__(self, pair: Pair, count: int, outage: float) -> None:
        self._pair, self._outage = pair, outage
        self._lock = threading.Lock()
        steps = (self.postgres, self.worker, self.writers, self.redis, self.gateway)
        self._due = [((n + 1) * count // (len(steps) + 1), step) for n, step in enumerate(steps)]
        self._began = time.perf_counter()
        self._busy = False

    def __call__(self, done: int) -> None:
        with self._lock:
            due = bool(self._due) and done >= self._due[0][0] and not self._busy
            step = self._due.pop(0)[1] if due else None
            self._busy = self._busy or due
        if step is not None:
            self._say(f"{step.__name__} at request {done}")
            step()
            self._say(f"{step.__name__} is over")
            self._busy = False
        elif self._busy:
            # So that requests are left for the time after a long outage.
            time.sleep(0.02)

    def _say(self, what: str) -> None:
        print(f"{time.perf_counter() - self._began:7.1f} s  {what}", flush=True)

    def worker(self) -> None:
        self._pair.first.kill(self._pair.first.children("worker")[0])

    def writers(self) -> None:
        for gateway in self._pair.gateways:
            gateway.kill(gateway.children("accountant")[0])

    def redis(self) -> None:
        self._pair.redis.run("flushall")
        self._pair.redis.stop()
        time.sleep(3)
        self._pair.redis.start()

    def postgres(self) -> None:
        self._pair.postgres.stop(signal.SIGQUIT)
        time.sleep(self._outage)
        self._pair.postgres.start()

    def gateway(self) -> None:
        self._pair.second.kill_all()
        self._pair.second.start()


def alone(directory: Path, provider: Provider, stack: ExitStack, count: int, at_once: int) -> int:
    gateway = one_gateway(directory, provider, stack)
    key = gateway.key(key_alias="bench", max_budget=100_000)
    told, seconds = timed([gateway.port], key, count, at_once)
    gateway.until(lambda: gateway.total("litellm_current_load") == 0, "no request is in flight")
    rows = ledger = 0
    for page in range(1, count // 10_000 + 2):
        found = gateway.admin("GET", "/spend/logs", params={"api_key": key, "page": page, "page_size": 10_000})
        rows += len(found)
        ledger += sum(row["metadata"]["cost_nano_usd"] for row in found)
    return report(told, seconds, rows, ledger, gateway.total("litellm_spend_usd_total", key="bench"), provider)


def one_gateway(directory: Path, provider: Provider, stack: ExitStack) -> Running:
    return stack.enter_context(Running(directory, workers=4, models=models(provider)))


def timed(ports: list[int], key: str, count: int, at_once: int, **more: Any) -> tuple[Told, float]:
    start = time.perf_counter()
    told = send(ports, key, count, at_once=at_once, kinds=MIXED, **more)
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

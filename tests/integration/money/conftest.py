from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.gateway.redis_server import RedisServer
from tests.integration.gateway.running import Running
from tests.integration.money.databases import Postgres
from tests.integration.money.upstream import PRICES
from tests.ports import free_port


class Provider:
    """The provider's process and its own bill."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process = subprocess.Popen([sys.executable, "-m", "tests.integration.money.upstream", str(self.port)])
        end = time.monotonic() + 60
        while True:
            try:
                self.bill()
                return
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.05)

    def bill(self) -> dict[str, int]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/bill", timeout=30) as answer:
            found: dict[str, int] = json.load(answer)
        return found

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(30)


def models(provider: Provider) -> list[dict[str, Any]]:
    """One model per behaviour; `flaky` and `dead` fall back to `cheap`."""
    found = []
    for name in (*PRICES, "dead"):
        plain_in, plain_out = PRICES.get(name, (0, 0))
        price: dict[str, Any] = {
            "input_usd_per_million_tokens": plain_in / 1e9,
            "output_usd_per_million_tokens": plain_out / 1e9,
        }
        if name == "tiered":
            double = {field: 2 * value for field, value in price.items()}
            price["tiers"] = [{"above_prompt_tokens": 1000, **double}]
        base = f"http://127.0.0.1:{provider.port}/v1"
        deployment = {"id": f"{name}-0", "provider": "stand-in", "model": name, "api_base": base, "price": price}
        fallbacks = ["cheap"] if name in ("flaky", "dead") else []
        found.append({"name": name, "deployments": [deployment], "fallbacks": fallbacks})
    return found


class Pair:
    """Two gateways on one PostgreSQL and one Redis. The tests do with two workers each, bench/ takes four."""

    def __init__(
        self, directory: Path, postgres: Postgres, redis: RedisServer, provider: Provider, workers: int = 2
    ) -> None:
        self.postgres, self.redis, self.provider = postgres, redis, provider
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "url").write_text(postgres.url)
        database = {"url": f"file:{directory / 'url'}", "pool_size": 20, "replicas": 2}
        (directory / "redis").write_text(redis.url)
        cache = {"backend": "redis", "url": f"file:{directory / 'redis'}", "opt_in": True}
        self.gateways = [
            Running(directory / f"g{n}", workers=workers, models=models(provider), database=database, cache=cache)
            for n in range(2)
        ]
        self.first, self.second = self.gateways
        self.ports = [gateway.port for gateway in self.gateways]

    def settled(self) -> None:
        """Every answered request is in the database and every gauge has followed."""
        for gateway in self.gateways:
            gateway.until(lambda g=gateway: g.total("litellm_current_load") == 0, "no request is in flight")
            gateway.until(lambda g=gateway: _nothing_waits(g), "everything is in the ledger")

    def ledger(self, key_alias: str) -> tuple[int, int]:
        """(rows, nano-USD) of a key."""
        ((rows, cost),) = self.postgres.query(
            "select count(*), coalesce(sum(cost), 0)::bigint from ledger where alias = $1", key_alias
        )
        return rows, cost

    def metric(self, name: str, **labels: str) -> float:
        return sum(gateway.total(name, **labels) for gateway in self.gateways)


def _nothing_waits(gateway: Running) -> bool:
    # The administrator's question makes the accountant take in and commit everything first.
    answer = gateway.http.get("/spend/logs?limit=1", headers={"Authorization": "Bearer sk-master-for-tests"})
    return answer.status_code == 200


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    one = Provider()
    yield one
    one.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="session")
def pair(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, redis: RedisServer, provider: Provider
) -> Iterator[Pair]:
    two = Pair(tmp_path_factory.mktemp("pair"), postgres, redis, provider)
    try:
        for gateway in two.gateways:
            gateway.start()
        yield two
    finally:
        for gateway in two.gateways:
            gateway.__exit__()

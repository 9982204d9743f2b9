"""Whatever dies, the books are right in the end. Each fault runs under load on two gateways."""

from __future__ import annotations

import signal
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.gateway.running import MASTER, Running
from tests.integration.money.conftest import Pair
from tests.integration.money.load import KINDS, Told, send

pytestmark = pytest.mark.xdist_group("money-pair")
# Kinds whose answers tell the request's id, so that each can be looked for in the ledger.
WHOLE = tuple(kind for kind in KINDS if kind[0] != "cut")


def once(at: int, action: Callable[[], Any]) -> Callable[[int], None]:
    """Do it when so many requests are done."""
    guard = threading.Lock()
    due = [True]

    def meanwhile(done: int) -> None:
        with guard:
            now, due[0] = due[0] and done >= at, due[0] and done < at
        if now:
            action()

    return meanwhile


def check(pair: Pair, alias: str, told: Told, before: dict[str, int], dearest: int = 20_000_000) -> None:
    """Every answer has one row, and the bill exceeds the ledger by nothing but requests that got no answer."""
    pair.settled()
    ids = [i for (i,) in pair.postgres.query("select request_id from ledger where alias = $1", alias)]
    assert len(ids) == len(set(ids))
    assert set(told.ids) <= set(ids)
    _, cost = pair.ledger(alias)
    billed = pair.provider.bill()["nano"] - before["nano"]
    lost = told.statuses[0]
    assert cost <= billed <= cost + lost * dearest
    if not lost:
        assert cost == billed
    ((spent, total),) = pair.postgres.query("select spent, total from accounts where alias = $1", alias)
    assert spent == total == cost
    held = pair.postgres.query("select amount from holds h join accounts using (identity) where alias = $1", alias)
    assert all(amount >= 0 for (amount,) in held)


def test_a_killed_worker(pair: Pair) -> None:
    key, before = pair.first.key(key_alias="worker-dies", max_budget=1000), pair.provider.bill()
    victim = pair.first.children("worker")[0]
    told = send(pair.ports, key, 600, kinds=WHOLE, meanwhile=once(200, lambda: pair.first.kill(victim)))
    assert told.statuses[0] <= 16
    check(pair, "worker-dies", told, before)


def test_a_killed_ledger_writer(pair: Pair) -> None:
    key, before = pair.first.key(key_alias="writer-dies", max_budget=1000), pair.provider.bill()
    victims = [gateway.children("accountant")[0] for gateway in pair.gateways]

    def kill() -> None:
        for gateway, victim in zip(pair.gateways, victims, strict=True):
            gateway.kill(victim)

    told = send(pair.ports, key, 600, kinds=WHOLE, meanwhile=once(200, kill))
    check(pair, "writer-dies", told, before)


def test_postgresql_stopped_and_started_again(pair: Pair) -> None:
    key = pair.first.key(key_alias="database-away", max_budget=1000)
    free = pair.first.key(key_alias="database-away-free")
    for one in (key, free):
        pair.second.until(lambda k=one: send([pair.second.port], k, 1, kinds=WHOLE).statuses[200] == 1, "known")
    pair.settled()
    before, (_, known) = pair.provider.bill(), pair.ledger("database-away-free")
    # Passes are known to the workers from here on; what is held pays for the budgeted key.
    send(pair.ports, free, 64, kinds=WHOLE)
    pair.postgres.stop(signal.SIGQUIT)
    told = send(pair.ports, free, 300, kinds=WHOLE)
    paid = send(pair.ports, key, 40, kinds=WHOLE)
    assert told.statuses == {200: 300}
    assert set(paid.statuses) <= {200, 503}
    pair.postgres.start()
    pair.settled()
    rows, cost = pair.ledger("database-away-free")
    _, own = pair.ledger("database-away")
    assert rows == 1 + 64 + 300
    assert pair.provider.bill()["nano"] - before["nano"] == cost - known + own - first_of(pair, "database-away")


def test_a_key_made_while_another_gateway_has_not_seen_its_database_come_back(pair: Pair) -> None:
    """It is never called invalid: whoever cannot look says so, or waits until it can."""

    def stranger(gateway: Running) -> int:
        # A new one each time: those that were looked for are remembered.
        (status,) = send([gateway.port], f"sk-{uuid.uuid4().hex}", 1, kinds=WHOLE).statuses
        return status

    for gateway in pair.gateways:
        gateway.until(lambda g=gateway: stranger(g) == 401, "it has its database")
    pair.postgres.stop(signal.SIGQUIT)
    for gateway in pair.gateways:
        gateway.until(lambda g=gateway: stranger(g) == 503, "it says that it cannot look")
    pair.postgres.start()
    key = pair.first.until(lambda: _made(pair.first), "the first gateway has its database again")
    assert set(send([pair.second.port], key, 20, kinds=WHOLE).statuses) <= {200, 503}
    pair.second.until(lambda: send([pair.second.port], key, 1, kinds=WHOLE).statuses == {200: 1}, "it is back")
    for gateway in pair.gateways:
        gateway.until(lambda g=gateway: stranger(g) == 401, "it has its database")


def _made(gateway: Running) -> str:
    answer = gateway.http.post("/key/generate", headers={"Authorization": f"Bearer {MASTER}"}, json={})
    return str(answer.json()["key"]) if answer.status_code == 200 else ""


def test_redis_flushed_stopped_and_started_again(pair: Pair) -> None:
    key, before = pair.first.key(key_alias="cache-away", max_budget=1000), pair.provider.bill()
    steps = [once(at, action) for at, action in (
        (100, lambda: pair.redis.run("flushall")), (200, pair.redis.stop), (400, pair.redis.start)
    )]  # fmt: skip

    def meanwhile(done: int) -> None:
        for step in steps:
            step(done)

    hits = pair.metric("litellm_cache_hits_total")
    told = send(pair.ports, key, 600, kinds=WHOLE, cached=True, meanwhile=meanwhile)
    assert told.statuses == {200: 600}
    check(pair, "cache-away", told, before)
    assert pair.metric("litellm_cache_hits_total") > hits
    assert pair.ledger("cache-away")[0] == 600


def first_of(pair: Pair, alias: str) -> int:
    ((cost,),) = pair.postgres.query("select cost from ledger where alias = $1 order by id limit 1", alias)
    return int(cost)


def test_a_whole_gateway_killed(pair: Pair) -> None:
    key, before = pair.first.key(key_alias="gateway-dies", max_budget=1000), pair.provider.bill()
    victim = pair.second
    with ThreadPoolExecutor(1) as pool:
        sending: Future[Told] = pool.submit(
            send, pair.ports, key, 500, kinds=WHOLE, meanwhile=once(200, victim.kill_all)
        )
        told = sending.result(200)
    assert told.statuses[0] > 0
    victim.start()
    time.sleep(0.1)
    check(pair, "gateway-dies", told, before)

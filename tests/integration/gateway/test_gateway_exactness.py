"""Several workers count as one: over scrapes, and over the death of a process."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from tests.integration.gateway.running import Running, Samples, mock_model, parsed

REQUESTS = 1000


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    model = mock_model("demo", deployment={"mock": {"completion_tokens": 4}})
    with Running(tmp_path_factory.mktemp("four"), workers=4, models=[model]) as running:
        yield running


def send_many(gateway: Running, key: str, count: int, meanwhile: Callable[[int], None]) -> int:
    """Answered requests of `count`, 32 at a time; `meanwhile` is called after each with how many are done."""
    done = 0
    guard = threading.Lock()
    local = threading.local()

    def one(_: int) -> bool:
        nonlocal done
        client = getattr(local, "client", None)
        if client is None:
            client = local.client = httpx.Client(base_url=gateway.url, timeout=30)
            clients.append(client)
        try:
            body = {"model": "demo", "messages": [{"role": "user", "content": "x"}]}
            answer = client.post("/v1/chat/completions", headers={"Authorization": f"Bearer {key}"}, json=body)
            answered = answer.status_code == 200
        except httpx.TransportError:
            answered = False
        with guard:
            done += 1
            number = done
        meanwhile(number)
        return answered

    clients: list[httpx.Client] = []
    try:
        with ThreadPoolExecutor(32) as pool:
            return sum(pool.map(one, range(count)))
    finally:
        for client in clients:
            client.close()


def test_totals_never_decrease_and_the_last_scrape_equals_what_was_sent(four: Running) -> None:
    key = four.key(key_alias="scraped")
    seen: list[float] = []

    lock = threading.Lock()

    def scrape(number: int) -> None:
        if number % (REQUESTS // 20) == 0:
            with lock:
                seen.append(four.total("litellm_requests_total", key="scraped"))

    answered = send_many(four, key, REQUESTS, scrape)
    assert answered == REQUESTS
    assert len(seen) == 20
    assert seen == sorted(seen)
    assert four.total("litellm_requests_total", key="scraped", status="200") == REQUESTS
    attempts = four.total("litellm_upstream_attempts_total", deployment="demo-0", status="200")
    assert attempts == four.total("litellm_requests_total", model="demo", status="200")
    assert four.total("litellm_request_duration_seconds_count", key="scraped") == REQUESTS
    assert four.total("litellm_tokens_used_total", key="scraped", token_type="output") == 4 * REQUESTS
    rows = four.admin("GET", "/spend/logs", params={"api_key": key})
    assert len(rows) == len({row["request_id"] for row in rows}) == REQUESTS


def test_a_killed_worker_loses_nothing_that_was_answered_and_leaves_no_ghost(four: Running) -> None:
    key = four.key(key_alias="killed")
    victim = four.children("worker")[1]
    seen: list[float] = []
    lock = threading.Lock()

    def meanwhile(number: int) -> None:
        if number == REQUESTS // 2:
            four.kill(victim)
        if number % (REQUESTS // 10) == 0:
            # A scrape that the victim had just accepted dies with it, as any request would.
            with lock, contextlib.suppress(httpx.RemoteProtocolError, httpx.ReadError):
                seen.append(four.total("litellm_requests_total", key="killed", status="200"))

    before = set(four.samples())
    answered = send_many(four, key, REQUESTS, meanwhile)
    counted = four.total("litellm_requests_total", key="killed", status="200")
    assert REQUESTS - 32 <= answered <= REQUESTS
    # The killed worker may have counted a request whose answer did not get out; never the other way round.
    assert answered <= counted <= REQUESTS
    rows = four.admin("GET", "/spend/logs", params={"api_key": key})
    assert answered <= len(rows) == len({row["request_id"] for row in rows}) <= REQUESTS
    assert len(seen) >= 8
    assert [*seen, counted] == sorted([*seen, counted])
    four.until(lambda: len(four.children("worker")) == 4, "four workers again")
    new = {series for series in set(four.samples()) - before if dict(series[1]).get("key") != "killed"}
    # What is new is this traffic's own, by model and provider: nothing of the worker that died or of the one in its place.
    assert {dict(labels)["model"] for _, labels in new} <= {"demo"}
    assert not any("pid" in dict(labels) for _, labels in four.samples())
    four.until(lambda: four.total("litellm_current_load") == 0, "no request is in flight")


def test_ledger_rows_are_exactly_the_requests_when_the_accountant_is_killed(four: Running) -> None:
    key = four.key(key_alias="settled")
    four.chat(key)

    def meanwhile(number: int) -> None:
        if number == 100:
            four.kill(accountant)

    accountant = four.children("accountant")[0]
    answered = send_many(four, key, 400, meanwhile)
    assert answered == 400
    four.until(lambda: four.http.get("/health/readiness").status_code == 200, "ready again")
    rows = four.admin("GET", "/spend/logs", params={"api_key": key})
    assert len(rows) == len({row["request_id"] for row in rows}) == 401
    spent = four.admin("GET", "/key/info", params={"key": key})["info"]["total_spend"]
    assert spent == pytest.approx(sum(row["spend"] for row in rows), abs=1e-12)


def test_a_stock_collector_reads_the_same_samples(four: Running) -> None:
    key = four.key(key_alias="read", max_budget=5)
    send_many(four, key, 40, lambda _: None)
    four.chat(key, stream=True)
    four.chat(key, mock={"error": 429})
    four.until(lambda: four.total("litellm_budget_spent_usd", key="read") > 0, "the gauge follows")
    four.until(lambda: four.total("litellm_ledger_backlog_rows") == 0, "everything is in the ledger")
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(four.state / "metrics"))
    # What changes with time, such as a rest of the deployment, may do so between two looks: not between these.
    ours, stock = four.until(lambda: _between_two_equal(four.samples, registry), "a moment in which nothing changes")
    # The files' floats are added up in another order.
    assert ours == pytest.approx(stock, rel=1e-12)
    assert httpx.get(f"{four.url}/metrics").headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


def _between_two_equal(look: Callable[[], Samples], registry: CollectorRegistry) -> tuple[Samples, Samples] | None:
    """Our samples and the collector's of the same files, if ours were the same before and after."""
    before, stock = look(), parsed(generate_latest(registry).decode())
    return (before, stock) if look() == before else None

"""Client, metrics, ledger and upstream count the same, whatever clients and upstreams do, and no scrape takes back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx
import pytest

from tests.integration.gateway.running import PRICE, Running, Samples
from tests.integration.gateway.upstream import FakeUpstream

EACH = 60
SCRAPES = 50
AT_ONCE = 24
# What is asked for, and what becomes of it: (model, stream, whether the client leaves, its status).
CASES = (
    ("ok", False, False, 200),
    ("ok", True, False, 200),
    ("half", False, False, 502),
    ("cut", True, False, 502),
    ("silent", False, True, 499),
    ("endless", True, True, 499),
)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory, upstream: FakeUpstream) -> Iterator[Running]:
    def model(kind: str) -> dict[str, Any]:
        timeouts = {"connect_s": 5, "first_byte_s": 60, "idle_s": 60, "total_s": 120}
        deployment = {"id": f"{kind}-0", "provider": "vllm", "model": kind, "api_base": upstream.url, "price": PRICE}
        return {"name": kind, "deployments": [{**deployment, "timeouts": timeouts}]}

    models = [model(kind) for kind in {case[0] for case in CASES}]
    routing = {"allowed_failures": 1000}
    directory = tmp_path_factory.mktemp("busy")
    with Running(directory, workers=4, models=models, routing=routing) as running:
        yield running


async def ask(gateway: Running, key: str, model: str, stream: bool, upstream: FakeUpstream, leaves: bool) -> bytes:
    """One request on a connection of its own; what came back."""
    said = b""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    user = secrets.token_hex(8)
    fields = {"model": model, "stream": stream, "user": user, "messages": [{"role": "user", "content": "x"}]}
    body = json.dumps(fields).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {key}\r\n"
    writer.write(head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)
    # A worker that is killed takes its connections with it.
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        if leaves and stream:
            await reader.readuntil(b"data: ")
        elif leaves:
            while not reader.at_eof() and not any(call["user"] == user for call in upstream.of(model)):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        else:
            said = await reader.read()
    writer.transport.abort()
    return said


async def everything(gateway: Running, key: str, upstream: FakeUpstream, kill_after: int | None = None) -> list[bytes]:
    places = asyncio.Semaphore(AT_ONCE)
    done = 0

    async def one(case: tuple[str, bool, bool, int]) -> bytes:
        nonlocal done
        async with places:
            said = await ask(gateway, key, case[0], case[1], upstream, case[2])
        done += 1
        if done == kill_after:
            gateway.kill(gateway.children("worker")[2])
        return said

    return await asyncio.gather(*(one(case) for _ in range(EACH) for case in CASES))


def whole(said: bytes) -> bool:
    """Whether this is a whole answer with status 200."""
    head, _, body = said.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        return False
    if b"chunked" in head:
        return b"[DONE]" in body
    length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length"))
    return len(body) == int(length.partition(b":")[2])


def taken_back(earlier: Samples, later: Samples) -> list[str]:
    """Counters that went back or vanished."""
    names = ("_total", "_count", "_bucket", "_sum")
    return [f"{n} {dict(ls)}" for (n, ls), v in earlier.items() if n.endswith(names) and later.get((n, ls), -1.0) < v]


def test_all_count_the_same_and_no_scrape_takes_back(busy: Running, upstream: FakeUpstream) -> None:
    key = busy.key(key_alias="counted")
    upstream.calls.clear()
    load = threading.Thread(target=lambda: asyncio.run(everything(busy, key, upstream)))
    load.start()
    scrapes = [busy.samples()]
    while load.is_alive() or len(scrapes) < SCRAPES:
        scrapes.append(busy.samples())
    load.join()
    for earlier, later in pairwise(scrapes):
        assert taken_back(earlier, later) == []
    sent = EACH * len(CASES)
    busy.until(lambda: busy.total("litellm_requests_total", key="counted") == sent, "every request is counted")
    expected = Counter((model, str(status)) for model, _, _, status in CASES for _ in range(EACH))
    for (model, status), count in expected.items():
        assert busy.total("litellm_requests_total", key="counted", model=model, status=status) == count, (model, status)
        assert len(upstream.of(model)) == busy.total("litellm_upstream_attempts_total", key="counted", model=model)
    assert len(upstream.calls) == busy.total("litellm_upstream_attempts_total", key="counted") == sent
    rows = busy.admin("GET", "/spend/logs", params={"api_key": key})
    assert len(rows) == len({row["request_id"] for row in rows}) == sent
    busy.until(lambda: busy.total("litellm_current_load") == 0, "nothing is in flight")


def test_who_leaves_before_a_whole_answer_ends_the_attempt_and_pays_the_prompt(
    busy: Running, upstream: FakeUpstream
) -> None:
    key = busy.key(key_alias="impatient")
    asyncio.run(ask(busy, key, "silent", False, upstream, leaves=True))
    busy.until(lambda: busy.total("litellm_requests_total", key="impatient", status="499") == 1, "it is counted")
    assert busy.total("litellm_upstream_attempts_total", key="impatient", status="499") == 1
    (row,) = busy.admin("GET", "/spend/logs", params={"api_key": key})
    assert row["prompt_tokens"] > 0
    assert row["completion_tokens"] == 0
    assert row["spend"] > 0


def test_a_killed_worker_amid_leaving_clients_and_resets_takes_nothing_back(
    busy: Running, upstream: FakeUpstream
) -> None:
    key = busy.key(key_alias="killed")
    before = busy.samples()
    upstream.calls.clear()
    said: list[bytes] = []
    load = threading.Thread(target=lambda: said.extend(asyncio.run(everything(busy, key, upstream, kill_after=100))))
    load.start()
    scrapes = [before]
    while load.is_alive() or len(scrapes) < SCRAPES:
        # A scrape that the victim had just accepted dies with it.
        with contextlib.suppress(httpx.TransportError):
            scrapes.append(busy.samples())
    load.join()
    busy.until(lambda: busy.total("litellm_current_load") == 0, "nothing is in flight")
    busy.until(lambda: len(busy.children("worker")) == 4, "four workers again")
    scrapes.append(busy.samples())
    for earlier, later in pairwise(scrapes):
        assert taken_back(earlier, later) == []
    new = {series for series in scrapes[-1] if series not in before and dict(series[1]).get("key") != "killed"}
    assert not any(name in dict(labels) for _, labels in new for name in ("pid", "worker", "slot"))
    sent, answered = EACH * len(CASES), sum(map(whole, said))
    counted = busy.total("litellm_requests_total", key="killed")
    # Only what the victim had in its hands may be missing, and never anything that was answered.
    assert sent - AT_ONCE <= counted <= sent
    assert answered <= busy.total("litellm_requests_total", key="killed", status="200") <= 2 * EACH
    attempts = busy.total("litellm_upstream_attempts_total", key="killed")
    assert attempts <= len(upstream.calls) <= attempts + AT_ONCE
    rows = busy.admin("GET", "/spend/logs", params={"api_key": key})
    assert len(rows) == len({row["request_id"] for row in rows})
    assert answered <= sum(row["status"] == "success" for row in rows) <= 2 * EACH
    assert counted - AT_ONCE <= len(rows) <= counted

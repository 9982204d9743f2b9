"""A Redis that closes connections at any moment, its greeting included, costs the cache and never a request."""

from __future__ import annotations

import asyncio
import random
from itertools import count
from typing import cast

import pytest
import uvloop
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gateway.cache import Entry, redis_store
from gateway.cache.redis_store import Calm, RedisStore

ENTRY = Entry(b"{}" * 5000, "a", 1.0)


class HangsUp(asyncio.Protocol):
    """Answers some commands of a connection with OK and ends it before the next one."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._left = draw.randint(0, 6)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if not self._left:
            self._end()

    def data_received(self, data: bytes) -> None:
        for _ in range(data.count(b"*")):
            if not self._left:
                self._end()
                return
            self._left -= 1
            self._transport.write(b"+OK\r\n")
        if self._draw.random() < 0.2:
            asyncio.get_running_loop().call_later(self._draw.random() * 0.002, self._end)

    def _end(self) -> None:
        if self._draw.random() < 0.5:
            self._transport.abort()
        else:
            self._transport.close()


def test_a_connection_that_ends_at_any_moment_is_a_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_store, "_REST_S", 0.0)
    draw = random.Random(5)

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: HangsUp(draw), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        redis = Redis(port=port, socket_timeout=1.0, retry=Retry(NoBackoff(), 1))
        store = RedisStore(redis, "test:", Calm())
        numbers = count()

        async def ask() -> None:
            for number in numbers:
                if number >= 1500:
                    break
                await store.put(b"%d" % number, ENTRY, 60.0)
                assert await store.get(b"%d" % number) is None
                await asyncio.sleep(draw.random() * 0.001)

        await asyncio.gather(*(ask() for _ in range(16)))
        await store.close()
        server.close()

    # A worker's event loop has its own way to say that a connection is closed.
    asyncio.Runner(loop_factory=uvloop.new_event_loop).run(run())

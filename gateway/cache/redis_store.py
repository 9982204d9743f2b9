"""Entries in Redis, shared by workers and replicas."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Coroutine
from typing import TYPE_CHECKING, TypeVar

import orjson

from gateway.cache.store import Entry

if TYPE_CHECKING:
    from redis.asyncio import Redis

T = TypeVar("T")
_log = logging.getLogger("gateway.worker")
_COMPLAIN_EVERY_S = 60.0
# So long nobody asks a Redis that has just failed: a request must not wait for it again and again.
_REST_S = 1.0


class Calm:
    """Asks Redis, and for a moment nobody when it has just failed."""

    def __init__(self) -> None:
        self._quiet_until = 0.0
        self._rest_until = 0.0

    async def run(self, asking: Awaitable[T]) -> T | None:
        """The answer, or None."""
        from redis.exceptions import RedisError

        if time.monotonic() < self._rest_until:
            if isinstance(asking, Coroutine):
                asking.close()
            return None
        try:
            return await asking
        except (RedisError, OSError, RuntimeError) as error:
            # The last one is uvloop's, of a connection that was closed while it was greeted; redis-py lets it through.
            self._complain(error)
            return None

    def _complain(self, error: Exception) -> None:
        now = time.monotonic()
        self._rest_until = now + _REST_S
        if now >= self._quiet_until:
            self._quiet_until = now + _COMPLAIN_EVERY_S
            _log.warning("the cache in Redis does not answer, so every look-up misses: %s", type(error).__name__)


class RedisStore:
    """`prefix` keeps gateways on one Redis apart. When Redis fails, every look-up misses and nothing breaks."""

    def __init__(self, redis: Redis, prefix: str, calm: Calm) -> None:
        self._redis = redis
        self._prefix = prefix.encode()
        self._calm = calm

    async def get(self, identity: bytes) -> Entry | None:
        found = await self._calm.run(self._redis.get(self._name(identity)))
        return _entry(found) if isinstance(found, bytes) else None

    async def put(self, identity: bytes, entry: Entry, ttl_s: float) -> None:
        if ttl_s > 0:
            await self._calm.run(self._redis.set(self._name(identity), _bytes(entry), px=max(int(ttl_s * 1000), 1)))

    async def close(self) -> None:
        await self._redis.aclose()

    def _name(self, identity: bytes) -> bytes:
        return self._prefix + identity.hex().encode()


def _bytes(entry: Entry) -> bytes:
    head = [entry.deployment, entry.stored]
    return orjson.dumps(head) + b"\n" + entry.body


def _entry(value: bytes) -> Entry | None:
    """None for a value that something else wrote."""
    head, found, body = value.partition(b"\n")
    try:
        deployment, stored = orjson.loads(head)
        return Entry(body, str(deployment), float(stored)) if found else None
    except (ValueError, TypeError):
        return None

"""The questions of a semantic cache in Redis: every worker reads what the others have added since it last looked."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gateway import clock
from gateway.cache.redis_store import Calm

if TYPE_CHECKING:
    from redis.asyncio import Redis

_MOST_PER_GROUP = 1000
_MOST_GROUPS = 4096
_FROM_START = b"-"


class RedisQuestions:
    """One Redis stream per group. When Redis fails, there is simply no news."""

    def __init__(self, redis: Redis, prefix: str, calm: Calm) -> None:
        self._redis = redis
        self._prefix = f"{prefix}q:".encode()
        self._calm = calm
        # The last entry seen of each group.
        self._seen: OrderedDict[bytes, bytes] = OrderedDict()

    async def add(self, group: bytes, vector: Sequence[float], identity: bytes, ttl_s: float) -> None:
        """Tell the others of a question whose answer is kept under `identity`."""
        name = self._prefix + group.hex().encode()
        fields: dict[Any, Any] = {
            b"v": array("f", vector).tobytes(),
            b"i": identity,
            b"u": b"%.3f" % (clock.now() + ttl_s),
        }

        async def run() -> None:
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.xadd(name, fields, maxlen=_MOST_PER_GROUP)
                pipe.pexpire(name, max(int(ttl_s * 1000), 1))
                await pipe.execute()

        await self._calm.run(run())

    async def news(self, group: bytes) -> list[tuple[array[float], bytes, float]]:
        """(vector, identity, seconds left) of what this worker has not seen of a group."""
        name, last = self._prefix + group.hex().encode(), self._seen.get(group, _FROM_START)
        start = last if last == _FROM_START else b"(" + last
        entries: Any = await self._calm.run(self._redis.xrange(name, start))
        if not entries:
            return []
        self._seen[group] = entries[-1][0]
        self._seen.move_to_end(group)
        if len(self._seen) > _MOST_GROUPS:
            self._seen.popitem(last=False)
        return [found for _, fields in entries if (found := _read(fields)) is not None]


def _read(fields: Any) -> tuple[array[float], bytes, float] | None:
    """None for what something else wrote, or for what is over."""
    try:
        vector = array("f", fields[b"v"])
        left = float(fields[b"u"]) - clock.now()
        return (vector, bytes(fields[b"i"]), left) if left > 0 else None
    except (KeyError, ValueError, TypeError):
        return None

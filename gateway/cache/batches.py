"""Identical questions that are asked at the same time: one is bought, all are answered and share its cost."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

from gateway.errors import UpstreamError
from gateway.pricing import split

T = TypeVar("T")


class Batch(Generic[T]):
    """One question that is being answered. Whoever opened it tells the others."""

    def __init__(self) -> None:
        self.callers = 1
        # Only when somebody has joined.
        self._told: asyncio.Future[tuple[T, int | None]] | None = None
        self._shares: list[int] = []

    def join(self) -> None:
        """One more waits for the answer."""
        self.callers += 1
        if self._told is None:
            self._told = asyncio.get_running_loop().create_future()

    async def answer(self) -> tuple[T, int | None]:
        """For everybody who has joined: the answer and what this caller pays of it, None where no price is known.

        Raises the opener's UpstreamError.
        """
        if self._told is None:
            raise RuntimeError("nobody has joined")
        return await asyncio.shield(self._told)

    def tell(self, answer: T, cost: int | None) -> int | None:
        """The answer is here: returns what the opener pays. `cost` in nano-USD."""
        if self._told is None:
            return cost
        own, *self._shares = split(cost or 0, self.callers)
        self._told.set_result((answer, cost))
        return None if cost is None else own

    def share(self) -> int:
        """What the next of the others pays."""
        return self._shares.pop()

    def fail(self, error: UpstreamError) -> None:
        """There is no answer."""
        if self._told is not None:
            self._told.set_exception(error)


class Batches(Generic[T]):
    """The open batches of one worker."""

    def __init__(self) -> None:
        self._open: dict[bytes, Batch[T]] = {}

    def join(self, identity: bytes) -> Batch[T] | None:
        """Wait for somebody else's answer, if the question is being answered."""
        batch = self._open.get(identity)
        if batch is not None:
            batch.join()
        return batch

    def open(self, identity: bytes) -> Batch[T]:
        """Be the one who asks, if one is not already; `close` must follow."""
        batch = self._open.get(identity)
        if batch is None:
            batch = self._open[identity] = Batch()
        return batch

    def is_open(self, identity: bytes) -> bool:
        """Whether somebody is asking."""
        return identity in self._open

    def close(self, identity: bytes) -> Batch[T] | None:
        """Nobody can join any more. Returns whom the opener has to tell."""
        return self._open.pop(identity, None)

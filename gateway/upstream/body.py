"""A response as it arrives, between the connection that reads it and whoever wants it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, Protocol

# Above this much unread body the connection stops reading until the consumer has caught up.
HIGH_WATER: Final = 1 << 20
_NONE: Final[Mapping[bytes, bytes]] = {}


class Body:
    """A response as it arrives: `status` and `headers` first, then chunks."""

    status: int = 0
    size: int = 0
    kept: int = 0
    ended: bool = False
    _error: BaseException | None = None
    _waiter: asyncio.Future[None] | None = None
    _take: Callable[[bytes], bool] | None = None
    _refused: Exception | None = None

    def __init__(self, connection: Source, loop: asyncio.AbstractEventLoop) -> None:
        self._connection = connection
        # Asking for the running loop costs a system call.
        self._loop = loop
        self._chunks: deque[bytes] = deque()
        self.raw_headers: Mapping[bytes, bytes] = _NONE

    @property
    def headers(self) -> dict[bytes, bytes]:
        """By lower-case name; of an answer that is well nobody asks for them."""
        return {name.lower(): value for name, value in self.raw_headers.items()}

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        if chunk := await self.read():
            return chunk
        raise StopAsyncIteration

    async def read(self) -> bytes:
        """What came next, or nothing at the end. Raises what ended it before."""
        while not self._chunks:
            if self._error is not None:
                raise self._error
            if self.ended:
                return b""
            await self._wait()
        chunk = self._chunks.popleft()
        self.kept -= len(chunk)
        if self.kept < HIGH_WATER:
            self._connection.resume()
        return chunk

    def push_to(self, take: Callable[[bytes], bool]) -> bool:
        """Hand every chunk to `take` as it arrives, without waking anybody, until it returns True or `pushed` is over.

        Returns whether it has done so already, with what was there.
        """
        while self._chunks:
            chunk = self._chunks.popleft()
            self.kept -= len(chunk)
            if take(chunk):
                return True
        if self._error is None and not self.ended:
            self._connection.resume()
            self._take = take
        return False

    async def pushed(self) -> None:
        """Until `take` or `stop` has asked to stop, or the body has ended."""
        if self._take is not None:
            await self._wait()

    def push_no_more(self) -> None:
        """What comes from now on waits to be read."""
        self._take = None

    def is_whole(self) -> bool:
        """Whether all of it was pushed. Raises what `take` raised and what ended the body before its end."""
        if self._refused is not None:
            raise self._refused
        if self._chunks:
            return False
        if self._error is not None:
            raise self._error
        return self.ended

    def stop(self) -> None:
        """Whoever waits for more need not."""
        self._wake()

    async def whole(self) -> bytes:
        """All of the body."""
        while not self.ended and self._error is None:
            await self._wait()
        if self._error is not None:
            raise self._error
        return self.rest()

    def rest(self) -> bytes:
        """What is there and was not taken."""
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)

    def close(self) -> None:
        """Not interested in the rest."""
        if not self.ended and self._error is None:
            self._connection.abort()

    def feed(self, chunk: bytes) -> None:
        if self._take is not None:
            self._push(self._take, chunk)
            return
        self._chunks.append(chunk)
        self.size += len(chunk)
        self.kept += len(chunk)
        if self._waiter is not None:
            self._wake()

    def _push(self, take: Callable[[bytes], bool], chunk: bytes) -> None:
        self.size += len(chunk)
        try:
            enough = take(chunk)
        except Exception as error:
            self._refused, enough = error, True
        if enough:
            self._take = None
            self._wake()

    def end(self, error: BaseException | None = None) -> None:
        self.ended = error is None
        self._error = error
        if self._waiter is not None:
            self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def _wait(self) -> None:
        # Who is cancelled here leaves it behind, done.
        self._waiter = self._loop.create_future()
        await self._waiter
        self._waiter = None


class Source(Protocol):
    """What a body tells whatever feeds it."""

    def resume(self) -> None:
        """There is room again."""
        ...

    def abort(self) -> None:
        """Nobody wants the rest."""
        ...

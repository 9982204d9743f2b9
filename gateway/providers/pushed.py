"""Streams of server-sent events that go through as they are, watched for their usage and their end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import ClassVar

from gateway.errors import UpstreamError
from gateway.tokens import Usage
from gateway.upstream import Body
from gateway.upstream.pumping import pump
from gateway.upstream.sse import EventSplitter


class PushedStream(ABC):
    """A `Stream` that can also be pushed: then its events are sent on right where the upstream's bytes are read.

    Waking a task for each event costs more than everything else that is done with it.
    """

    closing: bytes = b""
    # What is wrong when the events are not what they should be.
    broken: ClassVar[str] = "the upstream's stream is not server-sent events"

    def __init__(self, body: Body, usage: Usage) -> None:
        self._body = body
        self.usage = usage
        self._splitter = EventSplitter()
        self._ready: deque[bytes] = deque()
        self._complete = False

    @abstractmethod
    def _events(self, chunk: bytes) -> list[bytes]:
        """What of a chunk is sent on, as whole events; sets `_complete` at the end.

        Raises UpstreamError, and ValueError, TypeError, KeyError or AttributeError for nonsense.
        """

    def __aiter__(self) -> PushedStream:
        return self

    async def __anext__(self) -> bytes:
        """The next event, or several that came together. Raises UpstreamError."""
        while not self._ready:
            if self._complete:
                raise StopAsyncIteration
            chunk = await self._body.read()
            if not chunk:
                raise _cut_off()
            self._ready.extend(self._read(chunk))
        return self._ready.popleft()

    async def push(self, take: Callable[[bytes], bool]) -> bool:
        """Give every event that comes to `take` until it says that this is enough for now (False) or all came (True).

        Raises UpstreamError. `take` must not raise.
        """
        while self._ready:
            if take(self._ready.popleft()):
                return False

        def pass_on(chunk: bytes) -> bool:
            enough = False
            for events in self._read(chunk):
                enough = take(events)
            return enough or self._complete

        if not self._complete and await pump(self._body, pass_on) and not self._complete:
            raise _cut_off()
        return self._complete

    def stop(self) -> None:
        """Nobody waits any more: `push` returns."""
        self._body.stop()

    async def close(self) -> None:
        """Give the connection up if the stream is not at its end."""
        # After its last event the connection finds the end by itself and is used again.
        if not self._complete:
            self._body.close()

    def _read(self, chunk: bytes) -> list[bytes]:
        try:
            return self._events(chunk)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise UpstreamError(502, "api_error", self.broken) from None


def _cut_off() -> UpstreamError:
    return UpstreamError(502, "connection_error", "the stream ended before it was complete")

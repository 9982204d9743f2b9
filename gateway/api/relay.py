"""Sending a stream's events on to the client, at the client's pace."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from gateway.api.exchange import Exchange
from gateway.providers.pushed import PushedStream

# Bytes of a stream that are kept while it is sent.
MOST_KEPT: Final = 1 << 20


class Relay:
    """Sends events on until the stream ends or the client leaves, and counts them.

    `kept` are the events, as long as they are not too large: they tell what was sent if the provider does not.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.kept: list[bytes] = []
        self.sent = self.bytes = 0

    async def run(self, first: bytes, events: AsyncIterator[bytes]) -> None:
        """Raises UpstreamError when the upstream breaks off."""
        if not first:
            return
        self._pass_on(first)
        if isinstance(events, PushedStream):
            await self._take_pushed(events)
            return
        async for event in events:
            if self._exchange.full:
                await self._exchange.drain()
            if self._exchange.gone:
                return
            self._pass_on(event)

    async def _take_pushed(self, stream: PushedStream) -> None:
        exchange = self._exchange
        exchange.on_gone = stream.stop
        while not exchange.gone and not await stream.push(self._take):
            await exchange.drain()
        exchange.on_gone = None

    def _take(self, events: bytes) -> bool:
        self._pass_on(events)
        return self._exchange.full or self._exchange.gone

    def _pass_on(self, events: bytes) -> None:
        self._exchange.send_part(events, True)
        self.sent += 1
        self.bytes += len(events)
        if self.bytes <= MOST_KEPT:
            self.kept.append(events)

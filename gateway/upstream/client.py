"""A request to an upstream and its response."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl

from gateway.config import Timeouts
from gateway.errors import UpstreamError
from gateway.outbox import Outbox
from gateway.upstream.body import Body
from gateway.upstream.connection import Connection, StaleConnectionError
from gateway.upstream.pools import Pool, Pools, Target

_TICK_S = 0.1


class Client:
    """Of one process. `most_bytes` caps a response. Requests go out by `outbox`, if there is one."""

    def __init__(self, most_bytes: int = 64 << 20, outbox: Outbox | None = None) -> None:
        self.pools = Pools(most_bytes, outbox)
        self._tls: ssl.SSLContext | None = None
        self._clock: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Close every connection."""
        if self._clock is not None:
            self._clock.cancel()
        self.pools.close()

    async def post(self, target: Target, body: bytes, timeouts: Timeouts, streaming: bool = False) -> Body:
        """Send and wait for the response, of a stream for its head only. Raises UpstreamError."""
        pool = self.pools.of(target)
        data = b"%b%d\r\n\r\n%b" % (target.head, len(body), body)
        connection = pool.take()
        try:
            if connection is not None:
                try:
                    return await self._exchange(connection, data, timeouts, streaming)
                except StaleConnectionError:
                    connection = None
            connection = await self._connect(target, pool, timeouts.connect_s)
            return await self._exchange(connection, data, timeouts, streaming)
        except asyncio.CancelledError:
            if connection is not None:
                connection.abort()
            raise
        except StaleConnectionError:
            raise UpstreamError(502, "connection_error", "the upstream closed the connection") from None
        except ConnectionAbortedError:
            raise UpstreamError(502, "connection_error", "the connection was given up") from None

    def _exchange(
        self, connection: Connection, data: bytes, timeouts: Timeouts, streaming: bool
    ) -> asyncio.Future[Body]:
        """A request and its response. Raises StaleConnectionError."""
        reply: asyncio.Future[Body] = asyncio.get_running_loop().create_future()
        connection.send(data, timeouts, self.pools.most, streaming, reply)
        return reply

    async def _connect(self, target: Target, pool: Pool, within: float) -> Connection:
        """A new connection. Raises UpstreamError."""
        if target.tls and self._tls is None:
            self._tls = ssl.create_default_context()
        if self._clock is None:
            self._clock = asyncio.create_task(self._tick())
        connection = pool.new()
        try:
            async with asyncio.timeout(within):
                await self._established(connection, target)
        except TimeoutError:
            raise UpstreamError(504, "timeout", f"no connection to the upstream within {within:g} s") from None
        except OSError as error:
            raise UpstreamError(502, "connection_error", f"no connection to the upstream: {_why(error)}") from None
        pool.all.add(connection)
        return connection

    async def _established(self, connection: Connection, target: Target) -> None:
        tls = self._tls if target.tls else None
        try:
            await asyncio.get_running_loop().create_connection(lambda: connection, target.host, target.port, ssl=tls)
        except BaseException:
            connection.drop()
            raise

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_TICK_S)
            self.pools.tick(loop.time())


def _why(error: OSError) -> str:
    """The cause without the address, which is not for clients."""
    if isinstance(error, ssl.SSLError):
        return "TLS failed"
    if isinstance(error, socket.gaierror):
        return "its name does not resolve"
    return os.strerror(error.errno).lower() if error.errno else "the system refused it"

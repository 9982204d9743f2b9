"""Pools of connections by origin."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.config import Timeouts
from gateway.errors import UpstreamError
from gateway.outbox import Outbox
from gateway.upstream.body import Body
from gateway.upstream.connection import Connection, Reply, StaleConnectionError
from gateway.upstream.hang_up import HangUps

_TICK_S = 0.1
_MOST_IDLE = 256
# Most servers close an idle connection after 60 to 75 s; a request must not meet that moment.
_IDLE_FOR_S = 45.0


@dataclass(frozen=True, slots=True)
class Target:
    """An origin and a request head that lacks only the body's length. `proxy` is the URL of the proxy before it."""

    host: str
    port: int
    tls: bool
    head: bytes
    proxy: str | None = None

    @staticmethod
    def post(url: str, headers: dict[str, str], proxy: str | None = None) -> Target:
        """A POST of JSON to a URL."""
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        host = parts.hostname or ""
        port = parts.port or (443 if tls else 80)
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        lines = [f"POST {path} HTTP/1.1", f"Host: {parts.netloc.rpartition('@')[2]}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += ["Content-Type: application/json", "User-Agent: stackctl-gateway", "Content-Length: "]
        return Target(host, port, tls, "\r\n".join(lines).encode(), proxy)


class _Pool:
    """Connections to one origin."""

    def __init__(self, target: Target, tls: ssl.SSLContext | None, outbox: Outbox | None, hang_ups: HangUps) -> None:
        self._target = target
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._outbox = outbox or Outbox(self._loop)
        self._hang_ups = hang_ups
        self._idle: list[tuple[Connection, float]] = []
        self.all: set[Connection] = set()

    def take(self) -> Connection | None:
        """The idle connection that was used last."""
        idle = self._idle
        while idle:
            connection, since = idle.pop()
            if self._loop.time() - since < _IDLE_FOR_S:
                return connection
            connection.close()
        return None

    async def connect(self, within: float) -> Connection:
        """A new connection. Raises UpstreamError."""
        try:
            async with asyncio.timeout(within):
                _, connection = await self._loop.create_connection(
                    lambda: Connection(self, self._loop, self._outbox, self._hang_ups),
                    self._target.host,
                    self._target.port,
                    ssl=self._tls,
                )
        except TimeoutError:
            raise UpstreamError(504, "timeout", f"no connection to the upstream within {within:g} s") from None
        except OSError as error:
            raise UpstreamError(502, "connection_error", f"no connection to the upstream: {_why(error)}") from None
        self.all.add(connection)
        return connection

    def exchange(
        self, connection: Connection, data: bytes, timeouts: Timeouts, most: int, streaming: bool
    ) -> asyncio.Future[Body]:
        """A request and its response. Raises StaleConnectionError."""
        reply: asyncio.Future[Body] = self._loop.create_future()
        connection.send(data, timeouts, most, streaming, reply)
        return reply

    def released(self, connection: Connection) -> None:
        if len(self._idle) < _MOST_IDLE:
            self._idle.append((connection, self._loop.time()))
        else:
            connection.close()

    def lost(self, connection: Connection) -> None:
        self.all.discard(connection)
        self._idle = [(other, since) for other, since in self._idle if other is not connection]

    def doubt(self) -> None:
        while self._idle:
            self._idle.pop()[0].close()

    def tick(self, now: float) -> None:
        """Enforce deadlines, close what has idled too long."""
        for connection in list(self.all):
            connection.check(now)
        while self._idle and now - self._idle[0][1] > _IDLE_FOR_S:
            self._idle.pop(0)[0].close()


def _why(error: OSError) -> str:
    """The cause without the address, which is not for clients."""
    if isinstance(error, ssl.SSLError):
        return "TLS failed"
    if isinstance(error, socket.gaierror):
        return "its name does not resolve"
    return os.strerror(error.errno).lower() if error.errno else "the system refused it"


class Client:
    """All pools of one process. `most_bytes` caps a response. Requests go out by `outbox`, if there is one."""

    def __init__(self, most_bytes: int = 64 << 20, outbox: Outbox | None = None) -> None:
        self._most = most_bytes
        self._outbox = outbox
        self._hang_ups = HangUps()
        self._pools: dict[tuple[str, int, bool], _Pool] = {}
        self._tls: ssl.SSLContext | None = None
        self._clock: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Close every connection."""
        if self._clock is not None:
            self._clock.cancel()
        for pool in self._pools.values():
            for connection in list(pool.all):
                connection.abort()
        self._hang_ups.close()

    async def post(self, target: Target, body: bytes, timeouts: Timeouts, streaming: bool = False) -> Body:
        """Send and wait for the response, of a stream for its head only. Raises UpstreamError."""
        pool = self._pools.get((target.host, target.port, target.tls)) or self._new_pool(target)
        data = b"%b%d\r\n\r\n%b" % (target.head, len(body), body)
        connection = pool.take()
        try:
            if connection is not None:
                try:
                    return await pool.exchange(connection, data, timeouts, self._most, streaming)
                except StaleConnectionError:
                    connection = None
            connection = await pool.connect(timeouts.connect_s)
            return await pool.exchange(connection, data, timeouts, self._most, streaming)
        except asyncio.CancelledError:
            if connection is not None:
                connection.abort()
            raise
        except StaleConnectionError:
            raise UpstreamError(502, "connection_error", "the upstream closed the connection") from None
        except ConnectionAbortedError:
            raise UpstreamError(502, "connection_error", "the connection was given up") from None

    def begin(self, target: Target, body: bytes, timeouts: Timeouts, reply: Reply) -> Callable[[], None] | None:
        """Send on an idle connection; `reply` is told the whole response, or a StaleConnectionError if nothing was sent.

        Returns what gives the request up; None when no connection was idle, or a proxy is to be used.
        """
        pool = self._pools.get((target.host, target.port, target.tls))
        if pool is None or target.proxy is not None or (connection := pool.take()) is None:
            return None
        try:
            connection.send(b"%b%d\r\n\r\n%b" % (target.head, len(body), body), timeouts, self._most, False, reply)
        except StaleConnectionError:
            return None
        return connection.abort

    def _new_pool(self, target: Target) -> _Pool:
        if target.tls and self._tls is None:
            self._tls = ssl.create_default_context()
        if self._clock is None:
            self._clock = asyncio.create_task(self._tick())
        pool = _Pool(target, self._tls if target.tls else None, self._outbox, self._hang_ups)
        self._pools[target.host, target.port, target.tls] = pool
        return pool

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_TICK_S)
            now = loop.time()
            for pool in self._pools.values():
                pool.tick(now)

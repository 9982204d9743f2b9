"""Pools of connections by origin."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.config import Timeouts
from gateway.errors import UpstreamError
from gateway.upstream.connection import Body, Connection, StaleConnectionError

_TICK_S = 0.1
_MOST_IDLE = 256
# Most servers close an idle connection after 60 to 75 s; a request must not meet that moment.
_IDLE_FOR_S = 45.0


@dataclass(frozen=True, slots=True)
class Target:
    """An origin and a request head that lacks only the body's length."""

    host: str
    port: int
    tls: bool
    head: bytes

    @staticmethod
    def post(url: str, headers: dict[str, str]) -> Target:
        """A POST of JSON to a URL."""
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        host = parts.hostname or ""
        port = parts.port or (443 if tls else 80)
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        lines = [f"POST {path} HTTP/1.1", f"Host: {parts.netloc.rpartition('@')[2]}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += ["Content-Type: application/json", "User-Agent: stackctl-gateway", "Content-Length: "]
        return Target(host, port, tls, "\r\n".join(lines).encode())


@dataclass(slots=True)
class Reply:
    """A whole response."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


class _Pool:
    """Connections to one origin."""

    def __init__(self, target: Target, tls: ssl.SSLContext | None) -> None:
        self._target = target
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._idle: list[tuple[Connection, float]] = []
        self.all: set[Connection] = set()

    def take(self) -> Connection | None:
        """The idle connection that was used last."""
        while self._idle:
            connection, since = self._idle.pop()
            if connection.open and self._loop.time() - since < _IDLE_FOR_S:
                return connection
            connection.close()
        return None

    async def connect(self, within: float) -> Connection:
        """A new connection. Raises UpstreamError."""
        try:
            async with asyncio.timeout(within):
                _, connection = await self._loop.create_connection(
                    lambda: Connection(self, self._loop), self._target.host, self._target.port, ssl=self._tls
                )
        except TimeoutError:
            raise UpstreamError(504, "timeout", f"no connection to the upstream within {within:g} s") from None
        except OSError as error:
            raise UpstreamError(502, "connection_error", f"no connection to the upstream: {_why(error)}") from None
        self.all.add(connection)
        return connection

    def released(self, connection: Connection) -> None:
        if len(self._idle) < _MOST_IDLE:
            self._idle.append((connection, self._loop.time()))
        else:
            connection.close()

    def lost(self, connection: Connection) -> None:
        self.all.discard(connection)

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
    """All pools of one process. `most_bytes` caps a response."""

    def __init__(self, most_bytes: int = 64 << 20) -> None:
        self._most = most_bytes
        self._pools: dict[tuple[str, int, bool], _Pool] = {}
        self._tls: ssl.SSLContext | None = None
        self._clock: asyncio.Task[None] | None = None

    async def post(self, target: Target, body: bytes, timeouts: Timeouts) -> Reply:
        """Send and read the whole response. Raises UpstreamError."""
        reply = await self._send(target, body, timeouts, streaming=False)
        return Reply(reply.status, reply.headers, reply.rest())

    async def open(self, target: Target, body: bytes, timeouts: Timeouts) -> Body:
        """Send and return as soon as the response's head is there. Raises UpstreamError."""
        return await self._send(target, body, timeouts, streaming=True)

    async def close(self) -> None:
        """Close every connection."""
        if self._clock is not None:
            self._clock.cancel()
        for pool in self._pools.values():
            for connection in list(pool.all):
                connection.abort()

    async def _send(self, target: Target, body: bytes, timeouts: Timeouts, streaming: bool) -> Body:
        pool = self._pools.get((target.host, target.port, target.tls)) or self._new_pool(target)
        data = b"%b%d\r\n\r\n%b" % (target.head, len(body), body)
        connection = pool.take()
        try:
            if connection is not None:
                try:
                    return await connection.send(data, timeouts, self._most, streaming)
                except StaleConnectionError:
                    connection = None
            connection = await pool.connect(timeouts.connect_s)
            return await connection.send(data, timeouts, self._most, streaming)
        except asyncio.CancelledError:
            if connection is not None:
                connection.abort()
            raise
        except ConnectionAbortedError:
            raise UpstreamError(502, "connection_error", "the connection was given up") from None

    def _new_pool(self, target: Target) -> _Pool:
        if target.tls and self._tls is None:
            self._tls = ssl.create_default_context()
        if self._clock is None:
            self._clock = asyncio.create_task(self._tick())
        pool = _Pool(target, self._tls if target.tls else None)
        self._pools[target.host, target.port, target.tls] = pool
        return pool

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_TICK_S)
            now = loop.time()
            for pool in self._pools.values():
                pool.tick(now)

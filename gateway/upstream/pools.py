"""Connections by origin, and sending on one that is idle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from gateway.config import Timeouts
from gateway.outbox import Outbox
from gateway.upstream.connection import Connection, Reply, StaleConnectionError
from gateway.upstream.hang_up import HangUps

_MOST_IDLE: Final = 256
# Most servers close an idle connection after 60 to 75 s; a request must not meet that moment.
_IDLE_FOR_S: Final = 45.0


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


class Pool:
    """Connections to one origin. `all` are those that are connected."""

    def __init__(self, outbox: Outbox | None, hang_ups: HangUps) -> None:
        self._loop = asyncio.get_running_loop()
        self._outbox = outbox or Outbox(self._loop)
        self._hang_ups = hang_ups
        self._idle: list[tuple[Connection, float]] = []
        self.all: set[Connection] = set()

    def new(self) -> Connection:
        """One that is not connected yet."""
        return Connection(self, self._loop, self._outbox, self._hang_ups)

    def take(self) -> Connection | None:
        """The idle connection that was used last."""
        idle = self._idle
        while idle:
            connection, since = idle.pop()
            if self._loop.time() - since < _IDLE_FOR_S:
                return connection
            connection.close()
        return None

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


class Pools:
    """All pools of one process. `most` bytes of a response are taken."""

    def __init__(self, most: int, outbox: Outbox | None) -> None:
        self.most = most
        self._outbox = outbox
        self._hang_ups = HangUps()
        self._pools: dict[tuple[str, int, bool], Pool] = {}

    def of(self, target: Target) -> Pool:
        """The pool of a target's origin."""
        origin = (target.host, target.port, target.tls)
        pool = self._pools.get(origin)
        if pool is None:
            pool = self._pools[origin] = Pool(self._outbox, self._hang_ups)
        return pool

    def begin(self, target: Target, body: bytes, timeouts: Timeouts, reply: Reply) -> Callable[[], None] | None:
        """Send on an idle connection; `reply` is told the whole response, or a StaleConnectionError if nothing was sent.

        Returns what gives the request up; None when no connection was idle, or a proxy is to be used.
        """
        pool = self._pools.get((target.host, target.port, target.tls))
        if pool is None or target.proxy is not None or (connection := pool.take()) is None:
            return None
        try:
            connection.send(b"%b%d\r\n\r\n%b" % (target.head, len(body), body), timeouts, self.most, False, reply)
        except StaleConnectionError:
            return None
        return connection.abort

    def tick(self, now: float) -> None:
        """Called ten times a second."""
        for pool in self._pools.values():
            pool.tick(now)

    def close(self) -> None:
        """Give up every connection."""
        for pool in self._pools.values():
            for connection in list(pool.all):
                connection.abort()
        self._hang_ups.close()

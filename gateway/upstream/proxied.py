"""Requests that go through a proxy: by httpx, behind the interface of the pooled client.

Proxies are HTTP (CONNECT for https upstreams), HTTPS and SOCKS 5. Time-outs, the size cap and the errors are those of
a direct connection. A time-out of the first byte holds from the moment the connection is asked for.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx

from gateway.config import Timeouts
from gateway.errors import UpstreamError
from gateway.outbox import Outbox
from gateway.upstream.body import Body
from gateway.upstream.client import Client
from gateway.upstream.pools import Target

# As much unread body as a direct connection keeps.
_MOST_UNREAD = 1 << 20
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=256, keepalive_expiry=45.0)
_PROXY_REFUSES = 407
# What httpcore calls a handshake with the upstream, through a tunnel that stands.
_BEHIND_THE_PROXY = ("proxy.start_tls.failed", "socks.start_tls.failed")
# A proxy that does not work fails every request, and one line in a while says so.
_SILENT_FOR_S = 60.0
_log = logging.getLogger("gateway.worker")


class _ProxyError(UpstreamError):
    """The proxy itself is at fault. `why` is for the log: it holds no credential, but may hold the proxy's name."""

    def __init__(self, message: str, why: str = "") -> None:
        super().__init__(502, "connection_error", message)
        self.why = why or message


class ProxyingClient(Client):
    """Sends what has a proxy through it, and everything else directly."""

    def __init__(self, most_bytes: int = 64 << 20, outbox: Outbox | None = None) -> None:
        super().__init__(most_bytes, outbox)
        self._most_bytes = most_bytes
        self._libraries: dict[str, httpx.AsyncClient] = {}
        self._told: dict[str, float] = {}

    async def close(self) -> None:
        """Close every connection."""
        await super().close()
        for library in self._libraries.values():
            await library.aclose()

    async def post(self, target: Target, body: bytes, timeouts: Timeouts, streaming: bool = False) -> Body:
        if target.proxy is None:
            return await super().post(target, body, timeouts, streaming)
        library = self._libraries.get(target.proxy) or self._new_library(target.proxy)
        request = _request(target, body, timeouts)
        try:
            return await _Exchange(library, request, timeouts, self._most_bytes, streaming).answer()
        except _ProxyError as error:
            self._complain(target.proxy, error.why)
            raise

    def _complain(self, url: str, why: str) -> None:
        now = time.monotonic()
        if now - self._told.get(url, -_SILENT_FOR_S) >= _SILENT_FOR_S:
            self._told[url] = now
            parts = urlsplit(url)
            _log.warning("proxy %s://%s: %s", parts.scheme, parts.netloc.rpartition("@")[2], why)

    def _new_library(self, url: str) -> httpx.AsyncClient:
        # The system's authorities, as for direct connections; httpx would bring its own.
        tls = ssl.create_default_context()
        proxy = httpx.Proxy(url, ssl_context=tls if url.startswith("https:") else None)
        library = httpx.AsyncClient(proxy=proxy, verify=tls, trust_env=False, limits=_LIMITS)
        self._libraries[url] = library
        return library


class _Exchange:
    """One request: a task reads the answer into a body, not further ahead than its reader."""

    def __init__(
        self, library: httpx.AsyncClient, request: httpx.Request, timeouts: Timeouts, most: int, streaming: bool
    ) -> None:
        self._library = library
        self._request = request
        self._behind = False
        # Of a failed connection the exception does not say to whom.
        request.extensions["trace"] = self._note
        self._timeouts = timeouts
        self._most = most
        self._streaming = streaming
        loop = asyncio.get_running_loop()
        self._body = Body(self, loop)
        self._head: asyncio.Future[None] = loop.create_future()
        self._room = asyncio.Event()
        self._task = loop.create_task(self._run())

    async def answer(self) -> Body:
        """The body, with its head or whole. Raises UpstreamError."""
        try:
            await self._head
        except asyncio.CancelledError:
            self._task.cancel()
            raise
        return self._body

    def resume(self) -> None:
        """The reader has caught up."""
        self._room.set()

    def abort(self) -> None:
        """Nobody reads the rest."""
        self._task.cancel()

    async def _note(self, event: str, _: object) -> None:
        self._behind = self._behind or event in _BEHIND_THE_PROXY

    async def _run(self) -> None:
        error: BaseException | None = None
        try:
            async with asyncio.timeout(self._timeouts.total_s):
                await self._read()
        except UpstreamError as told:
            error = told
        except TimeoutError:
            error = _late(f"not finished within {self._timeouts.total_s:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError) as failed:
            error = _told(failed, self._timeouts, self._behind)
        except asyncio.CancelledError:
            error = ConnectionAbortedError("given up")
        self._body.end(error)
        if not self._head.done():
            if error is None:
                self._head.set_result(None)
            else:
                self._head.set_exception(error)

    async def _read(self) -> None:
        within, idle = self._timeouts.first_byte_s, self._timeouts.idle_s
        response = await _in_time(
            self._library.send(self._request, stream=True), within, f"no answer within {within:g} s"
        )
        try:
            if response.status_code == _PROXY_REFUSES:
                raise _ProxyError("the proxy refused the gateway's credential")
            self._body.status = response.status_code
            self._body.raw_headers = dict(response.headers.raw)
            if self._streaming:
                self._head.set_result(None)
            chunks = response.aiter_raw().__aiter__()
            while chunk := await _in_time(anext(chunks, b""), idle, f"nothing more for {idle:g} s"):
                await self._take(chunk)
        finally:
            await response.aclose()

    async def _take(self, chunk: bytes) -> None:
        body = self._body
        body.feed(chunk)
        if body.size > self._most:
            raise UpstreamError(502, "api_error", f"the answer is larger than {self._most} bytes")
        if self._streaming and body.kept > _MOST_UNREAD:
            self._room.clear()
            await self._room.wait()


def _request(target: Target, body: bytes, timeouts: Timeouts) -> httpx.Request:
    first, *lines = target.head.decode("latin-1").split("\r\n")
    # The last line is that of the length, which httpx knows.
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines[:-1])]
    host = dict(headers)["Host"]
    url = f"{'https' if target.tls else 'http'}://{host}{first.split(' ')[1]}"
    # Reading has time-outs of its own: the first byte may take longer than the next one.
    waiting = {"connect": timeouts.connect_s, "read": None, "write": timeouts.total_s, "pool": None}
    return httpx.Request("POST", url, headers=headers, content=body, extensions={"timeout": waiting})


async def _in_time(waiting: Any, seconds: float, what: str) -> Any:
    try:
        async with asyncio.timeout(seconds):
            return await waiting
    except TimeoutError:
        raise _late(what) from None


def _late(what: str) -> UpstreamError:
    return UpstreamError(504, "timeout", what)


def _told(error: Exception, timeouts: Timeouts, behind: bool) -> UpstreamError:
    """Without addresses, which are not for clients. `behind`: the connection to the proxy itself was made."""
    if isinstance(error, httpx.TimeoutException):
        return _late(f"no connection to the upstream within {timeouts.connect_s:g} s")
    if isinstance(error, httpx.ProxyError):
        status = str(error)[:3]
        return _ProxyError(f"the proxy refused{f': {status}' if status.isdigit() else ''}")
    if isinstance(error, httpx.ConnectError | ssl.SSLError):
        return _no_connection(error, behind)
    if isinstance(error, httpx.RemoteProtocolError) and not _was_closed(error):
        return UpstreamError(502, "api_error", "the upstream's answer is not HTTP")
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return UpstreamError(502, "api_error", "the upstream's address is not one")
    return UpstreamError(502, "connection_error", "the upstream closed the connection")


def _no_connection(error: Exception, behind: bool) -> UpstreamError:
    tls = next((e for e in _causes(error) if isinstance(e, ssl.SSLError)), None)
    message = f"no connection to the {'upstream' if behind else 'proxy'}"
    if tls is not None:
        message += ": TLS failed"
    if not isinstance(tls, ssl.SSLCertVerificationError):
        return UpstreamError(502, "connection_error", message) if behind else _ProxyError(message)
    message += ", its certificate is not trusted"
    if behind:
        return UpstreamError(502, "connection_error", message)
    return _ProxyError(message, f"{message}: {tls.verify_message}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _was_closed(error: Exception) -> bool:
    """httpx has one exception for an answer that ends too soon and one that is garbage."""
    return "disconnected" in str(error) or "closed" in str(error)

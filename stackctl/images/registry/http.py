"""One bounded HTTP request: capped in size and time, redirects counted and never to a weaker scheme."""

from __future__ import annotations

import ssl
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import httpx

from stackctl import __version__
from stackctl.images.outcome import Outcome, Stopped
from stackctl.spec.images import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

_REDIRECTS = 3
_PATIENCE = 3
"""A whole answer may take this many times the time-out, which bounds the wait for each single part of it."""
_REDIRECT_CODES = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class Answer:
    """Status, headers (names in lower case) and the whole body."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class Http:
    """Clients for this machine and for the rest of the world, made when first needed and shared by threads."""

    def __init__(self, timeout_s: float = 20) -> None:
        self.timeout_s = timeout_s
        self._clients: dict[tuple[bool, bool], httpx.Client] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            client.close()

    def send(
        self,
        method: str,
        url: str,
        *,
        limit: int,
        headers: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        redirects: int = _REDIRECTS,
    ) -> Answer:
        """Send a request and read at most `limit` bytes.

        A redirect to another host carries no Authorization. Raises Stopped(UNREACHABLE) if there is no answer, too
        many redirects, one from HTTPS to HTTP, or more bytes than the limit.
        """
        answer = self._once(method, url, limit, headers or {}, data)
        if answer.status not in _REDIRECT_CODES:
            return answer
        target = urljoin(url, answer.headers.get("location", ""))
        if redirects == 0 or method != "GET":
            raise Stopped(Outcome.UNREACHABLE, f"{_shown(url)} redirects to {_shown(target)}, which is not followed")
        if urlsplit(target).scheme != "https" and urlsplit(target).scheme != urlsplit(url).scheme:
            raise Stopped(Outcome.UNREACHABLE, f"{_shown(url)} redirects to plain HTTP, which is not followed")
        if urlsplit(target).netloc != urlsplit(url).netloc:
            headers = {name: value for name, value in (headers or {}).items() if name.lower() != "authorization"}
        return self.send(method, target, limit=limit, headers=headers, redirects=redirects - 1)

    def _once(
        self, method: str, url: str, limit: int, headers: Mapping[str, str], data: Mapping[str, str] | None
    ) -> Answer:
        try:
            client = self._client(url)
            with client.stream(method, url, headers=dict(headers), data=dict(data) if data else None) as response:
                body = bytearray()
                deadline = time.monotonic() + _PATIENCE * self.timeout_s
                for chunk in response.iter_bytes():
                    body += chunk
                    if time.monotonic() > deadline:
                        raise Stopped(Outcome.UNREACHABLE, f"{_shown(url)} sends too slowly")
                    if len(body) > limit:
                        raise Stopped(Outcome.UNREACHABLE, f"{_shown(url)} sends more than {limit} bytes")
                return Answer(url, response.status_code, response.headers, bytes(body))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Stopped(Outcome.UNREACHABLE, f"{_shown(url)}: {_cause(error)}") from None

    def _client(self, url: str) -> httpx.Client:
        """Loopback is asked directly: a proxy would look for it on another machine.

        TLS trusts what the system trusts, as cosign does. Its context costs some 20 ms, and plain HTTP needs none.
        """
        parts = urlsplit(url)
        kind = (is_loopback(parts.hostname or ""), parts.scheme == "https")
        with self._lock:
            if kind not in self._clients:
                loopback, secure = kind
                self._clients[kind] = httpx.Client(
                    timeout=self.timeout_s,
                    trust_env=not loopback,
                    verify=ssl.create_default_context() if secure else False,
                    headers={"user-agent": f"stackctl/{__version__}"},
                )
            return self._clients[kind]


def _cause(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return str(error) or type(error).__name__


def _shown(url: str) -> str:
    """Without its query, which may hold a signature."""
    return url.partition("?")[0]

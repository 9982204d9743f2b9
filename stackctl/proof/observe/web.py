"""One part's HTTP interface, read only, with short patience: a proof asks several times a second."""

from __future__ import annotations

from typing import Any

import httpx

from stackctl.errors import UnavailableError

_PATIENCE_S = 5.0


class Web:
    """GET and POST on one base URL; every failure is an UnavailableError that names the part."""

    def __init__(self, part: str, url: str, token: str = "") -> None:
        self.part = part
        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.AsyncClient(base_url=self.url, headers=headers, timeout=_PATIENCE_S, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def text(self, path: str, **params: Any) -> str:
        return (await self._send("GET", path, params=params)).text

    async def json(self, path: str, **params: Any) -> Any:
        answer = await self._send("GET", path, params=params)
        try:
            return answer.json()
        except ValueError:
            raise UnavailableError(f"{self.part} at {self.url}{path} does not answer with JSON") from None

    async def post(self, path: str, body: Any) -> None:
        await self._send("POST", path, json=body)

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            answer = await self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            reason = "no answer in time" if isinstance(error, httpx.TimeoutException) else str(error) or repr(error)
            raise UnavailableError(
                f"{self.part} does not answer at {self.url}: {reason}",
                remedy="is the stack running? `stackctl status` tells",
            ) from None
        if answer.is_error:
            text = " ".join(answer.text.split())[:200]
            raise UnavailableError(f"{self.part} answered {answer.status_code} to {method} {path}: {text}")
        return answer

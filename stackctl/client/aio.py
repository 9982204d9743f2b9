"""The asynchronous client: admin calls and chat requests beside each other, cancellable at any time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx

from stackctl.client import faults
from stackctl.client.answers import ChatAnswer

if TYPE_CHECKING:
    from stackctl.client.calls import Call

T = TypeVar("T")
COST_HEADER = "x-litellm-response-cost"


class AsyncGatewayClient:
    """As GatewayClient, with `send` for every call and `chat` for requests that a user's key makes."""

    def __init__(self, url: str, master_key: str, *, timeout: float = 10.0, admin_url: str = "") -> None:
        """`admin_url` is where the admin API is, if not at `url`."""
        self.url = url.rstrip("/")
        self._admin_url = admin_url.rstrip("/") or self.url
        self._master_key = master_key
        self._http = httpx.AsyncClient(base_url=self.url, timeout=timeout, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._http.aclose()

    async def send(self, call: Call[T]) -> T:
        """Any call of `stackctl.client.calls`; raises UnavailableError or StackctlError."""
        url = f"{self._admin_url}{call.path}"
        answer = await self._request(call.method, url, self._master_key, json=call.body, params=call.params)
        result: T = faults.read(self.url, call, answer)
        return result

    async def chat(
        self, key: str, model: str, text: str, *, mock: dict[str, Any] | None = None, patience: float = 30.0
    ) -> ChatAnswer:
        """One chat request with a virtual key.

        A refusal is an answer, not an exception; raises UnavailableError if there is no answer within `patience` s.
        `mock` steers the built-in mock provider and is ignored by every other one.
        """
        body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": text}]}
        if mock is not None:
            body["mock"] = mock
        started = time.monotonic()
        answer = await self._request("POST", "/v1/chat/completions", key, json=body, timeout=patience)
        return ChatAnswer(
            status=answer.status_code,
            received=time.time(),
            seconds=time.monotonic() - started,
            cost=_cost(answer),
            error=faults.reason_of(answer) if answer.is_error else "",
        )

    async def _request(self, method: str, path: str, key: str, **options: Any) -> httpx.Response:
        try:
            return await self._http.request(method, path, headers={"Authorization": f"Bearer {key}"}, **options)
        except httpx.HTTPError as error:
            raise faults.unreachable(self.url, error) from None


def _cost(answer: httpx.Response) -> float | None:
    try:
        return float(answer.headers[COST_HEADER])
    except (KeyError, ValueError):
        return None

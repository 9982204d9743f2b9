"""Clients of a gateway: teams with habits of their own, plain and streamed requests, mistakes included."""

from __future__ import annotations

import asyncio
import math
import random
import time
from dataclasses import dataclass, field

import httpx

_REPEATED = 0.45
_FREQUENT = [f"frequent question {number}" for number in range(12)]
"""What a part of all requests asks again and again: a cache answers it."""


@dataclass(frozen=True)
class Client:
    """One user of one key: requests per second, the models it asks for and the share that is streamed."""

    key: str
    per_second: float
    models: tuple[str, ...]
    streamed: float = 0.4


@dataclass
class Traffic:
    """Requests from several clients until a time is over; `answers` counts them by status."""

    url: str
    clients: list[Client]
    answers: dict[int, int] = field(default_factory=dict)
    _end: float = 0.0

    def run(self, seconds: float) -> dict[int, int]:
        """Send for that long, wait for the last answers, and return how many came with which status."""
        self._end = time.monotonic() + seconds
        asyncio.run(self._run())
        return self.answers

    def stop(self) -> None:
        """End `run` before its time; from another thread."""
        self._end = 0.0

    async def _run(self) -> None:
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(base_url=self.url, timeout=60, limits=limits, trust_env=False) as http:
            await asyncio.gather(*(self._client(http, client, n) for n, client in enumerate(self.clients)))

    async def _client(self, http: httpx.AsyncClient, client: Client, seed: int) -> None:
        chance = random.Random(seed)
        pending: set[asyncio.Task[None]] = set()
        while time.monotonic() < self._end:
            wave = 1 + 0.5 * math.sin(time.monotonic() / 60 + seed)
            await asyncio.sleep(chance.expovariate(client.per_second * wave))
            model = chance.choice(client.models)
            question = chance.choice(_FREQUENT) if chance.random() < _REPEATED else f"question {chance.random()}"
            task = asyncio.create_task(self._ask(http, client.key, model, question, chance.random() < client.streamed))
            pending.add(task)
            task.add_done_callback(pending.discard)
        await asyncio.gather(*pending)

    async def _ask(self, http: httpx.AsyncClient, key: str, model: str, question: str, streamed: bool) -> None:
        body = {"model": model, "messages": [{"role": "user", "content": question}], "stream": streamed}
        if streamed:
            body["stream_options"] = {"include_usage": True}
        headers = {"Authorization": f"Bearer {key}"}
        try:
            async with http.stream("POST", "/v1/chat/completions", headers=headers, json=body) as answer:
                async for _ in answer.aiter_bytes():
                    pass
                self.answers[answer.status_code] = self.answers.get(answer.status_code, 0) + 1
        except httpx.HTTPError:
            self.answers[0] = self.answers.get(0, 0) + 1

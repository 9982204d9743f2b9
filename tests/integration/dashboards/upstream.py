"""Stand-in LLM providers on a real socket: lifelike latencies, streams, and bad spells on a schedule."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route


@dataclass(frozen=True)
class Manner:
    """How one upstream model behaves: seconds to the first token (median) and per token, and how it fails."""

    first_s: float
    token_s: float
    tokens: int
    error_rate: float = 0.0
    error_status: int = 500


@dataclass(frozen=True)
class Spell:
    """From `start_s` to `end_s` after the upstream began, every second request to a model fails with `status`."""

    model: str
    start_s: float
    end_s: float
    status: int


class Upstream:
    """An OpenAI-shaped server; a request's model names its manner. `pace` scales every latency."""

    def __init__(self, manners: dict[str, Manner], spells: tuple[Spell, ...] = (), pace: float = 1.0) -> None:
        self._manners, self._spells, self._pace = manners, spells, pace
        self._random = random.Random(7)
        self._began = time.monotonic()
        self._socket = socket.create_server(("127.0.0.1", 0))
        app = Starlette(routes=[Route("/v1/chat/completions", self._answer, methods=["POST"])])
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
        self._thread = threading.Thread(target=lambda: self._server.run(sockets=[self._socket]), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"

    def __enter__(self) -> Upstream:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        self._socket.close()

    async def _answer(self, request: Request) -> Response:
        body = json.loads(await request.body())
        manner = self._manners[body["model"]]
        await asyncio.sleep(self._pace * manner.first_s * self._random.lognormvariate(0, 0.6))
        if status := self._failure(body["model"], manner):
            return JSONResponse({"error": {"message": "out of order", "type": "x", "code": None}}, status)
        count = max(4, round(self._random.gauss(manner.tokens, manner.tokens / 4)))
        usage = {"prompt_tokens": self._random.randrange(200, 1800), "completion_tokens": count}
        usage["total_tokens"] = sum(usage.values())
        if body.get("stream"):
            return StreamingResponse(self._events(manner, count, usage), media_type="text/event-stream")
        await asyncio.sleep(self._pace * manner.token_s * count)
        choice = {"index": 0, "message": {"role": "assistant", "content": "word " * count}, "finish_reason": "stop"}
        kind = {"id": "x", "object": "chat.completion", "created": 1, "model": body["model"]}
        return JSONResponse(kind | {"choices": [choice], "usage": usage})

    def _failure(self, model: str, manner: Manner) -> int:
        now = time.monotonic() - self._began
        for spell in self._spells:
            if spell.model == model and spell.start_s <= now < spell.end_s and self._random.random() < 0.5:
                return spell.status
        return manner.error_status if self._random.random() < manner.error_rate else 0

    async def _events(self, manner: Manner, count: int, usage: dict[str, int]) -> AsyncIterator[bytes]:
        for index in range(count):
            if index:
                await asyncio.sleep(self._pace * manner.token_s)
            yield _event([{"index": 0, "delta": {"content": "word "}, "finish_reason": None}])
        yield _event([{"index": 0, "delta": {}, "finish_reason": "stop"}])
        yield _event([], usage)
        yield b"data: [DONE]\n\n"


def _event(choices: list[object], usage: dict[str, int] | None = None) -> bytes:
    event = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}
    return b"data: " + json.dumps(event | ({"usage": usage} if usage else {})).encode() + b"\n\n"

"""Many requests at once over plain sockets, to one gateway or to several in turn."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

PROMPT = "a-secret-prompt-that-must-not-be-stored"
KINDS = (("cheap", False), ("dear", False), ("flaky", False), ("tiered", False), ("cheap", True), ("cut", True))


@dataclass
class Told:
    """What clients were told: answers by status (0: none), ids of whole answers."""

    statuses: Counter[int] = field(default_factory=Counter)
    ids: list[str] = field(default_factory=list)


def send(
    ports: list[int],
    key: str,
    count: int,
    *,
    at_once: int = 16,
    kinds: tuple[tuple[str, bool], ...] = KINDS,
    tokens: tuple[int, int] | None = None,
    meanwhile: Callable[[int], None] | None = None,
    seed: int = 7,
    cached: bool = False,
) -> Told:
    """`count` requests; `meanwhile` is called in a thread of its own with how many are done.

    `cached`: all ask to be cached, and every fifth is one of a hundred that come again and again.
    """
    return asyncio.run(_send(ports, key, count, at_once, kinds, tokens, meanwhile, random.Random(seed), cached))


async def _send(
    ports: list[int], key: str, count: int, at_once: int, kinds: Any, tokens: Any, meanwhile: Any, draw: random.Random,
    cached: bool,
) -> Told:  # fmt: skip
    told = Told()
    jobs = []
    for number in range(count):
        model, stream = kinds[number % len(kinds)]
        used = tokens or (draw.randint(1, 2000), draw.randint(1, 500))
        if cached and number % 5 == 0:
            used = (100 + number % 100, 20)
        jobs.append((ports[number % len(ports)], model, stream, used))
    queue = list(enumerate(reversed(jobs)))

    async def client() -> None:
        connections: dict[int, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}
        while queue:
            number, (port, model, stream, used) = queue.pop()
            status, identity, reusable = await _one(connections, port, key, model, stream, used, cached)
            told.statuses[status] += 1
            if status == 200 and identity:
                told.ids.append(identity)
            if not reusable and port in connections:
                await _close(connections.pop(port)[1])
            if meanwhile is not None:
                await asyncio.to_thread(meanwhile, count - number)
        for _, writer in connections.values():
            await _close(writer)

    await asyncio.gather(*(client() for _ in range(at_once)))
    return told


async def _one(
    connections: dict[int, Any],
    port: int,
    key: str,
    model: str,
    stream: bool,
    used: tuple[int, int],
    cached: bool,
) -> tuple[int, str, bool]:
    message = {"role": "user", "content": PROMPT, "tokens": used}
    asked = {"model": model, "messages": [message], "stream": stream, "max_tokens": used[1]}
    body = json.dumps(asked | ({"cache": {"use-cache": True}} if cached else {})).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    try:
        if port not in connections:
            connections[port] = await asyncio.open_connection("127.0.0.1", port)
        reader, writer = connections[port]
        writer.write(head.encode() + body)
        raw = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)).decode()
        status = int(raw.split(" ", 2)[1])
        headers = dict(line.lower().split(": ", 1) for line in raw.split("\r\n")[1:] if ": " in line)
        identity = headers.get("x-litellm-call-id", "")
        if "content-length" in headers:
            await reader.readexactly(int(headers["content-length"]))
            return status, identity, True
        return status, "" if model == "cut" else identity, await _events(reader, model, used[1])
    except (OSError, asyncio.IncompleteReadError, TimeoutError):
        return 0, "", False


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _events(reader: asyncio.StreamReader, model: str, completion: int) -> bool:
    """Read a stream to its end, or leave a `cut` one after all that it ever sends."""
    seen = b""
    while True:
        data = await asyncio.wait_for(reader.read(65536), 60)
        if not data:
            raise asyncio.IncompleteReadError(seen, None)
        seen += data
        if model == "cut" and seen.count(b"data: ") >= min(completion, 5):
            return False
        if seen.endswith(b"0\r\n\r\n"):
            return True

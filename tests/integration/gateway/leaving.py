"""A client that sends something to a bare worker's connection and leaves."""

from __future__ import annotations

import asyncio

import uvicorn
from uvicorn.server import ServerState

from gateway.api.exchange import Exchange
from gateway.outbox import Outbox
from gateway.worker.http import Protocol

ASK = b"POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}"
HALF = b"POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{}"


class App:
    """Answers at once on /x; what it is asked for on /slow it never answers."""

    def __call__(self, exchange: Exchange) -> None:
        if exchange.path != "/slow":
            exchange.answer(200, b"", b"ok")


async def left_after(sent: list[bytes], answers: int) -> tuple[int, int]:
    """(requests under way, connections) once a client that sends these pieces has its answers and has left."""
    config, state = uvicorn.Config(App(), interface="asgi3", lifespan="off", proxy_headers=False), ServerState()
    config.load()
    outbox = Outbox(asyncio.get_running_loop())
    server = await asyncio.get_running_loop().create_server(
        lambda: Protocol(config, state, {}, outbox=outbox), "127.0.0.1", 0
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    for piece in sent:
        writer.write(piece)
        await asyncio.sleep(0.02)
    for _ in range(answers):
        await reader.readuntil(b"ok")
    writer.transport.abort()
    for _ in range(500):
        if not state.connections:
            break
        await asyncio.sleep(0.01)
    server.close()
    return outbox.requests, len(state.connections)

"""A client that stops reading is given up: it holds no upstream, no memory and no place for ever."""

from __future__ import annotations

import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState

from gateway.api.exchange import Exchange
from gateway.outbox import Outbox
from gateway.worker import http
from gateway.worker.http import Protocol

ASK = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
PIECE = b"x" * 65_536


class App:
    """A handler that sends until the client is gone, or so many pieces at once."""

    def __init__(self, whole: int = 0) -> None:
        self.whole = whole
        self.sent = 0
        self.ended = asyncio.Event()

    async def __call__(self, exchange: Exchange) -> None:
        if self.whole:
            exchange.answer(200, b"", PIECE * self.whole)
        else:
            exchange.start(200, b"")
        while not self.whole and not exchange.gone:
            if exchange.full:
                await exchange.drain()
            exchange.send_part(PIECE, True)
            self.sent += len(PIECE)
            await asyncio.sleep(0)
        self.ended.set()


async def unread(app: App, others: int) -> None:
    """Ask, read nothing, and wait until the gateway has given up. With `others` under way, writes are gathered."""
    config, state, made = uvicorn.Config(app, interface="asgi3", lifespan="off", proxy_headers=False), ServerState(), []
    config.load()
    outbox = Outbox(asyncio.get_running_loop())
    outbox.requests = others

    def protocol() -> Protocol:
        made.append(Protocol(config, state, {}, outbox=outbox))
        return made[-1]

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1], limit=1024)
    writer.write(ASK)
    while state.connections or not made:
        await asyncio.sleep(0.02)
        for connection in list(state.connections):
            connection.check(asyncio.get_running_loop().time())
    await app.ended.wait()
    writer.transport.abort()
    server.close()
    del reader


@pytest.mark.parametrize("others", [0, 1], ids=["at once", "gathered"])
@pytest.mark.parametrize("whole", [0, 500], ids=["stream", "whole"])
def test_who_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch, whole: int, others: int) -> None:
    monkeypatch.setattr(http, "_READS_WITHIN_S", 0.3)
    monkeypatch.setattr(http, "_IDLE_FOR_S", 0.3)

    async def ask() -> int:
        app = App(whole)
        await asyncio.wait_for(unread(app, others), 60)
        return app.sent

    # Not more than what the two ends' buffers take.
    assert asyncio.run(ask()) < 50 << 20

"""What ends leaves nothing in memory that only the garbage collector could free: a worker lets it look very seldom."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Callable, Iterator

import pytest

from gateway.api.attempts import Made
from gateway.api.exchange import Exchange
from gateway.config import Timeouts
from gateway.errors import UpstreamError
from gateway.upstream import Client, Target
from gateway.upstream.connection import Connection
from gateway.worker.http import Protocol
from tests.integration.gateway.leaving import ASK, HALF, left_after

TIMES = 5


@pytest.fixture(autouse=True)
def nobody_collects() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def alive(kind: type) -> int:
    return sum(type(each) is kind for each in gc.get_objects())


async def clients_leave(sent: bytes, answers: int) -> None:
    for _ in range(TIMES):
        await left_after([sent], answers)


@pytest.mark.parametrize(
    ("sent", "answers"),
    [(b"", 0), (ASK, 1), (ASK * 3, 3), (HALF, 1), (ASK.replace(b"/x", b"/slow"), 0), (b"nonsense\r\n\r\n", 0)],
    ids=["nothing", "one", "ahead", "half", "left", "nonsense"],
)
def test_a_client_s_connection(sent: bytes, answers: int) -> None:
    asyncio.run(clients_leave(sent, answers))
    assert (alive(Protocol), alive(Exchange)) == (0, 0)


async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers /whole and closes; lets everybody else wait."""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        head = await reader.readuntil(b"\r\n\r\n")
        if b" /whole " in head:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        elif b" /cut " in head:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok")
        else:
            await reader.read()
    writer.close()


async def ask_upstream(path: str, leave_after: int | None) -> None:
    """`leave_after` so many turns of the loop, at whatever a request is doing then."""
    server = await asyncio.start_server(upstream, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    client = Client()
    for _ in range(TIMES):
        asked = asyncio.create_task(client.post(Target.post(f"http://{host}:{port}{path}", {}), b"{}", Timeouts()))
        if leave_after is not None:
            for _ in range(leave_after):
                await asyncio.sleep(0)
            asked.cancel()
        with contextlib.suppress(asyncio.CancelledError, UpstreamError):
            await asked
        # An error it ended with knows this frame.
        del asked
    await client.close()
    await asyncio.sleep(0.05)
    server.close()


@pytest.mark.parametrize(
    ("path", "leave_after"), [("/whole", None), ("/cut", None), *(("/slow", turns) for turns in (1, 2, 3, 4, 5, 6, 20))]
)
def test_an_upstream_s_connection(path: str, leave_after: int | None) -> None:
    asyncio.run(ask_upstream(path, leave_after))
    assert alive(Connection) == 0


@pytest.mark.parametrize(
    "fail", [asyncio.CancelledError, lambda: UpstreamError(502, "api_error", "no")], ids=["left", "failed"]
)
def test_an_attempt_that_failed(fail: Callable[[], UpstreamError | asyncio.CancelledError]) -> None:
    async def ask() -> None:
        with contextlib.suppress(asyncio.CancelledError, UpstreamError):
            await Made([], 0.0, fail()).answer()

    asyncio.run(ask())
    assert alive(Made) == 0

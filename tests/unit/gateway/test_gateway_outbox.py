"""Writes that are gathered, and requests that meet a connection which was closed in the meantime."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import pytest

from gateway.config import Timeouts
from gateway.outbox import Outbox
from gateway.upstream import Client, Target

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Sender:
    def __init__(self, name: str, sent: list[str]) -> None:
        self.name, self.sent = name, sent

    def send_out(self) -> None:
        self.sent.append(self.name)


def test_with_one_request_a_write_goes_out_at_once() -> None:
    async def run() -> None:
        sent: list[str] = []
        outbox = Outbox(asyncio.get_running_loop())
        outbox.requests = 1
        outbox.add(Sender("a", sent))
        assert sent == ["a"]

    asyncio.run(run())


def test_with_several_requests_the_writes_of_a_turn_go_out_together_and_in_order() -> None:
    async def run() -> None:
        sent: list[str] = []
        outbox = Outbox(asyncio.get_running_loop())
        outbox.requests = 2
        for name in "abc":
            outbox.add(Sender(name, sent))
        assert sent == []
        turn = outbox.turn
        await asyncio.sleep(0)
        assert sent == ["a", "b", "c"]
        assert outbox.turn == turn + 1
        outbox.add(Sender("d", sent))
        await asyncio.sleep(0)
        assert sent == ["a", "b", "c", "d"]

    asyncio.run(run())


def test_a_write_that_fails_takes_no_other_with_it() -> None:
    class Broken:
        def send_out(self) -> None:
            raise RuntimeError("closed")

    async def run() -> None:
        sent: list[str] = []
        outbox = Outbox(asyncio.get_running_loop())
        outbox.requests = 2
        for sender in (Sender("a", sent), Broken(), Sender("b", sent)):
            outbox.add(sender)
        await asyncio.sleep(0)
        assert sent == ["a", "b"]

    asyncio.run(run())


class OneAnswerEach:
    """A server that ends each connection a moment after its first answer, and counts what it read."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.read = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                if connection.recv(65536):
                    self.read += 1
                    connection.sendall(ANSWER)
                    time.sleep(0.02)

    def close(self) -> None:
        self._listener.close()


@pytest.mark.parametrize("requests", [1, 2], ids=["at once", "gathered"])
def test_a_request_that_was_not_written_takes_another_connection(requests: int) -> None:
    server = OneAnswerEach()

    async def run() -> None:
        outbox = Outbox(asyncio.get_running_loop())
        outbox.requests = requests
        client = Client(outbox=outbox)
        target = Target.post(f"http://127.0.0.1:{server.port}/v1/x", {})
        for number in range(1, 4):
            body = await client.post(target, b"{}", Timeouts())
            assert (body.status, body.rest()) == (200, b"{}")
            assert server.read == number
            # The loop cannot notice the end of the connection meanwhile.
            time.sleep(0.1)  # noqa: ASYNC251
        await client.close()

    asyncio.run(run())
    server.close()

"""An answer whose head came before on its connection means what the parser would say of it."""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
import pytest

from gateway.config import Timeouts
from gateway.outbox import Outbox
from gateway.upstream import Body
from gateway.upstream.connection import Connection
from gateway.upstream.hang_up import HangUps


class Transport:
    """Takes what is written and tells whether it was closed."""

    closed = False

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: bytes) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    abort = close


class Pool:
    released_times = 0

    def released(self, _: Connection) -> None:
        self.released_times += 1


class Reply:
    told: list[Any]

    def __init__(self) -> None:
        self.told = []

    def done(self) -> bool:
        return bool(self.told)

    def set_result(self, body: Body) -> None:
        self.told = [body.status, {n.lower(): v for n, v in body.raw_headers.items()}, body.rest(), body.ended]

    def set_exception(self, error: Exception) -> None:
        self.told = [str(error)]


def answer(body: bytes, status: bytes = b"200 OK", more: bytes = b"") -> bytes:
    return b"HTTP/1.1 %b\r\nServer: x\r\nContent-Length: %d\r\n%b\r\n%b" % (status, len(body), more, body)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"


def told(answers: list[tuple[bytes, bool]], remembers: bool, most: int = 1000) -> tuple[list[Any], int, bool, int]:
    """What came of each answer (and whether it was asked for as a stream), how often the connection was given back,
    whether it was closed, and how many answers no parser saw.
    """

    async def run() -> tuple[list[Any], int, bool, int]:
        loop = asyncio.get_running_loop()
        pool, transport, hang_ups, known = Pool(), Transport(), HangUps(), 0
        connection: Any = Connection(pool, loop, Outbox(loop), hang_ups)  # type: ignore[arg-type]
        connection._transport, connection._parser = transport, httptools.HttpResponseParser(connection)
        connection._chances = 4 if remembers else 0
        again = connection._again

        def counted(*given: Any) -> None:
            nonlocal known
            known += 1
            again(*given)

        connection._again = counted
        found = []
        for data, streaming in answers:
            reply = Reply()
            connection.send(b"request", Timeouts(), most, streaming, reply)
            connection.data_received(data)
            found.append(reply.told)
            if transport.closed:
                break
        hang_ups.close()
        return found, pool.released_times, transport.closed, known

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("bodies", "known"),
    [
        ([answer(b"one"), answer(b"three"), answer(b"a" * 500)], 2),
        ([answer(b"one"), answer(b"no", b"500 Oh"), answer(b"two")], 1),
        ([answer(b"one"), answer(b"two", more=b"X-Id: 1\r\n"), answer(b"two", more=b"X-Id: 2\r\n"), answer(b"one")], 0),
        ([answer(b"one"), CHUNKED, answer(b"two"), CHUNKED], 1),
        ([answer(b"one"), answer(b"a" * 2000)], 1),
        ([answer(b"one"), answer(b"two") + answer(b"three")], 0),
        ([answer(b"one", more=b"Connection: close\r\n"), answer(b"two", more=b"Connection: close\r\n")], 0),
        ([answer(b"one"), answer(b"two")[:-1]], 0),
        ([answer(b"one"), b"HTTP/1.1 nonsense\r\n\r\n"], 0),
        ([answer(b"no", b"500 Oh"), answer(b"no", b"500 Oh")], 0),
        ([answer(b""), answer(b""), answer(b"one"), answer(b"two")], 2),
    ],
)
def test_it_is_told_the_same(bodies: list[bytes], known: int) -> None:
    answers = [(body, False) for body in bodies]
    *parsed, nothing = told(answers, remembers=False)
    *remembered, times = told(answers, remembers=True)
    assert remembered == parsed
    assert (nothing, times) == (0, known)


def test_a_stream_s_answer_is_the_parser_s() -> None:
    answers = [(answer(b"one"), False), (answer(b"two"), True), (answer(b"three"), False)]
    found, released, closed, known = told(answers, remembers=True)
    assert [f[0] for f in found] == [200, 200, 200]
    assert (released, closed, known) == (3, False, 1)


def test_heads_that_never_come_again_are_soon_left_to_the_parser() -> None:
    unlike = [(answer(b"one", more=b"X-Id: %d\r\n" % number), False) for number in range(6)]
    *_, known = told([*unlike, *[(answer(b"one", more=b"X-Id: 5\r\n"), False)] * 3], remembers=True)
    assert known == 0


def test_a_head_that_changes_now_and_then_is_learned_anew() -> None:
    seconds = [(answer(b"one", more=b"Date: %d\r\n" % second), False) for second in range(9) for _ in range(3)]
    *_, known = told(seconds, remembers=True)
    assert known == 18

"""A stream that passes through is the same however the network cuts it, and whether or not its events are parsed."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Deployment
from gateway.errors import UpstreamError
from gateway.providers import Request
from gateway.providers.openai import ChatStream
from gateway.tokens import Usage
from gateway.upstream import Body

DEPLOYMENT = Deployment(id="d", provider="vllm", model="m", api_base="http://127.0.0.1:1")
TEXT = st.text(alphabet='a"\\{}\n\r:é ', max_size=12)


class Connection:
    """What a body asks of its connection."""

    def resume(self) -> None: ...

    def abort(self) -> None: ...


def chunk_event(text: str, usage: str) -> bytes:
    delta = orjson.dumps({"content": text})
    return b'data: {"id":"1","choices":[{"index":0,"delta":%b}]%b}\n\n' % (delta, usage.encode())


EVENTS = st.lists(
    st.one_of(
        st.builds(chunk_event, TEXT, st.sampled_from(["", ',"usage":null'])),
        st.sampled_from([b": comment\n\n", b'event: x\ndata: {"choices":[]}\n\n', b'data: {"choices":[]}\r\n\r\n']),
    ),
    min_size=1,
    max_size=8,
)
ENDING = b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5}}\n\ndata: [DONE]\n\n'


async def pushed(parts: list[bytes], parses_all: bool, wants_usage: bool) -> tuple[bytes, Usage]:
    body = Body(Connection(), asyncio.get_running_loop())  # type: ignore[arg-type]
    stream = ChatStream(body, Request("chat", {}, 40, True, wants_usage), DEPLOYMENT)
    if parses_all:
        stream._plain = lambda _: False  # type: ignore[method-assign]
    found: list[bytes] = []

    def take(events: bytes) -> bool:
        found.append(events)
        # A client that reads slowly now and then.
        return len(found) % 3 == 0

    async def arrive() -> None:
        for part in parts:
            body.feed(part)
            await asyncio.sleep(0)
        body.end()

    arriving = asyncio.create_task(arrive())
    while not await stream.push(take):
        continue
    await arriving
    return b"".join(found), stream.usage


@given(EVENTS, st.lists(st.integers(1, 60), max_size=12), st.booleans())
def test_cuts_and_short_cuts_change_nothing(events: list[bytes], cuts: list[int], wants_usage: bool) -> None:
    whole = b"".join((*events, ENDING))
    parts, rest = [], whole
    for cut in cuts:
        parts.append(rest[:cut])
        rest = rest[cut:]
    parts = [part for part in (*parts, rest) if part]
    expected = asyncio.run(pushed([whole], parses_all=True, wants_usage=wants_usage))
    for parses_all in (False, True):
        assert asyncio.run(pushed(parts, parses_all, wants_usage)) == expected
    # Event by event, as most upstreams send them.
    assert asyncio.run(pushed([*events, ENDING], False, wants_usage)) == expected
    assert expected[1] == Usage(7, 5)


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ([b'data: {"choices":[]}\n\n'], "connection_error"),
        ([b'data: {"choices":[]}\n\n', b"data: nonsense\n\n"], "api_error"),
        ([b'data: {"choices":[]}\n\n', b'data: {"error":{"message":"no"}}\n\n'], "api_error"),
    ],
)
def test_a_pushed_stream_that_breaks_off_says_so(parts: list[bytes], kind: Any) -> None:
    with pytest.raises(UpstreamError) as raised:
        asyncio.run(pushed(parts, parses_all=False, wants_usage=True))
    assert raised.value.kind == kind

"""A head that was read before is known again; anything else is the parser's."""

from __future__ import annotations

import pytest

from gateway.same_head import Head, learned

START = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: "
END = b"\r\nAuthorization: Bearer sk-1\r\n\r\n"
HEADERS = {b"host": b"x", b"content-length": b"4", b"authorization": b"Bearer sk-1"}


def known() -> Head:
    parts = learned(START + b"4" + END + b"body", HEADERS)
    assert parts is not None
    return Head(*parts)


@pytest.mark.parametrize(("length", "body"), [(b"4", b"body"), (b"12", b"another body"), (b"007", b"content")])
def test_the_same_head_with_another_length(length: bytes, body: bytes) -> None:
    assert known().read(START + length + END + body) == ({**HEADERS, b"content-length": length}, body)


@pytest.mark.parametrize(
    "data",
    [
        START + b"4" + END + b"bod",
        START + b"4" + END + b"body!",
        START + b"4" + END + b"body" + START + b"4" + END + b"body",
        START + b"0" + END,
        START + b"-4" + END + b"body",
        START + b"+4" + END + b"body",
        START + b"4, 4" + END + b"body",
        START + b"0x4" + END + b"body",
        START + b"4\r\nTransfer-Encoding: chunked" + END + b"body",
        START + b"4" + END[:-2] + b"Expect: 100-continue\r\n\r\n" + b"body",
        START + b"4" + END.replace(b"sk-1", b"sk-2") + b"body",
        START.replace(b"chat/", b"") + b"4" + END + b"body",
        START + b"99999999999" + END + b"body",
        START,
        b"",
    ],
)
def test_everything_else_is_not_known(data: bytes) -> None:
    assert known().read(data) is None


@pytest.mark.parametrize("name", [b"Expect", b"Transfer-Encoding", b"Upgrade"])
def test_some_heads_are_never_kept(name: bytes) -> None:
    data = START + b"4" + END[:-2] + name + b": x\r\n\r\nbody"
    assert learned(data, {**HEADERS, name.lower(): b"x"}) is None


def test_what_is_not_one_whole_request_is_not_kept() -> None:
    for data in (START + b"4" + END + b"bod", START + b"4" + END + b"bodybody", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"):
        assert learned(data, HEADERS) is None

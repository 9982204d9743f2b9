"""What clients and upstreams should not send: no 500 of the gateway's making, no hang, nothing in the log."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.gateway.running import PRICE, Running, mock_model

GARBAGE = (
    b"", b"\x00" * 100, b"HTTP/1.1 banana\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab",
    b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnull", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
    b"HTTP/1.1 999 X\r\ncontent-length: 0\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 5000 + b"\r\n",
    b"HTTP/1.1 429 X\r\nretry-after: 1\r\n injected: yes\r\ncontent-length: 2\r\n\r\n{}",
)  # fmt: skip

FINE = b'data: {"id":"x","choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n'
# What is no stream of events, from its beginning or after a fine event.
EVENTS = (
    b'data: {"choices":[]}\n', b'data: {"choices":[{"delta":{"content":"\xff\xfe"}}]}\n\n', b"\xef\xbb\xbf: x\n\n",
    b"data: null\n\n", b"data: 5\n\n", b"data: }{\n\n", b"event: error\ndata: nonsense\n\n", b": comment\n\n" * 1000,
    b"data: " + b"x" * (9 << 20), b'data: {"error":"overloaded"}\n\n', b'data: {"error":{"message":["no"],"code":[]}}\n\n',
    FINE + b"data: }{\n\n", FINE + b'data: {"usage":"many"}\n\n', FINE + b'data: {"usage":{"prompt_tokens":"x"}}\n\n',
    FINE + b'data: {"usage":{"prompt_tokens":' + b"9" * 400 + b',"completion_tokens":1}}\n\n',
    FINE + b'data: {"error":{"type":"overloaded_error","message":null}}\n\n', FINE + b"\x00" * 5000, FINE,
)  # fmt: skip


class Babbler:
    """Answers every request with the bytes it is told to."""

    def __init__(self) -> None:
        self.says = b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.recv(65536)
                    connection.sendall(self.says)


@pytest.fixture(scope="module")
def babbler() -> Iterator[Babbler]:
    made = Babbler()
    yield made
    made.close()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, babbler: Babbler) -> Iterator[Running]:
    deployment: dict[str, Any] = {
        "id": "garbage-0", "provider": "vllm", "model": "x", "api_base": babbler.url, "price": PRICE,
        "timeouts": {"connect_s": 2, "first_byte_s": 1, "idle_s": 1, "total_s": 3},
    }  # fmt: skip
    models = [mock_model("demo"), {"name": "garbage", "deployments": [deployment]}]
    serving = {"max_body_bytes": 1 << 20, "cors_origins": ["https://console.example"]}
    routing = {"allowed_failures": 1000}
    with Running(tmp_path_factory.mktemp("hostile"), models=models, serving=serving, routing=routing) as running:
        yield running


@pytest.fixture(scope="module")
def key(hostile: Running) -> str:
    return hostile.key(key_alias="hostile")


def raw(gateway: Running, data: bytes, most: int = 65536) -> bytes:
    """What the gateway says to these bytes."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(data)
        said = b""
        with contextlib.suppress(ConnectionError):
            while len(said) < most and (more := connection.recv(65536)):
                said += more
                if b"\r\n\r\n" in said:
                    break
        return said


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.one_of(st.binary(max_size=200), st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
)))  # fmt: skip
def test_a_malformed_body_is_the_clients_fault(hostile: Running, key: str, body: Any) -> None:
    head = {"Authorization": f"Bearer {key}"}
    sent = {"content": body} if isinstance(body, bytes) else {"json": body}
    answer = hostile.http.post("/v1/chat/completions", headers=head, **sent)
    assert 400 <= answer.status_code < 500
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_of_100_megabytes_is_refused(hostile: Running, key: str, declared: bool) -> None:
    size = b"content-length: 104857600" if declared else b"transfer-encoding: chunked"
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer " + key.encode() + b"\r\n"
    part = b"x" * (1 << 20)
    piece = part if declared else b"100000\r\n" + part + b"\r\n"
    before = hostile.total("litellm_requests_total", key="hostile", status="413")
    said = raw(hostile, head + size + b"\r\n\r\n" + piece * 100)
    assert said == b"" or b" 413 " in said.split(b"\r\n")[0]
    hostile.until(
        lambda: hostile.total("litellm_requests_total", key="hostile", status="413") == before + 1, "it is counted"
    )
    # It was not kept: a worker takes no more than the limit of a body, and what is in flight.
    assert all(worker.memory_info().rss < 110 << 20 for worker in hostile.children("worker"))


def test_huge_headers_are_refused(hostile: Running) -> None:
    said = raw(hostile, b"GET /health/liveliness HTTP/1.1\r\nhost: x\r\n" + b"x-pad: " + b"y" * 100_000 + b"\r\n\r\n")
    assert said == b"" or b" 400 " in said.split(b"\r\n")[0]


def test_a_slow_client_holds_up_nobody(hostile: Running, key: str) -> None:
    slow = [socket.create_connection(("127.0.0.1", hostile.port)) for _ in range(100)]
    for connection in slow:
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
    assert hostile.chat(key).status_code == 200
    for connection in slow:
        connection.close()
    assert hostile.chat(key).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("says", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_of_an_upstream_is_a_bad_gateway(
    hostile: Running, key: str, babbler: Babbler, says: bytes, stream: bool
) -> None:
    babbler.says = says
    answer = hostile.chat(key, "garbage", stream=stream)
    assert answer.status_code in (429, 502, 504) or (stream and '"error"' in answer.text)
    assert "injected" not in answer.headers


@pytest.mark.parametrize("says", EVENTS, ids=range(len(EVENTS)))
def test_a_stream_that_is_none_is_an_error_before_or_after_the_first_event(
    hostile: Running, key: str, babbler: Babbler, says: bytes
) -> None:
    babbler.says = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + says
    answer = hostile.chat(key, "garbage", stream=True)
    # What comes together with the first event may be found out before that is sent on.
    assert answer.status_code in (502, 503, 504) or says.startswith(FINE)
    if answer.status_code == 200:
        assert "hi" in answer.text
    assert '"error"' in answer.text
    assert '"code":"500"' not in answer.text
    assert not answer.text.rstrip().endswith("[DONE]")


def test_a_page_of_an_allowed_origin_may_call_and_another_may_not(hostile: Running, key: str) -> None:
    ask = {"Origin": "https://console.example", "Access-Control-Request-Method": "POST"}
    preflight = hostile.http.options("/v1/chat/completions", headers=ask)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "https://console.example"
    head = {"Authorization": f"Bearer {key}", "Origin": "https://evil.example"}
    body = {"model": "demo", "messages": [{"role": "user", "content": "x"}]}
    answer = hostile.http.post("/v1/chat/completions", headers=head, json=body)
    assert "access-control-allow-origin" not in answer.headers
    answer = hostile.http.post("/v1/chat/completions", headers={**head, "Origin": ask["Origin"]}, json=body)
    assert answer.headers["access-control-allow-origin"] == ask["Origin"]


def test_no_key_and_no_content_is_in_the_log(hostile: Running, key: str) -> None:
    hostile.chat(key, messages=[{"role": "user", "content": "a-very-secret-prompt"}], mock={"error": 500})
    log = hostile.log.read_text()
    assert key not in log
    assert "a-very-secret-prompt" not in log
    assert "Traceback" not in log
    for line in log.splitlines():
        entry = json.loads(line)
        assert {"time", "level", "process", "pid", "message"} <= set(entry)
        assert "traceback" not in entry, line


def test_cancelled_clients_are_counted_once_and_leave_nothing_in_flight(hostile: Running) -> None:
    key = hostile.key(key_alias="leaver")

    async def leave() -> None:
        async def one() -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", hostile.port)
            body = b'{"model":"demo","stream":true,"messages":[{"role":"user","content":"x"}],"mock":{"chunk_interval_s":0.2}}'
            head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n".encode()
            writer.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)
            await reader.readuntil(b"\r\n\r\n")
            writer.transport.abort()

        await asyncio.gather(*(one() for _ in range(40)))

    asyncio.run(leave())
    hostile.until(lambda: hostile.total("litellm_requests_total", key="leaver") == 40, "all are counted")
    assert hostile.total("litellm_requests_total", key="leaver", status="499") == 40
    assert hostile.total("litellm_upstream_attempts_total", key="leaver") == 40
    hostile.until(lambda: hostile.total("litellm_current_load") == 0, "nothing is in flight")

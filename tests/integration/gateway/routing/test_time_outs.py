"""Each of the four time-outs ends its attempt: before the first byte another deployment is tried, after it the client is told."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.gateway.running import PRICE, Running
from tests.integration.gateway.upstream import FakeUpstream

LONG = {"connect_s": 30, "first_byte_s": 30, "idle_s": 30, "total_s": 60}


@pytest.fixture(scope="module")
def deaf() -> Iterator[str]:
    """An address where nobody accepts: its queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        for one in waiting:
            one.close()


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory, upstream: FakeUpstream, deaf: str) -> Iterator[Running]:
    def model(name: str, kind: str, base: str = upstream.url, **limit: float) -> dict[str, Any]:
        fixed = {"provider": "vllm", "model": kind, "api_base": base, "price": PRICE, "timeouts": {**LONG, **limit}}
        return {"name": name, "deployments": [{"id": name, **fixed}], "fallbacks": ["ok"] if name != "ok" else []}

    models = [
        model("ok", "ok"),
        model("connect", "ok", deaf, connect_s=0.3),
        model("first", "silent", first_byte_s=0.3),
        model("idle", "stalls", idle_s=0.3),
        model("total", "endless", total_s=1),
    ]
    with Running(tmp_path_factory.mktemp("timed"), workers=1, models=models) as running:
        yield running


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", ["connect", "first"])
def test_before_the_first_byte_the_fallback_answers(timed: Running, name: str, stream: bool) -> None:
    key = timed.key(key_alias=f"{name}-{stream}")
    answer = timed.chat(key, name, stream=stream)
    assert answer.status_code == 200
    assert answer.headers["x-litellm-model-group"] == "ok"
    assert timed.total("litellm_upstream_attempts_total", key=f"{name}-{stream}", model=name, status="504") == 1
    assert timed.total("litellm_upstream_attempts_total", key=f"{name}-{stream}", model="ok", status="200") == 1


@pytest.mark.parametrize(("name", "what"), [("idle", "nothing more for 0.3 s"), ("total", "not finished within 1 s")])
def test_after_the_first_byte_the_client_is_told_which_it_was(timed: Running, name: str, what: str) -> None:
    answer = timed.chat(timed.key(key_alias=name), name, stream=True)
    assert answer.status_code == 200
    last = [line.removeprefix("data: ") for line in answer.text.splitlines() if line][-1]
    error = json.loads(last)["error"]
    assert (error["type"], error["code"]) == ("timeout", "504")
    assert what in error["message"]
    assert timed.total("litellm_requests_total", key=name, status="504") == 1
    assert timed.total("litellm_upstream_attempts_total", key=name, status="504") == 1

"""Kept connections that close, where the config allows no retry: what nobody can have read goes out once more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.integration.gateway.certificate import certificate_for
from tests.integration.gateway.running import PRICE, Running
from tests.integration.gateway.upstream import FakeUpstream

TIMEOUTS = {"connect_s": 30, "first_byte_s": 30, "idle_s": 30, "total_s": 60}
REQUESTS = 6


@dataclass
class Place:
    """A gateway without retries. Each model has an upstream of its own, for connections are kept by origin."""

    gateway: Running
    upstreams: dict[str, FakeUpstream]

    def asked(self, model: str) -> int:
        """How many requests its upstream read."""
        return len(self.upstreams[model].calls)

    def counted(self, key: str, **labels: str) -> float:
        return self.gateway.total("litellm_upstream_attempts_total", key=key, **labels)

    def told(self, key: str) -> int:
        """How many attempts the ledger has."""
        rows = self.gateway.admin("GET", "/spend/logs", params={"api_key": key})
        return sum(len(row["metadata"]["attempts"]) for row in rows)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("kept")
    pem, context = certificate_for("localhost", directory)
    upstreams, models = {}, []
    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).setenv("SSL_CERT_FILE", str(pem))
        for scheme in ("http", "https"):
            for kind in ("swallows", "resets", "shuts"):
                upstream = stack.enter_context(FakeUpstream(context if scheme == "https" else None, room=65536))
                name, base = f"{kind}-{scheme}", f"{scheme}://localhost:{upstream.port}/v1"
                target = {"id": name, "provider": "vllm", "model": kind, "api_base": base, "price": PRICE}
                models.append({"name": name, "deployments": [{**target, "timeouts": TIMEOUTS}]})
                upstreams[name] = upstream
        running = Running(directory, workers=1, models=models, routing={"retries": 0})
        yield Place(stack.enter_context(running), upstreams)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(("kind", "size"), [("resets", 10), ("shuts", 4_000_000)])
def test_a_request_that_nobody_read_goes_out_once_more_without_a_retry(
    place: Place, kind: str, size: int, scheme: str, stream: bool
) -> None:
    model = f"{kind}-{scheme}"
    alias = f"{model}-{stream}"
    key = place.gateway.key(key_alias=alias)
    before = place.asked(model)
    messages = [{"role": "user", "content": "x" * size}]
    answers = [place.gateway.chat(key, model, stream=stream, messages=messages) for _ in range(REQUESTS)]
    assert [answer.status_code for answer in answers] == [200] * REQUESTS
    assert all("error" not in answer.text for answer in answers)
    assert place.asked(model) == before + REQUESTS
    # All but the first of a connection were turned away once, which is an attempt. A stream whose last bytes come in a
    # packet of their own leaves no connection behind.
    assert place.counted(alias, status="200") == REQUESTS
    turned_away = [int(answer.headers["x-litellm-attempted-retries"]) for answer in answers]
    assert set(turned_away) <= {0, 1}
    assert sum(turned_away) == place.counted(alias, status="502") >= (1 if stream else REQUESTS - 1)
    assert place.told(key) == place.counted(alias)
    assert place.gateway.total("litellm_deployment_cooldown", deployment=model) == 0


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_request_that_may_have_been_read_does_not(place: Place, scheme: str) -> None:
    alias = f"swallows-{scheme}"
    key = place.gateway.key(key_alias=alias)
    statuses = [place.gateway.chat(key, alias).status_code for _ in range(REQUESTS)]
    assert statuses == [200, 502] * (REQUESTS // 2)
    assert place.counted(alias) == place.asked(alias) == REQUESTS
    assert place.told(key) == REQUESTS

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.gateway.redis_server import RedisServer
from tests.integration.gateway.running import Running, mock_model
from tests.integration.gateway.upstream import FakeUpstream

EMBEDDING = {"input_usd_per_million_tokens": 100.0, "output_usd_per_million_tokens": 0.0}


def models(upstream: FakeUpstream) -> list[dict[str, Any]]:
    """`real` is the stand-in over HTTP, which counts its calls; `slow` takes a moment; `vectors` embeds."""
    over_http = {"provider": "stand-in", "api_base": upstream.url, "model": "cacheable"}
    return [
        mock_model("real", deployment=over_http),
        mock_model("unpriced", deployment={**over_http, "price": None, "model": "unpriced"}),
        mock_model("slow", deployment={"mock": {"latency_s": 0.7, "completion_tokens": 33}}),
        mock_model("slowly-broken", deployment={"mock": {"latency_s": 0.4, "error": 500}}),
        mock_model("vectors", deployment={"price": EMBEDDING}),
        mock_model("stackctl-canary", hidden=True),
    ]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, upstream: FakeUpstream) -> Iterator[Running]:
    """One worker that caches in its memory and watches for loops."""
    cache = {"ttl_s": 3600}
    with Running(tmp_path_factory.mktemp("cache"), workers=1, models=models(upstream), cache=cache) as running:
        yield running


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, upstream: FakeUpstream, redis: RedisServer) -> Iterator[Running]:
    """Three workers that share answers among a team's keys in Redis."""
    directory: Path = tmp_path_factory.mktemp("shared")
    (directory / "redis").write_text(redis.url)
    cache = {"backend": "redis", "url": "file:redis", "scope": "team", "ttl_s": 3600}
    with Running(directory, workers=3, models=models(upstream), cache=cache) as running:
        yield running

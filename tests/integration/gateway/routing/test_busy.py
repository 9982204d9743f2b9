"""Streams keep a deployment busy for as long as they run."""

from __future__ import annotations

import contextlib
from pathlib import Path

from tests.integration.gateway.running import PRICE, Running
from tests.integration.gateway.upstream import FakeUpstream


def test_a_stream_that_runs_makes_its_deployment_busy(tmp_path: Path, upstream: FakeUpstream) -> None:
    fixed = {"provider": "vllm", "model": "endless", "api_base": upstream.url, "price": PRICE}
    model = {"name": "talks", "deployments": [{"id": f"d{n}", **fixed} for n in range(3)]}
    body = {"model": "talks", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    with Running(tmp_path, workers=1, models=[model], routing={"strategy": "least_busy"}) as gateway:
        headers = {"Authorization": f"Bearer {gateway.key()}"}
        with contextlib.ExitStack() as open_streams:
            asked = [
                open_streams.enter_context(
                    gateway.http.stream("POST", "/v1/chat/completions", json=body, headers=headers)
                ).headers["x-litellm-model-id"]
                for _ in range(6)
            ]
            assert sorted(asked[:3]) == sorted(asked[3:]) == ["d0", "d1", "d2"]
        gateway.until(lambda: gateway.total("litellm_current_load") == 0, "all have ended")
        # Nobody is busy any more, so any of them may be next.
        seen = set()
        for _ in range(20):
            with gateway.http.stream("POST", "/v1/chat/completions", json=body, headers=headers) as answer:
                seen.add(answer.headers["x-litellm-model-id"])
        assert seen == {"d0", "d1", "d2"}

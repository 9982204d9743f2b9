"""Upstreams by https, directly: kept connections, one that was closed, and a certificate that is somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.gateway.certificate import certificate_for
from tests.integration.gateway.running import PRICE, Running
from tests.integration.gateway.upstream import FakeUpstream


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, FakeUpstream]]:
    directory: Path = tmp_path_factory.mktemp("tls")
    pem, context = certificate_for("localhost", directory)
    with FakeUpstream(context) as upstream, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(pem))
        bases = {"stranger": f"https://127.0.0.1:{upstream.port}/v1"}
        models = [
            {
                "name": name,
                "deployments": [
                    {
                        "id": name,
                        "provider": "vllm",
                        "model": name,
                        "api_base": bases.get(name, f"https://localhost:{upstream.port}/v1"),
                        "price": PRICE,
                    }
                ],
            }
            for name in ("ok", "stale", "swallows", "cut", "stranger")
        ]
        with Running(directory, workers=1, models=models) as running:
            yield running, upstream


def test_answers_and_streams_pass(secure: tuple[Running, FakeUpstream]) -> None:
    gateway, upstream = secure
    key = gateway.key()
    for stream in (False, True) * 3:
        answer = gateway.chat(key, "ok", stream=stream)
        assert answer.status_code == 200
        assert "three" in answer.text or "hi" in answer.text
    assert len(upstream.of("ok")) == 6


@pytest.mark.parametrize("name", ["stale", "swallows"])
def test_a_kept_connection_that_closes_is_counted_as_often_as_the_upstream_was_asked(
    secure: tuple[Running, FakeUpstream], name: str
) -> None:
    gateway, upstream = secure
    key = gateway.key()
    for _ in range(8):
        closed = upstream.closed
        assert gateway.chat(key, name).status_code == 200
        if name == "stale":
            # While the close is under way nobody can notice it.
            gateway.until(lambda closed=closed: upstream.closed > closed, "the upstream has closed the connection")
    assert gateway.total("litellm_upstream_attempts_total", model=name) == len(upstream.of(name))


def test_a_stream_that_is_cut_and_a_stranger_s_certificate_are_errors(secure: tuple[Running, FakeUpstream]) -> None:
    gateway, upstream = secure
    key = gateway.key()
    assert '"502"' in gateway.chat(key, "cut", stream=True).text
    answer = gateway.chat(key, "stranger")
    assert (answer.status_code, answer.json()["error"]["type"]) == (502, "connection_error")
    assert "TLS failed" in answer.json()["error"]["message"]
    assert upstream.of("stranger") == []

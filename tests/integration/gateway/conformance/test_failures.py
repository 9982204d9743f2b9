"""Every client is told of every provider's failures in its own words, and of nothing that is none of its business."""

from __future__ import annotations

import pytest

from tests.integration.gateway.conformance.asking import Client
from tests.integration.gateway.conformance.conftest import CLIENTS, WAYS, Stack

UPSTREAMS = ("openai", "azure", "anthropic", "gemini")
clients = pytest.mark.parametrize("client", CLIENTS, indirect=True)
streams = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
# What is told to clients of OpenAI's API, and to those of Anthropic's.
TYPES = {
    400: {"invalid_request_error"},
    401: {"authentication_error"},
    429: {"rate_limit_error"},
    500: {"api_error"},
    502: {"api_error"},
    504: {"timeout", "timeout_error"},
}


@clients
@streams
@pytest.mark.parametrize("provider", UPSTREAMS)
@pytest.mark.parametrize(
    ("behaviour", "status"),
    [("status-400", 400), ("status-401", 401), ("status-429", 429), ("status-500", 500)],
)
def test_a_refusal(
    request: pytest.FixtureRequest, client: Client, provider: str, behaviour: str, status: int, stream: bool
) -> None:
    model = f"{provider}-{behaviour}"
    if status == 429:
        model += f"-{request.node.callspec.params['client']}-{WAYS[stream]}"
    failed = client.fail(model, stream)
    assert failed.status == status
    assert failed.type in TYPES[status]
    assert failed.retry_after == ("7" if status == 429 else None)
    for secret in ("10.1.2.3", "internal", "sk-upstream", "http:"):
        assert secret not in failed.message
    assert status == 401 or f"told to say {status}" in failed.message


@clients
@pytest.mark.parametrize("provider", [*UPSTREAMS, "mock"])
def test_a_time_out(client: Client, provider: str) -> None:
    failed = client.fail(f"{provider}-silent", False)
    assert failed.status == 504
    assert failed.type in TYPES[504]


@clients
@pytest.mark.parametrize("provider", UPSTREAMS)
@pytest.mark.parametrize(("behaviour", "stream"), [("garbage", False), ("garbage", True), ("sse-garbage", True)])
def test_garbage(client: Client, provider: str, behaviour: str, stream: bool) -> None:
    failed = client.fail(f"{provider}-{behaviour}", stream)
    assert failed.status == 502
    assert failed.type in TYPES[502]


@clients
def test_a_mock_that_is_told_to_fail(client: Client) -> None:
    for status in (400, 429, 500):
        failed = client.fail(f"mock-status-{status}", False)
        assert (failed.status, failed.type in TYPES[status]) == (status, True)


@clients
@pytest.mark.parametrize("provider", UPSTREAMS)
@pytest.mark.parametrize("behaviour", ["cut", "ends"])
def test_a_stream_that_breaks_off_ends_with_an_error_event(client: Client, provider: str, behaviour: str) -> None:
    text, told = client.broken(f"{provider}-{behaviour}")
    # Of one stand-in a stream begins with other words.
    assert f"Hello from {provider}".startswith(text.removeprefix("on "))
    assert text
    assert told


@clients
@pytest.mark.parametrize("provider", UPSTREAMS)
def test_a_stream_that_fails_before_its_first_byte_falls_back(client: Client, provider: str) -> None:
    assert client.chat(f"{provider}-chain", True).text == f"Hello from {provider}"


@clients
@pytest.mark.parametrize("provider", UPSTREAMS)
def test_leaving_a_stream_ends_it_at_the_provider(client: Client, stack: Stack, provider: str) -> None:
    fake = stack.fakes[provider]
    fake.left.clear()
    assert client.leave(f"{provider}-endless") == "on "
    assert fake.left.wait(30)

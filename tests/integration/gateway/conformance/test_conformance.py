"""Every client gets the same answers from every provider, whatever either of them speaks."""

from __future__ import annotations

import json

import pytest

from tests.fakes.brain import ARGUMENTS, CACHED, COMPLETION, PROMPT
from tests.integration.gateway.conformance.asking import IMAGE, Client, Said
from tests.integration.gateway.conformance.conftest import CLIENTS, Stack

UPSTREAMS = ("openai", "azure", "anthropic", "gemini")
clients = pytest.mark.parametrize("client", CLIENTS, indirect=True)
streams = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
FINISHED = {"stop", "end_turn", "completed"}
CALLED = {"tool_calls", "tool_use", "completed"}


def counted(said: Said) -> tuple[int, int, int]:
    return said.prompt, said.completion, said.cached


@clients
@streams
@pytest.mark.parametrize("provider", UPSTREAMS)
def test_a_chat(client: Client, stack: Stack, provider: str, stream: bool) -> None:
    said = client.chat(f"{provider}-good", stream)
    assert said.text == f"Hello from {provider}"
    assert said.finish in FINISHED
    assert counted(said) == (PROMPT, COMPLETION, CACHED)
    assert said.pieces in ((3,) if stream else (0, 1))


@clients
@streams
def test_a_chat_with_the_mock(client: Client, stream: bool) -> None:
    said = client.chat("mock-good", stream)
    assert said.text == "The gateway answers"
    assert counted(said) == (20, 3, 0)


@clients
@streams
@pytest.mark.parametrize("provider", UPSTREAMS)
def test_two_tools_are_called_and_their_results_used(client: Client, provider: str, stream: bool) -> None:
    first, second = client.tools(f"{provider}-good", stream)
    assert first.calls == [("get_weather", ARGUMENTS), ("get_time", ARGUMENTS)]
    assert first.finish in CALLED
    assert second.text == "The tool said: get_weather ok get_time ok"
    assert second.finish in FINISHED


@clients
@streams
def test_a_tool_is_called_by_the_mock(client: Client, stream: bool) -> None:
    first, second = client.tools("mock-good", stream)
    assert first.calls == [("get_weather", {"city": "The gateway", "days": 1})]
    assert second.text == "The gateway answers"


@clients
@pytest.mark.parametrize("provider", UPSTREAMS)
def test_an_image_arrives_whole(client: Client, provider: str) -> None:
    assert client.image(f"{provider}-good").text == f"An image of {len(IMAGE)} bytes"


@clients
@pytest.mark.parametrize("provider", UPSTREAMS)
def test_json_by_a_schema(client: Client, provider: str) -> None:
    assert json.loads(client.json(f"{provider}-good").text) == ARGUMENTS

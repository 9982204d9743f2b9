"""A provider that only the LiteLLM SDK knows, behind the same interface: the SDK runs inside a real gateway."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.fakes.anthropic import FakeAnthropic
from tests.fakes.brain import ARGUMENTS, CACHED, COMPLETION, PROMPT
from tests.fakes.openai import FakeOpenAI
from tests.fakes.proxy import FakeProxy
from tests.fakes.server import KEY
from tests.integration.gateway.conformance.asking import Client
from tests.integration.gateway.conformance.conftest import CLIENTS
from tests.integration.gateway.conformance.openai_clients import ChatCompletions
from tests.integration.gateway.running import PRICE, Running
from tests.litellm_sdk import sdk_packages


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeOpenAI]:
    fake = FakeOpenAI()
    with fake:
        yield fake


@pytest.fixture(scope="module")
def anthropic() -> Iterator[FakeAnthropic]:
    with FakeAnthropic() as fake:
        yield fake


def model(provider: str, behaviour: str, url: str) -> dict[str, Any]:
    name = f"sdk-{behaviour}" if provider == "openai" else f"{provider}-{behaviour}"
    deployment = {
        "id": name,
        # Protocols of stand-ins that can answer; any name of the SDK goes the same way.
        "provider": f"litellm/{provider}",
        "model": behaviour,
        "api_base": url,
        "api_key": "file:upstream-key",
        "price": PRICE,
    }
    return {"name": name, "deployments": [deployment]}


@pytest.fixture(scope="module")
def proxy(
    tmp_path_factory: pytest.TempPathFactory, upstream: FakeOpenAI, anthropic: FakeAnthropic
) -> Iterator[tuple[Running, str]]:
    directory = tmp_path_factory.mktemp("sdk")
    (directory / "upstream-key").write_text(KEY)
    packages = sdk_packages()
    assert f"python{sys.version_info[0]}.{sys.version_info[1]}" in str(packages)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(packages), os.environ.get("PYTHONPATH")))))
        names = ("good", "status-429", "status-401", "embed", "cut", "cut-first", "ends", "untold")
        models = [model("openai", behaviour, upstream.url) for behaviour in names]
        models += [model("anthropic", behaviour, anthropic.url) for behaviour in ("good", "cut", "ends")]
        models[names.index("cut-first")]["fallbacks"] = ["sdk-good"]
        # Only a proxy knows this host; the others are on this machine, where none holds.
        far = model("openai", "good", "http://models.test/v1")
        far["name"] = far["deployments"][0]["id"] = "far"
        with (
            FakeProxy({"models.test": upstream.address}) as egress,
            Running(directory, workers=1, models=[*models, far], proxy=f"http://127.0.0.1:{egress.port}") as running,
        ):
            yield running, running.key(key_alias="sdk")
            assert KEY.encode() not in running.log.read_bytes()


@pytest.fixture
def client(proxy: tuple[Running, str]) -> Iterator[ChatCompletions]:
    made = CLIENTS["openai"](proxy[0].url, proxy[1])
    yield made
    made.close()


@pytest.mark.parametrize("stream", [False, True])
def test_chat_and_tools(client: Client, proxy: tuple[Running, str], stream: bool) -> None:
    said = client.chat("sdk-good", stream)
    assert said.text == "Hello from openai"
    assert (said.prompt, said.completion, said.cached) == (PROMPT, COMPLETION, CACHED)
    first, second = client.tools("sdk-good", stream)
    assert [name for name, _ in first.calls] == ["get_weather", "get_time"]
    assert second.text.startswith("The tool said")
    assert json.loads(client.json("sdk-good").text) == ARGUMENTS
    row = proxy[0].admin("GET", "/spend/logs")[0]
    assert (row["prompt_tokens"], row["completion_tokens"]) == (PROMPT, COMPLETION)


@pytest.mark.parametrize("name", ["sdk-cut", "sdk-ends", "anthropic-cut", "anthropic-ends"])
def test_a_stream_that_its_provider_cut_is_no_whole_one(client: Client, proxy: tuple[Running, str], name: str) -> None:
    text, told = client.broken(name)
    assert text
    assert "Hello from openai Hello from anthropic".find(text) >= 0
    assert told
    gateway = proxy[0]
    assert gateway.total("litellm_requests_total", model=name, status="502") == 1
    assert gateway.total("litellm_upstream_attempts_total", model=name, status="502") == 1
    row = gateway.admin("GET", "/spend/logs")[0]
    assert row["metadata"]["estimated"] is True
    assert row["completion_tokens"] > 0


@pytest.mark.parametrize("stream", [False, True])
def test_the_gateway_s_proxy_holds_for_the_sdk_too(client: Client, stream: bool) -> None:
    assert client.chat("far", stream).text == "Hello from openai"


def test_a_stream_that_is_cut_before_its_first_text_falls_back(client: Client) -> None:
    assert client.chat("sdk-cut-first", True).text == "Hello from openai"


def test_another_protocol_s_stream_that_is_whole_stays_so(client: Client) -> None:
    said = client.chat("anthropic-good", True)
    assert (said.text, said.finish) == ("Hello from anthropic", "stop")
    assert said.completion == COMPLETION


def test_usage_that_the_sdk_made_up_is_an_estimate(client: Client, proxy: tuple[Running, str]) -> None:
    assert client.chat("sdk-untold", True).text == "Hello from openai"
    row = proxy[0].admin("GET", "/spend/logs")[0]
    assert row["metadata"]["estimated"] is True
    client.chat("sdk-good", True)
    assert proxy[0].admin("GET", "/spend/logs")[0]["metadata"]["estimated"] is False


def test_failures(client: Client, upstream: FakeOpenAI) -> None:
    before = len(upstream.calls)
    limited = client.fail("sdk-status-429", False)
    assert len(upstream.calls) == before + 1, "the SDK tried again by itself"
    assert (limited.status, limited.type, limited.retry_after) == (429, "rate_limit_error", "7")
    refused = client.fail("sdk-status-401", True)
    assert (refused.status, refused.type) == (401, "authentication_error")
    assert "sk-upstream" not in limited.message + refused.message


def test_a_client_cannot_steer_the_sdk(client: ChatCompletions) -> None:
    """The SDK takes its address and credential as arguments; fields of a request with those names stay fields."""
    with pytest.raises(openai.APIStatusError):
        client.client.chat.completions.create(
            model="sdk-status-429",
            messages=[{"role": "user", "content": "x"}],
            extra_body={"mock_response": "free", "api_base": "http://127.0.0.1:1"},
        )


def test_embeddings(client: ChatCompletions) -> None:
    answer = client.client.embeddings.create(model="sdk-embed", input=["one", "two"])
    assert [item.embedding for item in answer.data] == [[0.0, 0.5, -1.0], [1.0, 0.5, -1.0]]

"""One gateway in front of all stand-ins, for the whole suite."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.fakes.anthropic import FakeAnthropic
from tests.fakes.gemini import FakeGemini
from tests.fakes.openai import FakeAzure, FakeOpenAI
from tests.fakes.server import KEY, Fake
from tests.integration.gateway.conformance.anthropic_client import Messages
from tests.integration.gateway.conformance.curl_client import Curl
from tests.integration.gateway.conformance.openai_clients import ChatCompletions, Responses
from tests.integration.gateway.running import PRICE, Running, mock_model

BEHAVIOURS = (
    "good", "embed", "status-400", "status-401", "status-429", "status-500", "silent", "cut", "cut-first", "ends", "endless",
    "garbage", "sse-garbage", "gemini-3",
)  # fmt: skip
WAYS = ("plain", "stream")
TIMEOUTS = {"connect_s": 2, "first_byte_s": 0.6, "idle_s": 2, "total_s": 10}
# Of those that do answer: on a busy machine 0.6 s can pass before they do.
PATIENT = {**TIMEOUTS, "first_byte_s": 8}
CLIENTS: dict[str, Any] = {
    "openai": ChatCompletions,
    "openai-responses": Responses,
    "anthropic": Messages,
    "curl": Curl,
}


@dataclass
class Stack:
    """A running gateway, a key for it, and what stands behind it."""

    gateway: Running
    key: str
    fakes: dict[str, Fake]


def deployment(provider: str, fake: Fake, behaviour: str) -> dict[str, Any]:
    return {
        "id": f"{provider}-{behaviour}-0",
        "provider": provider,
        "model": behaviour,
        "api_base": fake.url,
        "api_key": "file:upstream-key",
        "price": PRICE,
        "timeouts": TIMEOUTS if behaviour == "silent" else PATIENT,
    }


def models(fakes: dict[str, Fake]) -> list[dict[str, Any]]:
    found = [
        {"name": f"{provider}-{behaviour}", "deployments": [deployment(provider, fake, behaviour)]}
        for provider, fake in fakes.items()
        for behaviour in BEHAVIOURS
    ]
    for provider, fake in fakes.items():
        # A provider that says when to come back is not asked again until then, whoever asks: so each case has its own.
        for name in (f"status-429-{client}-{way}" for client in CLIENTS for way in WAYS):
            resting = deployment(provider, fake, "status-429")
            found.append({"name": f"{provider}-{name}", "deployments": [{**resting, "id": f"{provider}-{name}"}]})
        chain = {"name": f"{provider}-chain", "deployments": [deployment(provider, fake, "cut-first")]}
        chain["deployments"][0]["id"] += "-chain"
        found.append({**chain, "fallbacks": [f"{provider}-good"]})
    behaviours: dict[str, Any] = {
        "good": {"prompt_tokens": 20, "completion_tokens": 3},
        "status-400": {"error": 400},
        "status-429": {"error": 429},
        "status-500": {"error": 500},
        "silent": {"latency_s": 60},
    }
    for name, behaviour in behaviours.items():
        found.append(mock_model(f"mock-{name}", deployment={"mock": behaviour, "timeouts": TIMEOUTS}))
    return found


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("conformance")
    (directory / "upstream-key").write_text(KEY)
    fakes: dict[str, Fake] = {
        "openai": FakeOpenAI(), "azure": FakeAzure(), "anthropic": FakeAnthropic(), "gemini": FakeGemini()
    }  # fmt: skip
    with contextlib.ExitStack() as opened:
        for fake in fakes.values():
            opened.enter_context(fake)
        gateway = opened.enter_context(Running(directory, workers=1, models=models(fakes)))
        yield Stack(gateway, gateway.key(key_alias="conformance"), fakes)
        gateway.stop()
        # Whatever happened in any test: no secret and no content in any file of the gateway.
        for path in [gateway.log, *(p for p in gateway.state.rglob("*") if p.is_file())]:
            text = path.read_bytes()
            for secret in (KEY.encode(), b"Be brief.", b"sk-master-for-tests"):
                assert secret not in text, path
            assert b'"error":"' not in text if path == gateway.log else True, text.decode()


@pytest.fixture(scope="session")
def clients(stack: Stack) -> Iterator[dict[str, Any]]:
    """One of each for all tests: a client's TLS context alone takes longer than most tests."""
    made = {name: kind(stack.gateway.url, stack.key) for name, kind in CLIENTS.items()}
    yield made
    for client in made.values():
        client.close()


@pytest.fixture
def client(request: pytest.FixtureRequest, clients: dict[str, Any]) -> Any:
    return clients[request.param]

"""What the conformance cases do not reach: other endpoints, what passes through untouched, what is refused and how."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import openai
import pytest

from tests.fakes.brain import CACHED, COMPLETION, PROMPT, REASONING
from tests.fakes.gemini import SIGNATURE
from tests.integration.gateway.conformance.anthropic_client import Messages
from tests.integration.gateway.conformance.conftest import Stack
from tests.integration.gateway.conformance.openai_clients import MESSAGES, TOOLS

HELLO: list[Any] = [{"role": "user", "content": "Hello?"}]
UPSTREAMS = ("openai", "azure", "anthropic", "gemini")


@pytest.fixture
def client(stack: Stack) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=stack.key, base_url=f"{stack.gateway.url}/v1", max_retries=0) as made:
        yield made


@pytest.fixture
def claude(stack: Stack) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(api_key=stack.key, base_url=stack.gateway.url, max_retries=0) as made:
        yield made


def post(stack: Stack, path: str, body: Any, **headers: str) -> httpx.Response:
    return stack.gateway.http.post(path, json=body, headers={"Authorization": f"Bearer {stack.key}", **headers})


def last_row(stack: Stack, path: str, body: Any) -> dict[str, Any]:
    assert post(stack, path, body).status_code == 200
    row: dict[str, Any] = stack.gateway.admin("GET", "/spend/logs")[0]
    return row


@pytest.mark.parametrize("provider", UPSTREAMS)
@pytest.mark.parametrize("stream", [False, True])
def test_legacy_completions(client: openai.OpenAI, provider: str, stream: bool) -> None:
    answer: Any = client.completions.create(model=f"{provider}-good", prompt="Hello?", stream=stream, max_tokens=9)
    texts = [c.choices[0].text for c in answer if c.choices] if stream else [answer.choices[0].text]
    assert "".join(texts) == f"Hello from {provider}"


@pytest.mark.parametrize("provider", ["openai", "azure", "gemini"])
def test_embeddings(client: openai.OpenAI, provider: str) -> None:
    answer = client.embeddings.create(model=f"{provider}-embed", input=["one", "two"])
    assert [item.embedding for item in answer.data] == [[0.0, 0.5, -1.0], [1.0, 0.5, -1.0]]
    assert answer.usage.prompt_tokens > 0


@pytest.mark.parametrize("provider", ["openai", "azure", "gemini"])
def test_embeddings_by_curl(clients: dict[str, Any], provider: str) -> None:
    found = clients["curl"].embed(f"{provider}-embed", ["one", "two"])
    assert found == [[0.0, 0.5, -1.0], [1.0, 0.5, -1.0]]


def test_the_mock_embeds_the_same_text_the_same(client: openai.OpenAI) -> None:
    first = client.embeddings.create(model="mock-good", input="same", dimensions=5).data[0].embedding
    again = client.embeddings.create(model="mock-good", input=["same"], dimensions=5, encoding_format="float")
    assert again.data[0].embedding == pytest.approx(first)
    assert len(first) == 5


def test_a_provider_without_embeddings_says_so(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="has no embeddings"):
        client.embeddings.create(model="anthropic-good", input="x")


def test_models_for_either_library(client: openai.OpenAI, claude: anthropic.Anthropic, stack: Stack) -> None:
    names = {model.id for model in client.models.list()}
    assert "gemini-good" in names
    assert {model.id for model in claude.models.list(limit=1000)} == names
    assert client.models.retrieve("gemini-good").id == "gemini-good"
    assert claude.models.retrieve("gemini-good").display_name == "gemini-good"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nope")
    with pytest.raises(anthropic.NotFoundError):
        claude.models.retrieve("nope")


@pytest.mark.parametrize("provider", [*UPSTREAMS, "mock"])
def test_tokens_are_counted_without_a_bill(claude: anthropic.Anthropic, stack: Stack, provider: str) -> None:
    counted = claude.messages.count_tokens(model=f"{provider}-good", messages=HELLO)
    assert counted.input_tokens == PROMPT if provider == "anthropic" else counted.input_tokens > 5


def test_unknown_fields_pass_both_ways(stack: Stack) -> None:
    body = {"model": "openai-good", "messages": HELLO, "x_unknown": [1, {"deep": None}], "n": 2, "logprobs": True}
    answer = post(stack, "/v1/chat/completions", body).json()
    assert answer["x_unknown"] == {"echo": [1, {"deep": None}]}
    assert [choice["index"] for choice in answer["choices"]] == [0, 1]
    assert answer["choices"][1]["logprobs"]["content"][0]["logprob"] == -0.5
    for path in ("/v1/messages", "/v1/chat/completions"):
        post(stack, path, {"model": "anthropic-good", "max_tokens": 5, "messages": HELLO, "x_unknown": {"a": 1}})
        assert stack.fakes["anthropic"].calls[-1].body["x_unknown"] == {"a": 1}


def test_azure_s_own_additions_pass(stack: Stack) -> None:
    text = post(stack, "/v1/chat/completions", {"model": "azure-good", "messages": HELLO, "stream": True}).text
    assert "prompt_filter_results" in text
    assert '"usage"' not in text


def test_anthropic_s_beta_header_reaches_it(stack: Stack) -> None:
    body = {"model": "anthropic-good", "max_tokens": 5, "messages": HELLO}
    headers = {"anthropic-beta": "files-api-2025-04-14", "x-forwarded-for": "1.2.3.4"}
    assert post(stack, "/v1/messages", body, **headers).status_code == 200
    seen = stack.fakes["anthropic"].calls[-1].headers
    assert seen["anthropic-beta"] == "files-api-2025-04-14"
    assert "x-forwarded-for" not in seen


@pytest.mark.parametrize("prefix", ["", "/v1"])
def test_paths_with_and_without_v1(stack: Stack, prefix: str) -> None:
    chat = {"model": "mock-good", "messages": HELLO}
    bodies = {
        "chat/completions": chat,
        "completions": {"model": "mock-good", "prompt": "x"},
        "embeddings": {"model": "mock-good", "input": "x"},
        "responses": {"model": "mock-good", "input": "x"},
        "messages": {**chat, "max_tokens": 5},
    }
    for path, body in bodies.items():
        assert post(stack, f"{prefix}/{path}", body).status_code == 200, path
        assert stack.gateway.http.get(f"{prefix}/{path}").status_code == 405


def test_thinking_is_shown_and_signed(stack: Stack) -> None:
    body = {"model": "anthropic-good", "messages": HELLO, "reasoning_effort": "low", "max_tokens": 10}
    message = post(stack, "/v1/chat/completions", body).json()["choices"][0]["message"]
    assert message["reasoning_content"] == "Hm, "
    assert message["thinking_blocks"][0]["signature"] == "c2lnbmVk"
    turns = [*HELLO, message, {"role": "user", "content": "Go on"}]
    assert post(stack, "/v1/chat/completions", {**body, "messages": turns}).status_code == 200
    assert stack.fakes["anthropic"].calls[-1].body["messages"][1]["content"][0]["type"] == "thinking"
    streamed = post(stack, "/v1/chat/completions", {**body, "stream": True}).text
    assert '"reasoning_content":"Hm, "' in streamed
    assert '"signature":"c2lnbmVk"' in streamed


def test_gemini_3_gets_its_signatures_back(stack: Stack) -> None:
    body = {"model": "gemini-gemini-3", "messages": HELLO, "tools": TOOLS}
    message = post(stack, "/v1/chat/completions", body).json()["choices"][0]["message"]
    result = [{"role": "tool", "tool_call_id": call["id"], "content": "{}"} for call in message["tool_calls"]]
    assert post(stack, "/v1/chat/completions", {**body, "messages": [*HELLO, message, *result]}).status_code == 200
    parts = stack.fakes["gemini"].calls[-1].body["contents"][1]["parts"]
    assert [part["thoughtSignature"] for part in parts] == [SIGNATURE, SIGNATURE]
    client = Messages(stack.gateway.url, stack.key)
    assert client.tools("gemini-gemini-3", False)[1].text.startswith("The tool said")
    client.close()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"messages": HELLO}),
        ("/v1/chat/completions", {"messages": HELLO, "stream": True}),
        ("/v1/messages", {"messages": HELLO, "max_tokens": 9}),
        ("/v1/messages", {"messages": HELLO, "max_tokens": 9, "stream": True}),
        ("/v1/responses", {"input": "x"}),
        ("/v1/responses", {"input": "x", "stream": True}),
    ],
)
@pytest.mark.parametrize("provider", UPSTREAMS)
def test_the_ledger_knows_the_tokens_whatever_was_spoken(
    stack: Stack, provider: str, path: str, body: dict[str, Any]
) -> None:
    row = last_row(stack, path, {"model": f"{provider}-good", **body})
    assert (row["prompt_tokens"], row["completion_tokens"]) == (PROMPT, COMPLETION)
    assert row["metadata"]["estimated"] is False
    assert row["spend"] > 0


def test_chat_usage_names_the_kinds_of_tokens(client: openai.OpenAI) -> None:
    for provider in UPSTREAMS:
        usage = client.chat.completions.create(model=f"{provider}-good", messages=MESSAGES).usage
        assert usage is not None
        assert usage.prompt_tokens_details.cached_tokens == CACHED
        assert usage.completion_tokens_details.reasoning_tokens == REASONING


@pytest.mark.parametrize(
    ("path", "model", "fields", "named"),
    [
        ("/v1/responses", "anthropic-good", {"previous_response_id": "resp_1"}, "previous_response_id"),
        ("/v1/responses", "azure-good", {"background": True}, "background"),
        ("/v1/responses", "gemini-good", {"tools": [{"type": "web_search"}]}, "tools"),
        ("/v1/responses", "mock-good", {"conversation": "conv_1"}, "conversation"),
        ("/v1/chat/completions", "anthropic-good", {"n": 2}, "n"),
        ("/v1/chat/completions", "anthropic-good", {"logprobs": True}, "logprobs"),
        ("/v1/chat/completions", "gemini-good", {"audio": {"voice": "x"}}, "audio"),
        ("/v1/messages", "openai-good", {"mcp_servers": [{}]}, "mcp_servers"),
        ("/v1/messages", "gemini-good", {"tools": [{"type": "bash_20250124", "name": "bash"}]}, "tools"),
        ("/v1/completions", "anthropic-good", {"echo": True}, "echo"),
    ],
)
def test_what_is_not_supported_is_a_400_that_names_the_field(
    stack: Stack, path: str, model: str, fields: dict[str, Any], named: str
) -> None:
    body = {"model": model, "messages": HELLO, "max_tokens": 5, **fields}
    if path == "/v1/responses":
        body = {"model": model, "input": "Hello?", **fields}
    elif path == "/v1/completions":
        body = {"model": model, "prompt": "Hello?", **fields}
    answer = post(stack, path, body)
    assert answer.status_code == 400
    assert f"`{named}`" in answer.json()["error"]["message"]
    assert answer.json()["error"].get("param", named) == named


def test_errors_of_the_gateway_itself_in_anthropic_s_words(stack: Stack) -> None:
    http = stack.gateway.http
    body = {"model": "nope", "max_tokens": 5, "messages": HELLO}
    for headers, status, kind in (
        ({}, 401, "authentication_error"),
        ({"x-api-key": "sk-wrong"}, 401, "authentication_error"),
        ({"x-api-key": stack.key}, 404, "not_found_error"),
    ):
        answer = http.post("/v1/messages", json=body, headers=headers)
        assert answer.status_code == status
        assert answer.json()["type"] == "error"
        assert answer.json()["error"]["type"] == kind

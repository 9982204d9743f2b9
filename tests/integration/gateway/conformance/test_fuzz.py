"""Whatever is sent, by clients or by upstreams: an answer, never a 500 of the gateway's making, no hang, no secret."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.gateway.conformance.conftest import Stack

HELLO: list[Any] = [{"role": "user", "content": "Hello?"}]
MODELS = ("openai-good", "azure-good", "anthropic-good", "gemini-good", "mock-good")
WHOLE: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {
        "messages": [
            {"role": "system", "content": "x"},
            {"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
            {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "x"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "tool_choice": "auto", "max_tokens": 5, "temperature": 1, "stop": ["x"], "n": 1, "user": "u", "stream": False,
        "response_format": {"type": "json_object"}, "reasoning_effort": "low", "stream_options": {"include_usage": True},
        "mock": {"completion_tokens": 1},
    },
    "/v1/messages": {
        "messages": [
            {"role": "user", "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": [{"type": "text", "text": "x"}]}]},
        ],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}], "tool_choice": {"type": "auto"}, "system": "x",
        "max_tokens": 5, "metadata": {"user_id": "u"}, "stop_sequences": ["x"], "stream": False,
        "thinking": {"type": "enabled", "budget_tokens": 1024}, "output_config": {"effort": "low"},
    },
    "/v1/responses": {
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "x"}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "x"},
        ],
        "instructions": "x", "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
        "tool_choice": "auto", "text": {"format": {"type": "text"}}, "reasoning": {"effort": "low"}, "include": [],
        "max_output_tokens": 5, "stream": False,
    },
    "/v1/completions": {"prompt": "x", "max_tokens": 5, "stream": False, "stop": "x", "stream_options": {}},
    "/v1/embeddings": {"input": ["x"], "dimensions": 3, "encoding_format": "base64"},
}  # fmt: skip
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1e300,
    2**70,
    "",
    "x",
    "\u0000",
    [],
    [None],
    [[]],
    {},
    {"x": {}},
    [{"x": 1}],
)
FIXED = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def http(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.key}"}
    with httpx.Client(base_url=stack.gateway.url, headers=headers, timeout=20) as made:
        yield made


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield (*path, name)
        yield from places(inner, (*path, name))


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy of a JSON value with another value at one place."""
    copy = json.loads(json.dumps(value))
    inner = copy
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = new
    return copy


def proper(answer: httpx.Response) -> None:
    """Not a failure of the gateway, and JSON of the API's shape or a stream that ends."""
    assert answer.status_code < 500, answer.text
    if answer.headers["content-type"].startswith("application/json"):
        assert isinstance(answer.json(), dict)


@pytest.mark.parametrize("path", WHOLE)
@pytest.mark.parametrize("model", MODELS)
def test_the_wrong_type_in_every_field(http: httpx.Client, path: str, model: str) -> None:
    """One value per place, another for each place, so that all kinds of value meet all kinds of field."""
    whole = {"model": model, **WHOLE[path]}
    proper(http.post(path, json=whole))
    for number, place in enumerate(places(whole)):
        value = VALUES[(number * 4 + len(model)) % len(VALUES)]
        answer = http.post(path, json=changed(whole, place, value))
        assert answer.status_code < 500, (place, value, answer.text)


@given(body=st.one_of(st.binary(max_size=200), st.text(max_size=80).map(str.encode)))
@FIXED
def test_bodies_that_are_no_json(http: httpx.Client, body: bytes) -> None:
    for path in ("/v1/chat/completions", "/v1/messages"):
        answer = http.post(path, content=body)
        assert answer.status_code == 400
        assert "error" in answer.json()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(path=st.sampled_from(list(WHOLE)), model=st.sampled_from(MODELS), number=st.integers(0, 99), value=json_values)
@FIXED
def test_any_value_in_any_field(http: httpx.Client, path: str, model: str, number: int, value: Any) -> None:
    whole = {"model": model, **WHOLE[path]}
    all_places = list(places(whole))
    body = json.dumps(changed(whole, all_places[number % len(all_places)], value)).encode("utf-8", "surrogatepass")
    proper(http.post(path, content=body))


def raw(stack: Stack, head: bytes, body: bytes = b"") -> bytes:
    port = stack.gateway.port
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(head + b"\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


def test_headers_cannot_be_injected(stack: Stack) -> None:
    body = json.dumps({"model": "anthropic-good", "max_tokens": 5, "messages": HELLO}).encode()
    for value in (b"a\rX-Evil: 1", b"a\x00b", b"a\xffb", b"a\tb", b"x" * 5000):
        head = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\nanthropic-beta: %b"
        before = len(stack.fakes["anthropic"].calls)
        answer = raw(stack, head % (stack.key.encode(), value), body)
        assert not answer.startswith(b"HTTP/1.1 5"), value
        for call in stack.fakes["anthropic"].calls[before:]:
            assert "x-evil" not in call.headers
    for model in ("x\r\nX-Evil: 1", "x\nSet-Cookie: a=b"):
        body = json.dumps({"model": model, "messages": HELLO}).encode()
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + stack.key.encode()
        answer = raw(stack, head, body)
        assert answer.startswith(b"HTTP/1.1 404")
        assert b"\r\nX-Evil" not in answer
        assert b"\nSet-Cookie" not in answer

"""OpenAI's API, and Azure's address and additions to it.

https://platform.openai.com/docs/api-reference, https://learn.microsoft.com/azure/ai-foundry/openai/reference
"""

from __future__ import annotations

import base64
import json
import re
import struct
from typing import Any

from tests.fakes.brain import ARGUMENTS, CACHED, COMPLETION, PROMPT, REASONING, Question, Reply, reply, size_of
from tests.fakes.server import KEY, Call, Fake, RefusedError, Writer

USAGE = {
    "prompt_tokens": PROMPT,
    "completion_tokens": COMPLETION,
    "total_tokens": PROMPT + COMPLETION,
    "prompt_tokens_details": {"cached_tokens": CACHED},
    "completion_tokens_details": {"reasoning_tokens": REASONING},
}
_PLACE = {"item_id": "msg_1", "output_index": 0, "content_index": 0, "logprobs": []}
_AZURE_PATH = re.compile(r"/openai/deployments/([^/]+)(/.+)")


class FakeOpenAI(Fake):
    """Chat, completions, embeddings and responses."""

    name = "openai"
    path_prefix = "/v1"

    def check(self, call: Call) -> None:
        if call.headers.get("authorization") != f"Bearer {KEY}":
            raise RefusedError(401, f"Incorrect API key provided: {KEY[:6]}***6789.")
        if self.endpoint(call) == "/chat/completions":
            _check_chat(call.body)

    def model(self, call: Call) -> str:
        return str(call.body["model"])

    def endpoint(self, call: Call) -> str:
        return call.path.removeprefix("/v1")

    def streams(self, call: Call) -> bool:
        return bool(call.body.get("stream"))

    def answer(self, writer: Writer, call: Call) -> None:
        endpoint = self.endpoint(call)
        if endpoint == "/embeddings":
            writer.json(200, _embeddings(call.body))
        elif endpoint == "/completions":
            self._completion(writer, call)
        elif endpoint == "/responses":
            self._response(writer, call)
        elif endpoint == "/chat/completions":
            self._chat(writer, call)
        else:
            raise RefusedError(404, "Unknown request URL")

    def error(self, status: int, message: str) -> Any:
        return {"error": {"message": message, "type": "x_error", "param": None, "code": None}}

    def opening(self, call: Call) -> list[Any]:
        if self.endpoint(call) == "/responses":
            return [{"type": "response.created", "sequence_number": 0, "response": _begun(self.model(call))}]
        return [_chunk({"role": "assistant", "content": ""})]

    def piece(self, call: Call, text: str) -> Any:
        if self.endpoint(call) == "/responses":
            return {"type": "response.output_text.delta", "sequence_number": 1, **_PLACE, "delta": text}
        return _chunk({"content": text})

    def extra_events(self) -> list[Any]:
        """What goes before a chat's first chunk."""
        return []

    def _chat(self, writer: Writer, call: Call) -> None:
        said = reply(self.name, _question(call.body))
        several = range(call.body.get("n") or 1)
        if not call.body.get("stream"):
            choices = [_choice(index, said, call.body) for index in several]
            answer = {**_envelope("chat.completion", self.model(call)), "choices": choices, "usage": USAGE}
            writer.json(200, {**answer, "x_unknown": {"echo": call.body.get("x_unknown")}})
            return
        events = [*self.extra_events(), *self.opening(call), *_deltas(said)]
        finish = "tool_calls" if said.calls else "stop"
        events += [_chunk({}, finish, index) for index in several]
        if (call.body.get("stream_options") or {}).get("include_usage") and self.model(call) != "untold":
            events.append({**_chunk({}), "choices": [], "usage": USAGE})
        writer.stream([*events, b"[DONE]"], cut=self.model(call) == "cut")

    def _completion(self, writer: Writer, call: Call) -> None:
        said = reply(self.name, Question())
        envelope = _envelope("text_completion", self.model(call))
        if not call.body.get("stream"):
            choice = {"index": 0, "text": said.text, "logprobs": None, "finish_reason": "stop"}
            writer.json(200, {**envelope, "choices": [choice], "usage": USAGE})
            return
        events: list[Any] = [
            {**envelope, "choices": [{"index": 0, "text": piece, "finish_reason": None}]} for piece in said.pieces
        ]
        events.append({**envelope, "choices": [], "usage": USAGE})
        writer.stream([*events, b"[DONE]"], cut=False)

    def _response(self, writer: Writer, call: Call) -> None:
        said = reply(self.name, _responses_question(call.body))
        items = _items(said)
        usage = {
            "input_tokens": PROMPT,
            "input_tokens_details": {"cached_tokens": CACHED},
            "output_tokens": COMPLETION,
            "output_tokens_details": {"reasoning_tokens": REASONING},
            "total_tokens": PROMPT + COMPLETION,
        }
        begun = _begun(self.model(call))
        done = {**begun, "status": "completed", "output": items, "usage": usage}
        if not call.body.get("stream"):
            writer.json(200, done)
            return
        events: list[dict[str, Any]] = [{"type": "response.created", "response": begun}]
        for index, item in enumerate(items):
            events.append({"type": "response.output_item.added", "output_index": index, "item": item})
        events += [{"type": "response.output_text.delta", **_PLACE, "delta": piece} for piece in said.pieces]
        events.append({"type": "response.output_item.done", "output_index": 0, "item": items[0]})
        events.append({"type": "response.completed", "response": done})
        numbered = [{**event, "sequence_number": number} for number, event in enumerate(events)]
        writer.stream(numbered, cut=self.model(call) == "cut")


class FakeAzure(FakeOpenAI):
    """The deployment in the path, a dated version in the query, the key in `api-key`, filters in every answer."""

    name = "azure"
    path_prefix = ""

    def check(self, call: Call) -> None:
        if call.headers.get("api-key") != KEY or "authorization" in call.headers:
            raise RefusedError(401, "Access denied due to invalid subscription key or wrong API endpoint.")
        if _AZURE_PATH.fullmatch(call.path) is None or call.query != "api-version=2024-10-21":
            raise RefusedError(404, "Resource not found")
        if self.endpoint(call) == "/chat/completions":
            _check_chat(call.body)

    def model(self, call: Call) -> str:
        match = _AZURE_PATH.fullmatch(call.path)
        assert match is not None
        return match[1]

    def endpoint(self, call: Call) -> str:
        match = _AZURE_PATH.fullmatch(call.path)
        assert match is not None
        return match[2]

    def extra_events(self) -> list[Any]:
        filters = [{"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}]
        return [{**_chunk({}), "id": "", "choices": [], "prompt_filter_results": filters}]


def _envelope(kind: str, model: str) -> dict[str, Any]:
    return {"id": "chatcmpl-fake", "object": kind, "created": 1, "model": model, "system_fingerprint": "fp_1"}


def _chunk(delta: dict[str, Any], finish: str | None = None, index: int = 0) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {**_envelope("chat.completion.chunk", "fake"), "choices": [choice]}


def _choice(index: int, said: Reply, body: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": said.text or None, "refusal": None}
    if said.calls:
        message["tool_calls"] = [
            {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": json.dumps(ARGUMENTS)}}
            for n, name in enumerate(said.calls)
        ]
    logprobs = None
    if body.get("logprobs"):
        logprobs = {"content": [{"token": "Hello", "logprob": -0.5, "bytes": [72], "top_logprobs": []}]}
    finish = "tool_calls" if said.calls else "stop"
    return {"index": index, "message": message, "logprobs": logprobs, "finish_reason": finish}


def _deltas(said: Reply) -> list[Any]:
    events = [_chunk({"content": piece}) for piece in said.pieces]
    text = json.dumps(ARGUMENTS)
    for number, name in enumerate(said.calls):
        call = {"index": number, "id": f"call_{number}", "type": "function"}
        events.append(_chunk({"tool_calls": [{**call, "function": {"name": name, "arguments": ""}}]}))
        halves = ({"arguments": half} for half in (text[:7], text[7:]))
        events += [_chunk({"tool_calls": [{"index": number, "function": half}]}) for half in halves]
    return events


def _check_chat(body: dict[str, Any]) -> None:
    called: set[str] = set()
    for message in body["messages"]:
        if message["role"] not in ("system", "developer", "user", "assistant", "tool"):
            raise RefusedError(400, f"Invalid value: {message['role']!r}")
        called |= {call["id"] for call in message.get("tool_calls") or ()}
        if message["role"] == "tool" and message["tool_call_id"] not in called:
            raise RefusedError(
                400, "messages with role 'tool' must be a response to a preceding message with 'tool_calls'"
            )
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if part["type"] not in ("text", "image_url", "file", "input_audio", "refusal"):
                raise RefusedError(400, f"Invalid content type: {part['type']!r}")
    for tool in body.get("tools") or ():
        assert tool["function"]["name"]


def _question(body: dict[str, Any]) -> Question:
    results, images = [], []
    for message in reversed(body["messages"]):
        if message["role"] == "assistant":
            break
        content = message.get("content")
        if message["role"] == "tool":
            results.insert(0, content if isinstance(content, str) else "".join(p["text"] for p in content))
        elif isinstance(content, list):
            images += [p["image_url"]["url"] for p in content if p["type"] == "image_url"]
    return Question(
        functions=()
        if body.get("tool_choice") == "none"
        else tuple(t["function"]["name"] for t in body.get("tools") or ()),
        result=" ".join(results) if results else None,
        image=size_of(images[0].partition("base64,")[2]) if images else None,
        json=(body.get("response_format") or {}).get("type") in ("json_object", "json_schema"),
    )


def _begun(model: str) -> dict[str, Any]:
    fixed = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "status": "in_progress", "output": []}
    return {"id": "resp_1", "object": "response", "created_at": 1, "model": model, **fixed}


def _items(said: Reply) -> list[dict[str, Any]]:
    if said.calls:
        return [
            {"type": "function_call", "id": f"fc_{n}", "call_id": f"call_{n}", "name": name, "status": "completed",
             "arguments": json.dumps(ARGUMENTS)}
            for n, name in enumerate(said.calls)
        ]  # fmt: skip
    part = {"type": "output_text", "text": said.text, "annotations": [], "logprobs": []}
    return [{"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [part]}]


def _responses_question(body: dict[str, Any]) -> Question:
    items = body["input"] if isinstance(body["input"], list) else []
    results = [item["output"] for item in items if item.get("type") == "function_call_output"]
    images = [
        part["image_url"] for item in items if isinstance(item.get("content"), list)
        for part in item["content"] if part["type"] == "input_image"
    ]  # fmt: skip
    return Question(
        functions=tuple(tool["name"] for tool in body.get("tools") or ()),
        result=" ".join(results) if results else None,
        image=size_of(images[0].partition("base64,")[2]) if images else None,
        json="text" in body,
    )


def _embeddings(body: dict[str, Any]) -> dict[str, Any]:
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    vectors: list[Any] = [[float(n), 0.5, -1.0] for n in range(len(texts))]
    if body.get("encoding_format") == "base64":
        vectors = [base64.b64encode(struct.pack("<3f", *vector)).decode() for vector in vectors]
    data = [{"object": "embedding", "index": n, "embedding": vector} for n, vector in enumerate(vectors)]
    return {"object": "list", "data": data, "model": "e", "usage": {"prompt_tokens": PROMPT, "total_tokens": PROMPT}}

"""Anthropic's Messages API as documented at https://docs.anthropic.com/en/api/messages (version 2023-06-01)."""

from __future__ import annotations

from typing import Any

from tests.fakes.brain import ARGUMENTS, CACHED, COMPLETION, PROMPT, REASONING, Question, Reply, reply, size_of
from tests.fakes.server import KEY, Call, Fake, RefusedError, Writer

WRITTEN = 4
_FIELDS = frozenset(
    {
        "model", "messages", "max_tokens", "system", "stream", "temperature", "top_p", "top_k", "stop_sequences",
        "tools", "tool_choice", "metadata", "thinking", "output_config", "service_tier", "cache_control",
    }
)  # fmt: skip
_ERRORS = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
    413: "request_too_large", 429: "rate_limit_error", 529: "overloaded_error",
}  # fmt: skip


class FakeAnthropic(Fake):
    """`/v1/messages` and `/v1/messages/count_tokens`."""

    def check(self, call: Call) -> None:
        if call.headers.get("x-api-key") != KEY or "authorization" in call.headers:
            raise RefusedError(401, "invalid x-api-key")
        if call.headers.get("anthropic-version") != "2023-06-01":
            raise RefusedError(400, "anthropic-version: header is required")
        if call.path not in ("/v1/messages", "/v1/messages/count_tokens"):
            raise RefusedError(404, "Not found")
        for field in call.body:
            if field not in _FIELDS and not field.startswith("x_"):
                raise RefusedError(400, f"{field}: Extra inputs are not permitted")
        if call.path == "/v1/messages" and not isinstance(call.body.get("max_tokens"), int):
            raise RefusedError(400, "max_tokens: Field required")
        thinking = call.body.get("thinking") or {}
        if thinking.get("type") == "enabled" and thinking["budget_tokens"] >= call.body["max_tokens"]:
            raise RefusedError(400, "`max_tokens` must be greater than `thinking.budget_tokens`")
        _check_messages(call.body)

    def model(self, call: Call) -> str:
        return str(call.body["model"])

    def streams(self, call: Call) -> bool:
        return bool(call.body.get("stream"))

    def answer(self, writer: Writer, call: Call) -> None:
        if call.path.endswith("count_tokens"):
            writer.json(200, {"input_tokens": PROMPT})
            return
        said = reply("anthropic", _question(call.body))
        if call.body.get("stream"):
            writer.stream(self._events(said, call), cut=self.model(call) == "cut")
            return
        message = {
            **_message(self.model(call)),
            "content": _blocks(said),
            "stop_reason": "tool_use" if said.calls else "end_turn",
            "usage": _usage(COMPLETION),
        }
        writer.json(200, message)

    def error(self, status: int, message: str) -> Any:
        error = {"type": _ERRORS.get(status, "api_error"), "message": message}
        return {"type": "error", "error": error, "request_id": "req_fake"}

    def opening(self, call: Call) -> list[Any]:
        return [
            {"type": "message_start", "message": {**_message(self.model(call)), "content": [], "usage": _usage(1)}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "ping"},
        ]

    def piece(self, call: Call, text: str) -> Any:
        return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}

    def _events(self, said: Reply, call: Call) -> list[Any]:
        events = [
            {"type": "message_start", "message": {**_message(self.model(call)), "content": [], "usage": _usage(1)}}
        ]
        events.append({"type": "ping"})
        for index, block in enumerate(_blocks(said)):
            events += _block_events(index, block, said)
        delta = {"stop_reason": "tool_use" if said.calls else "end_turn", "stop_sequence": None}
        usage = {
            "output_tokens": COMPLETION,
            "cache_read_input_tokens": None,
            "output_tokens_details": {"thinking_tokens": REASONING},
        }
        events.append({"type": "message_delta", "delta": delta, "usage": usage})
        events.append({"type": "message_stop"})
        return events


def _message(model: str) -> dict[str, Any]:
    return {
        "id": "msg_fake",
        "type": "message",
        "role": "assistant",
        "model": model,
        "stop_reason": None,
        "stop_sequence": None,
    }


def _usage(output: int) -> dict[str, Any]:
    return {
        "input_tokens": PROMPT - CACHED - WRITTEN,
        "cache_read_input_tokens": CACHED,
        "cache_creation_input_tokens": WRITTEN,
        "output_tokens": output,
        "output_tokens_details": {"thinking_tokens": REASONING},
    }


def _blocks(said: Reply) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if said.thought:
        blocks.append({"type": "thinking", "thinking": said.thought, "signature": "c2lnbmVk"})
    if said.pieces:
        blocks.append({"type": "text", "text": said.text})
    for number, name in enumerate(said.calls):
        blocks.append({"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": ARGUMENTS})
    return blocks


def _block_events(index: int, block: dict[str, Any], said: Reply) -> list[Any]:
    if block["type"] == "text":
        opening: dict[str, Any] = {"type": "text", "text": ""}
        deltas: list[dict[str, Any]] = [{"type": "text_delta", "text": piece} for piece in said.pieces]
    elif block["type"] == "thinking":
        opening = {"type": "thinking", "thinking": "", "signature": ""}
        deltas = [
            {"type": "thinking_delta", "thinking": block["thinking"]},
            {"type": "signature_delta", "signature": block["signature"]},
        ]
    else:
        opening = {**block, "input": {}}
        pieces = ("", '{"city": "Pa', 'ris", "days": 2}')
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return [
        {"type": "content_block_start", "index": index, "content_block": opening},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def _check_messages(body: dict[str, Any]) -> None:
    called: set[str] = set()
    before = None
    for message in body["messages"]:
        if message["role"] not in ("user", "assistant") or message["role"] == before:
            raise RefusedError(400, "messages: roles must alternate between user and assistant")
        before = message["role"]
        content = message["content"]
        for block in content if isinstance(content, list) else [{"type": "text", "text": content}]:
            _check_block(block, called)
    for tool in body.get("tools") or ():
        if tool["input_schema"]["type"] != "object":
            raise RefusedError(400, "tools.0.input_schema: must be an object")


def _check_block(block: dict[str, Any], called: set[str]) -> None:
    kind = block["type"]
    if kind == "text" and not block["text"]:
        raise RefusedError(400, "messages: text content blocks must be non-empty")
    if kind == "image" and block["source"]["type"] == "base64":
        size_of(block["source"]["data"])
    if kind == "tool_use":
        if not isinstance(block["input"], dict):
            raise RefusedError(400, "messages: tool_use.input: Input should be a valid dictionary")
        called.add(block["id"])
    if kind == "tool_result" and block["tool_use_id"] not in called:
        raise RefusedError(400, f"unexpected `tool_use_id` found in `tool_result` blocks: {block['tool_use_id']}")
    if kind not in ("text", "image", "document", "tool_use", "tool_result", "thinking", "redacted_thinking"):
        raise RefusedError(
            400, f"messages: Input tag {kind!r} found using 'type' does not match any of the expected tags"
        )


def _question(body: dict[str, Any]) -> Question:
    last = body["messages"][-1]["content"]
    blocks = last if isinstance(last, list) else []
    results = [_text(b["content"]) for b in blocks if b["type"] == "tool_result"]
    images = [b for b in blocks if b["type"] == "image"]
    called = (body.get("tool_choice") or {}).get("type") != "none"
    return Question(
        functions=tuple(t["name"] for t in body.get("tools") or ()) if called else (),
        result=" ".join(results) if results else None,
        image=size_of(images[0]["source"]["data"]) if images else None,
        json="output_config" in body,
        thinks=(body.get("thinking") or {}).get("type") == "enabled",
    )


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(block["text"] for block in content)

"""Anthropic's own library."""

from __future__ import annotations

import json
from typing import Any

import anthropic

from tests.integration.gateway.conformance.asking import IMAGE_URL, PARAMETERS, Failed, Said

MESSAGES: list[Any] = [{"role": "user", "content": "Hello?"}]
TOOLS: list[Any] = [
    {"name": name, "description": "Asks.", "input_schema": PARAMETERS} for name in ("get_weather", "get_time")
]


class Messages:
    """`client.messages`."""

    def __init__(self, url: str, key: str) -> None:
        self.client = anthropic.Anthropic(api_key=key, base_url=url, max_retries=0)

    def close(self) -> None:
        self.client.close()

    def chat(self, model: str, stream: bool) -> Said:
        return self._ask(model, stream, MESSAGES, system="Be brief.", extra_body={"temperature": 0.5})[0]

    def image(self, model: str) -> Said:
        source = {"type": "base64", "media_type": "image/png", "data": IMAGE_URL.partition("base64,")[2]}
        content = [{"type": "text", "text": "What is it?"}, {"type": "image", "source": source}]
        return self._ask(model, False, [{"role": "user", "content": content}])[0]

    def tools(self, model: str, stream: bool) -> tuple[Said, Said]:
        first, content = self._ask(model, stream, MESSAGES, tools=TOOLS, tool_choice={"type": "any"})
        results = [
            {"type": "tool_result", "tool_use_id": block["id"], "content": f"{block['name']} ok"}
            for block in content
            if block["type"] == "tool_use"
        ]
        turns = [*MESSAGES, {"role": "assistant", "content": content}, {"role": "user", "content": results}]
        return first, self._ask(model, stream, turns, tools=TOOLS)[0]

    def json(self, model: str) -> Said:
        wanted = {"format": {"type": "json_schema", "schema": PARAMETERS}}
        return self._ask(model, False, MESSAGES, extra_body={"output_config": wanted})[0]

    def fail(self, model: str, stream: bool) -> Failed:
        try:
            self._ask(model, stream, MESSAGES)
        except anthropic.APIStatusError as error:
            told: Any = error.body
            assert told["type"] == "error"
            retry_after = error.response.headers.get("retry-after")
            return Failed(error.status_code, told["error"]["type"], retry_after, told["error"]["message"])
        raise AssertionError("no error")

    def broken(self, model: str) -> tuple[str, bool]:
        text = ""
        try:
            for event in self.client.messages.create(model=model, max_tokens=50, messages=MESSAGES, stream=True):
                if event.type == "content_block_delta" and event.delta.type == "text_delta":
                    text += event.delta.text
        except anthropic.APIError as error:
            told: Any = error.body
            return text, told["error"]["type"] == "api_error"
        return text, False

    def leave(self, model: str) -> str:
        with self.client.messages.create(model=model, max_tokens=50, messages=MESSAGES, stream=True) as stream:
            for event in stream:
                if event.type == "content_block_delta" and event.delta.type == "text_delta":
                    return event.delta.text
        return ""

    def _ask(self, model: str, stream: bool, messages: list[Any], **more: Any) -> tuple[Said, list[Any]]:
        pieces = 0
        if stream:
            with self.client.messages.stream(model=model, max_tokens=50, messages=messages, **more) as events:
                for event in events:
                    pieces += event.type == "text"
                message = events.get_final_message()
        else:
            message = self.client.messages.create(model=model, max_tokens=50, messages=messages, **more)
        text = "".join(block.text for block in message.content if block.type == "text")
        calls = [(b.name, json.loads(json.dumps(b.input))) for b in message.content if b.type == "tool_use"]
        usage = message.usage
        cached, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
        said = Said(text, calls, str(message.stop_reason), usage.input_tokens + cached + written, usage.output_tokens)
        said.cached, said.pieces = cached, pieces
        return said, [block.model_dump(exclude_none=True) for block in message.content]

"""OpenAI's own library: chat completions and responses."""

from __future__ import annotations

import json
from typing import Any

import openai

from tests.integration.gateway.conformance.asking import IMAGE_URL, PARAMETERS, Failed, Said

MESSAGES: list[Any] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello?"}]
TOOLS: list[Any] = [
    {"type": "function", "function": {"name": name, "description": "Asks.", "parameters": PARAMETERS}}
    for name in ("get_weather", "get_time")
]
SCHEMA: Any = {"type": "json_schema", "json_schema": {"name": "place", "schema": PARAMETERS, "strict": True}}


class ChatCompletions:
    """`client.chat.completions`."""

    def __init__(self, url: str, key: str) -> None:
        self.client = openai.OpenAI(api_key=key, base_url=f"{url}/v1", max_retries=0)

    def close(self) -> None:
        self.client.close()

    def chat(self, model: str, stream: bool) -> Said:
        return self._ask(model, stream, MESSAGES, max_tokens=50, temperature=1.5)

    def image(self, model: str) -> Said:
        parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": IMAGE_URL}}]
        return self._ask(model, False, [{"role": "user", "content": parts}])

    def tools(self, model: str, stream: bool) -> tuple[Said, Said]:
        first, message = self._tool_call(model, stream)
        results = [
            {"role": "tool", "tool_call_id": call["id"], "content": f"{call['function']['name']} ok"}
            for call in message["tool_calls"]
        ]
        return first, self._ask(model, stream, [*MESSAGES, message, *results], tools=TOOLS)

    def json(self, model: str) -> Said:
        return self._ask(model, False, MESSAGES, response_format=SCHEMA)

    def fail(self, model: str, stream: bool) -> Failed:
        try:
            self._ask(model, stream, MESSAGES)
        except openai.APIStatusError as error:
            return Failed(error.status_code, str(error.type), error.response.headers.get("retry-after"), error.message)
        raise AssertionError("no error")

    def broken(self, model: str) -> tuple[str, bool]:
        text = ""
        try:
            for chunk in self.client.chat.completions.create(model=model, messages=MESSAGES, stream=True):
                text += chunk.choices[0].delta.content or "" if chunk.choices else ""
        except openai.APIError as error:
            return text, error.code == "502"
        return text, False

    def leave(self, model: str) -> str:
        with self.client.chat.completions.create(model=model, messages=MESSAGES, stream=True) as stream:
            for chunk in stream:
                if chunk.choices and chunk.choices[0].delta.content:
                    return chunk.choices[0].delta.content
        return ""

    def _tool_call(self, model: str, stream: bool) -> tuple[Said, dict[str, Any]]:
        if not stream:
            answer = self.client.chat.completions.create(
                model=model, messages=MESSAGES, tools=TOOLS, tool_choice="required"
            )
            return _said(answer.model_dump()), answer.choices[0].message.model_dump(exclude_none=True)
        raw = self._collect(model, MESSAGES, tools=TOOLS, tool_choice="required")
        return raw[0], raw[1]

    def _ask(self, model: str, stream: bool, messages: list[Any], **more: Any) -> Said:
        if stream:
            return self._collect(model, messages, **more)[0]
        return _said(self.client.chat.completions.create(model=model, messages=messages, **more).model_dump())

    def _collect(self, model: str, messages: list[Any], **more: Any) -> tuple[Said, dict[str, Any]]:
        chunks = self.client.chat.completions.create(
            model=model, messages=messages, stream=True, stream_options={"include_usage": True}, **more
        )
        return collected(chunk.model_dump(exclude_unset=True) for chunk in chunks)


def collected(chunks: Any) -> tuple[Said, dict[str, Any]]:
    """A stream's sum, and its message as one would send it back."""
    said, calls = Said(), []
    for chunk in chunks:
        for choice in chunk["choices"]:
            delta = choice["delta"]
            if delta.get("content"):
                said.text += delta["content"]
                said.pieces += 1
            for piece in delta.get("tool_calls") or ():
                if piece["index"] == len(calls):
                    calls.append({**piece, "type": "function", "function": {"arguments": "", **piece["function"]}})
                else:
                    calls[piece["index"]]["function"]["arguments"] += piece["function"].get("arguments") or ""
            said.finish = choice.get("finish_reason") or said.finish
        if chunk.get("usage"):
            _count(said, chunk["usage"])
    said.calls = [(c["function"]["name"], json.loads(c["function"]["arguments"])) for c in calls]
    sent = [{n: v for n, v in call.items() if n != "index"} for call in calls]
    return said, {"role": "assistant", "content": said.text or None, "tool_calls": sent}


def _said(answer: dict[str, Any]) -> Said:
    choice = answer["choices"][0]
    calls = choice["message"].get("tool_calls") or ()
    said = Said(
        choice["message"]["content"] or "",
        [(c["function"]["name"], json.loads(c["function"]["arguments"])) for c in calls],
        choice["finish_reason"],
    )
    _count(said, answer["usage"])
    return said


def _count(said: Said, usage: dict[str, Any]) -> None:
    said.prompt, said.completion = usage["prompt_tokens"], usage["completion_tokens"]
    said.cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0


class Responses:
    """`client.responses`."""

    def __init__(self, url: str, key: str) -> None:
        self.client = openai.OpenAI(api_key=key, base_url=f"{url}/v1", max_retries=0)

    def close(self) -> None:
        self.client.close()

    def chat(self, model: str, stream: bool) -> Said:
        return self._ask(model, stream, "Hello?", instructions="Be brief.", max_output_tokens=50, temperature=1.5)[0]

    def image(self, model: str) -> Said:
        content = [{"type": "input_text", "text": "What?"}, {"type": "input_image", "image_url": IMAGE_URL}]
        return self._ask(model, False, [{"role": "user", "content": content}])[0]

    def tools(self, model: str, stream: bool) -> tuple[Said, Said]:
        tools = [{"type": "function", "strict": True, **tool["function"]} for tool in TOOLS]
        asked: list[Any] = [{"role": "user", "content": "Hello?"}]
        first, output = self._ask(model, stream, asked, tools=tools, tool_choice="required")
        calls = [item for item in output if item["type"] == "function_call"]
        results = [
            {"type": "function_call_output", "call_id": c["call_id"], "output": f"{c['name']} ok"} for c in calls
        ]
        return first, self._ask(model, stream, [*asked, *output, *results], tools=tools)[0]

    def json(self, model: str) -> Said:
        wanted = {"format": {"type": "json_schema", "name": "place", "schema": PARAMETERS, "strict": True}}
        return self._ask(model, False, "Hello?", text=wanted)[0]

    def fail(self, model: str, stream: bool) -> Failed:
        try:
            self._ask(model, stream, "Hello?")
        except openai.APIStatusError as error:
            return Failed(error.status_code, str(error.type), error.response.headers.get("retry-after"), error.message)
        raise AssertionError("no error")

    def broken(self, model: str) -> tuple[str, bool]:
        text, told = "", False
        for event in self.client.responses.create(model=model, input="Hello?", stream=True):
            text += event.delta if event.type == "response.output_text.delta" else ""
            told = event.type == "error" and event.code == "502"
        return text, told

    def leave(self, model: str) -> str:
        with self.client.responses.create(model=model, input="Hello?", stream=True) as stream:
            for event in stream:
                if event.type == "response.output_text.delta":
                    return event.delta
        return ""

    def _ask(self, model: str, stream: bool, given: Any, **more: Any) -> tuple[Said, list[Any]]:
        pieces = 0
        if stream:
            response: Any = None
            numbers = []
            for event in self.client.responses.create(model=model, input=given, stream=True, **more):
                numbers.append(event.sequence_number)
                pieces += event.type == "response.output_text.delta"
                response = event.response if event.type == "response.completed" else response
            assert numbers == list(range(len(numbers)))
        else:
            response = self.client.responses.create(model=model, input=given, **more)
        calls = [(i.name, json.loads(i.arguments)) for i in response.output if i.type == "function_call"]
        usage = response.usage
        said = Said(response.output_text, calls, response.status, usage.input_tokens, usage.output_tokens)
        said.cached, said.pieces = usage.input_tokens_details.cached_tokens, pieces
        return said, [item.model_dump(exclude_none=True) for item in response.output]

"""OpenAI's Responses API for upstreams that have only chat completions. Nothing is stored between requests.

https://platform.openai.com/docs/api-reference/responses
"""

from __future__ import annotations

from typing import Any

from gateway.tokens import Usage
from gateway.translate.faults import UnsupportedError, a_list, an_object
from gateway.translate.inbound.responses_items import messages_of
from gateway.translate.inbound.responses_object import (
    call_item,
    finished,
    message_item,
    reasoning_item,
    response_object,
)
from gateway.translate.inbound.responses_stream import ResponsesWriter

# They need a store of responses, or an answer that chat completions cannot give.
_REFUSED = ("previous_response_id", "conversation", "background", "prompt", "top_logprobs", "context_management")
_LEFT_OUT = frozenset(
    {
        "input", "instructions", "max_output_tokens", "text", "reasoning", "tools", "tool_choice", "include", "store",
        "metadata", "truncation", "max_tool_calls", "prompt_cache_key", "prompt_cache_retention", "safety_identifier",
        "stream_options", *_REFUSED,
    }
)  # fmt: skip


def to_chat(body: dict[str, Any]) -> dict[str, Any]:
    """The chat request. Raises UnsupportedError and WrongRequestError."""
    for field in _REFUSED:
        if body.get(field):
            raise UnsupportedError(field)
    if "message.output_text.logprobs" in (body.get("include") or ()):
        raise UnsupportedError("include")
    chat = {n: v for n, v in body.items() if n not in _LEFT_OUT}
    chat["messages"] = messages_of(body.get("instructions"), body.get("input"))
    if body.get("max_output_tokens") is not None:
        chat["max_completion_tokens"] = body["max_output_tokens"]
    if body.get("reasoning"):
        effort = an_object(body["reasoning"], "reasoning").get("effort")
        if effort:
            chat["reasoning_effort"] = effort
    if body.get("text"):
        _format(chat, an_object(body["text"], "text"))
    if body.get("tools"):
        chat["tools"] = [_tool(an_object(t, "tools")) for t in a_list(body["tools"], "tools")]
        if body.get("tool_choice") is not None:
            chat["tool_choice"] = _choice(body["tool_choice"])
    return chat


def from_chat(answer: dict[str, Any], asked: dict[str, Any], usage: Usage) -> dict[str, Any]:
    """The response of a chat answer's first choice. Raises KeyError, TypeError and the like for what is not one."""
    choice = answer["choices"][0]
    message, identity = choice["message"], str(answer.get("id") or "gateway")
    output = []
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(reasoning, str) and reasoning:
        output.append(reasoning_item(f"rs_{identity}", reasoning))
    if message.get("content"):
        output.append(message_item(f"msg_{identity}", message["content"]))
    for number, call in enumerate(message.get("tool_calls") or ()):
        function = call["function"]
        output.append(
            call_item(f"fc_{identity}_{number}", call["id"], function["name"], function.get("arguments") or "")
        )
    response = response_object(asked, f"resp_{identity}", int(answer.get("created") or 0))
    return finished(response, choice.get("finish_reason"), output, usage)


def writer(asked: dict[str, Any]) -> ResponsesWriter:
    """Chunks to the events of a response."""
    return ResponsesWriter(asked)


def _format(chat: dict[str, Any], text: dict[str, Any]) -> None:
    if text.get("verbosity"):
        chat["verbosity"] = text["verbosity"]
    wanted = text.get("format")
    if wanted is None:
        return
    kind = an_object(wanted, "text").get("type")
    if kind == "json_schema":
        schema = {n: v for n, v in wanted.items() if n != "type"}
        chat["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif kind == "json_object":
        chat["response_format"] = {"type": "json_object"}


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    if tool.get("type") != "function":
        raise UnsupportedError("tools", f"holds {str(tool.get('type'))[:60]!r}, which this model's provider cannot run")
    function = {n: tool[n] for n in ("name", "description", "parameters", "strict") if tool.get(n) is not None}
    return {"type": "function", "function": function}


def _choice(choice: Any) -> Any:
    if isinstance(choice, str):
        return choice
    if an_object(choice, "tool_choice").get("type") != "function":
        raise UnsupportedError("tool_choice")
    return {"type": "function", "function": {"name": choice["name"]}}

"""Anthropic's Messages API for upstreams that have only chat completions.

https://docs.anthropic.com/en/api/messages, https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from typing import Any

import orjson

from gateway.providers.usage import to_messages
from gateway.tokens import Usage
from gateway.translate.faults import UnsupportedError, WrongRequestError, a_list, an_object
from gateway.translate.inbound.messages_content import from_assistant, from_user, system_text
from gateway.translate.inbound.messages_stream import MessagesWriter, stop_reason

_TRANSLATED = frozenset(
    {
        "system",
        "messages",
        "max_tokens",
        "stop_sequences",
        "tools",
        "tool_choice",
        "metadata",
        "thinking",
        "output_config",
    }
)
# They change nothing that a client can see in an answer's shape.
_HINTS = frozenset({"top_k", "service_tier", "inference_geo", "cache_control", "speed"})
_REFUSED = ("mcp_servers", "container", "context_management")
# Anthropic's budgets of thinking tokens as OpenAI's efforts.
_LOW, _MEDIUM = 2048, 8192


def to_chat(body: dict[str, Any]) -> dict[str, Any]:
    """The chat request. Raises UnsupportedError and WrongRequestError."""
    for field in _REFUSED:
        if body.get(field):
            raise UnsupportedError(field)
    chat = {n: v for n, v in body.items() if n not in _TRANSLATED and n not in _HINTS}
    chat["messages"] = _messages(body)
    if body.get("max_tokens") is not None:
        chat["max_completion_tokens"] = body["max_tokens"]
    if body.get("stop_sequences"):
        chat["stop"] = body["stop_sequences"]
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("user_id"), str):
        chat["user"] = metadata["user_id"]
    if body.get("tools"):
        chat["tools"] = [_tool(an_object(t, "tools")) for t in a_list(body["tools"], "tools")]
        _choose(chat, body.get("tool_choice"))
    _think(chat, body)
    return chat


def from_chat(answer: dict[str, Any], asked: dict[str, Any], usage: Usage) -> dict[str, Any]:
    """The message of a chat answer's first choice. Raises KeyError, TypeError and the like for what is not one."""
    choice = answer["choices"][0]
    message = choice["message"]
    content: list[dict[str, Any]] = []
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(reasoning, str) and reasoning:
        content.append({"type": "thinking", "thinking": reasoning, "signature": ""})
    if message.get("content"):
        content.append({"type": "text", "text": message["content"]})
    content += [_tool_use(call) for call in message.get("tool_calls") or ()]
    return {
        "id": f"msg_{answer.get('id') or 'gateway'}",
        "type": "message",
        "role": "assistant",
        "model": str(asked["model"]),
        "content": content,
        "stop_reason": stop_reason(choice.get("finish_reason")),
        "stop_sequence": None,
        "usage": to_messages(usage),
    }


def writer(asked: dict[str, Any]) -> MessagesWriter:
    """Chunks to Anthropic's events."""
    return MessagesWriter(str(asked["model"]))


def _messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if body.get("system"):
        found.append({"role": "system", "content": system_text(body["system"])})
    for message in a_list(body["messages"], "messages"):
        role, content = an_object(message, "messages").get("role"), message.get("content")
        if role == "user":
            found.extend(from_user(content))
        elif role == "assistant":
            found.append(from_assistant(content))
        elif role == "system":
            found.append({"role": "system", "content": system_text(content)})
        else:
            raise WrongRequestError("messages", "must each have the role user or assistant")
    return found


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    if tool.get("type") not in (None, "custom"):
        raise UnsupportedError("tools", f"holds {str(tool['type'])[:60]!r}, which only Anthropic runs")
    function = {"name": tool["name"], "parameters": tool.get("input_schema") or {"type": "object", "properties": {}}}
    for field in ("description", "strict"):
        if field in tool:
            function[field] = tool[field]
    return {"type": "function", "function": function}


def _choose(chat: dict[str, Any], choice: Any) -> None:
    if choice is None:
        return
    kind = an_object(choice, "tool_choice").get("type")
    if kind == "tool":
        chat["tool_choice"] = {"type": "function", "function": {"name": choice["name"]}}
    elif kind in ("auto", "any", "none"):
        chat["tool_choice"] = "required" if kind == "any" else kind
    else:
        raise WrongRequestError("tool_choice", "must have the type auto, any, tool or none")
    if choice.get("disable_parallel_tool_use"):
        chat["parallel_tool_calls"] = False


def _think(chat: dict[str, Any], body: dict[str, Any]) -> None:
    thinking, output = body.get("thinking"), body.get("output_config")
    if isinstance(thinking, dict) and thinking.get("type") == "enabled":
        budget = thinking.get("budget_tokens") or 0
        chat["reasoning_effort"] = "low" if budget < _LOW else "medium" if budget < _MEDIUM else "high"
    if not isinstance(output, dict):
        return
    if output.get("effort"):
        chat["reasoning_effort"] = {"max": "xhigh"}.get(output["effort"], output["effort"])
    if output.get("format"):
        schema = {"name": "answer", "schema": output["format"]["schema"], "strict": True}
        chat["response_format"] = {"type": "json_schema", "json_schema": schema}


def _tool_use(call: dict[str, Any]) -> dict[str, Any]:
    text = call["function"].get("arguments") or "{}"
    try:
        given = orjson.loads(text)
    except ValueError:
        given = None
    # The model wrote something that is no object: the client may still show what it was.
    return {
        "type": "tool_use",
        "id": call["id"],
        "name": call["function"]["name"],
        "input": given if isinstance(given, dict) else {"arguments": text},
    }

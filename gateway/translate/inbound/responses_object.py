"""The response object of the Responses API and the items of its output."""

from __future__ import annotations

from typing import Any

from gateway.providers.usage import to_responses
from gateway.tokens import Usage

# What the object repeats of the request, and its value when the request said nothing.
_REPEATED: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "reasoning": {"effort": None, "summary": None},
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


def response_object(asked: dict[str, Any], identity: str, created: int) -> dict[str, Any]:
    """A response that has just begun."""
    repeated = {n: default if asked.get(n) is None else asked[n] for n, default in _REPEATED.items()}
    return {
        "id": identity,
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": asked["model"],
        "output": [],
        "previous_response_id": None,
        "store": False,
        "usage": None,
        **repeated,
    }


def finished(response: dict[str, Any], finish: Any, output: list[dict[str, Any]], usage: Usage) -> dict[str, Any]:
    """The response at its end."""
    reason = _INCOMPLETE.get(finish) if isinstance(finish, str) else None
    return {
        **response,
        "status": "incomplete" if reason else "completed",
        "incomplete_details": {"reason": reason} if reason else None,
        "output": output,
        "usage": to_responses(usage),
    }


def message_item(identity: str, text: str, status: str = "completed") -> dict[str, Any]:
    """What the model said."""
    content = [text_part(text)] if status == "completed" else []
    return {"id": identity, "type": "message", "status": status, "role": "assistant", "content": content}


def text_part(text: str) -> dict[str, Any]:
    """The one part of a message."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def call_item(identity: str, call: str, name: str, arguments: str, status: str = "completed") -> dict[str, Any]:
    """A call of a function."""
    return {
        "id": identity,
        "type": "function_call",
        "status": status,
        "call_id": call,
        "name": name,
        "arguments": arguments,
    }


def reasoning_item(identity: str, text: str) -> dict[str, Any]:
    """What the model thought, as far as it is shown."""
    summary = [{"type": "summary_text", "text": text}] if text else []
    return {"id": identity, "type": "reasoning", "summary": summary}

"""Anthropic's content blocks as the messages and parts of chat completions."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.translate.faults import UnsupportedError, WrongRequestError, a_list, a_text, an_object


def system_text(system: Any) -> str:
    """A system prompt, given as text or as blocks of text."""
    if isinstance(system, str):
        return system
    blocks = (an_object(block, "system") for block in a_list(system, "system"))
    return "\n\n".join(a_text(block.get("text"), "system") for block in blocks)


def from_user(content: Any) -> list[dict[str, Any]]:
    """Tool results become messages of their own, in front of the rest: chat completions want them right after the calls."""
    if isinstance(content, str):
        return [{"role": "user", "content": content}]
    results: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    for block in a_list(content, "messages"):
        if an_object(block, "messages").get("type") == "tool_result":
            text, seen = _result(block.get("content"))
            results.append({"role": "tool", "tool_call_id": block["tool_use_id"], "content": text})
            parts.extend(seen)
        else:
            parts.append(_part(block))
    if parts:
        results.append({"role": "user", "content": _simple(parts)})
    return results


def from_assistant(content: Any) -> dict[str, Any]:
    """Thinking is left out: it is signed by and for Anthropic's models."""
    if isinstance(content, str):
        return {"role": "assistant", "content": content}
    texts, calls = [], []
    for block in a_list(content, "messages"):
        kind = an_object(block, "messages").get("type")
        if kind == "text":
            texts.append(a_text(block.get("text"), "messages"))
        elif kind == "tool_use":
            arguments = orjson.dumps(block.get("input") or {}).decode()
            function = {"name": block["name"], "arguments": arguments}
            calls.append({"id": block["id"], "type": "function", "function": function})
        elif kind not in ("thinking", "redacted_thinking"):
            raise _unknown(kind)
    message: dict[str, Any] = {"role": "assistant", "content": "".join(texts) or None}
    if calls:
        message["tool_calls"] = calls
    elif message["content"] is None:
        message["content"] = ""
    return message


def _result(content: Any) -> tuple[str, list[dict[str, Any]]]:
    """The text of a tool's result, and its images, which a chat's tool message cannot hold."""
    if content is None or isinstance(content, str):
        return content or "", []
    parts = [_part(an_object(block, "messages")) for block in a_list(content, "messages")]
    text = "\n".join(part["text"] for part in parts if part["type"] == "text")
    return text, [part for part in parts if part["type"] != "text"]


def _part(block: dict[str, Any]) -> dict[str, Any]:
    kind = block.get("type")
    if kind == "text":
        return {"type": "text", "text": a_text(block.get("text"), "messages")}
    if kind == "image":
        return {"type": "image_url", "image_url": {"url": _url(an_object(block.get("source"), "messages"))}}
    if kind == "document":
        return _document(block, an_object(block.get("source"), "messages"))
    raise _unknown(kind)


def _document(block: dict[str, Any], source: dict[str, Any]) -> dict[str, Any]:
    if source.get("type") == "text":
        return {"type": "text", "text": a_text(source.get("data"), "messages")}
    if source.get("type") != "base64":
        raise UnsupportedError("messages", "holds a document that is not in the request itself")
    name = block.get("title") or "document.pdf"
    return {"type": "file", "file": {"filename": str(name), "file_data": _url(source)}}


def _url(source: dict[str, Any]) -> str:
    if source.get("type") == "base64":
        return f"data:{source['media_type']};base64,{a_text(source.get('data'), 'messages')}"
    if source.get("type") == "url":
        return a_text(source.get("url"), "messages")
    raise UnsupportedError("messages", "holds an image that is not in the request itself nor at a URL")


def _simple(parts: list[dict[str, Any]]) -> Any:
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts


def _unknown(kind: Any) -> Exception:
    if not isinstance(kind, str):
        return WrongRequestError("messages", "holds a block without a type")
    return UnsupportedError("messages", f"holds a block {kind[:60]!r}, which this model's provider does not know")

"""Chat messages as Anthropic's system prompt and turns of content blocks."""

from __future__ import annotations

from typing import Any

from gateway.translate.faults import UnsupportedError, WrongRequestError, a_list, an_object
from gateway.translate.outbound.chat_content import arguments_of, data_uri, file_data, image_url, parts_of, text_of

Block = dict[str, Any]


def conversation(messages: Any, more_system: str = "") -> tuple[str | list[Block], list[dict[str, Any]]]:
    """System prompt and turns; turns of the same role in a row become one, as tool results must."""
    system: list[Block] = []
    turns: list[dict[str, Any]] = []
    for message in a_list(messages, "messages"):
        role = an_object(message, "messages").get("role")
        if role in ("system", "developer"):
            system += _system_blocks(message)
            continue
        blocks = _blocks(role, message)
        if not blocks:
            continue
        speaker = "assistant" if role == "assistant" else "user"
        if turns and turns[-1]["role"] == speaker:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": speaker, "content": blocks})
    if more_system:
        system.append({"type": "text", "text": more_system})
    if not turns:
        raise WrongRequestError("messages", "must hold a message of the user")
    if any("cache_control" in block for block in system):
        return system, turns
    return "\n\n".join(block["text"] for block in system), turns


def _system_blocks(message: dict[str, Any]) -> list[Block]:
    text_of(message.get("content"))
    return [_part(part) for part in parts_of(message.get("content"))]


def _blocks(role: Any, message: dict[str, Any]) -> list[Block]:
    if role == "user":
        return [_part(part) for part in parts_of(message.get("content"))]
    if role == "assistant":
        return _assistant(message)
    if role == "tool":
        content = [_part(part) for part in parts_of(message.get("content"))]
        result = {"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": content}
        return [result]
    raise WrongRequestError("messages", "must each have the role system, developer, user, assistant or tool")


def _assistant(message: dict[str, Any]) -> list[Block]:
    # Thinking comes first, and only as Anthropic signed it.
    blocks = [an_object(b, "messages") for b in a_list(message.get("thinking_blocks") or [], "messages")]
    blocks += [_part(part) for part in parts_of(message.get("content"))]
    for call in a_list(message.get("tool_calls") or [], "messages"):
        name = an_object(call.get("function"), "messages")["name"]
        blocks.append({"type": "tool_use", "id": call["id"], "name": name, "input": arguments_of(call)})
    return blocks


def _part(part: dict[str, Any]) -> Block:
    block = _plain(part)
    if "cache_control" in part:
        block["cache_control"] = part["cache_control"]
    return block


def _plain(part: dict[str, Any]) -> Block:
    kind = part.get("type")
    if kind in ("text", "refusal"):
        return {"type": "text", "text": text_of([{**part, "type": "text"}])}
    if kind == "image_url":
        url = image_url(part)
        found = data_uri(url)
        if found is None:
            return {"type": "image", "source": {"type": "url", "url": url}}
        return {"type": "image", "source": {"type": "base64", "media_type": found[0], "data": found[1]}}
    if kind == "file":
        media_type, data = file_data(part)
        return {"type": "document", "source": {"type": "base64", "media_type": media_type, "data": data}}
    if not isinstance(kind, str):
        raise WrongRequestError("messages", "holds a part without a type")
    raise UnsupportedError("messages", f"holds a part {kind[:60]!r}, which this model's provider does not know")

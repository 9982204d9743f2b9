"""The input items of a response as chat messages."""

from __future__ import annotations

from typing import Any

from gateway.translate.faults import UnsupportedError, WrongRequestError, a_list, a_text, an_object

_ROLES = frozenset({"user", "assistant", "system", "developer"})


def messages_of(instructions: Any, given: Any) -> list[dict[str, Any]]:
    """The whole conversation. Raises UnsupportedError and WrongRequestError."""
    found: list[dict[str, Any]] = []
    if instructions:
        found.append({"role": "system", "content": a_text(instructions, "instructions")})
    if isinstance(given, str):
        return [*found, {"role": "user", "content": given}]
    for item in a_list(given, "input"):
        _add(found, an_object(item, "input"))
    if not found:
        raise WrongRequestError("input", "must hold at least one item")
    return found


def _add(found: list[dict[str, Any]], item: dict[str, Any]) -> None:
    kind = item.get("type", "message")
    if kind == "message":
        found.append(_message(item))
    elif kind == "function_call":
        function = {"name": item["name"], "arguments": item["arguments"]}
        call = {"id": item["call_id"], "type": "function", "function": function}
        # Calls made together are one assistant message in a chat, with the text that came before them.
        if found and found[-1]["role"] == "assistant":
            found[-1].setdefault("tool_calls", []).append(call)
        else:
            found.append({"role": "assistant", "content": None, "tool_calls": [call]})
    elif kind == "function_call_output":
        found.append({"role": "tool", "tool_call_id": item["call_id"], "content": _output(item.get("output"))})
    elif kind != "reasoning":
        raise UnsupportedError("input", f"holds an item {str(kind)[:60]!r}, which this model's provider does not know")


def _message(item: dict[str, Any]) -> dict[str, Any]:
    role, content = item.get("role"), item.get("content")
    if role not in _ROLES:
        raise WrongRequestError("input", "must hold messages of user, assistant, system or developer")
    if role == "developer":
        role = "system"
    if isinstance(content, str):
        return {"role": role, "content": content}
    parts = [_part(an_object(part, "input")) for part in a_list(content, "input")]
    if all(part["type"] == "text" for part in parts):
        return {"role": role, "content": "".join(part["text"] for part in parts)}
    return {"role": role, "content": parts}


def _part(part: dict[str, Any]) -> dict[str, Any]:
    kind = part.get("type")
    if kind in ("input_text", "output_text", "text"):
        return {"type": "text", "text": a_text(part.get("text"), "input")}
    if kind == "refusal":
        return {"type": "text", "text": a_text(part.get("refusal"), "input")}
    if kind == "input_image" and isinstance(part.get("image_url"), str):
        image = {"url": part["image_url"], **({"detail": part["detail"]} if part.get("detail") else {})}
        return {"type": "image_url", "image_url": image}
    if kind == "input_file" and isinstance(part.get("file_data"), str):
        return {"type": "file", "file": {"filename": part.get("filename") or "file", "file_data": part["file_data"]}}
    raise UnsupportedError("input", f"holds content {str(kind)[:60]!r} that is not in the request itself")


def _output(output: Any) -> str:
    if isinstance(output, str):
        return output
    parts = [_part(an_object(part, "input")) for part in a_list(output, "input")]
    if any(part["type"] != "text" for part in parts):
        raise UnsupportedError("input", "holds a tool's output that is not text")
    return "\n".join(part["text"] for part in parts)

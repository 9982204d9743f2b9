"""What the outbound translations read from chat messages: text, data URIs, tool calls."""

from __future__ import annotations

import re
from typing import Any

import orjson

from gateway.translate.faults import UnsupportedError, WrongRequestError, a_list, a_text, an_object

_DATA_URI = re.compile(r"data:([A-Za-z0-9.+/-]+);base64,")


def parts_of(content: Any) -> list[dict[str, Any]]:
    """A message's content as a list of parts."""
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [an_object(part, "messages") for part in a_list(content, "messages")]


def text_of(content: Any) -> str:
    """The text of content that may hold nothing else."""
    parts = parts_of(content)
    if any(part.get("type") not in ("text", "refusal") for part in parts):
        raise UnsupportedError(
            "messages", "holds something other than text where this model's provider takes only text"
        )
    return "\n".join(a_text(part.get("text") or part.get("refusal") or "", "messages") for part in parts)


def image_url(part: dict[str, Any]) -> str:
    """The address or data URI of an image part."""
    image = part.get("image_url")
    return a_text(image if isinstance(image, str) else an_object(image, "messages").get("url"), "messages")


def data_uri(url: str) -> tuple[str, str] | None:
    """Media type and base64 of a data URI; None for an address."""
    if not url.startswith("data:"):
        return None
    match = _DATA_URI.match(url)
    if match is None:
        raise WrongRequestError("messages", "holds a data URI that is not base64")
    return match[1], url[match.end() :]


def file_data(part: dict[str, Any]) -> tuple[str, str]:
    """Media type and base64 of a file part."""
    found = data_uri(a_text(an_object(part.get("file"), "messages").get("file_data"), "messages"))
    if found is None:
        raise UnsupportedError("messages", "holds a file that is not in the request itself")
    return found


def arguments_of(call: dict[str, Any]) -> dict[str, Any]:
    """A tool call's arguments as an object."""
    text = an_object(call.get("function"), "messages").get("arguments") or "{}"
    try:
        return an_object(orjson.loads(a_text(text, "messages")), "messages")
    except orjson.JSONDecodeError:
        raise WrongRequestError("messages", "holds a tool call whose arguments are not JSON") from None


def functions_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The functions of `tools`. Raises UnsupportedError for other tools."""
    found = []
    for tool in a_list(body.get("tools") or [], "tools"):
        if an_object(tool, "tools").get("type", "function") != "function":
            raise UnsupportedError("tools", f"holds {str(tool['type'])[:60]!r}, which this model's provider lacks")
        found.append(an_object(tool.get("function"), "tools"))
    return found


def wanted_schema(body: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """`response_format`: its type, and the schema of a `json_schema`."""
    wanted = body.get("response_format")
    if wanted is None:
        return "text", None
    kind = an_object(wanted, "response_format").get("type")
    if kind == "json_schema":
        schema = an_object(wanted.get("json_schema"), "response_format").get("schema")
        return "json_schema", an_object(schema, "response_format")
    if kind not in ("text", "json_object"):
        raise WrongRequestError("response_format", "must be of type text, json_object or json_schema")
    return kind, None

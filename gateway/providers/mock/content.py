"""What the mock provider says: the same words, calls, JSON and vectors for the same request every time."""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import Any

import orjson

from gateway.errors import UpstreamError

_WORDS = ("The", "gateway", "answers", "with", "the", "same", "words", "every", "time", "so", "counts", "agree")
# Beyond this the text says nothing new; the count is what is billed.
_MOST_WORDS = 2000
_MOST_CHOICES = 16
_MOST_DIMENSIONS = 4096
_DIMENSIONS = 8
_DEEPEST = 5


def words(count: int) -> list[str]:
    """One string per token."""
    return [f"{' ' if i else ''}{_WORDS[i % len(_WORDS)]}" for i in range(min(count, _MOST_WORDS))]


def pieces(body: dict[str, Any], count: int) -> list[str]:
    """The text of a chat answer in pieces: words, or JSON if the request asks for it."""
    wanted = body.get("response_format")
    if not isinstance(wanted, dict) or wanted.get("type") not in ("json_object", "json_schema"):
        return words(count)
    schema = wanted.get("json_schema")
    value = sample(schema.get("schema")) if isinstance(schema, dict) else {"answer": "The gateway answers"}
    return [orjson.dumps(value).decode()]


def choices(body: dict[str, Any]) -> int:
    """The request's `n`. Raises UpstreamError."""
    n = 1 if body.get("n") is None else body["n"]
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= _MOST_CHOICES:
        raise invalid("n", f"must be a whole number from 1 to {_MOST_CHOICES}")
    return n


def demanded_call(body: dict[str, Any]) -> dict[str, Any] | None:
    """The tool call a request leaves no way around: `tool_choice` is `required` or names a function."""
    wanted, tools = body.get("tool_choice"), body.get("tools")
    if not isinstance(tools, list) or wanted in (None, "auto", "none"):
        return None
    functions = [t["function"] for t in tools if isinstance(t, dict) and isinstance(t.get("function"), dict)]
    named = wanted.get("function") if isinstance(wanted, dict) else None
    for function in functions:
        if not isinstance(named, dict) or function.get("name") == named.get("name"):
            arguments = orjson.dumps(sample(function.get("parameters"))).decode()
            return {
                "id": "call_mock",
                "type": "function",
                "function": {"name": str(function.get("name")), "arguments": arguments},
            }
    raise invalid("tool_choice", "names no function of this request")


def sample(schema: Any, depth: int = 0) -> Any:
    """A value that fits a simple JSON Schema."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return {} if depth == 0 else None
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    kind = schema.get("type", "object" if depth == 0 else "string")
    if kind == "object":
        properties = schema.get("properties")
        return {k: sample(v, depth + 1) for k, v in properties.items()} if isinstance(properties, dict) else {}
    simple = {"array": [], "string": "The gateway", "integer": 1, "number": 1.5, "boolean": True}
    return simple.get(kind) if isinstance(kind, str) else None


def vectors(body: dict[str, Any]) -> list[dict[str, Any]]:
    """One embedding per input. Raises UpstreamError."""
    given = body.get("input")
    if isinstance(given, str) or (isinstance(given, list) and given and all(isinstance(i, int) for i in given)):
        given = [given]
    if not isinstance(given, list) or not given or not all(isinstance(i, str | list) for i in given):
        raise invalid("input", "must be text, tokens, or a list of either")
    size = body.get("dimensions") or _DIMENSIONS
    if not isinstance(size, int) or not 0 < size <= _MOST_DIMENSIONS:
        raise invalid("dimensions", f"must be a whole number from 1 to {_MOST_DIMENSIONS}")
    packed = body.get("encoding_format") == "base64"
    return [{"object": "embedding", "index": n, "embedding": _vector(i, size, packed)} for n, i in enumerate(given)]


def invalid(field: str, message: str) -> UpstreamError:
    """The request is at fault."""
    return UpstreamError(400, "invalid_request_error", f"{field} {message}", retryable=False, param=field)


def _vector(given: Any, size: int, packed: bool) -> list[float] | str:
    noise = hashlib.shake_128(orjson.dumps(given)).digest(size)
    numbers = [byte / 255 - 0.5 for byte in noise]
    return base64.b64encode(struct.pack(f"<{size}f", *numbers)).decode() if packed else numbers

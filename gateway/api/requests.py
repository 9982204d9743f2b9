"""From an exchange to a checked request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from gateway.errors import ApiError
from gateway.providers import Kind, Request

MOST_BODY: Final = 32 << 20
# What is left of a body that is not wanted is not waited for.
CLOSE: Final = (b"connection", b"close")
_FORWARDED: Final = (b"anthropic-beta",)


def credential(headers: dict[bytes, bytes]) -> bytes:
    """The bearer token, `x-api-key` or Azure's `api-key`; empty when there is none."""
    value = headers.get(b"authorization")
    if value is None:
        return headers.get(b"api-key") or headers.get(b"x-api-key") or b""
    if value[:7] == b"Bearer ":
        return value[7:].strip()
    kind, _, token = value.partition(b" ")
    return token.strip() if kind.lower() == b"bearer" else b""


def parse(kind: Kind, raw: bytes) -> Request:
    """Check what the gateway itself relies on; the upstream judges the rest. Raises ApiError 400."""
    try:
        body: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise _invalid("The body is not valid JSON") from None
    if not isinstance(body, dict):
        raise _invalid("The body must be a JSON object")
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise _invalid("`model` must be the name of a model", "model")
    if kind in ("chat", "messages", "count_tokens"):
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            raise _invalid("`messages` must be a list with at least one message", "messages")
    elif kind == "embeddings" and not body.get("input"):
        raise _invalid("`input` must be text, tokens, or a list of either", "input")
    if "stream" not in body or kind in ("embeddings", "count_tokens"):
        return Request(kind, body, len(raw))
    stream = body["stream"] or False
    if not isinstance(stream, bool):
        raise _invalid("`stream` must be true or false", "stream")
    options = body.get("stream_options")
    wants_usage = isinstance(options, dict) and bool(options.get("include_usage"))
    return Request(kind, body, len(raw), stream, wants_usage)


def forwarded(headers: Mapping[bytes, bytes]) -> dict[str, str]:
    """The headers of a client of Anthropic's API that its upstream must see too."""
    return {name.decode(): headers[name].decode("latin-1") for name in _FORWARDED if name in headers}


def too_large(most: int) -> ApiError:
    """The refusal of a body of more than `most` bytes."""
    return ApiError(413, "invalid_request_error", f"The body is larger than {most} bytes", headers=(CLOSE,))


def _invalid(message: str, param: str | None = None) -> ApiError:
    return ApiError(400, "invalid_request_error", message, param=param)

"""Errors in the words of the API the client speaks: OpenAI's, Anthropic's, and in the middle of a stream each its own."""

from __future__ import annotations

import orjson

from gateway.api.answers import error_body
from gateway.errors import ApiError, UpstreamError
from gateway.providers import Kind

# https://docs.anthropic.com/en/api/errors; what is not there is told as the nearest.
_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


def anthropic(kind: Kind) -> bool:
    """Whether requests of this kind come from clients of Anthropic's API."""
    return kind in ("messages", "count_tokens")


def told(error: UpstreamError) -> ApiError:
    """What the client is told when every attempt failed: the last one's error."""
    headers = ((b"retry-after", error.retry_after),) if error.retry_after else ()
    return ApiError(error.status, error.kind, error.message, param=error.param, code=error.code, headers=headers)


def body_of(kind: Kind, error: ApiError, request_id: str | None = None) -> bytes:
    """The body of an error answer."""
    if anthropic(kind):
        return orjson.dumps({"type": "error", "error": _anthropic_error(error), "request_id": request_id})
    return error_body(error.status, error.kind, error.message, error.param, error.code)


def event_of(kind: Kind, error: ApiError, number: int) -> bytes:
    """The event that ends a stream which broke after its first byte; `number` events went before it."""
    if anthropic(kind):
        return b"event: error\ndata: " + orjson.dumps({"type": "error", "error": _anthropic_error(error)}) + b"\n\n"
    if kind == "responses":
        event = {
            "type": "error",
            "code": error.code or str(error.status),
            "message": error.message,
            "param": error.param,
            "sequence_number": number,
        }
        return b"event: error\ndata: " + orjson.dumps(event) + b"\n\n"
    return b"data: " + body_of(kind, error) + b"\n\n"


def _anthropic_error(error: ApiError) -> dict[str, str]:
    return {"type": _ANTHROPIC_TYPES.get(error.status, "api_error"), "message": error.message}

"""How an upstream's refusal becomes an UpstreamError: one table for all providers.

What an upstream says is passed on, for it tells the client what to change; but never an address, never a credential.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.config import Deployment
from gateway.errors import UpstreamError

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout",
    413: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
    504: "timeout",
}
# What is wrong with the request itself stays wrong at every deployment.
_FINAL = frozenset({400, 413, 422})
# Anthropic's "overloaded": nobody else knows the number.
_OVERLOADED = 529
# The machine-readable codes that clients act upon; every other error's code is its status.
_CODES = frozenset({"content_filter", "content_policy_violation", "context_length_exceeded", "insufficient_quota"})
_TOO_LONG = re.compile(
    r"maximum context length|context length exceeded|prompt is too long|input token count.{0,40}exceeds|"
    r"exceeds? the (model's )?(maximum )?context",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]{1,15}://[^\s\"'<>)\]]+|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b", re.IGNORECASE)
_CREDENTIAL = re.compile(
    r"\b(?:sk|pk|gsk|xai|key|tgp|hf|r8)[-_][A-Za-z0-9_*.-]{6,}|\bAIza[A-Za-z0-9_-]{10,}|\b[Bb]earer\s+\S+|\beyJ[\w.-]{20,}"
)
_RETRY_AFTER = re.compile(rb"\d{1,6}(?:\.\d{1,3})?|[A-Z][a-z]{2}, [A-Za-z0-9: ]{10,30}")
_SHORTEST_SECRET = 4
_MOST_TEXT = 500


def failure(
    status: int,
    message: str,
    retry_after: bytes | None = None,
    *,
    code: str | None = None,
    param: str | None = None,
) -> UpstreamError:
    """The error for an upstream that answered `status` (400 to 599; anything else counts as 502)."""
    if status == _OVERLOADED:
        status = 503
    if not 400 <= status <= 599:
        status = 502
    kind = _KINDS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    if code not in _CODES:
        code = "context_length_exceeded" if status in _FINAL and _TOO_LONG.search(message) else None
    return UpstreamError(
        status, kind, message, retryable=status not in _FINAL, retry_after=retry_after, code=code, param=param
    )


def refusal(deployment: Deployment, status: int, headers: Mapping[bytes, bytes], body: bytes) -> UpstreamError:
    """The error an upstream's answer tells, in any of the shapes in use. Its own words are passed on, scrubbed."""
    error = _error_of(body)
    if status in (401, 403):
        # Upstreams repeat parts of the credential in these.
        return failure(status, "the upstream refused the gateway's credential")
    text = error.get("message") or "the upstream gave no reason"
    code, param = error.get("code"), error.get("param")
    return failure(
        status,
        scrubbed(text if isinstance(text, str) else orjson.dumps(text).decode(), deployment),
        _retry_after(headers, error),
        code=code if isinstance(code, str) else None,
        param=param[:100] if isinstance(param, str) else None,
    )


def reported(deployment: Deployment, event: Any) -> UpstreamError:
    """The error that an upstream tells in the middle of a stream."""
    error = _error_in(event)
    text = error.get("message")
    code = error.get("code")
    status = (
        code
        if isinstance(code, int)
        else {"overloaded_error": 503, "rate_limit_error": 429}.get(str(error.get("type")), 502)
    )
    return failure(status, scrubbed(str(text or "the upstream gave no reason"), deployment))


def scrubbed(text: str, deployment: Deployment) -> str:
    """Text of an upstream without addresses and credentials, on one line and not too long."""
    for secret in (deployment.api_key, *deployment.headers.values()):
        if secret and len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "[redacted]")
    text = _ADDRESS.sub("[address]", _CREDENTIAL.sub("[redacted]", text))
    return " ".join(text.split())[:_MOST_TEXT]


def _error_of(body: bytes) -> dict[str, Any]:
    try:
        return _error_in(orjson.loads(body))
    except ValueError:
        return {}


def _error_in(parsed: Any) -> dict[str, Any]:
    """OpenAI's and Anthropic's `{"error": {...}}`, Gemini's same in a list, Mistral's and FastAPI's flat ones."""
    if isinstance(parsed, list) and parsed:
        parsed = parsed[0]
    if not isinstance(parsed, dict):
        return {}
    error = parsed.get("error", parsed)
    if isinstance(error, str):
        return {"message": error}
    if not isinstance(error, dict):
        return {}
    return error if "message" in error or "detail" not in error else {**error, "message": error["detail"]}


def _retry_after(headers: Mapping[bytes, bytes], error: dict[str, Any]) -> bytes | None:
    """Seconds or a date: from the headers, or from Google's RetryInfo."""
    plain = headers.get(b"retry-after", b"").strip()
    if _RETRY_AFTER.fullmatch(plain):
        return plain
    exact = headers.get(b"retry-after-ms", b"")
    if exact.isdigit() and len(exact) < 10:
        return b"%d" % -(-int(exact) // 1000)
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        delay = detail.get("retryDelay") if isinstance(detail, dict) else None
        if isinstance(delay, str) and re.fullmatch(r"\d{1,6}(\.\d{1,9})?s", delay):
            return b"%d" % -(-float(delay[:-1]) // 1)
    return None

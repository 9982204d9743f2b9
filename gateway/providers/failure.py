"""How an upstream's status becomes an UpstreamError: one table for all providers."""

from __future__ import annotations

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


def failure(status: int, message: str, retry_after: bytes | None = None) -> UpstreamError:
    """The error for an upstream that answered `status` (400 to 599; anything else counts as 502)."""
    if not 400 <= status <= 599:
        status = 502
    kind = _KINDS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return UpstreamError(status, kind, message, retryable=status not in _FINAL, retry_after=retry_after)

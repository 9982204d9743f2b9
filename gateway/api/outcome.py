"""What became of one request, from its first byte to its ledger row."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway import clock
from gateway.limits import Pass, Reservation
from gateway.routing import Step
from gateway.tokens import Usage

# The only values of the label `error_type`.
ERROR_TYPES: Final = frozenset(
    {
        "api_error",
        "authentication_error",
        "budget_exceeded",
        "client_closed_request",
        "connection_error",
        "invalid_api_key",
        "invalid_request_error",
        "key_model_access_denied",
        "not_found_error",
        "permission_error",
        "rate_limit_error",
        "rate_limit_exceeded",
        "service_unavailable",
        "timeout",
        "unpriced_model",
    }
)


class Outcome:
    """Filled while a request is handled. `model` is a configured name or `other`.

    `kind` is the endpoint. `cache` is `hit` or `miss` when the cache was asked. `share` is what this caller
    pays of an answer that several callers share; it takes the place of the usage's price. `upstream_s` was spent
    waiting for upstreams, `started` is seconds since the epoch and `clock` of `perf_counter`.
    """

    # Defaults stand in the class: a request is born with the three fields that are always its own.
    key: Pass | None = None
    model: str = "other"
    kind: str = "chat"
    stream: bool = False
    end_user: str = ""
    tags: Sequence[str] = ()
    metadata: Mapping[str, Any] | None = None
    cache: str = ""
    share: int | None = None
    reservation: Reservation | None = None
    step: Step | None = None
    upstream_s: float = 0.0
    fallbacks: int = 0
    attempts: tuple[tuple[str, str, int], ...] = ()
    usage: Usage | None = None
    cost: int = 0
    status: int = 0
    error_type: str = ""
    first_token: float | None = None
    # Whether the client reads header lines that come after a stream.
    trailers: bool = False

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.started = clock.now()
        self.clock = time.perf_counter()

    @property
    def provider(self) -> str:
        return self.step.deployment.provider if self.step is not None else "other"

    def failed(self, status: int, error_type: str) -> None:
        """The request ended in an error."""
        self.status = status
        self.error_type = error_type if error_type in ERROR_TYPES else "api_error"

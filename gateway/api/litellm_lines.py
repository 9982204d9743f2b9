"""The header lines that say what became of a request, by LiteLLM's names."""

from __future__ import annotations

import time
from typing import Final

from gateway import __version__
from gateway.api.answers import header_value
from gateway.api.outcome import Outcome
from gateway.money import NANO

_VERSION: Final = b"x-litellm-version: %b\r\n" % __version__.encode()
_HEAD: Final = (
    b"x-litellm-call-id: %b\r\n%bx-litellm-attempted-retries: %d\r\nx-litellm-attempted-fallbacks: %d\r\n"
    b"x-litellm-response-duration-ms: %d.%03d\r\nx-litellm-overhead-duration-ms: %d.%03d\r\n"
)


def result_lines(outcome: Outcome) -> bytes:
    """The header lines that say what became of a request."""
    step = outcome.step
    if step is None:
        return b"x-litellm-call-id: %b\r\n%b" % (outcome.request_id.encode(), _VERSION)
    if not step.head:
        names = (_VERSION, header_value(step.deployment.id), header_value(step.model))
        step.head = b"%bx-litellm-model-id: %b\r\nx-litellm-model-group: %b\r\n" % names
    own = (outcome.first_token or time.perf_counter()) - outcome.clock - outcome.upstream_s
    upstream_us, own_us = int(1e6 * outcome.upstream_s + 0.5), int(1e6 * own + 0.5) if own > 0.0 else 0
    attempts = outcome.attempts
    return _HEAD % (
        outcome.request_id.encode(),
        step.head,
        # The one that went well is the last; that of a stream is not there yet.
        sum([status >= 400 for _, _, status in attempts]) if attempts and attempts[0][2] >= 400 else 0,
        outcome.fallbacks,
        upstream_us // 1000,
        upstream_us % 1000,
        own_us // 1000,
        own_us % 1000,
    )


def cost_line(outcome: Outcome) -> bytes:
    """In dollars, with all digits of the ledger."""
    return b"x-litellm-response-cost: %d.%09d\r\n" % (outcome.cost // NANO, outcome.cost % NANO)

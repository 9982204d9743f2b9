"""Which counters of a new key start at 0 before its first request.

`increase()` cannot see a series' first value. A key that may call few models gets its likely series at once;
a key that may call many would cost too many, and then the rules' per-provider sums carry the burst.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config import Config

_MOST_TARGETS = 8
STATUSES = ("200", "401", "429", "500", "502", "504")
ATTEMPT_STATUSES = ("200", "401", "429", "500", "504")
ERROR_TYPES = ("rate_limit_error", "authentication_error", "timeout", "api_error")


def first_series(config: Config, alias: str, team: str, models: list[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(metric, label values) to publish when a key appears."""
    allowed = [m for m in config.models if m.name in models or (not models and not m.hidden)]
    targets = {(m.name, d.provider) for m in allowed for d in m.deployments}
    deployments = sorted((m.name, d.provider, d.id) for m in allowed for d in m.deployments)
    if len(targets) > _MOST_TARGETS:
        return
    for model in {m.name for m in allowed}:
        yield "litellm_requests_total", (model, team, alias, "other", "429")
        yield "litellm_errors_total", (model, team, alias, "other", "budget_exceeded")
    for model, provider, deployment in deployments[:_MOST_TARGETS]:
        for status in ATTEMPT_STATUSES:
            yield "litellm_upstream_attempts_total", (model, team, alias, provider, deployment, status)
    for model, provider in sorted(targets):
        labels = (model, team, alias, provider)
        yield "litellm_spend_usd_total", labels
        for status in STATUSES:
            yield "litellm_requests_total", (*labels, status)
        for error_type in ERROR_TYPES:
            yield "litellm_errors_total", (*labels, error_type)
        for token_type in ("input", "output"):
            yield "litellm_tokens_used_total", (*labels, token_type)

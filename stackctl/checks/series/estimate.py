"""A static estimate of the series one stack makes: label values multiplied, but only where they vary by themselves.

Labels that follow from others count once: a key decides its team, a deployment its provider and model. Estimates are
upper bounds for the keys the spec assumes; nothing is measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackctl.artefacts import PrometheusConfig
    from stackctl.promql import Series, SeriesIndex
    from stackctl.spec import Spec

IDENTITY = frozenset({"key", "team", "hashed_api_key", "api_key_alias", "team_alias", "user", "org_id", "org_alias"})
ROUTE = frozenset(
    {"model", "provider", "deployment", "requested_model", "model_id", "api_provider", "litellm_model_name", "api_base"}
)
FALLBACK = frozenset({"from_model", "to_model", "fallback_model"})
STATUSES, ERROR_TYPES = 5, 4
"""Distinct values one key sees in practice."""
ADDRESSES, AGENTS = 2, 2
"""Client addresses and user agents per key. Nothing bounds them: a key handed around costs more than this."""
_SINGLE = {
    "status": STATUSES,
    "status_code": STATUSES,
    "exception_status": ERROR_TYPES,
    "error_type": ERROR_TYPES,
    "exception_class": 1,  # follows from the status
    "token_type": 2,
    "success": 2,
    "route": 2,
    "client_ip": ADDRESSES,
    "user_agent": AGENTS,
}


def estimate(
    series: SeriesIndex, catalogues: Sequence[str], spec: Spec, prometheus: PrometheusConfig | None
) -> dict[str, int]:
    """Series per metric family, for the families of `catalogues`."""
    counts: dict[str, int] = {}
    for item in series:
        if item.catalogue in catalogues and item.catalogue != "stack":
            counts[item.family] = counts.get(item.family, 0) + _count(item, spec, prometheus)
    return counts


def _count(item: Series, spec: Spec, prometheus: PrometheusConfig | None) -> int:
    jobs = prometheus.jobs if prometheus else ()
    labels = {label for label in item.labels if not any(job.drops_label(label) for job in jobs)}
    total = len(item.buckets) + 1 if item.kind == "bucket" else 1
    if labels & IDENTITY:
        total *= max(spec.checks.expected_keys, len(spec.keys)) + len(spec.teams)
    if labels & ROUTE:
        total *= sum(len(model.deployments) for model in spec.models) + 1
    if labels & FALLBACK:
        total *= max(1, sum(len(model.fallbacks) for model in spec.models))
    for label in labels:
        total *= _SINGLE.get(label, 1)
    return total * (spec.gateway.workers if "pid" in labels else 1)

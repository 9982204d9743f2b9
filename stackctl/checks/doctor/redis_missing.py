"""Several gateway processes and no Redis between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.doctor.deployment import processes_of
from stackctl.checks.doctor.finding import found
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.deployment import Deployment
    from stackctl.checks.doctor.finding import Finding

CHECK = Check(
    "doctor/redis-missing",
    Severity.WARNING,
    "Limits, budgets, cooldowns and cached answers are per process: a limit of 100 is 100 for each of them.",
    "give LiteLLM a Redis: litellm_settings.cache_params and router_settings.redis_host",
)


def examine(deployment: Deployment) -> Iterator[Finding]:
    """More than one worker process over all gateways, and neither configuration nor environment names a Redis."""
    processes = processes_of(deployment)
    if deployment.engine != "litellm" or processes < 2 or not deployment.gateways or not deployment.config:
        return
    cache = deployment.config.get("litellm_settings", "cache_params", "type").text
    router = deployment.config.get("router_settings")
    named = any(name.startswith("REDIS_") for service in deployment.gateways for name in service.environment)
    if "redis" in cache or "valkey" in cache or router.get("redis_host") or router.get("redis_url") or named:
        return
    gateway = deployment.gateways[0]
    evidence = f"{processes} worker processes; no redis in cache_params, router_settings or REDIS_* variables"
    yield found(CHECK, f"{processes} worker processes share no state", gateway.command_position, evidence=evidence)

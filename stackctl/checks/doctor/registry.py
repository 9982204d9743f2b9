"""Every check of files, in the order in which findings of one line are told."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from stackctl.checks.check import Check
    from stackctl.checks.doctor.deployment import Deployment
    from stackctl.checks.doctor.finding import Finding

FILES = (
    *("denied-version", "floating-tag", "multiproc-missing", "multiproc-shared", "multiproc-persistent"),
    *("multiproc-unwritable", "scrape-interval", "metrics-key", "metrics-redirect", "callback-missing"),
    *("target-unknown", "alerting-unconnected", "dead-alerts", "pool-size", "redis-missing", "retention", "data-lost"),
    *("default-password", "literal-secret", "open-port", "docker-socket", "health-spends", "enterprise-setting"),
    "price-map",
)
LIVE = (
    *("scrapes-disagree", "clock-skew", "target-down", "alertmanager-lost", "metrics-closed", "part-unhealthy"),
    "disk-space",
)


@cache
def checks_of_files() -> tuple[tuple[Check, Callable[[Deployment], Iterable[Finding]]], ...]:
    """Each check with what it examines."""
    modules = (import_module(f"stackctl.checks.doctor.{name.replace('-', '_')}") for name in FILES)
    return tuple((module.CHECK, module.examine) for module in modules)


def examine_deployment(deployment: Deployment) -> list[Finding]:
    """All findings, in the order of files and lines, each once."""
    findings = [finding for _, examine in checks_of_files() for finding in examine(deployment)]
    unique = {(each.problem.id, each.problem.position, each.problem.message): each for each in findings}
    return sorted(unique.values(), key=lambda each: (each.problem.position, -each.problem.severity, each.problem.id))

"""A Prometheus that scrapes a gateway which counts nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.doctor.finding import Edit, found, is_block
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.deployment import Deployment
    from stackctl.checks.doctor.finding import Finding

CHECK = Check(
    "doctor/callback-missing",
    Severity.ERROR,
    "/metrics does not exist: the target is down and every panel is empty.",
    'add `callbacks: ["prometheus"]` to litellm_settings',
)


def examine(deployment: Deployment) -> Iterator[Finding]:
    """A scrape job for a LiteLLM whose configuration has no prometheus callback."""
    if deployment.engine != "litellm" or not deployment.config or deployment.counts_requests:
        return
    for job in deployment.gateway_jobs:
        settings = deployment.config.get("litellm_settings")
        position = deployment.config.key_position("litellm_settings") if settings else deployment.config.position
        indent = " " * (settings.position.column - 1)
        edits = (
            (Edit(position.file, position.line, "", f'{indent}callbacks: ["prometheus"]'),)
            if is_block(settings)
            else ()
        )
        message = f"job {job.name} scrapes a gateway without the prometheus callback"
        evidence = "callbacks, success_callback and failure_callback do not name prometheus"
        yield found(CHECK, message, position, evidence=evidence, edits=edits)
        return

"""A scrape path that is answered with a redirect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.catalogue.releases import at_least, litellm_releases
from stackctl.checks.check import Check
from stackctl.checks.doctor.finding import Edit, found, is_block
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.deployment import Deployment
    from stackctl.checks.doctor.finding import Finding

CHECK = Check(
    "doctor/metrics-redirect",
    Severity.WARNING,
    "Every scrape takes two requests; behind TLS the redirect leads to plain http, and where redirects are off the target is down.",
    "scrape /metrics/ (with the slash)",
)


def examine(deployment: Deployment) -> Iterator[Finding]:
    """`/metrics` without the slash on a LiteLLM that redirects it; an error where the job does not follow."""
    if deployment.engine != "litellm":
        return
    versions = [service.version for service in deployment.gateways]
    if not versions or at_least(versions[0], litellm_releases().metrics_key_since) is False:
        return
    for job in deployment.gateway_jobs:
        if job.path != "/metrics":
            continue
        node = job.node.get("metrics_path")
        position = node.position if node else job.node.key_position("job_name")
        indent = " " * (position.column - 1)
        edit = (
            Edit(position.file, position.line, "/metrics", "/metrics/")
            if node
            else Edit(position.file, position.line, "", f"{indent}metrics_path: /metrics/")
        )
        yield found(
            CHECK,
            f"job {job.name} scrapes /metrics, which is answered with a redirect to /metrics/",
            position,
            evidence="the answer is 307 with an absolute http:// address"
            + ("" if node else "; /metrics is the default path"),
            severity=None if job.follows_redirects else Severity.ERROR,
            edits=(edit,) if node or is_block(job.node) else (),
        )

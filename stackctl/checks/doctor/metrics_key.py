"""A scrape job without the key that /metrics asks for."""

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
    "doctor/metrics-key",
    Severity.ERROR,
    "Every scrape is answered 401: the target is down, every panel is empty and no alert on the gateway's series can fire.",
    "give the job `authorization: {credentials_file: …}` with the master key or a key that may read metrics",
)


def examine(deployment: Deployment) -> Iterator[Finding]:
    """Jobs without credentials for a LiteLLM that asks for a key, which 1.85.0 and newer do by default."""
    settings = deployment.config.get("litellm_settings", "require_auth_for_metrics_endpoint")
    if deployment.engine != "litellm" or settings.data is False:
        return
    for service in deployment.gateways:
        if at_least(service.version, litellm_releases().metrics_key_since) is False:
            continue
        for job in deployment.gateway_jobs:
            if not job.authorized:
                position = job.node.key_position("job_name")
                indent = " " * (position.column - 1)
                text = f"{indent}authorization:\n{indent}  credentials_file: /run/secrets/litellm-metrics-key\n"
                version = service.version or f"'{service.tag or 'latest'}', so a current one"
                yield found(
                    CHECK,
                    f"job {job.name} has no credentials, and {service.name} asks for a key",
                    position,
                    evidence=f"the image is {version}; from {litellm_releases().metrics_key_since} on /metrics answers 401",
                    edits=(Edit(position.file, position.line, "", text),) if is_block(job.node) else (),
                )
        return

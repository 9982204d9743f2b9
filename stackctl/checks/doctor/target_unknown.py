"""A scrape target that no service is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.doctor.finding import found
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.deployment import Deployment
    from stackctl.checks.doctor.finding import Finding
    from stackctl.checks.doctor.service import Service

CHECK = Check(
    "doctor/target-unknown",
    Severity.ERROR,
    "The target is down for ever, and every alert on its series is silent.",
    "scrape the service by its name and the port it listens on in its container",
)


def examine(deployment: Deployment) -> Iterator[Finding]:
    """Targets named like a service but not one, on the container's own loopback, or on the published port."""
    if not deployment.services:
        return
    names = {service.name: service for service in deployment.services}
    for job in deployment.jobs:
        for target, node in job.targets:
            host, _, port = target.partition(":")
            if reason := _fault(host, port, names, job.name):
                yield found(
                    CHECK, f"job {job.name} scrapes {target}: {reason}", node.position, evidence=f"targets: {target}"
                )


def _fault(host: str, port: str, names: dict[str, Service], job: str) -> str:
    if host in ("localhost", "127.0.0.1"):
        return "" if "prometheus" in job.lower() else "inside Prometheus' container that is Prometheus itself"
    if host not in names:
        return "" if "." in host else f"there is no service {host} in the Compose file"
    for published in names[host].ports:
        if published.published == port and published.target != port:
            return f"{port} is the port on the host; in its network {host} listens on {published.target}"
    return ""

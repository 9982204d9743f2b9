"""A container that may command the Docker engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.doctor.finding import found
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.deployment import Deployment
    from stackctl.checks.doctor.finding import Finding

CHECK = Check(
    "doctor/docker-socket",
    Severity.ERROR,
    "Whoever gets into the container owns the machine.",
    "take the mount and `privileged` away",
)


def examine(deployment: Deployment) -> Iterator[Finding]:
    """docker.sock mounts and privileged containers."""
    for service in deployment.services:
        for mount in service.mounts:
            if mount.source.endswith("docker.sock"):
                evidence = f"{mount.source} at {mount.target}"
                yield found(CHECK, f"{service.name} has the Docker socket", mount.position, evidence=evidence)
        if service.get("privileged").data is True:
            position = service.get("privileged").position
            yield found(CHECK, f"{service.name} is privileged", position, evidence="privileged: true")

"""One metrics directory for several gateways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.doctor.finding import found
from stackctl.checks.doctor.multiproc import multiproc_mounts
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.deployment import Deployment
    from stackctl.checks.doctor.finding import Finding

CHECK = Check(
    "doctor/multiproc-shared",
    Severity.ERROR,
    "Each gateway empties the directory when it starts, and each one's numbers contain the other's: counts vanish or double.",
    "give every container a tmpfs of its own",
)


def examine(deployment: Deployment) -> Iterator[Finding]:
    """A volume that holds PROMETHEUS_MULTIPROC_DIR of more than one container."""
    users: dict[str, list[str]] = {}
    for service, mount in multiproc_mounts(deployment):
        if mount is not None and mount.kind != "tmpfs":
            users.setdefault(mount.source, []).extend([service.name] * service.replicas)
    for service, mount in multiproc_mounts(deployment):
        if mount is None or mount.kind == "tmpfs" or len(users[mount.source]) < 2:
            continue
        sharers = ", ".join(sorted(set(users[mount.source])))
        yield found(
            CHECK,
            f"{service.name} shares its metrics directory with other gateways",
            mount.position,
            evidence=f"'{mount.source}' is mounted at {mount.target} by {len(users[mount.source])} containers: {sharers}",
        )

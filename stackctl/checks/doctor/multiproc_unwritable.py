"""A metrics directory in which nothing can be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.doctor.finding import found
from stackctl.checks.doctor.multiproc import VARIABLE, is_read_only, multiproc_mounts
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.deployment import Deployment
    from stackctl.checks.doctor.finding import Finding

CHECK = Check(
    "doctor/multiproc-unwritable",
    Severity.ERROR,
    "The gateway does not start, or counts nothing.",
    "mount a tmpfs there, owned by the container's user",
)


def examine(deployment: Deployment) -> Iterator[Finding]:
    """PROMETHEUS_MULTIPROC_DIR on a read-only root or a read-only mount."""
    for service, mount in multiproc_mounts(deployment):
        value = service.environment[VARIABLE]
        if mount is None and service.read_only:
            evidence = f"read_only is true, and nothing is mounted at {value.text}"
        elif mount is not None and is_read_only(service, mount):
            evidence = f"{mount.target} is mounted read-only"
        else:
            continue
        yield found(CHECK, f"{service.name} cannot write to its metrics directory", value.position, evidence=evidence)

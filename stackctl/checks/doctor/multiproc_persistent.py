"""A metrics directory that outlives the container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.doctor.finding import found
from stackctl.checks.doctor.multiproc import VARIABLE, multiproc_mounts
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.deployment import Deployment
    from stackctl.checks.doctor.finding import Finding

CHECK = Check(
    "doctor/multiproc-persistent",
    Severity.WARNING,
    "Files of workers that are long dead are added to the counters after every restart, and gauges keep their ghosts.",
    "mount a tmpfs there: it is empty at every start",
)


def examine(deployment: Deployment) -> Iterator[Finding]:
    """PROMETHEUS_MULTIPROC_DIR on a volume or a directory of the host."""
    for service, mount in multiproc_mounts(deployment):
        if mount is None or mount.kind == "tmpfs":
            continue
        yield found(
            CHECK,
            f"{service.name} keeps its metrics directory between runs",
            mount.position,
            evidence=f"{service.environment[VARIABLE].text} lies on the {mount.kind} '{mount.source}'",
        )

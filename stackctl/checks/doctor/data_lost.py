"""A database that lives in its container."""

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
    "doctor/data-lost",
    Severity.WARNING,
    "`docker compose down`, or a new image, takes all keys, spend records or time series away.",
    "mount a named volume at the data directory",
)
_DIRECTORIES: dict[str, tuple[str, ...]] = {
    "postgres": ("/var/lib/postgresql/data", "/var/lib/postgresql", "/bitnami/postgresql"),
    "prometheus": ("/prometheus",),
    "grafana": ("/var/lib/grafana",),
}


def examine(deployment: Deployment) -> Iterator[Finding]:
    """PostgreSQL, Prometheus or Grafana without a volume at its data directory."""
    for service in deployment.services:
        wanted = _DIRECTORIES.get(service.role, ())
        if service.role == "prometheus" and (chosen := service.option("--storage.tsdb.path")):
            wanted = (chosen.rstrip("/"),)
        mounts = [service.mount_of(path) for path in wanted]
        if wanted and not any(mount is not None and mount.kind != "tmpfs" for mount in mounts):
            evidence = f"nothing is mounted at {' or '.join(wanted)}"
            yield found(CHECK, f"{service.name} keeps its data in the container", service.position, evidence=evidence)

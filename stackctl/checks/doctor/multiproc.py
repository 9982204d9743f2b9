"""Where the gateways of a deployment keep the files their workers count in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.deployment import Deployment
    from stackctl.checks.doctor.service import Mount, Service

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def multiproc_mounts(deployment: Deployment) -> Iterator[tuple[Service, Mount | None]]:
    """Each gateway that names a metrics directory, and the mount that holds it; None inside the container itself."""
    for service in deployment.gateways:
        if VARIABLE in service.environment:
            yield service, service.mount_of(service.environment[VARIABLE].text)


def is_read_only(service: Service, mount: Mount) -> bool:
    """Whether a mount was made with `ro`."""
    for item in service.get("volumes"):
        if item.position == mount.position:
            return item.get("read_only").data is True or item.text.rsplit(":", 1)[-1].split(",")[0] == "ro"
    return False

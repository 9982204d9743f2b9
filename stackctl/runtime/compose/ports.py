"""Whether the ports to publish are free, and which container or process has them otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker.errors import DockerException

from stackctl.errors import PortTakenError, UnavailableError
from stackctl.runtime.compose.project import PROJECT
from stackctl.runtime.ports import check_ports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackctl.runtime.compose.project import Project
    from stackctl.runtime.parts import Part


def check_published_ports(project: Project, parts: Sequence[Part]) -> None:
    """Raise PortTakenError, naming the container or process, for a port that somebody else has."""
    taken = _published(project)
    for part in parts:
        owner = taken.get(part.port)
        if owner and owner != project.name:
            raise PortTakenError(
                f"port {part.port} ({part.spec_field}) is taken by {owner}",
                remedy=f"stop it, or set {part.spec_field} to another port in stack.yaml",
            )
    if project.engine.is_local:
        check_ports([part for part in parts if part.port not in taken])


def _published(project: Project) -> dict[int, str]:
    """Published port → this project's name, or who else has it."""
    try:
        running = project.engine.client.api.containers()
    except DockerException as error:
        raise UnavailableError(f"the Docker engine does not answer: {error}", remedy="see `docker info`") from error
    found: dict[int, str] = {}
    for container in running:
        name, owner = container["Names"][0].lstrip("/"), (container["Labels"] or {}).get(PROJECT, "")
        described = f"the container {name}" + (f" of the Compose project {owner}" if owner else "")
        for port in container["Ports"]:
            if "PublicPort" in port:
                found[int(port["PublicPort"])] = project.name if owner == project.name else described
    return found

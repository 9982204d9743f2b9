"""The disks under the volumes of a Compose stack, asked of `df` inside the containers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from docker.errors import DockerException

from stackctl.runtime.disk import DataDirectory, Disk, measured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.runtime.compose.project import Container, Project
    from stackctl.spec import Spec

_BLOCK = 1024
_ROW = re.compile(
    r"^(?P<disk>\S.*?)\s+(?P<blocks>\d+)\s+(?P<used>\d+)\s+(?P<free>-?\d+)\s+(?:\d+%|-)\s+/", re.MULTILINE
)
"""A line of `df -P`, whose form POSIX fixes."""


def compose_data_directories(project: Project, spec: Spec) -> tuple[DataDirectory, ...]:
    """Where Prometheus and the stack's own books are. Raises UnavailableError if the engine goes away."""
    containers = project.containers()
    return tuple(_measure(project, containers.get(part), part, path) for part, path in _volumes(spec))


def read_df(output: str, part: str) -> Disk | None:
    """The disk that `df -Pk DIRECTORY` tells; None if this is no answer of df."""
    row = _ROW.search(output)
    if row is None:
        return None
    # A device is the same one in every container; a name such as `tmpfs` says nothing about which. Where one file
    # system is mounted over another, busybox names the lower one, so that the size has to be the same, too.
    name = row["disk"] if row["disk"].startswith("/") else f"{row['disk']} of {part}"
    return Disk(f"{name}, {row['blocks']} blocks", int(row["used"]) * _BLOCK, max(0, int(row["free"])) * _BLOCK)


def _volumes(spec: Spec) -> Iterator[tuple[str, str]]:
    """Part and directory, as templates/compose mounts them."""
    yield "prometheus", "/prometheus"
    if spec.gateway.engine == "bundled":
        yield "gateway", "/data/gateway"
    if spec.own_postgres:
        yield "postgres", "/var/lib/postgresql/data"


def _measure(project: Project, container: Container | None, part: str, path: str) -> DataDirectory:
    where = f"{part}:{path}"
    if container is None or container.state != "running":
        return DataDirectory(part, where, None, "its container does not run, so that nobody can ask in it")
    try:
        done = project.engine.client.containers.get(container.id).exec_run(["df", "-Pk", path])
    except (DockerException, OSError) as error:
        return DataDirectory(part, where, None, f"`df` does not run in its container: {_line(str(error))}")
    output = done.output.decode("utf-8", "replace") if isinstance(done.output, bytes) else ""
    disk = read_df(output, part) if done.exit_code == 0 else None
    if disk is None:
        reason = _line(output) or f"exit code {done.exit_code}"
        return DataDirectory(part, where, None, f"`df` in its container gives no answer: {reason}")
    return measured(part, where, disk)


def _line(text: str) -> str:
    return " ".join(text.split())[:200]

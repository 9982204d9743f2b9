"""Wait until every container is healthy and every part answers as a ready one; say why not otherwise."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from stackctl.errors import StartError
from stackctl.runtime.compose.events import Events
from stackctl.runtime.probes import Prober

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackctl.progress import Progress
    from stackctl.runtime.compose.project import Container, Project
    from stackctl.runtime.parts import Part

_LOOK_S = 1.0
"""What no event tells of: whether a part answers as a ready one."""
_MOST_RESTARTS = 2


def wait_until_healthy(
    project: Project, services: Sequence[str], parts: tuple[Part, ...], progress: Progress, *, deadline: float
) -> None:
    """Return when all are healthy.

    Raises StartError for the first that cannot become so, with its last healthcheck output and log lines.
    """
    waiting = list(services)
    by_name = {part.name: part for part in parts}
    reasons: dict[str, str] = dict.fromkeys(waiting, "it has not started")
    with Prober(parts) as prober, Events(project.engine.client, project.name) as events:
        while True:
            containers = project.containers()
            for service in tuple(waiting):
                reasons[service] = _why_not(containers.get(service), by_name.get(service), prober)
                if not reasons[service]:
                    part = by_name.get(service)
                    progress.note(f"{service} is healthy" + (f" at {part.url}" if part else ""))
                    waiting.remove(service)
                elif gave_up(containers.get(service)):
                    raise failure(project, service, containers.get(service), reasons[service])
            if not waiting:
                return
            if time.monotonic() > deadline:
                first = waiting[0]
                raise failure(project, first, containers.get(first), f"is not ready in time: {reasons[first]}")
            for line in events.wait(_LOOK_S):
                progress.note(line)


def diagnose(project: Project, services: Sequence[str], fallback: str) -> StartError:
    """The error that names the container that kept the others from starting; `fallback` if none stands out."""
    containers = project.containers()
    for service in services:
        container = containers.get(service)
        if container is not None and (gave_up(container) or container.health == "unhealthy"):
            return failure(project, service, container, _why_not(container, None, None))
    return StartError(fallback, remedy="see `stackctl logs`")


def failure(project: Project, service: str, container: Container | None, cause: str) -> StartError:
    """What a person needs to go on: the cause, the last healthcheck output, the end of the log, the next command."""
    details: list[str] = []
    if container is not None:
        details = [f"healthcheck: {line}" for line in container.health_output.splitlines()[-3:]]
        details += project.log_tail(container)
    return StartError(
        f"{service} {cause}", remedy=f"see below, or all of it with `stackctl logs {service}`", details=details
    )


def gave_up(container: Container | None) -> bool:
    """Whether waiting longer is of no use."""
    if container is None:
        return False
    # One that has ended once is started again by the engine; it may have been the machine's slowness. Until then the
    # engine calls it unhealthy, because nobody checks its health any more.
    return (
        container.state in ("dead", "paused")
        or container.restarts >= _MOST_RESTARTS
        or (container.state == "running" and container.health == "unhealthy")
    )


def _why_not(container: Container | None, part: Part | None, prober: Prober | None) -> str:
    """Why a container is not ready; empty if it is."""
    if container is None:
        return "has no container yet"
    if container.out_of_memory:
        return "was ended because it used more memory than its limit"
    if container.restarts >= _MOST_RESTARTS:
        return f"keeps ending: it was restarted {container.restarts} times"
    if container.state in ("exited", "dead", "restarting"):
        return f"ended with exit code {container.exit_code}"
    if container.state == "paused":
        return f"is paused: `docker unpause {container.name}` lets it go on"
    if container.health == "unhealthy":
        return "is unhealthy"
    if not container.healthy:
        return "is starting"
    health = prober.probe(part) if part and prober else None
    return "" if health is None or health.healthy else health.reason

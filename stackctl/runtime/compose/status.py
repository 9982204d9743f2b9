"""How a Compose stack is, asked of the engine and of the parts themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from docker.errors import DockerException

from stackctl.render.compose import services
from stackctl.runtime.compose.parts import published_parts
from stackctl.runtime.probes import Health, Prober
from stackctl.runtime.status import PartStatus, StackStatus, State, asking_key

if TYPE_CHECKING:
    from stackctl.runtime.compose.project import Container, Project
    from stackctl.runtime.parts import Part
    from stackctl.runtime.status import StackState
    from stackctl.spec import Spec
    from stackctl.stack import StackDir

_STATES: dict[str, State] = {"running": "running", "restarting": "failed", "created": "starting", "dead": "failed"}


def compose_status(project: Project, stack: StackDir, spec: Spec) -> StackStatus:
    """The state and the health of every service. A stack that does not run is an answer, not an error."""
    containers = project.containers()
    parts = published_parts(spec, stack.root)
    by_name = {part.name: part for part in parts}
    with Prober(parts, asking_key(stack, spec)) as prober:
        found = tuple(
            _status_of(name, containers.get(name), by_name.get(name), prober, project) for name in services(spec)
        )
    if not containers:
        overall: StackState = "stopped"
    else:
        overall = "running" if all(part.healthy for part in found) else "degraded"
    return StackStatus(spec.name, overall, found)


def _status_of(
    name: str, container: Container | None, part: Part | None, prober: Prober, project: Project
) -> PartStatus:
    url = part.url if part else ""
    if container is None:
        return PartStatus(name, url, "stopped", False, "not running")
    state = _state(container)
    health = _health(container, part, prober)
    return PartStatus(
        name=name,
        url=url,
        state=state,
        healthy=health.healthy,
        reason=health.reason,
        version=health.version,
        uptime_s=_uptime_s(container) if container.state == "running" else None,
        restarts=container.restarts,
        last_exit=f"exit code {container.exit_code}" if container.restarts or container.state == "exited" else None,
        container=container.name,
        image=container.image,
        digest=_digest(project, container),
    )


def _state(container: Container) -> State:
    if container.state == "exited":
        return "failed" if container.exit_code else "stopped"
    if container.state == "running" and container.health == "starting":
        return "starting"
    return _STATES.get(container.state, "stopped")


def _health(container: Container, part: Part | None, prober: Prober) -> Health:
    if container.state == "paused":
        return Health(False, f"paused: `docker unpause {container.name}` lets it go on")
    if container.state != "running":
        return Health(False, f"{container.state}, exit code {container.exit_code}")
    if container.health == "unhealthy":
        output = container.health_output.splitlines()
        return Health(False, f"its healthcheck fails: {output[-1] if output else 'no output'}")
    if container.health == "starting":
        return Health(False, "has just been started")
    return prober.probe(part) if part else Health(True)


def _uptime_s(container: Container) -> float | None:
    try:
        started = datetime.fromisoformat(container.started_at.split(".")[0].rstrip("Z")).replace(tzinfo=UTC)
    except ValueError:
        return None
    return round(max(0.0, (datetime.now(UTC) - started).total_seconds()), 1)


def _digest(project: Project, container: Container) -> str | None:
    """The registry's digest of the image, or the image's own id where it was never in a registry."""
    try:
        known = project.engine.client.images.get(container.image_id).attrs.get("RepoDigests") or []
    except DockerException:
        return None
    return str(known[0]).split("@")[-1] if known else container.image_id

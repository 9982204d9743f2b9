"""What `up` would do, without doing it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from stackctl.errors import UsageError
from stackctl.runtime.compose.project import complaint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackctl.render import Bundle
    from stackctl.runtime.compose.project import Container, Project

Action = Literal["create", "recreate", "start", "keep", "remove"]


@dataclass(frozen=True, slots=True)
class Step:
    """What would happen to one service."""

    service: str
    action: Action


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a start would do: password files it would make, images it would build or pull, and its services."""

    passwords: tuple[str, ...] = ()
    images: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()


def plan(project: Project, bundle: Bundle, environment: Mapping[str, str]) -> list[Step]:
    """One step per service, by comparing Compose's own hash of each service with the one its container carries."""
    wanted = _hashes(project, bundle, environment)
    containers = project.containers()
    steps = [Step(service, _action(containers, service, digest)) for service, digest in sorted(wanted.items())]
    return steps + [Step(service, "remove") for service in sorted(containers.keys() - wanted.keys())]


def _action(containers: Mapping[str, Container], service: str, digest: str) -> Action:
    container = containers.get(service)
    if container is None:
        return "create"
    if container.config_hash != digest:
        return "recreate"
    return "keep" if container.state == "running" else "start"


def _hashes(project: Project, bundle: Bundle, environment: Mapping[str, str]) -> dict[str, str]:
    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        file.write(bundle.files["compose/compose.yaml"])
        file.flush()
        done = project.compose("config", "--hash", "*", environment=environment, file=Path(file.name))
    if done.returncode:
        raise UsageError(f"docker compose refuses the rendered file: {complaint(done)}")
    lines = (line.split() for line in done.stdout.splitlines())
    return {words[0]: words[1] for words in lines if len(words) == 2}

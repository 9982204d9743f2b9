"""The parts of a Compose stack that answer on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.render.places import CONTAINER_PORTS
from stackctl.runtime.parts import Part, parts_of
from stackctl.spec import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from stackctl.spec import Spec


def published_parts(spec: Spec, root: Path) -> tuple[Part, ...]:
    """The parts with a published port; `root` is the stack directory, where their passwords are."""
    passwords = {"prometheus": spec.prometheus.password, "alertmanager": spec.alertmanager.password}
    found = [(part.name, part.host, part.port, part.spec_field) for part in parts_of(spec)]
    if spec.runs_grafana:
        found.append(("grafana", spec.grafana.host, spec.grafana.port, "grafana.port"))
    return tuple(
        Part(name, host, port, field, CONTAINER_PORTS[name], _password(passwords.get(name), root))
        for name, host, port, field in found
    )


def _password(reference: str | None, root: Path) -> str:
    return Secret(reference, root).read() if reference else ""

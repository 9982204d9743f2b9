"""One Docker engine for all tests of this package, with every image a stack asks for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from stackctl.runtime.compose.context import requirements
from tests.command import Finished, stackctl
from tests.docker.engine import DockerEngine, start_engine
from tests.docker.standins import PYTHON_IMAGE, import_images, wheels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UP_S = 900
"""Ends a run that hangs; a busy machine needs minutes to build the image."""


@pytest.fixture(scope="package")
def running_engine() -> Iterator[DockerEngine]:
    engine = start_engine()
    try:
        import_images(engine.docker)
        yield engine
    finally:
        engine.stop()


@pytest.fixture(scope="package")
def engine(running_engine: DockerEngine) -> Iterator[DockerEngine]:
    """The engine, with this thread in its network and its client on PATH."""
    wanted = running_engine.environment | {
        "STACKCTL_PYTHON_IMAGE": PYTHON_IMAGE,
        "STACKCTL_WHEELS": str(wheels(requirements())),
    }
    before = dict(os.environ)
    os.environ.update(wanted)
    with running_engine.network():
        try:
            yield running_engine
        finally:
            os.environ.clear()
            os.environ.update(before)


@dataclass
class ComposeStack:
    """A stack directory and its commands."""

    root: Path
    name: str
    ports: dict[str, int]
    engine: DockerEngine

    def run(self, command: str, *arguments: object) -> Finished:
        return stackctl(*command.split(), "-C", self.root, *arguments, timeout=UP_S)

    def container(self, service: str) -> str:
        filters = ("--filter", f"label=com.docker.compose.project={self.name}")
        one = ("--filter", f"label=com.docker.compose.service={service}")
        return self.engine.docker("ps", "-q", "--no-trunc", *filters, *one)

    def containers(self) -> dict[str, str]:
        """Service → container id."""
        return {service: found for service in _SERVICES if (found := self.container(service))}

    def inside(self, service: str, *command: str, check: bool = True) -> str:
        return self.engine.docker("exec", self.container(service), *command, check=check)

    def inspect(self, service: str) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load(self.engine.docker("inspect", self.container(service)))[0]
        return found

    def secret(self, name: str) -> str:
        return (self.root / "secrets" / name).read_text().strip()

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    def change(self, old: str, new: str) -> None:
        spec = self.root / "stack.yaml"
        text = spec.read_text()
        assert old in text
        spec.write_text(text.replace(old, new))


_SERVICES = ("gateway", "prometheus", "alertmanager", "inbox", "grafana", "postgres", "redis")


@pytest.fixture(scope="package")
def new_stack(
    engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], ComposeStack]]:
    """Makes stacks by `init`; whatever a test does, nothing of them keeps running."""
    made: list[ComposeStack] = []

    def make(name: str) -> ComposeStack:
        root = tmp_path_factory.mktemp(name)
        created = stackctl("init", root, "--name", name, "--demo", "--runtime", "compose", "--defaults")
        assert created.code == 0, created.err
        spec = yaml.safe_load((root / "stack.yaml").read_text())
        ports = {part: spec[part]["port"] for part in ("gateway", "prometheus", "alertmanager", "grafana")}
        made.append(ComposeStack(root, name, ports | {"inbox": spec["alerts"]["inbox"]["port"]}, engine))
        return made[-1]

    yield make
    for stack in made:
        stack.run("down", "--volumes", "--yes")


@pytest.fixture(scope="package")
def second(new_stack: Callable[[str], ComposeStack]) -> ComposeStack:
    """A stack with PostgreSQL and Redis of its own, beside whatever else runs. Prometheus and Alertmanager want
    passwords, which let Prometheus be open to the network, and /metrics wants a token."""
    made = new_stack("second")
    made.change("{url: sqlite, pool_size: 50}", "{url: postgres, pool_size: 20}")
    made.change("  workers: 2", "  workers: 2\n  metrics: {token: file:secrets/metrics-token}")
    made.change("prometheus:\n", "prometheus:\n  host: 0.0.0.0\n  password: file:secrets/prometheus-password\n")
    made.change("alertmanager:\n", "alertmanager:\n  password: file:secrets/alertmanager-password\n")
    made.change("runtime: compose", "redis: {enabled: true}\nruntime: compose")
    (made.root / "secrets/metrics-token").write_text("token-of-the-second-stack")
    (made.root / "secrets/metrics-token").chmod(0o600)
    started = made.run("up")
    assert started.code == 0, started.err
    return made

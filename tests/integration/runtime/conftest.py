"""A minimal hand-written bundle, run by the real supervisord, Prometheus and Alertmanager."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
import pytest

from stackctl.resources import data_dir
from stackctl.runtime import down, parts_of, up
from stackctl.spec import Spec, parse_spec
from stackctl.stack import StackDir
from tests.ports import free_ports
from tests.real_parts import newer_parts, stable_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stackctl.runtime import StackStatus

STAND_IN = Path(__file__).with_name("stand_in.py")


class Notes:
    """A Progress that remembers."""

    def __init__(self) -> None:
        self.phases: list[str] = []
        self.notes: list[str] = []

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        self.phases.append(title)
        yield

    def note(self, text: str) -> None:
        self.notes.append(text)


@dataclass
class Stack:
    """A stack directory with a rendered bundle, and what its last `up` told."""

    dir: StackDir
    spec: Spec
    notes: Notes = field(default_factory=Notes)

    def up(self, **options: float) -> StackStatus:
        self.notes = Notes()
        return up(self.dir, self.spec, self.notes, **options)  # type: ignore[arg-type]

    def write(self, name: str, content: str) -> None:
        file = self.dir.bundle / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")

    def respec(self, spec: Spec) -> None:
        """Render the bundle of another spec."""
        self.spec = spec
        gateway = next(part for part in parts_of(spec) if part.name == "gateway")
        self.write("gateway/gateway.yaml", json.dumps({"port": gateway.port}))
        self.write("prometheus/prometheus.yml", prometheus_config(gateway.port))
        self.write("alertmanager/alertmanager.yml", "route: {receiver: none}\nreceivers: [{name: none}]\n")
        self.write("local/supervisord.conf", supervisord_conf(spec))


def prometheus_config(gateway_port: int, interval: str = "15s") -> str:
    return (
        f"global: {{scrape_interval: {interval}}}\n"
        f"scrape_configs: [{{job_name: gateway, static_configs: [{{targets: ['127.0.0.1:{gateway_port}']}}]}}]\n"
    )


def supervisord_conf(spec: Spec) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(data_dir("templates")),
        undefined=jinja2.StrictUndefined,
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
        comment_start_string="[#",
        comment_end_string="#]",
    )
    return environment.get_template("local/supervisord.conf.j2").render(spec=spec, name=spec.name)


def make_spec(name: str = "test", *, retention: str = "7d", ports: tuple[int, ...] = (), extra: str = "") -> Spec:
    gateway, prometheus, alertmanager, inbox = ports or free_ports(4)
    source = parse_spec(
        f"version: 1\nname: {name}\ngateway: {{port: {gateway}}}\n"
        f"prometheus: {{port: {prometheus}, retention: {retention}}}\nalertmanager: {{port: {alertmanager}}}\n"
        f"alerts: {{inbox: {{port: {inbox}}}}}\n"
        f"models: [{{name: m, deployments: [{{provider: mock, model: m{extra}}}]}}]\n"
    )
    return source.spec


@pytest.fixture(params=["stable", "newer"])
def any_real_parts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Runs the test with the Debian release's Prometheus and Alertmanager, and again with current ones."""
    parts = stable_parts() if request.param == "stable" else newer_parts()
    for name, value in parts.environment().items():
        monkeypatch.setenv(name, value)
    return str(request.param)


@pytest.fixture
def make_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Stack]]:
    """Makes stacks; whatever a test does, nothing of them keeps running."""
    if "STACKCTL_PROMETHEUS" not in os.environ:
        for name, value in stable_parts().environment().items():
            monkeypatch.setenv(name, value)
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\ncase "$*" in *supervisor.supervisord*) exec {sys.executable} "$@";; esac\n'
        f'exec {sys.executable} -P {STAND_IN} "$@"\n'
    )
    python.chmod(0o755)
    monkeypatch.setenv("STACKCTL_PYTHON", str(python))
    made: list[Stack] = []

    def make(name: str = "test", *, spec: Spec | None = None, root: Path | None = None) -> Stack:
        directory = root or tmp_path / name
        directory.mkdir(parents=True)
        stack = Stack(StackDir(directory), spec or make_spec(name))
        stack.respec(stack.spec)
        made.append(stack)
        return stack

    yield make
    for stack in made:
        if stack.dir.state.is_dir():
            down(stack.dir, Notes())


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    return make_stack()

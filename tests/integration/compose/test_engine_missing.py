"""Without a usable engine: one clear line each, exit 3, and nothing is written before it."""

from __future__ import annotations

import json
import os
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest

from stackctl.errors import UnavailableError
from stackctl.runtime.compose.engine import _knock
from tests.command import stackctl
from tests.docker.engine import plugin
from tests.docker.standins import package
from tests.real_parts import absent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def client(tmp_path: Path) -> dict[str, str]:
    """Debian's docker command with Compose as its plugin, pointed at an engine that is not there."""
    docker = package("docker.io") / "usr/bin/docker"
    if not docker.exists():
        absent(f"{docker} is missing: run scripts/parts docker compose")
    plugins = tmp_path / "config" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-compose").symlink_to(plugin())
    config = str(tmp_path / "config")
    return {"STACKCTL_DOCKER": str(docker), "DOCKER_CONFIG": config, "DOCKER_HOST": f"unix://{tmp_path}/docker.sock"}


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    root = tmp_path / "stack"
    assert stackctl("init", root, "--demo", "--runtime", "compose", "--defaults").code == 0
    return root


def refusal(stack: Path, environment: dict[str, str]) -> str:
    done = stackctl("up", "-C", stack, "--json", **environment)
    assert done.code == 3, done.out
    (problem,) = done.envelope["problems"]
    assert problem["remedy"]
    return str(problem["message"])


def test_no_docker_command(stack: Path, client: dict[str, str]) -> None:
    assert "docker-nowhere is not installed" in refusal(stack, client | {"STACKCTL_DOCKER": "docker-nowhere"})


def test_no_compose_plugin(stack: Path, client: dict[str, str], tmp_path: Path) -> None:
    # A client that knows no plugin at all, wherever this machine has them.
    fake = tmp_path / "docker"
    fake.write_text("#!/bin/sh\necho \"docker: 'compose' is not a docker command.\" >&2\nexit 1\n")
    fake.chmod(0o755)
    assert "the Compose v2 plugin is missing" in refusal(stack, client | {"STACKCTL_DOCKER": str(fake)})


def test_a_compose_plugin_that_is_too_old(stack: Path, client: dict[str, str], tmp_path: Path) -> None:
    fake = tmp_path / "docker"
    fake.write_text('#!/bin/sh\n[ "$*" = "compose version --short" ] && echo v2.17.3\n')
    fake.chmod(0o755)
    assert "Docker Compose is 2.17.3; 2.20.0 or newer is needed" in refusal(
        stack, client | {"STACKCTL_DOCKER": str(fake)}
    )


@pytest.mark.parametrize("command", ["up --dry-run", "status", "restart", "pull", "down"])
def test_every_command_that_needs_the_engine_says_so(stack: Path, client: dict[str, str], command: str) -> None:
    done = stackctl(*command.split(), "-C", stack, "--json", **client)
    assert done.code == 3, done.out
    (problem,) = done.envelope["problems"]
    assert "no Docker engine runs at" in problem["message"]
    assert problem["remedy"] == "start it: systemctl start docker"


def test_no_engine(stack: Path, client: dict[str, str], tmp_path: Path) -> None:
    assert f"no Docker engine runs at {tmp_path}/docker.sock" in refusal(stack, client)


class _OldEngine(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"Version": "19.03.15", "ApiVersion": "1.40", "MinAPIVersion": "1.12"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def address_string(self) -> str:
        return "unix"


@pytest.fixture
def old_engine(tmp_path: Path) -> Iterator[None]:
    with socketserver.ThreadingUnixStreamServer(str(tmp_path / "docker.sock"), _OldEngine) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("old_engine")
def test_an_engine_that_is_too_old(stack: Path, client: dict[str, str]) -> None:
    assert "is 19.03.15; 20.10.0 or newer is needed" in refusal(stack, client)


@pytest.mark.usefixtures("old_engine")
def test_no_permission_on_the_socket(tmp_path: Path) -> None:
    """Asked in a process of another user, because this one may be root, whom no mode keeps out."""
    socket = tmp_path / "docker.sock"
    socket.chmod(0o600)
    if os.geteuid() != 0:
        absent("another user can only be tried by root")
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        for directory in reversed(socket.parents[:3]):
            directory.chmod(0o755)
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        try:
            _knock(f"unix://{socket}")
        except UnavailableError as error:
            os.write(writer, f"{error.message} | {error.remedy}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    told = os.read(reader, 4096).decode()
    os.close(reader)
    assert f"no permission to use the Docker engine at {socket}" in told
    assert "group `docker`" in told

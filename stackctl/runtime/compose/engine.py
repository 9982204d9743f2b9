"""The Docker engine and Compose v2: found, new enough and answering, or one clear line why not."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from docker.client import DockerClient
from docker.errors import DockerException

from stackctl.catalogue.releases import at_least
from stackctl.errors import ToolMissingError, UnavailableError
from stackctl.spec.images import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

OLDEST_ENGINE = "20.10.0"
OLDEST_COMPOSE = "2.20.0"
_ANSWER_S = 20
_COMMAND_S = 60
_INSTALL = "install Docker Engine: https://docs.docker.com/engine/install/"
_INSTALL_PLUGIN = "install the Compose plugin: https://docs.docker.com/compose/install/linux/"


@dataclass(frozen=True)
class Engine:
    """A Docker engine that answers. `client` inspects; `compose` starts and stops."""

    docker: Path
    host: str
    version: str
    compose_version: str
    client: DockerClient = field(repr=False)

    @property
    def is_local(self) -> bool:
        """Whether published ports are ports of this machine."""
        return self.host.startswith(("unix://", "npipe://"))

    def require_same_files(self) -> None:
        """Raise UnavailableError for an engine that cannot mount the files of this machine."""
        if not (self.is_local or is_loopback(urlsplit(self.host).hostname or "")):
            raise UnavailableError(
                f"the Docker engine at {self.host} is another machine's, where this stack's files are not",
                remedy="run stackctl on that machine, or unset DOCKER_HOST (`docker context use default`)",
            )

    def command(self, *arguments: str) -> list[str]:
        return [str(self.docker), *arguments]

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """What the docker command may see: nothing that changes which project or file it works on."""
        mine = {name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")}
        return mine | {"DOCKER_HOST": self.host} | dict(extra or {})

    def processors(self) -> float:
        """How many the machine of the engine has. Raises UnavailableError if the engine goes away."""
        try:
            return float(self.client.info()["NCPU"])
        except (DockerException, OSError) as error:
            raise UnavailableError(f"the Docker engine does not answer: {error}", remedy="see `docker info`") from error

    def close(self) -> None:
        self.client.close()


def find_engine() -> Engine:
    """The engine `docker` itself would use.

    Raises ToolMissingError without the docker command or its Compose plugin, UnavailableError if the engine does not
    answer, does not let us in, or is too old.
    """
    command = _docker()
    compose = _compose_version(command)
    host = _host(command)
    _knock(host)
    client = DockerClient(base_url=host, timeout=_ANSWER_S)
    try:
        version = str(client.version()["Version"])
    except (DockerException, OSError) as error:
        client.close()
        raise UnavailableError(
            f"the Docker engine at {host} does not answer: {error}", remedy="see `docker info`"
        ) from error
    if at_least(version, OLDEST_ENGINE) is False:
        client.close()
        raise UnavailableError(
            f"the Docker engine at {host} is {version}; {OLDEST_ENGINE} or newer is needed", remedy="upgrade it"
        )
    return Engine(command, host, version, compose, client)


def _docker() -> Path:
    chosen = os.environ.get("STACKCTL_DOCKER", "docker")
    found = shutil.which(chosen)
    if not found:
        raise ToolMissingError(f"{chosen} is not installed", remedy=_INSTALL)
    return Path(found)


def _compose_version(command: Path) -> str:
    done = _ask(command, "compose", "version", "--short")
    version = done.stdout.strip().removeprefix("v")
    if done.returncode or not version:
        raise ToolMissingError(
            "docker has no `compose` command: the Compose v2 plugin is missing", remedy=_INSTALL_PLUGIN
        )
    if at_least(version, OLDEST_COMPOSE) is False:
        raise ToolMissingError(
            f"Docker Compose is {version}; {OLDEST_COMPOSE} or newer is needed", remedy=_INSTALL_PLUGIN
        )
    return version


def _host(command: Path) -> str:
    """Where the engine listens: DOCKER_HOST, else the docker command's current context."""
    if host := os.environ.get("DOCKER_HOST"):
        return host
    done = _ask(command, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    return done.stdout.strip() or "unix:///var/run/docker.sock"


def _knock(host: str) -> None:
    """Connect once to a Unix socket, because only that tells a missing engine from a closed door."""
    if not host.startswith("unix://"):
        return
    path = host.removeprefix("unix://")
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_ANSWER_S)
            probe.connect(path)
    except PermissionError:
        raise UnavailableError(
            f"no permission to use the Docker engine at {path}",
            remedy="add your user to the group `docker` and log in again (members of it are root on this machine), "
            "or use rootless Docker",
        ) from None
    except OSError as error:
        reason = "there is no such socket" if isinstance(error, FileNotFoundError) else "nobody answers there"
        raise UnavailableError(
            f"no Docker engine runs at {path}: {reason}", remedy="start it: systemctl start docker"
        ) from None


def _ask(command: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [str(command), *arguments], capture_output=True, text=True, check=False, timeout=_COMMAND_S
        )
    except subprocess.TimeoutExpired:
        raise UnavailableError(
            f"`{command.name} {' '.join(arguments[:2])}` gives no answer within {_COMMAND_S} s",
            remedy="is the machine busy? Try it by hand, then again",
        ) from None
    except OSError as error:
        raise ToolMissingError(f"{command} does not run: {error}", remedy=_INSTALL) from error

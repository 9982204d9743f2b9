"""One Compose project: its file, its containers, and the docker commands that change it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docker.errors import DockerException

from stackctl.errors import StackctlError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stackctl.runtime.compose.engine import Engine
    from stackctl.stack import StackDir

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
WORKING_DIR = "com.docker.compose.project.working_dir"
CONFIG_HASH = "com.docker.compose.config-hash"

# For a command that was told to end.
_ENDS_WITHIN_S = 3.0


@dataclass(frozen=True)
class Container:
    """What the engine knows of one container. `health` is empty where the image has no healthcheck."""

    id: str
    name: str
    service: str
    state: str
    health: str
    health_output: str
    exit_code: int
    out_of_memory: bool
    restarts: int
    started_at: str
    image: str
    image_id: str
    config_hash: str
    working_dir: str

    @property
    def healthy(self) -> bool:
        return self.state == "running" and self.health in ("healthy", "")


class Project:
    """The Compose project of one stack. Methods raise UnavailableError if the engine goes away."""

    def __init__(self, engine: Engine, stack: StackDir, name: str) -> None:
        self.engine = engine
        self.name = name
        self.file = stack.bundle / "compose" / "compose.yaml"

    def containers(self) -> dict[str, Container]:
        """The containers of the project by service, stopped ones too."""
        return {found.service: found for found in self._inspect(f"{PROJECT}={self.name}")}

    def refuse_namesake(self) -> None:
        """Raise StackctlError if a stack of another directory runs under the same name."""
        mine = str(self.file.parent)
        for found in self.containers().values():
            if found.working_dir and Path(found.working_dir).resolve() != Path(mine).resolve():
                raise StackctlError(
                    f"a stack named {self.name} of another directory runs already: {found.working_dir}",
                    remedy="give this one another name in stack.yaml, or take the other one down",
                )

    def compose(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        timeout_s: float = 600,
        file: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run `docker compose` on this project, or on another `file` in its place; the caller judges the outcome."""
        return subprocess.run(
            self.command(*arguments, file=file),
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=timeout_s,
            env=self.engine.environment(environment),
        )

    def lines(self, *arguments: str) -> Iterator[str]:
        """The output of `docker compose` as it comes."""
        with subprocess.Popen(
            self.command(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            env=self.engine.environment(),
        ) as running:
            try:
                yield from (line.rstrip("\n") for line in running.stdout or ())
            finally:
                running.terminate()
                try:
                    running.wait(_ENDS_WITHIN_S)
                except subprocess.TimeoutExpired:
                    # Compose that follows logs has been seen to pass over it.
                    running.kill()

    def command(self, *arguments: str, file: Path | None = None) -> list[str]:
        chosen = file or self.file
        which = ["-f", str(chosen), "--project-directory", str(self.file.parent)] if chosen.is_file() else []
        options = ["--ansi", "never", "--progress", "plain", *which, "-p", self.name]
        return self.engine.command("compose", *options, *arguments)

    def log_tail(self, container: Container, lines: int = 20) -> tuple[str, ...]:
        """The last lines a container wrote."""
        try:
            text = self.engine.client.containers.get(container.id).logs(tail=lines)
        except DockerException:
            return ()
        return tuple(bytes(text).decode("utf-8", "replace").splitlines())

    def _inspect(self, label: str) -> list[Container]:
        try:
            found = self.engine.client.api.containers(all=True, filters={"label": label})
            return [_container(self.engine.client.api.inspect_container(each["Id"])) for each in found]
        except DockerException as error:
            raise UnavailableError(f"the Docker engine does not answer: {error}", remedy="see `docker info`") from error


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The line of docker's output that says what went wrong."""
    lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    return lines[-1] if lines else f"exit code {done.returncode}"


def _container(data: dict[str, Any]) -> Container:
    state, labels = data["State"], data["Config"]["Labels"] or {}
    health = state.get("Health") or {}
    outputs = [entry["Output"].strip() for entry in health.get("Log") or [] if entry.get("ExitCode")]
    return Container(
        id=data["Id"],
        name=data["Name"].lstrip("/"),
        service=labels.get(SERVICE, ""),
        state=state["Status"],
        health="" if health.get("Status") == "none" else health.get("Status", ""),
        health_output=outputs[-1] if outputs else "",
        exit_code=int(state.get("ExitCode") or 0),
        out_of_memory=bool(state.get("OOMKilled")),
        restarts=int(data.get("RestartCount") or 0),
        started_at=state.get("StartedAt", ""),
        image=data["Config"]["Image"],
        image_id=data["Image"],
        config_hash=labels.get(CONFIG_HASH, ""),
        working_dir=labels.get(WORKING_DIR, ""),
    )

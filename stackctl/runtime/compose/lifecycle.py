"""Start, change and stop a stack with `docker compose`; look at it with the engine's own interface."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

from stackctl.errors import PortTakenError, StackctlError, StartError, UnavailableError, UsageError
from stackctl.render.compose import cpu_limits, services
from stackctl.runtime.compose.disk import compose_data_directories
from stackctl.runtime.compose.engine import find_engine
from stackctl.runtime.compose.images import have_images, missing_images, pull_image
from stackctl.runtime.compose.parts import published_parts
from stackctl.runtime.compose.plan import Plan, plan
from stackctl.runtime.compose.ports import check_published_ports
from stackctl.runtime.compose.project import Project, complaint
from stackctl.runtime.compose.staging import (
    forget_secrets,
    make_missing_secrets,
    missing_secrets,
    secret_digests,
    stage_secrets,
)
from stackctl.runtime.compose.status import compose_status
from stackctl.runtime.compose.verify import locked_images, pulled_images, require_verified
from stackctl.runtime.compose.wait import diagnose, wait_until_healthy
from stackctl.runtime.local import Stopped
from stackctl.runtime.owners import declare_owners
from stackctl.runtime.rundir import exclusive, make_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stackctl.progress import Progress
    from stackctl.render import Bundle
    from stackctl.runtime.disk import DataDirectory
    from stackctl.runtime.status import StackStatus
    from stackctl.spec import Spec
    from stackctl.stack import StackDir

_PATIENCE_S = {"bundled": 180.0, "litellm": 300.0}
_PORT_TAKEN = ("port is already allocated", "address already in use")


class ComposeRuntime:
    """A stack as one Docker Compose project."""

    def __init__(self, stack: StackDir, spec: Spec) -> None:
        self._stack, self._spec = stack, spec

    def prepare(self, progress: Progress) -> None:
        """Invent the passwords nobody has chosen and verify the images, before anything is rendered.

        Raises StackctlError or UnavailableError if policy `verify` holds an image back.
        """
        for name in make_missing_secrets(self._stack, self._spec):
            progress.note(f"made the password secrets/{name}")
        require_verified(self._stack, self._spec, progress)

    def up(self, progress: Progress, *, keep: bool = False, timeout_s: float | None = None) -> StackStatus:
        """Start the project, or bring what has changed to a running one, and wait until everything is healthy.

        A container whose image, configuration and secrets are the same is left alone. If a first start fails,
        everything is removed again unless `keep`. Raises ToolMissingError, UnavailableError, PortTakenError, and
        StartError with the last healthcheck output and log lines.
        """
        if not (self._stack.bundle / "compose" / "compose.yaml").is_file():
            raise UsageError(f"{self._stack.bundle} holds no bundle for compose", remedy="run `stackctl render`")
        make_state(self._stack)
        with exclusive(self._stack, "up"):
            with progress.phase("find the Docker engine"):
                project = self._project()
                progress.note(f"Docker {project.engine.version}, Compose {project.engine.compose_version}")
                project.engine.require_same_files()
                project.refuse_namesake()
            was_there = bool(project.containers())
            try:
                self._start(project, progress, timeout_s or _PATIENCE_S[self._spec.gateway.engine])
            except BaseException:
                if not (keep or was_there):
                    project.compose("down", "--timeout", "10")
                    forget_secrets(self._stack)
                raise
            declare_owners(self._stack, self._spec, self.urls()["gateway"], progress)
            return compose_status(project, self._stack, self._spec)

    def dry_run(self, bundle: Bundle) -> Plan:
        """What `up` would make, fetch, create, recreate and leave alone. Writes nothing."""
        project = self._project()
        project.refuse_namesake()
        passwords = tuple(path.name for path in missing_secrets(self._stack, self._spec))
        images = missing_images(project.engine, self._spec, locked_images(self._stack, self._spec))
        environment = self._cpu_limits(project) | secret_digests(self._stack, self._spec)
        return Plan(passwords, images, tuple(plan(project, bundle, environment)))

    def down(self, progress: Progress, *, volumes: bool = False) -> Stopped:
        """Remove the containers and networks, and the data too if `volumes`; doing it twice is no error."""
        make_state(self._stack)
        with exclusive(self._stack, "down"):
            project = self._project()
            project.refuse_namesake()
            running = tuple(sorted(project.containers()))
            with progress.phase("stop every part"):
                done = project.compose("down", "--remove-orphans", *(["--volumes"] if volumes else []))
            if done.returncode:
                raise StackctlError(f"docker compose down failed: {complaint(done)}", remedy="see `docker compose ls`")
            forget_secrets(self._stack)
            return Stopped(running)

    def status(self) -> StackStatus:
        """The state and health of every service."""
        return compose_status(self._project(), self._stack, self._spec)

    def logs(self, part: str | None = None, *, lines: int = 50, follow: bool = False) -> Iterator[str]:
        """The last lines of one service, or of all; `follow` waits for more."""
        self._known(part)
        options = ["--no-color", "--tail", str(lines), *(["--follow"] if follow else [])]
        project = self._project()
        _there(project, part)
        return project.lines("logs", *options, *([part] if part else []))

    def restart(self, progress: Progress, part: str | None = None, *, timeout_s: float | None = None) -> StackStatus:
        """Restart one service, or all, and wait until they are healthy again."""
        self._known(part)
        make_state(self._stack)
        with exclusive(self._stack, "restart"):
            project = self._project()
            _there(project, part)
            with progress.phase(f"restart {part or 'every part'}"):
                done = project.compose("restart", *([part] if part else []))
            if done.returncode:
                raise StartError(f"docker compose restart failed: {complaint(done)}", remedy="see `stackctl status`")
            self._wait(project, progress, time.monotonic() + (timeout_s or _PATIENCE_S[self._spec.gateway.engine]))
            return compose_status(project, self._stack, self._spec)

    def pull(self, progress: Progress) -> list[str]:
        """Fetch the images that are not built here; their names."""
        engine = self._project().engine
        locked = locked_images(self._stack, self._spec)
        pulled = [locked.get(image, image) for image in sorted(set(pulled_images(self._spec).values()))]
        with progress.phase("pull the images"):
            for image in pulled:
                pull_image(engine, image, progress)
        return pulled

    def urls(self) -> dict[str, str]:
        """The address of every part that has one on this machine."""
        return {part.name: part.url for part in published_parts(self._spec, self._stack.root)}

    def data_directories(self) -> tuple[DataDirectory, ...]:
        """The volumes of samples and books; one that cannot be asked about says why."""
        return compose_data_directories(self._project(), self._spec)

    def _start(self, project: Project, progress: Progress, timeout_s: float) -> None:
        parts, names = published_parts(self._spec, self._stack.root), services(self._spec)
        with progress.phase("check the ports"):
            check_published_ports(project, parts)
        with progress.phase("have the images"):
            have_images(project.engine, self._spec, locked_images(self._stack, self._spec), progress)
        environment = self._environment(project)
        deadline = time.monotonic() + timeout_s
        with progress.phase("start the containers"):
            self._compose_up(project, environment, timeout_s)
        with progress.phase("wait until every part is healthy"):
            wait_until_healthy(project, names, parts, progress, deadline=deadline)

    def _environment(self, project: Project) -> dict[str, str]:
        """What the Compose file leaves open: digests of the secrets, and no more CPUs than the machine has."""
        return self._cpu_limits(project) | stage_secrets(self._stack, self._spec)

    def _cpu_limits(self, project: Project) -> dict[str, str]:
        there = project.engine.processors()
        return {f"STACKCTL_CPUS_{name.upper()}": str(min(cpus, there)) for name, cpus in cpu_limits(self._spec).items()}

    def _compose_up(self, project: Project, environment: Mapping[str, str], timeout_s: float) -> None:
        _readable(self._stack)
        options = ("--detach", "--no-build", "--remove-orphans", "--pull", "never", "--quiet-pull")
        try:
            done = project.compose("up", *options, environment=environment, timeout_s=timeout_s)
        except subprocess.TimeoutExpired:
            raise diagnose(project, services(self._spec), f"the start took longer than {timeout_s:g} s") from None
        if done.returncode == 0:
            return
        reason = complaint(done)
        if any(text in reason for text in _PORT_TAKEN):
            raise PortTakenError(
                f"a port is taken: {reason}", remedy="see `docker ps`, or change the port in stack.yaml"
            )
        raise diagnose(project, services(self._spec), f"docker compose up failed: {reason}")

    def _wait(self, project: Project, progress: Progress, deadline: float) -> None:
        parts = published_parts(self._spec, self._stack.root)
        with progress.phase("wait until every part is healthy"):
            wait_until_healthy(project, services(self._spec), parts, progress, deadline=deadline)

    def _project(self) -> Project:
        return Project(find_engine(), self._stack, self._spec.name)

    def _known(self, part: str | None) -> None:
        if part is not None and part not in services(self._spec):
            raise UsageError(f"there is no part '{part}'", remedy=f"known here: {', '.join(services(self._spec))}")


def _there(project: Project, part: str | None) -> None:
    """Raise UnavailableError if there is no container to work on."""
    containers = project.containers()
    if not containers or (part and part not in containers):
        missing = f"{part} has no container" if containers else "this stack has no containers: it is down"
        raise UnavailableError(missing, remedy="`stackctl up` starts it")


def _readable(stack: StackDir) -> None:
    """A narrow umask must not hide the bundle from the users of the containers; it holds no secret."""
    for path in (stack.bundle, *stack.bundle.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)

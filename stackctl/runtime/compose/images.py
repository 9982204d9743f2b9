"""Have every image of the stack on this machine: built from the package, or pulled."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from docker.errors import DockerException, ImageNotFound

from stackctl.errors import StartError, UnavailableError
from stackctl.render.compose import built_here, image_of, services
from stackctl.runtime.compose.context import build_arguments, write_context

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackctl.progress import Progress
    from stackctl.runtime.compose.engine import Engine
    from stackctl.spec import Spec

CONTEXT_LABEL = "stackctl.context"
_BUILD_S = 1200


def have_images(engine: Engine, spec: Spec, locked: Mapping[str, str], progress: Progress) -> None:
    """Build or pull what is missing. Raises StartError if the build fails, UnavailableError if a pull does."""
    wanted = {image_of(spec, service): built_here(spec, service) for service in services(spec)}
    for image, ours in wanted.items():
        if ours:
            build_image(engine, image, progress)
        else:
            reference = locked.get(image, image)
            if not is_here(engine, reference):
                pull_image(engine, reference, progress)


def missing_images(engine: Engine, spec: Spec, locked: Mapping[str, str]) -> dict[str, Literal["build", "pull"]]:
    """Image → what `have_images` would do to have it; images that are there already are left out."""
    wanted = {image_of(spec, service): built_here(spec, service) for service in services(spec)}
    found: dict[str, Literal["build", "pull"]] = {}
    for image, ours in wanted.items():
        if ours:
            with tempfile.TemporaryDirectory(prefix="stackctl-build-") as name:
                digest = write_context(Path(name) / "context")
            if _label(engine, image, CONTEXT_LABEL) != digest:
                found[image] = "build"
        elif not is_here(engine, locked.get(image, image)):
            found[locked.get(image, image)] = "pull"
    return found


def is_here(engine: Engine, image: str) -> bool:
    """Whether the engine has the image."""
    return _label(engine, image, "") is not None


def pull_image(engine: Engine, image: str, progress: Progress) -> None:
    """Pull one image. Raises UnavailableError with the registry's reason."""
    progress.note(f"pulling {image}")
    done = subprocess.run(
        engine.command("pull", "--quiet", image),
        capture_output=True,
        text=True,
        check=False,
        timeout=_BUILD_S,
        env=engine.environment(),
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["unknown"])[-1]
        raise UnavailableError(
            f"the image {image} cannot be pulled: {reason.removeprefix('Error response from daemon: ')}",
            remedy="check the network, or name a mirror's copy under images.references in stack.yaml",
        )


def build_image(engine: Engine, image: str, progress: Progress) -> None:
    """Build our image unless the very same context was built before. Raises StartError with the end of the output."""
    with tempfile.TemporaryDirectory(prefix="stackctl-build-") as name:
        directory = Path(name) / "context"
        digest = write_context(directory)
        if _label(engine, image, CONTEXT_LABEL) == digest:
            return
        progress.note(f"building {image} (a minute or two the first time)")
        arguments = [word for pair in build_arguments().items() for word in ("--build-arg", "=".join(pair))]
        done = subprocess.run(
            engine.command("build", "--label", f"{CONTEXT_LABEL}={digest}", "-t", image, *arguments, str(directory)),
            capture_output=True,
            text=True,
            check=False,
            timeout=_BUILD_S,
            env=engine.environment(_builder(engine)),
        )
    if done.returncode:
        lines = (done.stdout + done.stderr).splitlines()
        raise StartError(
            f"the image {image} cannot be built",
            remedy="see the output below; without a package index, name a directory of wheels in STACKCTL_WHEELS",
            details=[line for line in lines if line.strip()][-12:],
        )


def _builder(engine: Engine) -> dict[str, str]:
    """BuildKit where its plugin is installed, the classic builder otherwise."""
    asked = subprocess.run(engine.command("buildx", "version"), capture_output=True, check=False, timeout=20)
    return {} if asked.returncode == 0 else {"DOCKER_BUILDKIT": "0"}


def _label(engine: Engine, image: str, label: str) -> str | None:
    """The value of an image's label, empty if it has none; None if there is no such image."""
    try:
        return str((engine.client.images.get(image).labels or {}).get(label, ""))
    except ImageNotFound:
        return None
    except DockerException as error:
        raise UnavailableError(f"the Docker engine does not answer: {error}", remedy="see `docker info`") from error

"""The build context of our own image: the installed package, its exact dependencies and the Dockerfile."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import stackctl
from stackctl.errors import UsageError
from stackctl.resources import data_dir

_PACKAGE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_DATA = ("templates", "dashboards", "alerts")


def requirements() -> str:
    """The run-time dependencies at the versions that are installed here, so that what was tested is what runs."""
    pinned: dict[str, str] = {}
    waiting = ["stackctl"]
    while waiting:
        try:
            found = distribution(waiting.pop())
        except PackageNotFoundError:
            continue  # only wanted on another platform
        name = _normal(found.metadata["Name"])
        if name in pinned:
            continue
        pinned[name] = found.version
        wanted = [each for each in found.requires or () if "extra ==" not in each.replace("extra==", "extra ==")]
        waiting += [match.group() for match in map(_PACKAGE_NAME.match, wanted) if match]
    del pinned["stackctl"]
    return "".join(f"{name}=={version}\n" for name, version in sorted(pinned.items()))


def write_context(directory: Path) -> str:
    """Fill `directory` with everything `docker build` needs; returns the SHA-256 over it.

    `STACKCTL_WHEELS` may name a directory of wheels, for machines that reach no package index.
    """
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copy(data_dir("templates") / "compose" / "Dockerfile", directory / "Dockerfile")
    (directory / "requirements.txt").write_text(requirements(), encoding="utf-8")
    _copy_packages(directory / "app")
    wheels = directory / "wheels"
    wheels.mkdir()
    (wheels / ".keep").touch()
    for wheel in _offline_wheels():
        shutil.copy(wheel, wheels)
    return context_digest(directory)


def context_digest(directory: Path) -> str:
    """One hash over names and contents, whatever the times and modes of the files."""
    digest = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(directory)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def build_arguments() -> dict[str, str]:
    """`STACKCTL_PYTHON_IMAGE` replaces the base image; with wheels at hand no index is asked.

    SOURCE_DATE_EPOCH is given always: BuildKit dates the image itself by it only then. The classic builder knows
    no such date, so there the layers are the same from build to build, and the image's id is not.
    """
    arguments = {"SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH", "0")}
    if image := os.environ.get("STACKCTL_PYTHON_IMAGE"):
        arguments["PYTHON_IMAGE"] = image
    if _offline_wheels():
        arguments["PIP_ARGUMENTS"] = "--no-index"
    return arguments


def _copy_packages(app: Path) -> None:
    root = Path(stackctl.__file__).parent
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc", "_data")
    for package in (root, root.parent / "gateway"):
        shutil.copytree(package, app / package.name, ignore=ignore)
    # What compiled modules share, if this installation has some.
    for shared in root.parent.glob("gateway__mypyc.*"):
        shutil.copy(shared, app)
    for name in _DATA:
        shutil.copytree(data_dir(name), app / "stackctl" / "_data" / name, ignore=ignore)
    _same_modes(app)


def _same_modes(app: Path) -> None:
    """A narrow umask here must not make files that the container's user cannot read."""
    for path in app.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _offline_wheels() -> list[Path]:
    chosen = os.environ.get("STACKCTL_WHEELS")
    if not chosen:
        return []
    found = sorted(Path(chosen).glob("*.whl"))
    if not found:
        raise UsageError(f"STACKCTL_WHEELS names {chosen}, which holds no wheels", remedy="fill it with `pip wheel`")
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

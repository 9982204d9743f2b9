"""The real Prometheus and Alertmanager for tests, or a loud reason why a test cannot run."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import pytest

from stackctl.errors import ToolMissingError
from stackctl.runtime import find_tool, parts_dir

if TYPE_CHECKING:
    from pathlib import Path

NEWER = ("prometheus", "promtool", "prometheus-alertmanager")


@dataclass(frozen=True)
class RealParts:
    """The executables of one line of versions."""

    prometheus: Path
    promtool: Path
    alertmanager: Path
    amtool: Path

    def environment(self) -> dict[str, str]:
        """What makes stackctl use these."""
        return {f"STACKCTL_{name.upper()}": str(path) for name, path in vars(self).items()}


def stable_parts() -> RealParts:
    """What `stackctl` itself would find. Skips the test if that is nothing; under CI it fails."""
    names = ("prometheus", "promtool", "alertmanager", "amtool")
    try:
        return RealParts(**{name: find_tool(name).path for name in names})
    except ToolMissingError as error:
        absent(f"{error.message}: run scripts/parts stable")


def newer_parts() -> RealParts:
    """Prometheus 3.x and a current Alertmanager, as scripts/parts newer unpacks them."""
    prometheus, promtool, alertmanager = (parts_dir() / "newer" / package / "usr" / "bin" for package in NEWER)
    found = RealParts(
        prometheus / "prometheus", promtool / "promtool", alertmanager / NEWER[2], alertmanager / "amtool"
    )
    missing = [str(path) for path in vars(found).values() if not os.access(path, os.X_OK)]
    if missing:
        absent(f"{missing[0]} is missing: run scripts/parts newer")
    return found


def cosign_part(generation: int) -> Path:
    """cosign 2.x or 3.x, as scripts/parts cosign unpacks them side by side."""
    return _unpacked({2: "trixie/cosign", 3: "newer/cosign"}[generation], "cosign")


def registry_part() -> Path:
    """Debian's docker-registry."""
    return _unpacked("docker-registry", "docker-registry")


def tool(name: str) -> str:
    """A common program, by its name: this machine's, or what scripts/parts tools unpacked (see conftest.py)."""
    require(shutil.which(name) is not None, f"{name} is missing: run scripts/parts tools")
    return name


def _unpacked(package: str, executable: str) -> Path:
    found = parts_dir() / package / "usr" / "bin" / executable
    if not os.access(found, os.X_OK):
        absent(f"{found} is missing: run scripts/parts cosign")
    return found


def require(present: bool, reason: str) -> None:
    """Skip the test loudly without something real; under CI fail."""
    if not present:
        absent(reason)


def absent(reason: str) -> NoReturn:
    """Skip the test loudly; under CI fail it."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"A REAL PART IS ABSENT: {reason}", pytrace=False)
    pytest.skip(f"A REAL PART IS ABSENT, so nothing was tested here: {reason}")


__all__ = ["RealParts", "absent", "cosign_part", "newer_parts", "registry_part", "require", "stable_parts", "tool"]


def libraries() -> list[Path]:
    """Directories of the shared libraries that scripts/parts unpacked."""
    return sorted(parts_dir().glob("*/usr/lib/*-linux-gnu"))

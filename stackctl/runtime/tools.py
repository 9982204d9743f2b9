"""Find the executables a local stack is made of."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from stackctl.errors import ToolMissingError

_EXECUTABLES = {
    "prometheus": ("prometheus",),
    "promtool": ("promtool",),
    "alertmanager": ("prometheus-alertmanager", "alertmanager"),  # Debian's name, upstream's name
    "amtool": ("amtool",),
    "litellm": ("litellm",),
}
_PACKAGES = ("prometheus", "promtool", "prometheus-alertmanager")
_VERSION = re.compile(r"version (\d+\.\d+\.\d+\S*)")
_LITELLM_REMEDY = "pip install 'litellm[proxy]' prometheus_client, or point STACKCTL_LITELLM_COMMAND at the executable"
_REMEDY = "apt-get install prometheus prometheus-alertmanager, or run scripts/parts stable"


@dataclass(frozen=True, slots=True)
class Tool:
    """An executable that exists and says its version."""

    name: str
    path: Path
    version: str

    def as_json(self) -> dict[str, str]:
        return {"name": self.name, "path": str(self.path), "version": self.version}


def find_tool(name: str) -> Tool:
    """The tool `prometheus`, `alertmanager`, `promtool` or `amtool`, with its version.

    Raises ToolMissingError if it is nowhere or does not say a version.
    """
    path = locate_tool(name)
    return Tool(name, path, _version_of(path))


def locate_tool(name: str) -> Path:
    """Where a tool is: `$STACKCTL_<NAME>`, else PATH, else the parts directory. Raises ToolMissingError."""
    # STACKCTL_LITELLM is a directory: where `scripts/litellm` keeps its installations.
    variable = "STACKCTL_LITELLM_COMMAND" if name == "litellm" else f"STACKCTL_{name.upper()}"
    if chosen := os.environ.get(variable):
        if found := shutil.which(chosen):
            return Path(found).resolve()
        raise ToolMissingError(
            f"{variable} is {chosen}, which is not an executable", remedy=f"correct {variable} or unset it"
        )
    directories = [os.environ.get("PATH", os.defpath), *(str(path) for path in _unpacked())]
    for executable in _EXECUTABLES[name]:
        if found := shutil.which(executable, path=os.pathsep.join(directories)):
            return Path(found).resolve()
    raise ToolMissingError(f"{name} is not installed", remedy=_LITELLM_REMEDY if name == "litellm" else _REMEDY)


def parts_dir() -> Path:
    """Where scripts/parts unpacks Debian packages."""
    chosen = os.environ.get("STACKCTL_PARTS")
    return Path(chosen) if chosen else Path.home() / ".cache" / "stackctl" / "parts"


def _unpacked() -> list[Path]:
    return [parts_dir() / package / "usr" / "bin" for package in _PACKAGES]


def _version_of(path: Path) -> str:
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolMissingError(f"{path} does not run: {error}", remedy=_REMEDY) from error
    match = _VERSION.search(done.stdout + done.stderr)
    if not match:
        raise ToolMissingError(f"{path} --version names no version", remedy=_REMEDY)
    return match.group(1)

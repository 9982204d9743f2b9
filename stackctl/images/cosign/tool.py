"""Find cosign, and learn what it can do even where it does not say its version."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from stackctl.images.cosign.process import run
from stackctl.images.outcome import Outcome, Stopped

_PROBE_TIMEOUT_S = 20
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
_LOG_FIXES = {2: (2, 6, 2), 3: (3, 0, 4)}
"""GHSA-whqx-f9j3-ch6m: before these, any log entry was accepted as the signature's own."""


@dataclass(frozen=True)
class Cosign:
    """An executable, its version (None: a build that does not say) and its generation (2 or 3)."""

    path: str
    version: tuple[int, int, int] | None
    generation: int

    @property
    def title(self) -> str:
        """Such as `cosign 3.1.3`, or `cosign 2.x (a build without a version)`."""
        if self.version is None:
            return f"cosign {self.generation}.x (a build without a version)"
        return "cosign " + ".".join(map(str, self.version))

    @property
    def log_warnings(self) -> tuple[str, ...]:
        """Known defects of this version's check of the transparency log."""
        fixed = _LOG_FIXES.get(self.generation, (0, 0, 0))
        at_least = ".".join(map(str, fixed))
        if self.version is None:
            return (
                f"this cosign does not say its version: before {at_least} its log check is defective (CVE-2026-22703)",
            )
        if self.version < fixed:
            return (f"{self.title} has a defective log check (CVE-2026-22703): use {at_least} or newer",)
        return ()

    def require(self, minimum: str | None) -> None:
        """Raise Stopped(TOOL) if a policy needs a newer cosign. An unknown version counts as its generation's first."""
        if minimum is None:
            return
        needed = tuple(int(part) for part in minimum.split("."))
        if (self.version or (self.generation, 0, 0)) < needed:
            raise Stopped(
                Outcome.TOOL, f"the policy needs cosign {minimum}; {self.path} is {self.title}", how_to_get_cosign()
            )


def find_cosign() -> Cosign:
    """cosign from `$STACKCTL_COSIGN`, else PATH, else the unpacked parts (newest first); raises Stopped(TOOL)."""
    return _examined(_located())


def cosign_here() -> tuple[str | None, str]:
    """The cosign that would run, with its version and the known defects of its log check; or None, and how to get one."""
    try:
        found = find_cosign()
    except Stopped as stopped:
        return None, f"{stopped.message}: {stopped.remedy}"
    return f"{found.title} at {found.path}", "; ".join(found.log_warnings)


def how_to_get_cosign() -> str:
    """One line for people without cosign."""
    return (
        "get cosign: `apt-get install cosign` (Debian 13 or newer), `brew install cosign`, or on Debian 12 "
        "`scripts/parts cosign`, which unpacks it without installing; then put it on PATH or set STACKCTL_COSIGN"
    )


def _located() -> str:
    if chosen := os.environ.get("STACKCTL_COSIGN"):
        found = shutil.which(chosen)
        if found is None:
            raise Stopped(
                Outcome.TOOL, f"STACKCTL_COSIGN is {chosen}, which is not an executable", "correct or unset it"
            )
        return found
    parts = Path(os.environ.get("STACKCTL_PARTS") or Path.home() / ".cache" / "stackctl" / "parts")
    unpacked = [str(parts / suite / "cosign" / "usr" / "bin") for suite in ("newer", "trixie")]
    found = shutil.which("cosign", path=os.pathsep.join([os.environ.get("PATH", os.defpath), *unpacked]))
    if found is None:
        raise Stopped(Outcome.TOOL, "cosign is not installed, so nothing was verified", how_to_get_cosign())
    return found


@functools.cache
def _examined(path: str) -> Cosign:
    done = run([path, "version", "--json"], timeout_s=_PROBE_TIMEOUT_S)
    try:
        said = str(json.loads(done.out)["gitVersion"])
    except (ValueError, KeyError, TypeError):
        raise Stopped(
            Outcome.TOOL, f"{path} does not answer `version --json` as cosign does", how_to_get_cosign()
        ) from None
    match = _VERSION.fullmatch(said.partition("-")[0].partition("+")[0])
    if match:
        version = (int(match[1]), int(match[2]), int(match[3]))
        return Cosign(path, version, version[0])
    return Cosign(path, None, _generation(path))


def _generation(path: str) -> int:
    """Distributions build cosign without a version. Only 2.x documents --new-bundle-format, 3.x hides it."""
    help_text = run([path, "verify", "--help"], timeout_s=_PROBE_TIMEOUT_S)
    return 2 if "--new-bundle-format" in help_text.out + help_text.err else 3

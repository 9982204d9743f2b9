"""The Python that has the LiteLLM SDK, which is too large and too particular about versions for the project's own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

VERSION = "1.102.4"


def sdk_home() -> Path:
    """The environment that scripts/litellm makes."""
    return Path(os.environ.get("STACKCTL_LITELLM") or Path.home() / ".cache/stackctl/litellm") / VERSION


def sdk_python() -> Path:
    """Its interpreter. Skips the test if it is not there; under CI it fails."""
    python = sdk_home() / "bin" / "python"
    if os.access(python, os.X_OK):
        return python
    reason = f"THE LITELLM SDK IS ABSENT: run scripts/litellm ({python} is missing)"
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(f"{reason}, so nothing was tested here")


def sdk_packages() -> Path:
    """The directory of its packages. Skips or fails as `sdk_python` does."""
    asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
    done = subprocess.run([sdk_python(), "-c", asked], capture_output=True, text=True, check=True, timeout=60)
    return Path(done.stdout.strip())

"""The packages as a compiled wheel installs them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = Path(__file__).parents[1] / "scripts" / "compiled"


def compiled_packages() -> Path:
    """A directory for PYTHONPATH. Not optimized: that is half of the time, and means the same."""
    if shutil.which("cc") is None and not os.environ.get("CI"):
        pytest.skip("there is no C compiler: apt-get install gcc python3-dev")
    made = subprocess.run([sys.executable, _SCRIPT, "0"], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return Path(made.stdout.strip())

"""The bundled gateway as it is installed from a wheel with a compiled hot path."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.gateway_peers.tools import BenchError

_SCRIPT = Path(__file__).parents[2] / "scripts" / "compiled"


def compiled() -> Path:
    """A directory for PYTHONPATH; made once for each state of the code, in three minutes. Raises BenchError."""
    done = subprocess.run([sys.executable, str(_SCRIPT)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(done.stderr[-500:])
    return Path(done.stdout.strip())

"""The installed command line, run as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EXECUTABLE = Path(sys.executable).parent / "stackctl"


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def envelope(self) -> dict[str, Any]:
        """The JSON envelope, which must be all there is on stdout."""
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed


def stackctl(*arguments: object, timeout: float = 120, **environment: str) -> Finished:
    """Run `stackctl` off a terminal with no standard input."""
    done = subprocess.run(
        [str(EXECUTABLE), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        stdin=subprocess.DEVNULL,
        env=os.environ | environment,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Finished(done.returncode, done.stdout, done.stderr)

"""What promtool has passed before: one empty file per verdict, in the user's cache."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackctl.runtime.tools import Tool

_KEPT_S = 30 * 86400


class Passed:
    """Rules and tests that one version of promtool found in order. Failures are never remembered."""

    def __init__(self, tool: Tool) -> None:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        self._directory = cache / "stackctl" / "passed" / f"{tool.name}-{tool.version}"

    def has(self, key: str) -> bool:
        return (self._directory / key).exists()

    def add(self, keys: Iterable[str]) -> None:
        """Remember; where nothing can be written, nothing is remembered. Forgets what is a month old."""
        with contextlib.suppress(OSError):
            self._directory.mkdir(parents=True, exist_ok=True)
            for key in keys:
                (self._directory / key).touch()
            for path in self._directory.iterdir():
                if path.stat().st_mtime < time.time() - _KEPT_S:
                    path.unlink(missing_ok=True)

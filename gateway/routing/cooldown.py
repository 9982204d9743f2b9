"""Which deployments rest, shared by all processes of a gateway without a lock.

One small mapped file of float64: a store is one aligned 8-byte write, and a race costs at most one attempt more or
less. Times are those of the machine's monotonic clock, which all processes share.

A deployment rests at once after 401, 403 and 429, and after some failures in a row otherwise. When its rest is over,
one request at a time is let through to see (half open): an answer ends the matter, a failure doubles the rest.
"""

from __future__ import annotations

import mmap
import os
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from gateway.config import Config, Routing

FILE: Final = "cooldowns"
_FIELDS: Final = 4
_UNTIL: Final = 0
_FAILURES: Final = 1
_PROBE: Final = 2
_TOLD: Final = 3
_AT_ONCE: Final = frozenset({401, 403, 429})
# The request's own fault, or the client's: they say nothing about a deployment.
_SAYS_NOTHING: Final = frozenset({400, 404, 413, 422, 499})
_LONGEST_S: Final = 300.0
_PROBE_S: Final = 10.0


class Cooldowns:
    """The state of every deployment of a config."""

    def __init__(self, path: Path, deployments: Sequence[str], routing: Routing) -> None:
        self._cell = {name: number * _FIELDS for number, name in enumerate(deployments)}
        self._routing = routing
        size = max(len(deployments), 1) * _FIELDS * 8
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(file, 0, size)
            self._view: memoryview[Any] = memoryview(mmap.mmap(file, size)).cast("d")
        finally:
            os.close(file)

    def calm(self, deployment: str) -> bool:
        """Whether nothing is known against it: it does not rest and its last attempt did not fail."""
        cell, view = self._cell[deployment], self._view
        return bool(view[cell + _FAILURES] == 0.0 and view[cell + _UNTIL] == 0.0)

    def resting(self, deployment: str) -> bool:
        """Whether requests should go elsewhere now."""
        cell, view = self._cell[deployment], self._view
        if view[cell + _UNTIL] == 0.0:
            return False
        now = time.monotonic()
        return bool(now < view[cell + _UNTIL] or now < view[cell + _PROBE])

    def told_to_wait(self, deployment: str) -> float:
        """Seconds for which the provider itself asked to be left alone; 0 when it may be tried."""
        cell = self._cell[deployment]
        if not self._view[cell + _TOLD]:
            return 0.0
        return max(float(self._view[cell + _UNTIL]) - time.monotonic(), 0.0)

    def seconds_left(self, deployment: str) -> float:
        """How long the rest still is; 0 without one."""
        return max(float(self._view[self._cell[deployment] + _UNTIL]) - time.monotonic(), 0.0)

    def begin(self, deployment: str) -> None:
        """An attempt goes out: after a rest it is the one that tries."""
        cell, view = self._cell[deployment], self._view
        if view[cell + _UNTIL]:
            view[cell + _PROBE] = time.monotonic() + _PROBE_S

    def succeeded(self, deployment: str) -> None:
        """It answered."""
        cell, view = self._cell[deployment], self._view
        if view[cell + _FAILURES] or view[cell + _UNTIL]:
            view[cell + _FAILURES] = view[cell + _UNTIL] = view[cell + _PROBE] = view[cell + _TOLD] = 0.0

    def failed(self, deployment: str, status: int, retry_after_s: float | None) -> None:
        """It failed with this status."""
        cell, view = self._cell[deployment], self._view
        view[cell + _PROBE] = 0.0
        if status in _SAYS_NOTHING:
            return
        failures = view[cell + _FAILURES] = view[cell + _FAILURES] + 1.0
        first = 1.0 if status in _AT_ONCE else float(self._routing.allowed_failures)
        if failures < first:
            return
        rest = self._routing.cooldown_s * 2.0 ** min(failures - first, 10.0) * random.uniform(1.0, 1.2)  # noqa: S311
        told = retry_after_s is not None and status in (429, 503)
        if retry_after_s is not None and told:
            rest = retry_after_s
        view[cell + _TOLD] = float(told)
        view[cell + _UNTIL] = time.monotonic() + min(rest, _LONGEST_S)


def cooldowns_of(config: Config, run: Path) -> Cooldowns:
    """The one file that all processes of a gateway share; its master removes it before it starts them."""
    return Cooldowns(run / FILE, [d.id for model in config.models for d in model.deployments], config.routing)

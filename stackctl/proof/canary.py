"""The canary: a team and a key of its own for each test, recorded on disk before they are made.

A record is a file that the running proof holds locked. A record nobody holds belongs to a proof that was killed: its
team and key are leftovers.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from stackctl.client import GatewayClient
from stackctl.errors import StackctlError, UnavailableError
from stackctl.spec.model import CANARY_MODEL, TEST_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RECORDS = "running"


@dataclass(frozen=True)
class KeySettings:
    """What the canary's key may do: `max_budget` in USD, `rpm_limit` in requests per minute."""

    max_budget: float | None = None
    rpm_limit: int | None = None


@dataclass
class Canary:
    """A team and a key named `stackctl-test-<label>`; leaving the context removes both, whatever happened."""

    gateway: GatewayClient
    records: Path
    label: str
    settings: KeySettings
    key: str = field(default="", repr=False)
    _record: int | None = None

    @property
    def name(self) -> str:
        return TEST_PREFIX + self.label

    def __enter__(self) -> Self:
        """Raises StackctlError or UnavailableError if the gateway does not make them."""
        self._record = _write_record(self.records / f"{self.label}.json", self.name, self.gateway.url)
        try:
            self.gateway.new_team(self.name, team_id=self.name)
            self.key = self.gateway.generate_key(
                self.name,
                team_id=self.name,
                models=[CANARY_MODEL],
                max_budget=self.settings.max_budget,
                rpm_limit=self.settings.rpm_limit,
            ).key
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self.remove()

    @property
    def removed(self) -> bool:
        return self._record is None

    def remove(self) -> bool:
        """Delete key and team; False if the gateway did not do it, in which case the record stays for the next run."""
        if self._record is None:
            return True
        gone = remove_by_name(self.gateway, self.name)
        if gone:
            (self.records / f"{self.label}.json").unlink(missing_ok=True)
            os.close(self._record)
            self._record = None
        return gone


def remove_by_name(gateway: GatewayClient, name: str) -> bool:
    """Delete the key and the team of one test; False if the gateway could not be asked. What is gone is gone."""
    try:
        _ignore_refusal(lambda: gateway.delete_keys(aliases=[name]))
        _ignore_refusal(lambda: gateway.delete_teams([name]))
    except UnavailableError:
        return False
    return name not in _names(gateway)


def _ignore_refusal(call: Callable[[], None]) -> None:
    """A key that never came to be is refused with 4xx, which is as good as deleted."""
    try:
        call()
    except UnavailableError:
        raise
    except StackctlError:
        return


def _names(gateway: GatewayClient) -> set[str]:
    """Who is still there, as far as this gateway tells."""
    try:
        return {team.alias for team in gateway.list_teams()} | {key.alias for key in gateway.list_keys()}
    except StackctlError:
        return set()


def _write_record(path: Path, name: str, gateway: str) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    os.write(handle, json.dumps({"name": name, "gateway": gateway, "started": time.time()}).encode())
    return handle

"""What killed proofs left behind in the gateway, and its removal."""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING

from stackctl.client import GatewayClient
from stackctl.errors import StackctlError
from stackctl.proof.canary import RECORDS, remove_by_name
from stackctl.spec.model import TEST_PREFIX

if TYPE_CHECKING:
    from pathlib import Path

    from stackctl.proof.endpoints import Endpoints

_OLD_S = 3600.0


def cleanup_leftovers(endpoints: Endpoints, proofs: Path) -> list[str]:
    """Remove the canaries of proofs that were killed; returns their names.

    A canary recorded here is a leftover as soon as no process holds its record. One made from elsewhere cannot be told
    from a running proof, so it is removed when it is older than an hour. Never raises: a proof is possible beside
    leftovers.
    """
    with GatewayClient(endpoints.administered_at, endpoints.master_key) as gateway:
        removed = _recorded(gateway, proofs / RECORDS)
        return removed + _unrecorded(gateway, proofs / RECORDS)


def _recorded(gateway: GatewayClient, records: Path) -> list[str]:
    removed: list[str] = []
    for path in sorted(records.glob("*.json")):
        name = TEST_PREFIX + path.stem
        if _abandoned(path) and remove_by_name(gateway, name):
            path.unlink(missing_ok=True)
            removed.append(name)
    return removed


def _unrecorded(gateway: GatewayClient, records: Path) -> list[str]:
    try:
        teams = [team for team in gateway.list_teams() if team.alias.startswith(TEST_PREFIX)]
    except StackctlError:
        return []  # this gateway does not list its teams
    here = {TEST_PREFIX + path.stem for path in records.glob("*.json")}
    old = [
        team
        for team in teams
        if team.alias not in here and team.created and time.time() - team.created.timestamp() > _OLD_S
    ]
    return [team.alias for team in old if remove_by_name(gateway, team.alias)]


def _abandoned(path: Path) -> bool:
    """Whether no process holds the record; the kernel lets go of a lock when its holder dies."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True

"""Which gateway to talk to: the stack's own, or any other by URL."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from stackctl.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from stackctl.client import GatewayClient

MASTER_KEY_VARIABLE = "STACKCTL_MASTER_KEY"


def connect(directory: Path, url: str = "") -> GatewayClient:
    """A client of the stack's gateway, or of the one at `url` with the master key from the environment.

    The key of a foreign gateway comes from the environment only: an option would show in the process list. Raises
    UsageError if there is no key, SpecError or UsageError if the stack's spec cannot be read.
    """
    from stackctl.client import GatewayClient
    from stackctl.proof.of_stack import endpoints_of
    from stackctl.spec import load_spec
    from stackctl.stack import StackDir

    if url:
        key = os.environ.get(MASTER_KEY_VARIABLE, "")
        if not key:
            raise UsageError(f"{MASTER_KEY_VARIABLE} is not set", remedy=f"export {MASTER_KEY_VARIABLE}=sk-…")
        return GatewayClient(url, key, acting_for=_user())
    stack = StackDir(directory.resolve())
    endpoints = endpoints_of(stack, load_spec(stack.spec).spec)
    return GatewayClient(endpoints.administered_at, endpoints.master_key, acting_for=_user())


def _user() -> str:
    """This machine's user, for the gateway's log of changes."""
    import getpass

    try:
        return getpass.getuser().encode("ascii", "replace").decode()[:200]
    except (KeyError, OSError):
        return ""

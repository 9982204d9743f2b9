"""Container images: signatures, signing policies, the digest lock.

The exports are imported when they are first used: httpx and cryptography cost more than a quick command takes.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackctl.images.cosign.tool import how_to_get_cosign
    from stackctl.images.lock import Lock, load_lock, pin
    from stackctl.images.of_stack import pinned_references, require_verified_images, verify_stack_images
    from stackctl.images.outcome import Outcome
    from stackctl.images.report import ImageReport

__all__ = [
    "ImageReport",
    "Lock",
    "Outcome",
    "how_to_get_cosign",
    "load_lock",
    "pin",
    "pinned_references",
    "require_verified_images",
    "verify_stack_images",
]

_HOMES = {
    "ImageReport": "report",
    "Lock": "lock",
    "Outcome": "outcome",
    "how_to_get_cosign": "cosign.tool",
    "load_lock": "lock",
    "pin": "lock",
    "pinned_references": "of_stack",
    "require_verified_images": "of_stack",
    "verify_stack_images": "of_stack",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)

"""stack.lock: which digest each image was verified at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from stackctl.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def locked_images(lock: Path) -> dict[str, str]:
    """name:tag → `sha256:…`; empty without a lock. Raises UsageError if the file is not one."""
    if not lock.exists():
        return {}
    try:
        data: Any = yaml.safe_load(lock.read_text(encoding="utf-8")) or {}
        entries = data["images"]
        return {str(image): str(entry["digest"]) for image, entry in entries.items()}
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{lock} is not a lock file", remedy="remove it, and run `stackctl verify-image` again"
        ) from error

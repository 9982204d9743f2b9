"""The user's own dashboards and rules, which lie beside the spec and go into the bundle with stackctl's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackctl.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_PATTERNS = ("dashboards/*.json", "rules/*.yml", "rules/*.yaml")


@dataclass(frozen=True)
class OwnFile:
    """A file of the stack directory: `path` is relative to it, `shown` is how messages name it."""

    path: str
    shown: str
    text: str


def read_own_files(root: Path) -> tuple[OwnFile, ...]:
    """Every `dashboards/*.json` and `rules/*.yml` of a stack directory, ordered by path.

    Raises UsageError for one that cannot be read as text.
    """
    found = sorted(file for pattern in _PATTERNS for file in root.glob(pattern))
    return tuple(OwnFile(file.relative_to(root).as_posix(), str(file), _text(file)) for file in found)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}", remedy="make it a readable UTF-8 file") from error

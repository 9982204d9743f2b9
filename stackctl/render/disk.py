"""A bundle on disk: what differs, what was edited by hand, and writing it without ever leaving it half done."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from stackctl.errors import HandEditedError, UsageError
from stackctl.render.bundle import MANIFEST, Bundle

if TYPE_CHECKING:
    from collections.abc import Iterable


class Change(StrEnum):
    """What writing would do to a file."""

    NEW = "new"
    CHANGED = "changed"
    REMOVED = "removed"
    HAND_EDITED = "hand-edited"


@dataclass(frozen=True)
class Drift:
    """One file that is not what the spec renders to."""

    path: str
    change: Change


def drift(bundle: Bundle, directory: Path) -> list[Drift]:
    """The files in which `directory` differs from `bundle`, ordered by path; empty when it is up to date."""
    written = _written(directory)
    found: list[Drift] = []
    for path in sorted(bundle.files.keys() | written.keys()):
        present, wanted = _read(directory / path), bundle.files.get(path)
        if present == wanted:
            continue
        if present is None:
            found.append(Drift(path, Change.NEW))
        elif path in written and _sha256(present) != written[path]:
            found.append(Drift(path, Change.HAND_EDITED))
        elif wanted is None:
            found.append(Drift(path, Change.REMOVED))
        else:
            found.append(Drift(path, Change.CHANGED if path in written or path == MANIFEST else Change.HAND_EDITED))
    return found


def unified_diff(bundle: Bundle, directory: Path, changes: Iterable[Drift]) -> str:
    """The changes as a unified diff from what is on disk to what the spec renders to."""
    lines: list[str] = []
    for item in changes:
        old = (_read(directory / item.path) or b"").decode("utf-8", "replace")
        new = bundle.files.get(item.path, b"").decode()
        lines += difflib.unified_diff(
            old.splitlines(keepends=True), new.splitlines(keepends=True), f"on disk/{item.path}", f"spec/{item.path}"
        )
    return "".join(lines)


def write(bundle: Bundle, directory: Path, *, force: bool = False) -> list[Drift]:
    """Make `directory` hold exactly `bundle`; returns what changed.

    Every new text is on disk before the first file is replaced, so a full disk changes nothing. Raises
    HandEditedError, before anything is written, if a rendered file was edited by hand and `force` is not
    given; UsageError if the directory cannot be written.
    """
    changes = drift(bundle, directory)
    edited = [item.path for item in changes if item.change is Change.HAND_EDITED]
    if edited and not force:
        raise HandEditedError(
            f"edited by hand since it was rendered: {', '.join(str(directory / path) for path in edited)}",
            remedy="move the change into stack.yaml, or give --force to overwrite (see it with --diff)",
        )
    try:
        _replace(bundle, directory, changes)
    except OSError as error:
        raise UsageError(
            f"{error.filename or directory} cannot be written: {(error.strerror or str(error)).lower()}",
            remedy="nothing was changed; make room or make the directory writable",
        ) from error
    return changes


def _replace(bundle: Bundle, directory: Path, changes: list[Drift]) -> None:
    staged: list[tuple[Path, Path]] = []
    try:
        for item in changes:
            if item.path in bundle.files:
                staged.append(_stage(directory / item.path, bundle.files[item.path]))  # noqa: PERF401 kept for clean-up
        # The manifest goes last: until then a file is either as the old manifest says or as the spec renders it.
        for temporary, target in sorted(staged, key=lambda pair: pair[1].name == MANIFEST):
            temporary.replace(target)
    finally:
        for temporary, _ in staged:
            temporary.unlink(missing_ok=True)
    for item in changes:
        if item.path not in bundle.files:
            (directory / item.path).unlink(missing_ok=True)


def _stage(target: Path, content: bytes) -> tuple[Path, Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary, target


def _written(directory: Path) -> dict[str, str]:
    """Path → SHA-256 of what the last render wrote, from the manifest; empty if there is none."""
    content = _read(directory / MANIFEST)
    try:
        files = json.loads(content or b"{}").get("files", {})
    except (ValueError, AttributeError):
        return {}
    return {str(path): str(digest) for path, digest in files.items()} if isinstance(files, dict) else {}


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

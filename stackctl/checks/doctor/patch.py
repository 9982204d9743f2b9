"""Edits as one unified diff that `patch -p1` or `git apply` takes."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackctl.checks.doctor.finding import Edit


def patch_of(edits: Iterable[Edit]) -> str:
    """The diff of all edits, file by file; empty if there is nothing to change."""
    by_file: dict[str, list[Edit]] = {}
    for edit in dict.fromkeys(edits):
        by_file.setdefault(edit.file, []).append(edit)
    return "".join(_diff(file, own) for file, own in sorted(by_file.items()))


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """`text` with the edits made, the lowest line first so that the others keep their numbers."""
    lines = text.splitlines(keepends=True)
    for edit in sorted(edits, key=lambda edit: edit.line, reverse=True):
        index = edit.line - 1
        if edit.old:
            lines[index] = lines[index].replace(edit.old, edit.new, 1)
        else:
            lines[index] = lines[index].rstrip("\n") + "\n" + edit.new.rstrip("\n") + "\n"
    return "".join(lines)


def _diff(file: str, edits: list[Edit]) -> str:
    before = Path(file).read_text(encoding="utf-8")
    after = apply_edits(before, edits)
    name = file.lstrip("/")
    return "".join(
        difflib.unified_diff(
            before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{name}", f"b/{name}"
        )
    )

"""Numbered SQL files, one directory per kind of database; a file is never changed after its release."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def steps(kind: str) -> list[tuple[int, str, str]]:
    """(number, name, SQL) of every step of `sqlite` or `postgres`, in order."""
    files = sorted((_HERE / kind).glob("[0-9]*.sql"))
    return [(int(f.name.partition("-")[0]), f.stem, f.read_text(encoding="utf-8")) for f in files]


def missing(kind: str, applied: set[int]) -> list[tuple[int, str, str]]:
    """The steps to take. Raises ValueError when the database is newer than this program."""
    known = steps(kind)
    if newer := applied - {number for number, _, _ in known}:
        raise ValueError(f"the database has schema step {max(newer)}, which this version does not know; upgrade it")
    return [step for step in known if step[0] not in applied]

"""What to write instead of a name that does not exist: known inventions first, else the most similar name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from stackctl.yaml_data import load_yaml

if TYPE_CHECKING:
    from collections.abc import Collection

    from stackctl.checks.subject import Subject


@dataclass(frozen=True)
class Invention:
    """A name that guides print, and the real series with the same meaning, best first."""

    name: str
    instead: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Rewrite:
    """A whole expression for a combination of invented names."""

    names: frozenset[str]
    expr: str
    note: str


@cache
def _data() -> tuple[dict[str, Invention], tuple[Rewrite, ...]]:
    raw = load_yaml((files(__package__) / "replacements.yaml").read_text(encoding="utf-8"))
    inventions = {
        entry["name"]: Invention(entry["name"], tuple(entry.get("instead", ())), entry.get("note", ""))
        for entry in raw["names"]
    }
    rewrites = tuple(Rewrite(frozenset(e["names"]), e["expr"].strip(), e.get("note", "")) for e in raw["expressions"])
    return inventions, rewrites


def inventions() -> dict[str, Invention]:
    """All known inventions by name."""
    return _data()[0]


def rewrites() -> tuple[Rewrite, ...]:
    """All known rewrites."""
    return _data()[1]


def advice_for(name: str, subject: Subject) -> str:
    """What to write instead of a series name, as far as the catalogues at hand have it."""
    known = inventions().get(name)
    if known is not None:
        present = [item for item in known.instead if item in subject.series]
        parts = [f"use {' and '.join(present)}"] if present else []
        return "; ".join([*parts, *([known.note] if known.note else [])])
    near = subject.names.nearest(name)
    return f"did you mean {near}?" if near else "name a series that a catalogue has"


def rewrite_for(names: Collection[str]) -> str:
    """A whole expression to use for one that stands on these invented names; "" if there is none."""
    for rewrite in rewrites():
        if rewrite.names == frozenset(names):
            note = f" ({rewrite.note})" if rewrite.note else ""
            return f"write: {' '.join(rewrite.expr.split())}{note}"
    return ""

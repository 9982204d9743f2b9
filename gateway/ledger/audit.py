"""Who changed which key, team or user, and when; and what the database holds at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

FIELDS = ("at", "actor", "action", "kind", "identity", "alias", "before", "after")


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `before` and `after` hold the fields that differ; a key is named by its hash."""

    at: float
    actor: str
    action: str
    kind: str
    identity: str
    alias: str
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    def values(self) -> tuple[Any, ...]:
        """In the order of `FIELDS`."""
        plain = (self.at, self.actor, self.action, self.kind, self.identity, self.alias)
        return (*plain, orjson.dumps(self.before).decode(), orjson.dumps(self.after).decode())


def changes_of(rows: Iterable[Any]) -> list[tuple[int, Change]]:
    """Database rows (id, then `FIELDS`) as changes with their numbers."""
    found = []
    for row in rows:
        number, at, actor, action, kind, identity, alias, before, after = row
        change = Change(at, actor, action, kind, identity, alias, orjson.loads(before), orjson.loads(after))
        found.append((number, change))
    return found


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the database and its longest text, in characters; 0 for numbers."""

    table: str
    name: str
    type: str
    longest: int

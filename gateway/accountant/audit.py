"""What differs between two states of a key, team or user, and how an audit shows it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from gateway.accountant.records import KeyRecord, Record, TeamRecord, UserRecord, kind_of
from gateway.ledger.audit import Change, Column
from gateway.ledger.row import COLUMNS
from gateway.ledger.store import KEY, TEAM, USER, Store
from gateway.money import usd_from_nano

# These change by themselves or with others.
_NOT_TOLD = frozenset({"updated_at", "created_at", "own_series", "previous"})
_TABLES = {KEY: "LiteLLM_VerificationToken", TEAM: "LiteLLM_TeamTable", USER: "LiteLLM_UserTable"}
_MOST_TEXT = {"tags": 16 * 140, "metadata": 16 * 300, "attempts": 20_000}
"""The longest text that a ledger's column can hold by itself, where that is more than a name."""
_LONGEST_NAME = 320


def change_between(
    before: Record | None, after: Record | None, forgiven: int, actor: str, action: str, now: float
) -> Change | None:
    """None when nothing differs that anybody would want to know. `forgiven`: nano-USD that no longer count."""
    old, new = _told(before), _told(after)
    if forgiven:
        old["spend"], new["spend"] = forgiven, 0
    differs = {name for name in old | new if old.get(name) != new.get(name)}
    record = after or before
    if record is None or not differs:
        return None
    return Change(
        now,
        actor,
        action,
        kind_of(record),
        _identity(record),
        record.alias,
        {name: old[name] for name in sorted(differs) if name in old},
        {name: new[name] for name in sorted(differs) if name in new},
    )


async def changes_page(store: Store, page: int, size: int) -> dict[str, Any]:
    """One page in the shape of LiteLLM's /audit."""
    found, total = await store.changes_noted(size, (page - 1) * size)
    logs = [
        {
            "id": str(number),
            "updated_at": datetime.fromtimestamp(change.at, UTC).isoformat().replace("+00:00", "Z"),
            "changed_by": change.actor,
            "changed_by_api_key": "",
            "action": change.action,
            "table_name": _TABLES[change.kind],
            "object_id": change.identity,
            "object_alias": change.alias,
            "before_value": _in_usd(change.before),
            "updated_values": _in_usd(change.after),
        }
        for number, change in found
    ]
    return {"audit_logs": logs, "total": total, "page": page, "page_size": size, "total_pages": -(-total // size)}


def _in_usd(fields: dict[str, Any]) -> dict[str, Any]:
    money = ("max_budget", "soft_budget", "spend")
    return {n: usd_from_nano(v) if n in money and isinstance(v, int) else v for n, v in fields.items()}


async def storage_view(store: Store) -> dict[str, Any]:
    """Every column of the database, its longest text, and whether that is more than it could hold without content."""
    columns = [_column_view(column) for column in await store.columns()]
    return {"columns": columns, "suspicious": [c for c in columns if c["suspicious"]]}


def _column_view(column: Column) -> dict[str, Any]:
    allowed = None
    if column.table == "ledger":
        known = column.name in COLUMNS or column.name in ("id", "replica")
        allowed = _MOST_TEXT.get(column.name, _LONGEST_NAME) if known else 0
    return {
        "table": column.table,
        "column": column.name,
        "type": column.type,
        "longest_text": column.longest,
        "suspicious": allowed is not None and column.longest > allowed,
    }


def _told(record: Record | None) -> dict[str, Any]:
    if record is None:
        return {}
    return {name: value for name, value in asdict(record).items() if name not in _NOT_TOLD}


def _identity(record: Record) -> str:
    if isinstance(record, KeyRecord):
        return record.hash
    return (
        record.team_id if isinstance(record, TeamRecord) else record.user_id if isinstance(record, UserRecord) else ""
    )

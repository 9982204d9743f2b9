"""Keys, teams and ledger rows as LiteLLM's admin API shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from gateway.accountant.account import Account
from gateway.accountant.records import Key, Team
from gateway.ledger.database import Database
from gateway.money import usd_from_nano

_MOST_ROWS = 10_000


def key_view(key: Key) -> dict[str, Any]:
    """A key without its secret."""
    record = key.record
    return {
        "token": record.hash,
        "token_id": record.hash,
        "key_name": record.shown,
        "key_alias": record.alias,
        "team_id": record.team_id,
        "models": record.models,
        **_money(key.account),
        "rpm_limit": record.rpm_limit,
        "tpm_limit": record.tpm_limit,
        "max_parallel_requests": record.max_parallel_requests,
        "metadata": record.metadata,
        "blocked": record.blocked,
        "expires": _time(record.expires),
        "created_at": _time(record.created_at),
    }


def team_view(team: Team, keys: list[dict[str, Any]]) -> dict[str, Any]:
    """A team and its keys."""
    record = team.record
    return {
        "team_id": record.team_id,
        "team_alias": record.alias,
        "models": record.models,
        **_money(team.account),
        "metadata": record.metadata,
        "created_at": _time(record.created_at),
        "keys": keys,
    }


def ledger_view(database: Database, query: dict[str, Any]) -> list[dict[str, Any]]:
    """Ledger rows, newest first, filtered by request, key (hash), team and start time."""
    conditions, values = ["1"], []
    for name, column in (("request_id", "request_id"), ("api_key", "key"), ("team_id", "team_id")):
        if query.get(name):
            conditions.append(f"{column} = ?")
            values.append(query[name])
    for name, comparison in (("start_date", ">="), ("end_date", "<")):
        if query.get(name):
            conditions.append(f"started {comparison} ?")
            values.append(query[name])
    limit = min(int(query.get("limit") or _MOST_ROWS), _MOST_ROWS)
    return [_row(row) for row in database.ledger(" and ".join(conditions), values, limit)]


def _row(row: dict[str, Any]) -> dict[str, Any]:
    end = row["started"] + row["duration_ms"] / 1000
    first = None if row["ttft_ms"] is None else row["started"] + row["ttft_ms"] / 1000
    return {
        "request_id": row["request_id"],
        "call_type": "acompletion",
        "api_key": row["key"],
        "key_alias": row["alias"],
        "team_id": row["team_id"],
        "team_alias": row["team"],
        "spend": usd_from_nano(row["cost"]),
        "total_tokens": row["prompt_tokens"] + row["completion_tokens"],
        "prompt_tokens": row["prompt_tokens"],
        "completion_tokens": row["completion_tokens"],
        "startTime": _time(row["started"]),
        "endTime": _time(end),
        "completionStartTime": _time(first),
        "request_duration_ms": round(row["duration_ms"]),
        "model": row["upstream_model"],
        "model_id": row["deployment"],
        "model_group": row["model"],
        "served_model": row["served_model"],
        "custom_llm_provider": row["provider"],
        "status": "success" if row["status"] < 400 else "failure",
        "metadata": {
            "status_code": row["status"],
            "error_type": row["error_type"],
            "priced": bool(row["priced"]),
            "estimated": bool(row["estimated"]),
            "attempts": orjson.loads(row["attempts"]),
        },
    }


def _money(account: Account) -> dict[str, Any]:
    return {
        "spend": usd_from_nano(account.spent),
        "total_spend": usd_from_nano(account.total),
        "max_budget": None if account.budget is None else usd_from_nano(account.budget),
        "budget_duration": account.duration,
        "budget_reset_at": _time(account.resets_at),
    }


def _time(seconds: float | None) -> str | None:
    return None if not seconds else datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")

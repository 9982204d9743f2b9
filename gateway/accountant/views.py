"""Keys, teams, users and ledger rows as LiteLLM's admin API shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from gateway.accountant.account import Account
from gateway.accountant.records import Key, Owner, Record, TeamRecord
from gateway.ledger.store import Question, Store
from gateway.money import usd_from_nano

_EQUAL = ("request_id", "team_id", "user_id", "end_user", "model", "served_model", "provider")
_CALLS = {"chat": "acompletion", "completions": "atext_completion", "embeddings": "aembedding",
          "responses": "aresponses", "messages": "anthropic_messages"}  # fmt: skip


def key_view(key: Key) -> dict[str, Any]:
    """A key without its secret."""
    record = key.record
    return {
        "token": record.hash,
        "token_id": record.hash,
        "key_name": record.shown,
        "key_alias": record.alias,
        "team_id": record.team_id,
        "user_id": record.user_id,
        **_common(record, key.account),
        "expires": shown_time(record.expires),
    }


def owner_view(owner: Owner, keys: list[dict[str, Any]]) -> dict[str, Any]:
    """A team or a user, and its keys."""
    record = owner.record
    own: dict[str, Any]
    if isinstance(record, TeamRecord):
        own = {"team_id": record.team_id, "team_alias": record.alias}
    else:
        own = {"user_id": record.user_id, "user_alias": record.alias}
        own |= {"user_email": record.email, "user_role": record.role}
    return {**own, **_common(record, owner.account), "keys": keys}


async def ledger_page(store: Store, query: dict[str, Any]) -> dict[str, Any]:
    """Ledger rows, newest first, and how many there are."""
    equal = {name: query[name] for name in _EQUAL if query.get(name)}
    if query.get("api_key"):
        equal["key"] = query["api_key"]
    size, page = int(query["page_size"]), int(query["page"])
    tag = query.get("tag")
    question = Question(equal, query.get("start_date"), query.get("end_date"), tag, size, (page - 1) * size)
    rows, count = await store.rows(question)
    return {
        "data": [_row(row) for row in rows],
        "total": count,
        "page": page,
        "page_size": size,
        "total_pages": -(-count // size),
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    end = row["started"] + row["duration_ms"] / 1000
    first = None if row["ttft_ms"] is None else row["started"] + row["ttft_ms"] / 1000
    return {
        "request_id": row["request_id"],
        "call_type": _CALLS.get(row["kind"], row["kind"]),
        "api_key": row["key"],
        "key_alias": row["alias"],
        "team_id": row["team_id"],
        "team_alias": row["team"],
        "user": row["user_id"],
        "end_user": row["end_user"],
        "spend": usd_from_nano(row["cost"]),
        "total_tokens": row["prompt_tokens"] + row["completion_tokens"],
        "prompt_tokens": row["prompt_tokens"],
        "completion_tokens": row["completion_tokens"],
        "startTime": shown_time(row["started"]),
        "endTime": shown_time(end),
        "completionStartTime": shown_time(first),
        "request_duration_ms": round(row["duration_ms"]),
        "model": row["upstream_model"],
        "model_id": row["deployment"],
        "model_group": row["model"],
        "served_model": row["served_model"],
        "custom_llm_provider": row["provider"],
        "cache_hit": "True" if row["cache"] == "hit" else "False",
        "request_tags": orjson.loads(row["tags"]),
        "status": "success" if row["status"] < 400 else "failure",
        "metadata": {
            "status_code": row["status"],
            "error_type": row["error_type"],
            "priced": bool(row["priced"]),
            "estimated": bool(row["estimated"]),
            "stream": bool(row["stream"]),
            "cache": row["cache"],
            "cost_nano_usd": row["cost"],
            "cached_tokens": row["cached_tokens"],
            "cache_write_tokens": row["cache_write_tokens"],
            "reasoning_tokens": row["reasoning_tokens"],
            "audio_prompt_tokens": row["audio_prompt_tokens"],
            "audio_completion_tokens": row["audio_completion_tokens"],
            "attempts": orjson.loads(row["attempts"]),
            "requester_metadata": orjson.loads(row["metadata"]),
        },
    }


def _common(record: Record, account: Account) -> dict[str, Any]:
    soft = record.soft_budget
    return {
        "models": record.models,
        "spend": usd_from_nano(account.spent),
        "total_spend": usd_from_nano(account.total),
        "max_budget": None if account.budget is None else usd_from_nano(account.budget),
        "soft_budget": None if soft is None else usd_from_nano(soft),
        "soft_budget_exceeded": soft is not None and account.spent >= soft,
        "budget_duration": record.budget_duration,
        "budget_reset_at": shown_time(account.resets_at),
        "rpm_limit": record.rpm_limit,
        "tpm_limit": record.tpm_limit,
        "max_parallel_requests": record.max_parallel_requests,
        "tags": record.tags,
        "metadata": record.metadata,
        "blocked": record.blocked,
        "created_at": shown_time(record.created_at),
        "updated_at": shown_time(record.updated_at),
    }


def shown_time(seconds: float | None) -> str | None:
    """ISO 8601 in UTC, or None."""
    return None if not seconds else datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")

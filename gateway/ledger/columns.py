"""Which fields of a row the ledger's table has, and how they are written."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import orjson

from gateway.ledger.row import Row

PLAIN = (
    "request_id", "started", "key", "alias", "team_id", "team", "user_id", "end_user", "kind",
    "model", "served_model", "deployment", "provider", "upstream_model",
    "prompt_tokens", "cached_tokens", "cache_write_tokens", "audio_prompt_tokens",
    "completion_tokens", "reasoning_tokens", "audio_completion_tokens",
    "cost", "priced", "estimated", "cache", "status", "error_type", "stream", "ttft_ms", "duration_ms",
)  # fmt: skip
AS_JSON = ("attempts", "tags", "metadata")
COLUMNS = PLAIN + AS_JSON
_plain = attrgetter(*PLAIN)


def values(row: Row) -> tuple[Any, ...]:
    """A row's values in the order of `COLUMNS`."""
    tags = orjson.dumps(row.tags).decode() if row.tags else "[]"
    metadata = orjson.dumps(row.metadata).decode() if row.metadata else "{}"
    return (*_plain(row), orjson.dumps(row.attempts).decode(), tags, metadata)

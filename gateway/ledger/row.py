"""One request of a known key, as the ledger keeps it. Never any content of prompt or answer."""

from __future__ import annotations

from typing import Any, NamedTuple

# A row as it is read from a spool: the values of `Row`'s fields in their order.
Values = list[Any]


class Row(NamedTuple):
    """Times in seconds since the epoch, durations in milliseconds, money in nano-USD, yes and no as 1 and 0.

    `cached_tokens`, `cache_write_tokens` and `audio_prompt_tokens` are part of `prompt_tokens`;
    `reasoning_tokens` and `audio_completion_tokens` of `completion_tokens`. `cache` is `hit`, `miss` or
    empty when the cache was not asked. `attempts` (lists of deployment, provider and status), `tags` and `metadata`
    are JSON. The last four fields are for the accountant, not for the ledger: how much of the held money is given back,
    whether one of the key's parallel requests is, and how many tokens were reserved in which minute.
    """

    request_id: str
    started: float
    key: str
    alias: str
    team_id: str
    team: str
    model: str
    user_id: str = ""
    end_user: str = ""
    kind: str = "chat"
    served_model: str = ""
    deployment: str = ""
    provider: str = ""
    upstream_model: str = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    audio_prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    audio_completion_tokens: int = 0
    cost: int = 0
    cache: str = ""
    status: int = 0
    error_type: str = ""
    ttft_ms: float | None = None
    duration_ms: float = 0.0
    priced: int = 1
    estimated: int = 0
    stream: int = 0
    attempts: str = "[]"
    tags: str = "[]"
    metadata: str = "{}"
    released: int = 0
    slot: int = 0
    reserved_tokens: int = 0
    minute: int = 0


# The ledger's columns, in the order of the fields: what is written of a row is its beginning.
COLUMNS = Row._fields[: Row._fields.index("released")]
FLAGS = ("priced", "estimated", "stream")

"""One request of a known key, as the ledger keeps it. Never any content of prompt or answer."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Row:
    """Times in seconds since the epoch, durations in milliseconds, money in nano-USD.

    `released` is how much of the money that the accountant holds for this worker and key the row gives
    back (see gateway.limits); `slot` says that it also gives back one of the key's parallel requests.
    """

    request_id: str
    started: float
    key: str
    alias: str
    team_id: str
    team: str
    model: str
    served_model: str = ""
    deployment: str = ""
    provider: str = ""
    upstream_model: str = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost: int = 0
    priced: bool = True
    estimated: bool = False
    status: int = 0
    error_type: str = ""
    stream: bool = False
    ttft_ms: float | None = None
    duration_ms: float = 0.0
    attempts: list[tuple[str, str, int]] = field(default_factory=list)
    released: int = 0
    slot: bool = False

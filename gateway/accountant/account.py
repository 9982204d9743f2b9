"""What is spent and held of one budget, and how many requests a minute has seen."""

from __future__ import annotations

from dataclasses import dataclass

from gateway import period


@dataclass(slots=True)
class Account:
    """Money of one key or one team in nano-USD. `held` is promised to workers, not spent yet."""

    table: str
    identity: str
    budget: int | None
    duration: str | None
    window_start: float
    spent: int = 0
    total: int = 0
    held: int = 0

    @property
    def free(self) -> int | None:
        """What may still be promised; None without a budget."""
        return None if self.budget is None else self.budget - self.spent - self.held

    @property
    def resets_at(self) -> float | None:
        """When the period ends; None when the budget is for ever."""
        return self.window_start + period.seconds(self.duration) if self.duration else None

    def charge(self, cost: int, at: float) -> None:
        """Count a cost; one of an earlier period counts for the total only."""
        self.total += cost
        if at >= self.window_start:
            self.spent += cost

    def roll(self, now: float) -> int:
        """Start the period that `now` is in. Returns how many ended."""
        if self.duration is None:
            return 0
        ended = int((now - self.window_start) // period.seconds(self.duration))
        if ended > 0:
            self.window_start += ended * period.seconds(self.duration)
            self.spent = 0
        return max(ended, 0)


@dataclass(slots=True)
class Minute:
    """Requests and tokens of the current calendar minute of a key or a deployment."""

    rpm: int | None
    tpm: int | None
    number: int = 0
    requests: int = 0
    tokens: int = 0

    def refusal(self, now: float) -> str:
        """Which limit refuses another request now: `requests`, `tokens` or empty."""
        self._turn(now)
        if self.rpm is not None and self.requests >= self.rpm:
            return "requests"
        if self.tpm is not None and self.tokens >= self.tpm:
            return "tokens"
        return ""

    def remaining(self, now: float) -> int | None:
        """Requests left in this minute; None without a limit."""
        self._turn(now)
        return None if self.rpm is None else max(self.rpm - self.requests, 0)

    def give_back(self, turns: int, now: float) -> None:
        """Turns of this minute that a worker did not use."""
        self._turn(now)
        self.requests = max(self.requests - turns, 0)

    def count_tokens(self, tokens: int, at: float) -> None:
        """Tokens of a request that started at `at`; an earlier minute's are of no use any more."""
        if int(at // 60) >= self.number:
            self._turn(at)
            self.tokens += tokens

    def _turn(self, now: float) -> None:
        number = int(now // 60)
        if number != self.number:
            self.number, self.requests, self.tokens = number, 0, 0

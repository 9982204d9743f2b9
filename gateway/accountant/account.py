"""What is spent, promised and held of one budget, and how many requests a minute has seen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Account:
    """Money of one key, team or user in nano-USD.

    `held` is promised to workers and not spent yet. `hold` is None when this gateway alone decides over the
    budget; otherwise it is the part of the budget that the database has given this gateway, and `unsettled`
    what was charged and is not in the database yet.
    """

    kind: str
    identity: str
    budget: int | None = None
    period_s: int | None = None
    window_start: int = 0
    spent: int = 0
    total: int = 0
    held: int = 0
    hold: int | None = None
    unsettled: int = 0

    @property
    def free(self) -> int | None:
        """What may still be promised; None without a budget."""
        if self.budget is None:
            return None
        if self.hold is None:
            return self.budget - self.spent - self.held
        return self.hold - self.held - self.unsettled

    def lacks(self, estimate: int) -> int:
        """How much must be had before a request may go on; 0 when it may.

        Who decides alone lets the request in that crosses the budget once nothing else is in flight: together with
        others it could cost more than is left by what was known before. A gateway among several must hold the whole
        estimate, or two of them would cross at once.
        """
        free = self.free
        if free is None:
            return 0
        if self.hold is None:
            return 0 if free > 0 and (free >= estimate or self.held <= 0) else 1
        return 0 if free > 0 and free >= estimate else max(estimate - free, 1)

    @property
    def resets_at(self) -> int | None:
        """When the period ends; None when the budget is for ever."""
        return None if self.period_s is None else self.window_start + self.period_s

    def charge(self, cost: int, at: float, now: float) -> int:
        """Count a cost of a request that started `at`. Returns the start of the period it belongs to.

        What belongs to an earlier period counts for the total only, unless the clock stands before this
        period: then time was set back, and free rides would last until it has caught up.
        """
        self.total += cost
        self.unsettled += cost
        if self.period_s is None:
            self.spent += cost
            return self.window_start
        window = self.window_start + int((at - self.window_start) // self.period_s) * self.period_s
        if window < self.window_start and now < self.window_start:
            window = self.window_start
        self.advance(window)
        if window == self.window_start:
            self.spent += cost
        return window

    def advance(self, window: int) -> None:
        """A later period has begun."""
        if window > self.window_start:
            self.window_start, self.spent = window, 0


@dataclass(slots=True)
class Minute:
    """Requests and tokens of the current minute of a key, a team, a user or a deployment."""

    number: int = 0
    requests: int = 0
    tokens: int = 0

    def turn(self, number: int) -> None:
        """Another minute starts with nothing."""
        if number != self.number:
            self.number, self.requests, self.tokens = number, 0, 0

    def refusal(self, rpm: int | None, tpm: int | None) -> str:
        """Which limit refuses one more request: `requests`, `tokens` or empty."""
        if rpm is not None and self.requests >= rpm:
            return "requests"
        if tpm is not None and self.tokens >= tpm:
            return "tokens"
        return ""

    def give_back(self, number: int, requests: int, tokens: int) -> None:
        """Correct a minute; a past one is of no use any more."""
        if number == self.number:
            self.requests = max(self.requests - requests, 0)
            self.tokens = max(self.tokens - tokens, 0)

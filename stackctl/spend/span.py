"""A span of time, from what people write on a command line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from stackctl.errors import UsageError
from stackctl.spec import Duration


@dataclass(frozen=True)
class Span:
    """From `start` (inside) to `end` (outside), in UTC."""

    start: datetime
    end: datetime

    @classmethod
    def parse(cls, since: str, until: str, now: datetime) -> Span:
        """`since` and `until` are dates (2026-11-01), times (ISO 8601) or durations back from now (7d).

        An empty `until` means now. Raises UsageError for anything else, and for an end before the start.
        """
        start, end = _moment("--since", since, now), _moment("--until", until, now) if until else now
        if end <= start:
            raise UsageError(f"--until ({end:%Y-%m-%d %H:%M} UTC) is not after --since ({start:%Y-%m-%d %H:%M} UTC)")
        return cls(start, end)

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M} UTC"


def _moment(option: str, text: str, now: datetime) -> datetime:
    try:
        return now - timedelta(seconds=Duration(text).seconds)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} {text!r} is neither a date, a time nor a duration", remedy="write 2026-11-01 or 7d"
        ) from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)

"""Whether the machine that answers has the same time as this one."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.doctor.asking import shown
from stackctl.checks.doctor.finding import found
from stackctl.problem import Position, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from stackctl.checks.doctor.finding import Finding

_SKEW_S = 2.0

CLOCK_SKEW = Check(
    "doctor/clock-skew",
    Severity.WARNING,
    "Samples are dropped as out of order or too old, alerts fire late, and proofs measure nonsense.",
    "run chrony or systemd-timesyncd on the machines",
)


def clock_skew(answer: httpx.Response, url: str) -> Iterator[Finding]:
    """A clock that is more than two seconds off, by the Date header of an answer from `url`."""
    if "date" not in answer.headers:
        return
    there = parsedate_to_datetime(answer.headers["date"]).timestamp()
    # The header counts whole seconds, and the answer took a while.
    skew = there - time.time()
    if abs(skew) > _SKEW_S + answer.elapsed.total_seconds():
        message = f"the clock of {shown(url)} is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
        yield found(CLOCK_SKEW, message, Position(shown(url)), evidence=f"Date: {answer.headers['date']}")

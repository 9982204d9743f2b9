"""What the metrics say was spent, from Prometheus."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx

from stackctl.errors import StackctlError, UnavailableError
from stackctl.spend.totals import add_usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackctl.spend.span import Span

_TIMEOUT_S = 30
_LOOKBACK_S = 300


def spend_by_day(prometheus: str, span: Span, test_prefix: str) -> dict[tuple[str, str], float]:
    """(day, model) → USD that `litellm_spend_usd_total` grew by in each whole or begun UTC day of the span.

    Counted from the raw samples: PromQL's `increase` extrapolates to the ends of its window and is never exact. Test
    traffic is left out. Samples beyond Prometheus' retention are gone, so early days may be too low. Raises
    UnavailableError if Prometheus does not answer.
    """
    found: dict[tuple[str, str], float] = {}
    day = span.start.replace(hour=0, minute=0, second=0, microsecond=0)
    while day < span.end:
        start, end = max(day, span.start), min(day + timedelta(days=1), span.end)
        seconds = math.ceil((end - start).total_seconds()) + _LOOKBACK_S
        selector = f'litellm_spend_usd_total{{key!~"{test_prefix}.*"}}[{seconds}s]'
        for labels, samples in _raw(prometheus, selector, end.timestamp()):
            key = (f"{day:%Y-%m-%d}", labels.get("model", ""))
            found[key] = add_usd(found.get(key, 0.0), growth(samples, start.timestamp()))
        day += timedelta(days=1)
    return {key: cost for key, cost in found.items() if cost}


def growth(samples: Sequence[tuple[float, float]], start: float) -> float:
    """How much a counter grew after `start`; `samples` are (Unix seconds, value) in order, some before `start`.

    A counter that was born after `start` grew from 0; one that fell was reset and grew from 0 again.
    """
    grown, before = 0.0, 0.0
    for moment, value in samples:
        if moment > start:
            grown += value - before if value >= before else value
        before = value
    return grown


def _raw(prometheus: str, selector: str, at: float) -> list[tuple[dict[str, str], list[tuple[float, float]]]]:
    try:
        answer = httpx.get(
            f"{prometheus}/api/v1/query",
            params={"query": selector, "time": str(at)},
            timeout=_TIMEOUT_S,
            trust_env=False,
        )
        body = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise UnavailableError(
            f"Prometheus does not answer at {prometheus}: {error}",
            remedy="is the stack running? `stackctl status` tells",
        ) from error
    if body.get("status") != "success":
        raise StackctlError(f"Prometheus at {prometheus} refused the query: {body.get('error', answer.status_code)}")
    return [
        (item["metric"], [(float(moment), float(value)) for moment, value in item["values"]])
        for item in body["data"]["result"]
    ]
